import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { addManagement, makeAccount, spendAtRandom, startOfToday } from '../support/account.ts';
import { createRandom } from '../support/random.ts';
import { spyDb } from '../support/spied-db.ts';
import { createWorld } from '../support/world.ts';

/** Calls and statements of a stretch of work. */
interface Cost {
  keys: number;
  what: string;
  listing: number;
  analytics: number;
  activity: number;
  statements: number;
  /** Rows written to the tables of days, and in all. */
  ledgerRows: number;
  rowsWritten: number;
  rowsRead: number;
}

const LEDGER = /\b(INSERT INTO|DELETE FROM|UPDATE) (key_day|usage_day|account_day|account_check)\b/;

/** A year of an account of `count` keys in three workspaces: read for the first time, then with and without new spend. */
async function costsOf(count: number): Promise<Cost[]> {
  const spied = spyDb();
  const world = createWorld({ db: spied.binding, now: Date.parse('2026-11-15T12:03:00Z') });
  const account = makeAccount(world.simulator, world.clock.now, count, 365);
  const random = createRandom(count);
  for (let day = 0; day < 365; day += 30) {
    const from = startOfToday(world.clock.now) - day * DAY_MS;
    spendAtRandom(world.simulator, account, from, from + 6 * HOUR_MS, random, 0.5);
  }
  const user = await world.makeUser();
  const measure = async (what: string, work: () => Promise<unknown>): Promise<Cost> => {
    const asked = world.simulator.requests.length;
    spied.statements.length = 0;
    spied.writes.length = 0;
    spied.rowsWritten = 0;
    const { rowsRead } = world.deps.d1.usage;
    await work();
    const paths = world.simulator.requests.slice(asked).map(({ path }) => path);
    const of = (...wanted: string[]) => paths.filter((path) => wanted.includes(path)).length;
    return {
      keys: count,
      what,
      listing: of('/key', '/workspaces', '/keys', '/credits', '/models'),
      analytics: of('/analytics/query'),
      activity: of('/activity'),
      statements: spied.statements.length,
      ledgerRows: spied.writes.reduce((sum, { text, rows }) => sum + (LEDGER.test(text) ? rows : 0), 0),
      rowsWritten: spied.rowsWritten,
      rowsRead: world.deps.d1.usage.rowsRead - rowsRead,
    };
  };
  const hour = () => {
    world.clock.now = Math.ceil(world.clock.now / HOUR_MS) * HOUR_MS + HOUR_MS + 3 * 60_000;
    return world.sync();
  };
  const first = await measure('first sync', () => addManagement(world, user.token, account.management));
  await hour();
  const still = await measure('an hour without spend', hour);
  for (const text of account.keys) world.simulator.spend(text, { nano: 1_000_000 }, world.clock.now + 1000);
  const moved = await measure('an hour in which each key spent', hour);
  return [first, still, moved];
}

const row = (cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;

describe('the cost of an account', () => {
  it('by number of keys', async () => {
    const costs: Cost[] = [];
    for (const count of [1, 10, 100, 500]) costs.push(...(await costsOf(count)));
    console.log(
      [
        row([
          'Keys',
          'What',
          'Key and listing calls',
          'Analytics',
          'Activity',
          'D1 statements',
          'Ledger rows written',
          'Rows written',
          'Rows read',
        ]),
        ...costs.map(({ keys, what, listing, analytics, activity, statements, ledgerRows, rowsWritten, rowsRead }) =>
          row([keys, what, listing, analytics, activity, statements, ledgerRows, rowsWritten, rowsRead]),
        ),
      ].join('\n'),
    );
    for (const cost of costs) {
      const { keys, what, analytics, ledgerRows, activity } = cost;
      if (what === 'an hour without spend') expect([analytics, ledgerRows, activity]).toEqual([0, 0, 0]);
      if (what === 'an hour in which each key spent') expect([keys, analytics]).toEqual([keys, keys]);
      if (what === 'first sync') expect(analytics).toBeLessThanOrEqual(2 * keys + Math.ceil(365 / 7) + 2);
    }
    const still = costs.flatMap(({ what, statements }) => (what === 'an hour without spend' ? statements : []));
    // The database is walked by key, never by key and key.
    for (const { what, keys, rowsRead } of costs)
      if (what === 'an hour without spend') expect([keys, rowsRead < 1000 + 200 * keys]).toEqual([keys, true]);
    expect(Math.max(...still) - Math.min(...still)).toBeLessThanOrEqual(1);
  }, 300_000);
});
