import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { HOUR_MS, startOfDay } from '../../src/lib/day.ts';
import { addManagement, daysAgo, spendAtRandom, WORKSPACES } from '../support/account.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { createRandom } from '../support/random.ts';
import { createScenario, type ListedKey, type Scenario } from '../support/scenario.ts';
import { freshKeyText } from '../support/world.ts';

interface Reconciled {
  date: string;
  key_id: number;
  cost_usd: number | null;
  byok_cost_usd: number | null;
}

const FAULTS: Fault[] = [
  { kind: 'status', status: 503 },
  { kind: 'status', status: 403 },
  { kind: 'rate_limited', retryAfter: '30' },
  { kind: 'status', status: 408 },
  { kind: 'truncated' },
  { kind: 'drop' },
];

const nano = (usd: number | null): number => Math.round((usd ?? 0) * 1e9);

/** What users and OpenRouter do in an hour, at random. The owner of the account has at least one key and one management key left. */
async function live(set: Scenario, random: () => number): Promise<void> {
  const { world, account, user } = set;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const call = (method: string, path: string, body?: object) => world.call(method, path, { token: user.token, ...(body && { body }) });
  const keys: ListedKey[] = await set.list();
  const dice = random();
  if (dice < 0.03) await call('PATCH', `/api/keys/${pick(keys).id}`, { is_active: false });
  else if (dice < 0.1) for (const key of keys) await call('PATCH', `/api/keys/${key.id}`, { is_active: true });
  else if (dice < 0.13) await call('POST', '/api/keys', { name: 'mine', key: pick(account.keys) });
  else if (dice < 0.15 && account.keys.length > 1) world.simulator.removeKey(account.keys.shift() as string);
  else if (dice < 0.18) {
    const text = freshKeyText();
    world.simulator.addKey(text, { name: 'new', workspaceId: pick(WORKSPACES).id });
    account.keys.push(text);
  } else if (dice < 0.2) world.simulator.changeKey(pick(account.keys), { name: 'renamed', workspaceId: pick(WORKSPACES).id });
  else if (dice < 0.22) {
    const text = freshKeyText();
    world.simulator.addKey(text, { isManagement: true });
    await addManagement(world, user.token, text);
  } else if (dice < 0.24) {
    const management = keys.filter(({ kind }) => kind === 'management');
    if (management.length > 1) await call('DELETE', `/api/keys/${pick(management).id}`);
  } else if (dice < 0.27) {
    const own = keys.find(({ kind }) => kind === 'inference');
    if (own) await call('PATCH', `/api/keys/${own.id}`, { key: pick(account.keys) });
  } else if (dice < 0.29) world.clock.now += 30 * HOUR_MS;
  else if (dice < 0.32) await call('POST', `/api/keys/${pick(keys).id}/sync`);
  else if (dice < 0.34) {
    const own = keys.find(({ kind, status }) => kind === 'inference' && status === 'active');
    // What a key spent with a text that is gone is gone with the key.
    const gone = 'SELECT 1 FROM upstream_key WHERE api_key_id = ? AND vanished_at IS NOT NULL';
    if (own && !(await env.DB.prepare(gone).bind(own.id).first())) await call('DELETE', `/api/keys/${own.id}`);
  }
}

/** Everything that was spent on completed days, in nano-dollars. */
function spentUntilToday({ world }: Scenario): number {
  const today = startOfDay(daysAgo(world.clock.now, 0));
  return world.simulator
    .allSpends()
    .reduce((sum, [, spends]) => sum + spends.reduce((all, { at, nano: own }) => all + (at < today ? own : 0), 0), 0);
}

async function run(seed: number): Promise<void> {
  const random = createRandom(seed);
  const set = await createScenario({ keys: 4, days: 10, chance: 0.2 });
  const { world, user } = set;
  await set.add();
  for (let hour = 0; hour < 120; hour++) {
    world.simulator.chooseFaults(() => (random() < 0.05 ? (FAULTS[Math.floor(random() * FAULTS.length)] as Fault) : null));
    if (hour % 24 === 0) user.token = await user.newSession();
    const before = world.clock.now;
    await live(set, random);
    world.clock.now = Math.max(world.clock.now, before) + HOUR_MS;
    spendAtRandom(world.simulator, set.account, before, world.clock.now, random, 0.2);
    await world.sync();
  }
  world.simulator.chooseFaults(() => null);
  user.token = await user.newSession();
  for (const key of await set.list()) await world.call('PATCH', `/api/keys/${key.id}`, { token: user.token, body: { is_active: true } });
  await set.hours(54);

  const range = `from=${daysAgo(world.clock.now, 60)}&to=${daysAgo(world.clock.now, 1)}`;
  const { body: stats } = await world.json<{ totals: { cost_usd: number }; by_key: { key_id: number; cost_usd: number | null }[] }>(
    'GET',
    `/api/v1/stats?${range}`,
    { token: user.token },
  );
  expect([seed, nano(stats.totals.cost_usd)]).toEqual([seed, spentUntilToday(set)]);
  const { body: reconciled } = await world.json<{ data: Reconciled[] }>('GET', `/api/v1/reconciliation?${range}&limit=1000`, {
    token: user.token,
  });
  const sums = new Map<number, number>();
  for (const { key_id, cost_usd } of reconciled.data) sums.set(key_id, (sums.get(key_id) ?? 0) + nano(cost_usd));
  for (const { key_id, cost_usd } of stats.by_key) expect([seed, key_id, sums.get(key_id) ?? 0]).toEqual([seed, key_id, nano(cost_usd)]);
}

describe('an account in whose life everything happens', () => {
  it('adds up to what was spent, in stats and in reconciliation', async () => {
    for (let seed = 1; seed <= 4; seed++) await run(seed);
  }, 300_000);
});
