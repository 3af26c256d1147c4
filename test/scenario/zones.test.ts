import { describe, expect, it } from 'vitest';
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays } from '../../src/lib/day.ts';
import { addManagement, makeAccount, spendAtRandom, startOfToday } from '../support/account.ts';
import { createRandom } from '../support/random.ts';
import { createWorld, type World } from '../support/world.ts';

const ZONES = ['America/New_York', 'Europe/Rome', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia'];

interface Stats {
  totals: { cost_usd: number; requests: number };
  by_day: { date: string; cost_usd: number | null; requests: number | null }[];
  approximate_days: string[];
}

/** The local day of an instant, as the runtime's own calendar says: an hour belongs to the day in which it starts. */
const dayIn = (zone: string, at: number): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    Math.floor(at / HOUR_MS) * HOUR_MS,
  );

/** What keys and chatroom really spent by local day, in nano-dollars; the chatroom only on completed UTC days. */
function spentByDay(world: World, zone: string): Map<string, number> {
  const days = new Map<string, number>();
  for (const [text, spends] of world.simulator.allSpends()) {
    for (const { at, nano } of spends) {
      if (text === null && dayOf(at) === dayOf(world.clock.now)) continue;
      const day = dayIn(zone, at);
      days.set(day, (days.get(day) ?? 0) + nano);
    }
  }
  return days;
}

/** The local days of which it is not certain to the hour what was spent: those that share an hour in which something was. */
function sharedDays(world: World, zone: string): string[] {
  const days = new Set<string>();
  for (const [text, spends] of world.simulator.allSpends()) {
    for (const { at } of spends) {
      if (text === null && dayOf(at) === dayOf(world.clock.now)) continue;
      const start = Math.floor(at / HOUR_MS) * HOUR_MS;
      const [first, last] = [0, 59].map((minute) =>
        new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
          start + minute * 60_000,
        ),
      ) as [string, string];
      if (first !== last) days.add(first).add(last);
    }
  }
  return [...days].sort();
}

/** The changes of the year's clocks that lie in the month before each of these days: New York, Rome and Lord Howe, both ways. */
const NOWS = ['2026-03-20', '2026-04-14', '2026-10-28', '2026-11-15'];

describe('local days', () => {
  it('are true over both changes of the clocks of a year, and add up to the total', async () => {
    for (const now of NOWS) {
      const world = createWorld({ now: Date.parse(`${now}T13:40:00Z`) });
      const account = makeAccount(world.simulator, world.clock.now, 2, 30);
      spendAtRandom(world.simulator, account, startOfToday(world.clock.now) - 29 * DAY_MS, world.clock.now, createRandom(1), 0.4);
      const user = await world.makeUser();
      await addManagement(world, user.token, account.management);
      for (const zone of ZONES) {
        const wanted = spentByDay(world, zone);
        const [from, to] = [addDays(now, -32), addDays(now, 1)];
        const path = `/api/v1/stats?from=${from}&to=${to}&tz=${encodeURIComponent(zone)}`;
        const { body } = await world.json<Stats>('GET', path, { token: user.token });
        const nano = (usd: number | null) => Math.round((usd ?? 0) * 1e9);
        for (const { date, cost_usd } of body.by_day) expect([zone, date, nano(cost_usd)]).toEqual([zone, date, wanted.get(date) ?? 0]);
        expect(body.by_day.map(({ date }) => date)).toEqual(listDays(from, to));
        expect(body.by_day.reduce((sum, { cost_usd }) => sum + nano(cost_usd), 0)).toBe(nano(body.totals.cost_usd));
        expect(body.by_day.reduce((sum, { requests }) => sum + (requests ?? 0), 0)).toBe(body.totals.requests);
        expect([zone, body.approximate_days]).toEqual([zone, sharedDays(world, zone)]);
        if (zone === 'Asia/Kolkata') expect(body.approximate_days).not.toEqual([]);
      }
    }
  });

  it('of which only the UTC day is known are listed as approximate', async () => {
    const world = createWorld();
    const account = makeAccount(world.simulator, world.clock.now, 1, 60);
    const user = await world.makeUser();
    const old = addDays(dayOf(world.clock.now), -40);
    world.simulator.spend(account.keys[0] as string, { nano: 5 }, Date.parse(`${old}T03:00:00Z`));
    await addManagement(world, user.token, account.management);
    const ask = (tz: string) =>
      world.json<Stats>('GET', `/api/v1/stats?from=${addDays(old, -1)}&to=${addDays(old, 1)}&tz=${tz}`, { token: user.token });
    expect((await ask('Europe/Rome')).body.approximate_days).toEqual([old]);
    expect((await ask('UTC')).body.approximate_days).toEqual([]);
  });
});
