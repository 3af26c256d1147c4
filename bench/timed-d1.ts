/** A D1 binding on node:sqlite: a batch is a transaction. What the database itself takes of the CPU is counted apart. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

interface Bound {
  text: string;
  values: SQLInputValue[];
}

/** Microseconds of CPU that this process used so far. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Answers come as text and are parsed by the caller, as D1's are. */
export function createSqliteD1(database: DatabaseSync): { binding: D1Database; spent: { micros: number } } {
  const spent = { micros: 0 };

  /** Runs statements, all or none, and answers their rows as JSON. */
  function runAll(statements: readonly Bound[]): string {
    database.exec('SAVEPOINT batch');
    try {
      const results = statements.map(({ text, values }) => database.prepare(text).all(...values));
      database.exec('RELEASE batch');
      return JSON.stringify(results);
    } catch (error) {
      database.exec('ROLLBACK TO batch; RELEASE batch');
      throw error;
    }
  }

  async function travel(statements: readonly Bound[]): Promise<object[]> {
    const before = cpuMicros();
    let text = '[]';
    try {
      text = runAll(statements);
    } finally {
      spent.micros += cpuMicros() - before;
    }
    const meta = { rows_read: 0, rows_written: 0, duration: 0 };
    return (JSON.parse(text) as object[]).map((results) => ({ success: true, meta, results }));
  }

  const bind = (text: string, values: SQLInputValue[]): Bound & Record<'bind' | 'all', unknown> => ({
    text,
    values,
    bind: (...next: SQLInputValue[]) => bind(text, next),
    all: async () => (await travel([{ text, values }]))[0],
  });
  return { binding: { prepare: (text: string) => bind(text, []), batch: travel } as unknown as D1Database, spent };
}
