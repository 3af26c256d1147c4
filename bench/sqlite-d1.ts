/** D1 bindings on node:sqlite, for what runs in plain Node. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

/** Answers a statement: rows by name. */
type Ask = (text: string, values: readonly SQLInputValue[]) => Record<string, unknown>[];

/** Rows are not counted here. */
const meta = { rows_read: 0, rows_written: 0, duration: 0 };

/** A binding whose statements `ask` answers; a batch is run by `atomically`. */
function bindTo(ask: Ask, atomically: <T>(run: () => T) => T): D1Database {
  const bind = (text: string, values: readonly SQLInputValue[]) => {
    const result = () => ({ success: true, meta, results: ask(text, values) });
    return { bind: (...next: SQLInputValue[]) => bind(text, next), result, all: async () => result(), run: async () => result() };
  };
  const batch = async (statements: readonly { result(): unknown }[]) => atomically(() => statements.map((statement) => statement.result()));
  return { prepare: (text: string) => bind(text, []), batch } as unknown as D1Database;
}

/** A database as D1 would bind it. */
export function bindSqlite(database: DatabaseSync): D1Database {
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const ask: Ask = (text, values) => {
    const statement = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, statement);
    return statement.all(...values) as Record<string, unknown>[];
  };
  return bindTo(ask, (run) => {
    database.exec('BEGIN');
    try {
      const results = run();
      database.exec('COMMIT');
      return results;
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  });
}

/**
 * The same, each question answered once and then from memory, so that a measurement holds no time of a database. Answers are parsed anew
 * each time, as D1's are.
 */
export function bindRemembered(database: DatabaseSync): D1Database {
  const answers = new Map<string, string>();
  const ask: Ask = (text, values) => {
    const key = JSON.stringify([text, values]);
    const known = answers.get(key) ?? JSON.stringify(database.prepare(text).all(...values));
    answers.set(key, known);
    return JSON.parse(known);
  };
  return bindTo(ask, (run) => run());
}
