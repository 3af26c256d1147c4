/** Keys that are rotated, within an account and across accounts: what counters say of a secret stays that secret's. */
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { createSimulator, type Simulator } from '../support/openrouter/simulator.ts';
import { createWorld, freshKeyText, type World } from '../support/world.ts';

const USD = 1_000_000_000;

/** A user and some accounts at OpenRouter, each with its own simulator; a text belongs to the account in which it was made. */
async function setUp(accounts: number) {
  const owners = new Map<string, Simulator>();
  const world = createWorld({
    now: Date.parse('2026-11-10T00:30:00Z'),
    config: { maxKeysPerUser: 20 },
    simulatorOf: (text) => owners.get(text ?? ''),
  });
  const others = Array.from({ length: accounts - 1 }, (_, index) =>
    createSimulator({
      now: () => world.clock.now,
      defaultWorkspace: { id: `${String(index + 1).repeat(8)}-e29b-41d4-a716-446655440000`, name: 'Default', slug: 'default' },
    }),
  );
  const simulators = [world.simulator, ...others];
  const user = await world.makeUser();
  const make = (account: number, isManagement = false) => {
    const text = freshKeyText();
    const simulator = simulators[account] as Simulator;
    simulator.addKey(text, { isManagement, name: 'made' });
    owners.set(text, simulator);
    return text;
  };
  return {
    world,
    make,
    simulatorOf: (text: string) => owners.get(text) as Simulator,
    simulators,
    post: async (text: string, name = 'backend') =>
      (await world.json<{ id: number }>('POST', '/api/keys', { token: await user.newSession(), body: { name, key: text } })).body.id,
    rotate: async (id: number, text: string) =>
      (await world.call('PATCH', `/api/keys/${id}`, { token: await user.newSession(), body: { key: text } })).status,
    stats: async () =>
      (await world.json<Stats>('GET', '/api/v1/stats?from=2026-11-01&to=2026-11-30', { token: await user.newSession() })).body,
  };
}

interface Stats {
  totals: { cost_usd: number };
  by_key: { key_id: number; cost_usd: number | null }[];
  drift: { date: string; name: string; drift_usd: number | null }[];
}

/** Lets hours pass; each of them may spend, and ends with a sync. */
async function pass(world: World, hours: number, spend: (hour: number) => void = () => {}): Promise<void> {
  for (let hour = 0; hour < hours; hour++) {
    spend(hour);
    world.clock.now += HOUR_MS;
    await world.sync();
  }
}

/** Some hours of a day are enough: one in six. */
async function passDays(world: World, days: number, spend: () => void): Promise<void> {
  for (let day = 0; day < days; day++) {
    await pass(world, 1, spend);
    world.clock.now += DAY_MS - HOUR_MS;
  }
}

describe('a key that is rotated from one account to another', () => {
  it('keeps what it spent in the first one, whatever the second one spent without a key', async () => {
    const { world, make, post, rotate, simulators, stats } = await setUp(2);
    const [a, b] = [make(1), make(0)];
    const id = await post(a);
    await passDays(world, 4, () => {
      simulators[1]?.spend(a, { nano: 5 * USD });
      simulators[0]?.spendInChatroom({ nano: 7 * USD });
    });
    expect(await rotate(id, b)).toBe(200);
    const manager = await post(make(0, true), 'account');
    await pass(world, 50);
    const { totals, by_key: keys, drift } = await stats();
    expect([totals.cost_usd, keys.find((key) => key.key_id === id)?.cost_usd, drift]).toEqual([48, 20, []]);
    expect(keys.find((key) => key.key_id === manager)?.cost_usd).toBe(28);
  });

  it('says the same in whatever order the management keys of both accounts come', async () => {
    const totals: number[] = [];
    for (const order of [
      [0, 1],
      [1, 0],
      [1, 0, 1],
    ]) {
      const { world, make, post, rotate, simulators, stats, simulatorOf } = await setUp(2);
      const [a, b, back] = [make(0), make(1), make(0)];
      const id = await post(a);
      for (const [text, next] of [
        [a, b],
        [b, back],
        [back, a],
        [a, null],
      ] as const) {
        await passDays(world, 2, () => {
          simulatorOf(text).spend(text, { nano: 3 * USD + 1, byokNano: 5 });
          for (const [index, simulator] of simulators.entries()) simulator.spendInChatroom({ nano: (index + 1) * USD });
        });
        if (next !== null) expect(await rotate(id, next)).toBe(200);
        const account = order.shift();
        if (account !== undefined) await post(make(account, true), `account ${account}`);
        await pass(world, 3);
      }
      await pass(world, 50);
      const { totals: sum, drift } = await stats();
      expect(drift).toEqual([]);
      totals.push(sum.cost_usd);
    }
    expect(totals).toEqual(totals.map(() => 48.000000008));
  });
});

describe('a key that is rotated within its account', () => {
  it('shows no drift on days on which only its old secret spends', async () => {
    const { world, make, post, rotate, simulators, stats } = await setUp(1);
    const [old, next] = [make(0), make(0)];
    await post(make(0, true), 'account');
    const id = await post(old);
    const spendWith = (text: string) => () => simulators[0]?.spend(text, { nano: USD });
    await pass(world, 30, spendWith(old));
    expect(await rotate(id, next)).toBe(200);
    // A rolling rotation: some programs still have the old secret.
    await pass(world, 40, spendWith(old));
    await pass(world, 30, spendWith(next));
    await pass(world, 30);
    const { totals, drift, by_key: keys } = await stats();
    expect([totals.cost_usd, drift, keys.find((key) => key.key_id === id)?.cost_usd]).toEqual([100, [], 100]);
  });

  it('still shows where the counters of one secret and analytics differ', async () => {
    const { world, make, post, rotate, simulators, stats } = await setUp(1);
    const [old, next] = [make(0), make(0)];
    await post(make(0, true), 'account');
    const id = await post(old);
    await pass(world, 30, () => simulators[0]?.spend(old, { nano: USD }));
    expect(await rotate(id, next)).toBe(200);
    await pass(world, 30);
    const hash = await sha256Hex(old);
    const changed = await world.deps.db.$client
      .prepare(
        'UPDATE key_day SET counted_nano = counted_nano + 50000000 WHERE upstream_key_id = (SELECT id FROM upstream_key WHERE hash = ?) AND day = ?',
      )
      .bind(hash, '2026-11-10')
      .run();
    expect(changed.success).toBe(true);
    expect((await stats()).drift).toMatchObject([{ date: '2026-11-10', name: 'backend', drift_usd: -0.05 }]);
  });
});
