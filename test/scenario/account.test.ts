import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { addManagement, daysAgo, ledger, makeAccount, spendAtRandom, startOfToday, truth } from '../support/account.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { createRandom } from '../support/random.ts';
import { createWorld } from '../support/world.ts';

interface Key {
  id: number;
  name: string;
  kind: string;
  status: string;
  backfill: { done: number; total: number } | null;
  workspace: { id: string; name: string } | null;
  balance_usd: number | null;
}

/** A year of an account of 12 keys in 3 workspaces. */
async function makeYear() {
  const world = createWorld();
  const account = makeAccount(world.simulator, world.clock.now, 12, 365);
  const random = createRandom(7);
  spendAtRandom(world.simulator, account, startOfToday(world.clock.now) - 364 * DAY_MS, world.clock.now, random);
  const user = await world.makeUser();
  const hashes = new Map(await Promise.all(account.keys.map(async (text) => [await sha256Hex(text), text] as const)));
  const textOf = (hash: string) => hashes.get(hash) ?? 'unknown';
  const id = await addManagement(world, user.token, account.management);
  const keys = async () => (await world.json<Key[]>('GET', '/api/keys', { token: user.token })).body;
  return { world, account, random, user, textOf, id, keys };
}

describe('an account behind a management key', () => {
  it('is read to the nano-dollar, by key, model, provider, day and hour', async () => {
    const { world, user, textOf, keys, id } = await makeYear();
    const now = world.clock.now;
    const found = await ledger(env.DB, user.id, textOf);
    const wanted = truth(world.simulator, daysAgo(now, 30), daysAgo(now, 364), daysAgo(now, 0));
    expect(Object.keys(wanted.days).length).toBeGreaterThan(3000);
    expect(found.days).toEqual(wanted.days);
    expect(found.hours).toEqual(wanted.hours);
    const listed = await keys();
    expect(listed.filter(({ kind }) => kind === 'discovered')).toHaveLength(12);
    expect(listed.filter(({ name }) => name === 'twin')).toHaveLength(2);
    const management = listed.find((key) => key.id === id);
    expect(management).toMatchObject({ kind: 'management', status: 'active', backfill: { done: 13 * 365, total: 13 * 365 } });
  });

  it('stays so over 30 days of hourly syncs of which a fifth of the calls fail', async () => {
    const { world, account, random, user, textOf } = await makeYear();
    const firstDay = daysAgo(world.clock.now, 30);
    const FAULTS: Fault[] = [
      { kind: 'status', status: 503 },
      { kind: 'rate_limited', retryAfter: '7' },
      { kind: 'html', status: 502 },
      { kind: 'drop' },
      { kind: 'truncated' },
      { kind: 'status', status: 408 },
      { kind: 'missing_field', field: 'data' },
    ];
    world.simulator.chooseFaults(() => (random() < 0.2 ? (FAULTS[Math.floor(random() * FAULTS.length)] as Fault) : null));
    for (let hour = 0; hour < 30 * 24; hour++) {
      const next = Math.max(world.clock.now, Math.floor(world.clock.now / HOUR_MS) * HOUR_MS + HOUR_MS + 3 * MINUTE_MS);
      spendAtRandom(world.simulator, account, world.clock.now, next, random, 0.1);
      world.clock.now = next;
      await world.sync();
    }
    world.simulator.chooseFaults(() => null);
    for (let hour = 0; hour < 3; hour++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    // The weekly cleanup has deleted what is older than the retention.
    const kept = daysAgo(world.clock.now, 365);
    const found = await ledger(env.DB, user.id, textOf, kept);
    const wanted = truth(world.simulator, firstDay, kept, daysAgo(world.clock.now, 0));
    expect(found.days).toEqual(wanted.days);
    expect(found.hours).toEqual(wanted.hours);
  }, 300_000);
});
