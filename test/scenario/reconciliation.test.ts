import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { addDays, DAY_MS, dayOf, HOUR_MS } from '../../src/lib/day.ts';
import { addManagement, makeAccount, spendAtRandom, startOfToday } from '../support/account.ts';
import { createRandom } from '../support/random.ts';
import { createWorld } from '../support/world.ts';

interface Row {
  date: string;
  key_id: number;
  source: string | null;
  cost_usd: number | null;
  counters_cost_usd: number | null;
  activity_cost_usd: number | null;
  drift_usd: number | null;
  coverage: string;
}

async function setUp() {
  const world = createWorld();
  const account = makeAccount(world.simulator, world.clock.now, 2, 10);
  spendAtRandom(world.simulator, account, startOfToday(world.clock.now) - 9 * DAY_MS, world.clock.now, createRandom(5), 0.5);
  const user = await world.makeUser();
  const id = await addManagement(world, user.token, account.management);
  const hours = async (count: number) => {
    for (let hour = 0; hour < count; hour++) {
      world.clock.now += HOUR_MS;
      spendAtRandom(world.simulator, account, world.clock.now - HOUR_MS, world.clock.now, createRandom(world.clock.now), 0.5);
      await world.sync();
    }
  };
  const ask = async (query = '') =>
    (await world.json<{ data: Row[]; next_cursor: string | null }>('GET', `/api/v1/reconciliation?${query}`, { token: user.token })).body;
  const today = () => dayOf(world.clock.now);
  const drifts = async () =>
    (await world.json<{ drift: Row[] }>('GET', '/api/v1/stats', { token: user.token })).body.drift.map(({ date, key_id }) => [
      date,
      key_id,
    ]);
  return { world, account, user, id, hours, ask, today, drifts };
}

describe('reconciliation', () => {
  it('finds ledger, counters and activity agreed on completed days, and says how far each is known', async () => {
    const { world, account, id, hours, ask, today, drifts } = await setUp();
    const discoveredOn = today();
    await hours(40);
    const { data } = await ask(`from=${addDays(discoveredOn, -9)}&to=${today()}`);
    expect(data).toHaveLength(12 * 3);
    for (const row of data) {
      const key = JSON.stringify(row);
      if (row.date === today()) {
        expect([key, row.activity_cost_usd, row.drift_usd]).toEqual([key, null, null]);
        expect([key, row.coverage]).toEqual([key, row.key_id === id ? 'none' : 'partial']);
        continue;
      }
      expect([key, row.coverage, row.source, row.drift_usd]).toEqual([key, 'exact', 'analytics', 0]);
      expect([key, row.activity_cost_usd]).toEqual([key, row.cost_usd]);
      expect([key, row.counters_cost_usd]).toEqual([key, row.key_id !== id && row.date >= discoveredOn ? row.cost_usd : null]);
    }
    const chatroom = world.simulator.allSpends().find(([text]) => text === null)?.[1] ?? [];
    const onDay = chatroom.filter(({ at }) => dayOf(at) === addDays(discoveredOn, -3)).reduce((sum, { nano }) => sum + nano, 0);
    expect(Math.round((data.find(({ date, key_id }) => date === addDays(discoveredOn, -3) && key_id === id)?.cost_usd ?? 0) * 1e9)).toBe(
      onDay,
    );
    expect(account.keys).toHaveLength(2);
    expect(await drifts()).toEqual([]);
  });

  it('shows a drift above a cent to its user', async () => {
    const { hours, ask, today, drifts, user } = await setUp();
    await hours(40);
    const yesterday = addDays(today(), -1);
    const [row] = (await ask(`from=${yesterday}&to=${yesterday}`)).data.filter(({ counters_cost_usd }) => counters_cost_usd !== null);
    const shift = (nano: number) =>
      env.DB.prepare(
        'UPDATE key_day SET counted_nano = counted_nano + ? WHERE user_id = ? AND day = ? AND upstream_key_id = (SELECT id FROM upstream_key WHERE api_key_id = ?)',
      )
        .bind(nano, user.id, yesterday, row?.key_id)
        .run();
    await shift(9_000_000);
    expect(await drifts()).toEqual([]);
    await shift(2_000_000);
    expect(await drifts()).toEqual([[yesterday, row?.key_id]]);
    const [drifting] = (await ask(`from=${yesterday}&to=${yesterday}&key_id=${row?.key_id}`)).data;
    expect(drifting?.drift_usd).toBe(-0.011);
  });

  it('books nothing where an account’s total is less than its keys’, and shows it as drift', async () => {
    const { world, id, hours, ask, today, drifts } = await setUp();
    const day = today();
    const lower = async (response: Response): Promise<Response> => {
      const body = (await response.json()) as { data: { data: Record<string, unknown>[] } };
      for (const row of body.data.data) if (String(row['date__hour']).startsWith(day)) row['credits_usage'] = 0;
      return Response.json(body);
    };
    world.simulator.alter((path, body) => (path === '/analytics/query' && !JSON.stringify(body).includes('filters') ? lower : null));
    await hours(30);
    const [row] = (await ask(`from=${day}&to=${day}&key_id=${id}`)).data;
    expect(row?.cost_usd).toBe(0);
    expect(row?.drift_usd).toBeGreaterThan(0.01);
    expect(await drifts()).toContainEqual([day, id]);
    world.simulator.alter(() => null);
    await hours(20);
    expect((await ask(`from=${day}&to=${day}&key_id=${id}`)).data[0]?.drift_usd).toBe(0);
  });

  it('comes in pages, and refuses what makes no sense', async () => {
    const { world, user, ask, today } = await setUp();
    const range = `from=${addDays(today(), -9)}&to=${today()}`;
    const all = (await ask(range)).data;
    const walked: Row[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await ask(`${range}&limit=7${cursor && `&cursor=${cursor}`}`);
      walked.push(...page.data);
      cursor = page.next_cursor;
    }
    expect(walked).toEqual(all);
    const status = async (query: string) => (await world.call('GET', `/api/v1/reconciliation?${query}`, { token: user.token })).status;
    expect([
      await status('from=2026-11-02&to=2026-11-01'),
      await status('cursor=x'),
      await status('limit=0'),
      await status('tz=UTC'),
    ]).toEqual([422, 422, 422, 422]);
    expect(await status('key_id=999999')).toBe(404);
  });

  it('says nothing of an ordinary key but what its counters tell', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const { text, id } = await world.makeKey(user.token);
    world.clock.now += DAY_MS;
    world.simulator.spend(text, { nano: 5 }, world.clock.now - 1000);
    await world.sync();
    const yesterday = addDays(dayOf(world.clock.now), -1);
    const { body } = await world.json<{ data: Row[] }>('GET', `/api/v1/reconciliation?from=${addDays(yesterday, -1)}`, {
      token: user.token,
    });
    expect(
      body.data.map(({ key_id, source, cost_usd, activity_cost_usd, drift_usd, coverage }) => [
        key_id,
        source,
        cost_usd,
        activity_cost_usd,
        drift_usd,
        coverage,
      ]),
    ).toEqual([
      [id, null, null, null, null, 'none'],
      [id, 'counters', 0, null, null, 'exact'],
      [id, 'counters', 5e-9, null, null, 'partial'],
    ]);
  });
});
