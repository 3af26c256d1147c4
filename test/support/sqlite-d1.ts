/** D1 on node:sqlite, for what runs in plain Node: a database made from the migrations, and a binding to it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');

/** A statement with its parameters. */
export interface Bound {
  text: string;
  values: readonly SQLInputValue[];
}

export type Rows = Record<string, unknown>[];

/** @param file where the database is kept; `:memory:` for nowhere */
export function openMigrated(file = ':memory:'): DatabaseSync {
  const database = new DatabaseSync(file);
  const names = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'));
  for (const name of names.sort()) database.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
  return database;
}

/** SQLite's own words, as D1 passes them on. */
function asD1Error(error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  return new Error(`D1_ERROR: ${text}${text.includes('constraint failed') ? ': SQLITE_CONSTRAINT' : ''}`, { cause: error });
}

const toInput = (value: unknown): SQLInputValue => (typeof value === 'boolean' ? Number(value) : (value as SQLInputValue));

/** Runs statements as D1 runs a batch: all or none. Prepared statements are kept. */
export function createRunner(database: DatabaseSync): (statements: readonly Bound[]) => { rows: Rows; written: number }[] {
  const prepared = new Map<string, StatementSync>();
  const prepare = (text: string): StatementSync => {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  };
  const changes = (): number => Number(prepare('SELECT total_changes() AS count').get()?.['count']);
  const run = ({ text, values }: Bound) => {
    const before = changes();
    const rows = prepare(text)
      .all(...values.map(toInput))
      .map((row) => ({ ...row }));
    return { rows, written: changes() - before };
  };
  return (statements) => {
    database.exec('SAVEPOINT batch');
    try {
      const results = statements.map(run);
      database.exec('RELEASE batch');
      return results;
    } catch (error) {
      database.exec('ROLLBACK TO batch; RELEASE batch');
      throw asD1Error(error);
    }
  };
}

/** A result as D1 gives it. Of the rows that were read only those of the answer are known here. */
export const toResult = ({ rows, written = 0 }: { rows: Rows; written?: number }) => ({
  success: true,
  results: rows,
  meta: { rows_read: rows.length, rows_written: written, changes: written, duration: 0 },
});

/** A binding whose round trips `travel` makes, one for each batch and for each statement that is run by itself. */
export function bindD1(travel: (statements: readonly Bound[]) => Promise<object[]>): D1Database {
  const bind = (text: string, values: readonly SQLInputValue[]): object => {
    const all = async () => (await travel([{ text, values }]))[0];
    const rows = async () => ((await all()) as { results: Rows }).results;
    return {
      text,
      values,
      all,
      run: all,
      first: async (column?: string) => {
        const [row = null] = await rows();
        return row && column !== undefined ? row[column] : row;
      },
      raw: async () => (await rows()).map((row) => Object.values(row)),
      bind: (...next: SQLInputValue[]) => bind(text, next),
    };
  };
  const exec = (text: string) =>
    travel(
      text
        .split(';')
        .filter((part) => part.trim() !== '')
        .map((part) => ({ text: part, values: [] })),
    );
  return { prepare: (text: string) => bind(text, []), batch: travel, exec } as unknown as D1Database;
}
