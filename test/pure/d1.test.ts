import { describe, expect, it } from 'vitest';
import { meterD1, serverTiming } from '../../src/d1.ts';

const LOST = 'D1_ERROR: Network connection lost.';

/** A binding that fails with each of `failures` in turn and then answers one row, and a note of every wait. */
function createFlaky(failures: string[]) {
  const asked: string[][] = [];
  const waits: number[] = [];
  const prepare = (text: string) => ({ text, bind: () => prepare(text) });
  const inner = {
    prepare,
    batch: async (statements: { text: string }[]) => {
      asked.push(statements.map(({ text }) => text));
      const failure = failures.shift();
      if (failure !== undefined) throw new Error(failure);
      return statements.map(() => ({ results: [{ a: 1, b: 2 }], meta: { rows_read: 2, rows_written: 1, duration: 0.25 } }));
    },
  } as unknown as D1Database;
  const d1 = meterD1(inner, { random: () => 0.5, wait: async (ms) => void waits.push(ms) });
  return { d1, asked, waits, ask: (text: string) => d1.binding.prepare(text).bind().all() };
}

describe('the metered binding', () => {
  it('counts trips and rows, however it is asked', async () => {
    const { d1 } = createFlaky([]);
    const statement = d1.binding.prepare('SELECT 1').bind(1);
    expect(await statement.raw()).toEqual([[1, 2]]);
    await statement.all();
    await d1.binding.batch([statement, statement]);
    expect(d1.usage).toEqual({ trips: 3, rowsRead: 8, rowsWritten: 4, durationMs: 1 });
    expect(serverTiming(d1.usage)).toBe('d1;desc="trips=3 rows_read=8 rows_written=4";dur=1');
  });

  it('asks again, with growing waits, what only reads and failed in passing', async () => {
    for (const failure of [
      LOST,
      'D1_ERROR: D1 DB storage caused object to be reset.',
      'D1_ERROR: D1 DB reset because its code was updated.',
    ]) {
      const { ask, waits, d1 } = createFlaky([failure, failure]);
      expect((await ask(' select 1')).results).toEqual([{ a: 1, b: 2 }]);
      expect(waits).toEqual([100, 200]);
      expect(d1.usage.trips).toBe(3);
    }
  });

  it('gives up after three attempts, and at once where it is overloaded, or for good', async () => {
    for (const [failures, attempts] of [
      [[LOST, LOST, LOST, LOST], 3],
      [['D1_ERROR: D1 DB is overloaded. Requests queued for too long.'], 1],
      [['D1_ERROR: no such table: x'], 1],
    ] as const) {
      const { ask, asked } = createFlaky([...failures]);
      await expect(ask('WITH x AS (SELECT 1) SELECT * FROM x')).rejects.toThrow('D1_ERROR');
      expect(asked.length).toBe(attempts);
    }
  });

  it('never repeats a write: it may have taken effect', async () => {
    for (const text of [
      'INSERT INTO t VALUES (1)',
      'update t set a = 1',
      'DELETE FROM t',
      'WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x',
    ]) {
      const { ask, asked } = createFlaky([LOST]);
      await expect(ask(text)).rejects.toThrow('lost');
      expect(asked.length).toBe(1);
    }
    const { d1, asked } = createFlaky([LOST]);
    const mixed = [d1.binding.prepare('SELECT 1'), d1.binding.prepare('DELETE FROM t')];
    await expect(d1.binding.batch(mixed)).rejects.toThrow('lost');
    expect(asked.length).toBe(1);
  });

  it('runs what is prepended once, in the next trip, and keeps it from the answer', async () => {
    const { d1, asked, ask } = createFlaky([LOST]);
    d1.prepend(d1.binding.prepare('UPDATE seen'));
    expect((await ask('SELECT 1')).results).toEqual([{ a: 1, b: 2 }]);
    await ask('SELECT 2');
    expect(asked).toEqual([['UPDATE seen', 'SELECT 1'], ['UPDATE seen', 'SELECT 1'], ['SELECT 2']]);
  });
});
