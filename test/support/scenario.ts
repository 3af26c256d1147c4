/** A scenario of a test: a world with an account behind a management key, its user, and what the monitor must say of it. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { addManagement, daysAgo, ledger, makeAccount, spendAtRandom, startOfToday, truth } from './account.ts';
import { createRandom } from './random.ts';
import { createWorld, type WorldOptions } from './world.ts';

/** A key as `GET /api/keys` answers it. */
export interface ListedKey {
  id: number;
  name: string;
  kind: string;
  hash: string;
  status: string;
  is_disabled: boolean | null;
  managed_by: number | null;
  vanished_at: string | null;
  is_expired: boolean;
  expires_at: string | null;
  last_used_at: string | null;
  last_error: string | null;
  last_synced_at: string | null;
  balance_usd: number | null;
  usage_usd: number | null;
  workspace: { id: string; name: string } | null;
  backfill: { done: number; total: number } | null;
}

export interface ScenarioOptions extends Pick<WorldOptions, 'now' | 'db'> {
  keys?: number;
  days?: number;
  /** Of a key, to spend something in an hour. */
  chance?: number;
}

/** An account of some keys that spent over some days, and a user who does not know it yet. */
export async function createScenario({ keys: count = 3, days = 40, chance = 0.1, ...options }: ScenarioOptions = {}) {
  const world = createWorld({ config: { maxKeysPerUser: 20 }, ...options });
  const account = makeAccount(world.simulator, world.clock.now, count, days);
  const random = createRandom(count);
  spendAtRandom(world.simulator, account, startOfToday(world.clock.now) - (days - 1) * DAY_MS, world.clock.now, random, chance);
  const user = await world.makeUser();
  const list = async () => (await world.json<ListedKey[]>('GET', '/api/keys', { token: user.token })).body;
  const find = async (text: string) => {
    const hash = await sha256Hex(text);
    return (await list()).find((key) => key.hash === hash) as ListedKey;
  };
  const hours = async (count: number) => {
    for (let hour = 0; hour < count; hour++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
  };
  return { world, account, random, user, list, find, hours, add: () => addManagement(world, user.token, account.management) };
}

export type Scenario = Awaited<ReturnType<typeof createScenario>>;
type Setting = Pick<Scenario, 'world' | 'account' | 'user'>;

/** The ledger equals what was really spent, as far back as the account goes. */
export async function expectTruth({ world, account, user }: Setting, days = 40, hourlyDays = 30): Promise<void> {
  const hashes = new Map(await Promise.all(account.keys.map(async (text) => [await sha256Hex(text), text] as const)));
  const found = await ledger(env.DB, user.id, (hash) => hashes.get(hash) ?? 'unknown');
  const now = world.clock.now;
  const wanted = truth(world.simulator, daysAgo(now, hourlyDays), daysAgo(now, days), daysAgo(now, 0));
  expect(found.days).toEqual(wanted.days);
  expect(found.hours).toEqual(wanted.hours);
}

/** The total of the user's statistics, in nano-dollars. */
export async function total({ world, user }: Omit<Setting, 'account'>, query = ''): Promise<number> {
  const { body } = await world.json<{ totals: { cost_usd: number } }>('GET', `/api/v1/stats?from=2026-09-01&to=2027-03-01${query}`, {
    token: user.token,
  });
  return Math.round(body.totals.cost_usd * 1e9);
}
