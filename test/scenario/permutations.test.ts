/** The law of the ledger: in whatever order things happen to keys and accounts, the same is spent in the end. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addDays, DAY_MS, dayOf, startOfDay } from '../../src/lib/day.ts';
import { addManagement, startOfToday } from '../support/account.ts';
import { createScenario, type ListedKey, type Scenario } from '../support/scenario.ts';
import { freshKeyText } from '../support/world.ts';

const DAYS = 4;

interface Row {
  date: string;
  hour?: string;
  cost_usd: number | null;
  byok_cost_usd: number | null;
}
interface Stats {
  totals: Row;
  by_day: Row[];
  by_key: Row[];
  by_model: Row[];
  by_provider: Row[];
  drift: object[];
}

const nano = (usd: number | null): number => Math.round((usd ?? 0) * 1e9);
const sumOf = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + nano(row.cost_usd) + nano(row.byok_cost_usd), 0);

const send = async (set: Scenario, method: string, path: string, body?: object): Promise<void> => {
  const response = await set.world.call(method, path, { token: set.user.token, ...(body && { body }) });
  expect([method, path, response.ok]).toEqual([method, path, true]);
};
const change = async (set: Scenario, key: ListedKey | undefined, body: object): Promise<void> => {
  if (key) await send(set, 'PATCH', `/api/keys/${key.id}`, body);
};
const named = async (set: Scenario, name: string): Promise<ListedKey | undefined> => (await set.list()).find((key) => key.name === name);
const textOf = (set: Scenario, index: number): string => set.account.keys[index] as string;

/** What happens to a user's keys, each once, as far as it can at its time. */
const EVENTS: Record<string, (set: Scenario) => Promise<unknown>> = {
  'a key of the account is added by hand': async (set) =>
    (await set.find(textOf(set, 0)))?.kind === 'inference' ||
    set.world.call('POST', '/api/keys', { token: set.user.token, body: { name: 'own', key: textOf(set, 0) } }),
  'the management key is added': (set) => set.add(),
  'a second management key is added': async (set) => {
    const text = freshKeyText();
    set.world.simulator.addKey(text, { isManagement: true });
    return addManagement(set.world, set.user.token, text);
  },
  'the own key is rotated within the account': async (set) => change(set, await named(set, 'own'), { key: textOf(set, 1) }),
  'the old secret is taken back': async (set) => change(set, await named(set, 'own'), { key: textOf(set, 0) }).catch(() => undefined),
  'a discovered key is paused': async (set) => change(set, await set.find(textOf(set, 2)), { is_active: false }),
  'it is resumed': async (set) => change(set, await set.find(textOf(set, 2)), { is_active: true }),
  'the reader is paused': async (set) => change(set, await set.find(set.account.management), { is_active: false }),
  'the reader is resumed': async (set) => change(set, await set.find(set.account.management), { is_active: true }),
  'the own key is deleted': async (set) => {
    const key = await named(set, 'own');
    if (key) await send(set, 'DELETE', `/api/keys/${key.id}`);
  },
  'a discovered key gets its secret': async (set) => {
    const key = await set.find(textOf(set, 2));
    if (key?.kind === 'discovered') await change(set, key, { key: textOf(set, 2) });
  },
};

/** Whoever was paused is resumed, and somebody reads the account: only then everything can be known. */
async function settle(set: Scenario): Promise<void> {
  for (const key of await set.list()) if (key.status === 'paused') await change(set, key, { is_active: true });
  await set.hours(30);
}

it('the same is spent in the end, by key, model, provider, day and hour and in any zone', async () => {
  const order = fc.shuffledSubarray(Object.keys(EVENTS), { minLength: Object.keys(EVENTS).length });
  await fc.assert(
    fc.asyncProperty(order, async (names) => {
      const set = await createScenario({ keys: 3, days: DAYS, chance: 0.3 });
      for (const name of names) {
        for (const text of set.account.keys) set.world.simulator.spend(text, { nano: 1_000_000_007 });
        set.world.simulator.spendInChatroom({ nano: 500_000_003, byokNano: 11 });
        await EVENTS[name]?.(set);
        await set.hours(1);
      }
      await settle(set);
      const today = dayOf(set.world.clock.now);
      const from = dayOf(startOfToday(set.world.clock.now) - 10 * DAY_MS);
      const to = addDays(today, -1);
      const range = `from=${from}&to=${to}`;
      const get = async <T>(path: string): Promise<T> => (await set.world.json<T>('GET', path, { token: set.user.token })).body;
      const stats = await get<Stats>(`/api/v1/stats?${range}`);
      const wanted = new Map<string, number>();
      for (const [, spends] of set.world.simulator.allSpends())
        for (const { at, nano: credits, byokNano } of spends)
          if (at < startOfDay(today)) wanted.set(dayOf(at), (wanted.get(dayOf(at)) ?? 0) + credits + byokNano);
      const total = [...wanted.values()].reduce((sum, one) => sum + one, 0);
      expect(Object.fromEntries(stats.by_day.map((row) => [row.date, sumOf([row])]))).toEqual(
        Object.fromEntries(stats.by_day.map(({ date }) => [date, wanted.get(date) ?? 0])),
      );
      expect(stats.drift).toEqual([]);
      expect([stats.by_key, stats.by_model, stats.by_provider].map(sumOf)).toEqual([total, total, total]);
      const hours = await get<{ data: Row[] }>(`/api/v1/usage?${range}&group_by=hour&limit=1000`);
      expect(sumOf(hours.data)).toBe(total);
      const tokyo = await get<Stats>(`/api/v1/stats?from=${from}&to=${today}&tz=Asia/Tokyo`);
      const utc = await get<Stats>(`/api/v1/stats?from=${from}&to=${addDays(today, 1)}`);
      expect(sumOf([tokyo.totals])).toBe(sumOf([utc.totals]));
    }),
    { numRuns: 12 },
  );
});
