/** A D1 binding on node:sqlite, in memory, made from the migrations. As in D1 every number is bound as REAL, and a batch is one transaction. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** How work reaches the database and its answer comes back: in time, late, or not at all. */
export type Trip = <T>(work: () => T) => Promise<T>;

const MIGRATIONS = join(import.meta.dirname, '../../migrations');

const SCHEMA = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(MIGRATIONS, name), 'utf8'));

const READS = /^\s*select/i;

interface Bound {
  text: string;
  values: readonly unknown[];
}

const toInput = (value: unknown): SQLInputValue => (typeof value === 'boolean' ? Number(value) : (value as SQLInputValue));

/** SQLite's own words, as D1 passes them on. */
function asD1Error(error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  return new Error(`D1_ERROR: ${text}${text.includes('constraint failed') ? ': SQLITE_CONSTRAINT' : ''}`, { cause: error });
}

/** Does work; what SQLite throws becomes D1's. */
function alone<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asD1Error(error);
  }
}

/** Runs single statements, whose texts are prepared once. */
function createRunner(database: DatabaseSync) {
  const prepared = new Map<string, StatementSync>();

  function prepare(text: string): StatementSync {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  }

  const countChanges = (): number => Number(prepare('SELECT total_changes() AS count').get()?.['count']);

  function run({ text, values }: Bound): D1Result {
    const isRead = READS.test(text);
    const before = isRead ? 0 : countChanges();
    const statement = prepare(text);
    statement.setReturnArrays(false);
    const results = statement.all(...values.map(toInput));
    const written = isRead ? 0 : countChanges() - before;
    return {
      success: true,
      results,
      meta: { rows_read: results.length, rows_written: written, changes: written, duration: 0 },
    } as unknown as D1Result;
  }

  function listRaw({ text, values }: Bound): unknown[] {
    const statement = prepare(text);
    statement.setReturnArrays(true);
    return statement.all(...values.map(toInput));
  }

  return { run, listRaw };
}

/** A fresh database with the schema of the migrations. `ask` reads it without a trip, for checks. */
export function openD1(trip: Trip) {
  const database = new DatabaseSync(':memory:');
  for (const text of SCHEMA) database.exec(text);
  const { run, listRaw } = createRunner(database);

  function inTransaction<T>(work: () => T): T {
    database.exec('BEGIN');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      database.exec('ROLLBACK');
      throw asD1Error(error);
    }
  }

  const once = <T>(work: () => T): Promise<T> => trip(() => alone(work));

  const bind = (text: string, values: readonly unknown[]) => ({
    text,
    values,
    bind: (...next: unknown[]) => bind(text, next),
    all: () => once(() => run({ text, values })),
    run: () => once(() => run({ text, values })),
    raw: () => once(() => listRaw({ text, values })),
    first: async () => (await once(() => run({ text, values }))).results[0] ?? null,
  });

  const binding = {
    prepare: (text: string) => bind(text, []),
    batch: (statements: readonly Bound[]) => trip(() => inTransaction(() => statements.map(run))),
  };
  return {
    binding: binding as unknown as D1Database,
    ask: <Row = Record<string, unknown>>(text: string, ...values: SQLInputValue[]) => run({ text, values }).results as Row[],
    close: () => database.close(),
  };
}

export type SimulatedD1 = ReturnType<typeof openD1>;
