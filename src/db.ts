/**
 * The database handle, and the only place that knows what its errors look like. A driver's error can hold bound parameters,
 * that is, secrets: nothing outside this file may print one.
 */
import { Column, DrizzleQueryError, fillPlaceholders, is, type SQL, sql } from 'drizzle-orm';
import type { BatchResponse } from 'drizzle-orm/batch';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { RunnableQuery } from 'drizzle-orm/runnable-query';
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core';

export type Db = DrizzleD1Database & { $client: D1Database };

export const createDb = (binding: D1Database): Db => drizzle(binding);

/**
 * A statement in SQL, for what the query builder cannot say: many rows in one parameter through `json_each`, and batches that
 * mix rooms. Its errors hold no parameters.
 */
export function statement(db: Db, text: string, ...parameters: (string | number | null)[]): D1PreparedStatement {
  return db.$client.prepare(text).bind(...parameters);
}

const dialect = new SQLiteAsyncDialect();

/** What the query builder makes of a question before it is asked, as `db.batch` takes it. */
interface Prepared {
  stmt: D1PreparedStatement;
  getQuery(): { sql: string; params: unknown[] };
  mapResult(result: D1Result, isFromBatch: boolean): unknown;
}

const fromPrepared = <T>(prepared: Prepared): Question<T> => ({ _prepare: () => prepared }) as unknown as Question<T>;

/**
 * A question that is asked often, for `db.batch`: its SQL is made the first time, since that takes the query builder longer than most pages take.
 * @param make the question, with a `sql.placeholder` for each value that differs from time to time
 */
export function askedOften<T>(make: (db: Db) => Question<T>): (db: Db, values: Record<string, string | number>) => Question<T> {
  let made: { text: string; params: unknown[]; mapResult: Prepared['mapResult'] } | undefined;
  const prepare = (db: Db) => {
    const prepared = (make(db) as unknown as { _prepare(): Prepared })._prepare();
    const { sql: text, params } = prepared.getQuery();
    return { text, params, mapResult: prepared.mapResult.bind(prepared) };
  };
  return (db, values) => {
    made ??= prepare(db);
    const { text, mapResult } = made;
    const query = { sql: text, params: fillPlaceholders(made.params, values) };
    return fromPrepared<T>({ stmt: db.$client.prepare(text), getQuery: () => query, mapResult });
  };
}

/**
 * A question for `db.batch` whose rows stay as D1 gives them, for large answers: to map thousands of rows as the query builder does
 * costs more than to read them. Booleans come as 0 and 1. Drizzle's own `db.all` cannot have parameters in a batch.
 * @param fields what is selected, by the names of the row's properties
 * @param rest everything from `FROM` on
 */
export function selectPlain<Row>(db: Db, fields: Record<string, Column | SQL>, rest: SQL): Question<Row[]> {
  const names = Object.entries(fields).map(([name, field]) => sql`${field} AS ${sql.identifier(name)}`);
  const query = dialect.sqlToQuery(sql`SELECT ${sql.join(names, sql`, `)} ${rest}`);
  return fromPrepared({ stmt: db.$client.prepare(query.sql), getQuery: () => query, mapResult: ({ results }) => results });
}

/** A select as a value: what is selected by name, and everything from `FROM` on. */
export interface Selection {
  fields: Record<string, Column | SQL>;
  rest: SQL;
}

/** D1 allows a function 32 arguments. */
const MAX_ARGUMENTS = 32;

/** The fields of a row as one JSON value. */
function asJson(fields: Selection['fields']): SQL {
  const values = Object.values(fields).map((field) => sql`${field}`);
  const parts: SQL[] = [];
  for (let start = 0; start < values.length; start += MAX_ARGUMENTS)
    parts.push(sql`json_array(${sql.join(values.slice(start, start + MAX_ARGUMENTS), sql`, `)})`);
  return sql`json_array(${sql.join(parts, sql`, `)})`;
}

function fromJson(fields: Selection['fields'], text: string): Record<string, unknown> {
  const values = (JSON.parse(text) as unknown[][]).flat();
  const read = (field: Column | SQL, value: unknown) => (is(field, Column) && value !== null ? field.mapFromDriverValue(value) : value);
  return Object.fromEntries(Object.entries(fields).map(([name, field], index) => [name, read(field, values[index] ?? null)]));
}

/** As many selections as D1 lets one statement have. SQLite elsewhere takes more, and would not tell. */
const MAX_SELECTIONS = 5;

/**
 * Asks up to five selections (as many as D1 lets one statement have) in one statement: for jobs, whose statements are counted. Text that JSON
 * functions made must go through an operator of texts, or it comes as what it says. Rows come in no order.
 */
export async function askAsOne<Rows extends Record<string, unknown[]>>(
  db: Db,
  selections: Record<keyof Rows & string, Selection>,
): Promise<Rows> {
  const entries = Object.entries(selections);
  if (entries.length > MAX_SELECTIONS) throw new RangeError(`more than ${MAX_SELECTIONS} selections`);
  const arms = entries.map(([name, { fields, rest }]) => sql`SELECT ${name} AS name, ${asJson(fields)} AS fields ${rest}`);
  const { sql: text, params } = dialect.sqlToQuery(sql.join(arms, sql` UNION ALL `));
  const [found = []] = await runBatch(db, [statement(db, text, ...(params as (string | number | null)[]))]);
  const rows = Object.fromEntries(entries.map(([name]) => [name, [] as unknown[]]));
  for (const row of found) {
    const name = String(row['name']) as keyof Rows & string;
    rows[name]?.push(fromJson(selections[name].fields, String(row['fields'])));
  }
  return rows as Rows;
}

/** What can be asked in a batch. */
export type Question<T> = RunnableQuery<T, 'sqlite'>;

/** Asks questions, and one more if it is given, in one round trip. */
export async function askTogether<T extends readonly [Question<unknown>, ...Question<unknown>[]], U = undefined>(
  db: Db,
  questions: T,
  also?: Question<U>,
): Promise<[BatchResponse<T>, U]> {
  const answers: readonly unknown[] = await db.batch(also ? [...questions, also] : [...questions]);
  return [answers as unknown as BatchResponse<T>, answers[questions.length] as U];
}

/** A parameter has at most about so many characters: D1 takes 2 MB. What may be longer is cut into several statements. */
export const CHARACTERS_A_SLICE = 500_000;

/** A field of the JSON value of `json_each(…) AS j`, in SQL. */
export const jsonField = (name: string): string => `json_extract(j.value, '$.${name}')`;

/** Runs statements in one round trip and one transaction: all take effect or none. */
export async function runBatch(db: Db, statements: D1PreparedStatement[]): Promise<Record<string, unknown>[][]> {
  if (statements.length === 0) return [];
  const results = await db.$client.batch<Record<string, unknown>>(statements);
  return results.map((result) => result.results);
}

function driverError(error: unknown): Error | null {
  if (error instanceof DrizzleQueryError) return driverError(error.cause) ?? new Error('Query failed');
  return error instanceof Error && error.message.startsWith('D1_') ? error : null;
}

/** What may be logged of a failed statement: the driver's own words without parameters; null if it was no such failure. */
export function describeDatabaseError(error: unknown): string | null {
  return driverError(error)?.message ?? null;
}

/** Did the database fail, rather than refuse what a statement wanted? */
export function isDatabaseFailure(error: unknown): boolean {
  const message = driverError(error)?.message;
  return message !== undefined && !message.includes('constraint failed');
}

/** Did the statement fail because a row with the same unique value is already there? */
export function isUniqueViolation(error: unknown): boolean {
  return driverError(error)?.message.includes('UNIQUE constraint failed') ?? false;
}
