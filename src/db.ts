/**
 * The database handle, and the only place that knows what its errors look like. A driver's error can hold bound parameters,
 * that is, secrets: nothing outside this file may print one. Which kind of SQL is for what: docs/decisions/0016-sql.md.
 */
import { Column, DrizzleQueryError, fillPlaceholders, type GetColumnData, is, type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core';
import { remember } from './lib/remember.ts';

export type Db = DrizzleD1Database & { $client: D1Database };

export const createDb = (binding: D1Database): Db => drizzle(binding);

/** Values of parameters by name. */
export type Values = Readonly<Record<string, string | number | null>>;

/** The name of a parameter; or a string, a quoted name or a comment, in which a colon begins none. */
const NAME = /'(?:[^']|'')*'|"[^"]*"|`[^`]*`|--.*|:([A-Za-z]\w*)/g;

/** SQL as D1 takes it, with `?1` in place of the name that comes first, and the names in that order. */
const numberNames = remember((text: string): { numbered: string; names: readonly string[] } => {
  const names: string[] = [];
  const numbered = text.replace(NAME, (found: string, name: string | undefined) => {
    if (name === undefined) return found;
    if (!names.includes(name)) names.push(name);
    return `?${names.indexOf(name) + 1}`;
  });
  return { numbered, names };
});

/**
 * A statement in SQL with named parameters (`:userId`), for what the query builder cannot say: many rows in one parameter through
 * `json_each`, and batches that mix rooms. A name that is used several times is bound once. The errors of D1 hold no parameters.
 * @throws RangeError for a name without a value, or a value whose name the SQL does not use
 */
export function statement(db: Db, text: string, values: Values = {}): D1PreparedStatement {
  const { numbered, names } = numberNames(text);
  const bound = names.map((name) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`No value for :${name}`);
    return value;
  });
  const unused = Object.keys(values).filter((name) => !names.includes(name));
  if (unused.length > 0) throw new RangeError(`The statement does not use ${unused.map((name) => `:${name}`).join(', ')}`);
  return db.$client.prepare(numbered).bind(...bound);
}

/** A statement that the query builder made, for `runBatch`. */
export function builtStatement(db: Db, query: { toSQL(): { sql: string; params: unknown[] } }): D1PreparedStatement {
  const { sql: text, params } = query.toSQL();
  return db.$client.prepare(text).bind(...params);
}

/** What is selected, by the names of the row's properties. */
type Fields = Record<string, Column | SQL>;

/** A `SELECT` as a value: what is selected, and everything from `FROM` on. */
export interface Selection<F extends Fields = Fields> {
  fields: F;
  rest: SQL;
}

/** A row of a selection. */
export type RowOf<F extends Fields> = {
  [Name in keyof F]: F[Name] extends Column ? GetColumnData<F[Name]> : F[Name] extends SQL<infer Value> ? Value : never;
};

/** A read that is ready for `readTogether`. */
export interface Query<Row> {
  statement: D1PreparedStatement;
  /** Rows as D1 gives them, as rows of the query; they may be changed in place. */
  toRows(results: Record<string, unknown>[]): Row[];
}

const dialect = new SQLiteAsyncDialect();

/** Does the column have values that D1 gives as something else? */
const isMapped = (column: Column): boolean => column.mapFromDriverValue !== Column.prototype.mapFromDriverValue;

/** Maps rows in place, the columns that need it; rows of which none does are not looked at. */
function createMapping(fields: Fields): (rows: readonly Record<string, unknown>[]) => void {
  const mapped = Object.entries(fields).flatMap(([name, field]) => (is(field, Column) && isMapped(field) ? [{ name, column: field }] : []));
  return (rows) => {
    if (mapped.length === 0) return;
    for (const row of rows) for (const { name, column } of mapped) if (row[name] !== null) row[name] = column.mapFromDriverValue(row[name]);
  };
}

/** Whose rows a query reads, in a selection. */
export const USER_ID = sql.placeholder('userId');

/**
 * Fields that stay as D1 gives them, for large answers: to map a column of thousands of rows costs more than to read them. Booleans are 0 and 1.
 */
export const asStored = <Row>(fields: { [Name in keyof Row]: Column | SQL }): { [Name in keyof Row]: SQL<Row[Name]> } =>
  Object.fromEntries(Object.entries<Column | SQL>(fields).map(([name, field]) => [name, sql`${field}`])) as {
    [Name in keyof Row]: SQL<Row[Name]>;
  };

/**
 * A read that is made often or together with others. Its SQL is made once an isolate, the first time, since that takes longer than most pages take.
 * @param select the selection, with a `sql.placeholder` for each value that differs from time to time
 */
export function prepareQuery<F extends Fields>(select: () => Selection<F>): (db: Db, values: Values) => Query<RowOf<F>> {
  const make = () => {
    const { fields, rest } = select();
    const names = Object.entries(fields).map(([name, field]) => sql`${field} AS ${sql.identifier(name)}`);
    const { sql: text, params } = dialect.sqlToQuery(sql`SELECT ${sql.join(names, sql`, `)} ${rest}`);
    return { text, params, map: createMapping(fields) };
  };
  let made: ReturnType<typeof make> | undefined;
  return (db, values) => {
    made ??= make();
    const { text, params, map } = made;
    return {
      statement: db.$client.prepare(text).bind(...fillPlaceholders(params, values)),
      toRows(results) {
        map(results);
        return results as RowOf<F>[];
      },
    };
  };
}

/** A statement as a query whose rows stay as D1 gives them. */
export const queryOf = <Row>(prepared: D1PreparedStatement): Query<Row> => ({ statement: prepared, toRows: (results) => results as Row[] });

type RowsOfEach<Queries extends readonly Query<unknown>[]> = {
  -readonly [Index in keyof Queries]: Queries[Index] extends Query<infer Row> ? Row[] : never;
};

/** Makes reads in one round trip; gives the rows of each. */
export async function readTogether<const Queries extends readonly Query<unknown>[]>(
  db: Db,
  queries: Queries,
): Promise<RowsOfEach<Queries>> {
  const answers = await runBatch(
    db,
    queries.map((query) => query.statement),
  );
  return queries.map((query, index) => query.toRows(answers[index] ?? [])) as RowsOfEach<Queries>;
}

/** D1 allows a function 32 arguments. */
const MAX_ARGUMENTS = 32;

/** The fields of a row as one JSON value. */
function toJson(fields: Fields): SQL {
  const values = Object.values(fields).map((field) => sql`${field}`);
  const parts: SQL[] = [];
  for (let start = 0; start < values.length; start += MAX_ARGUMENTS)
    parts.push(sql`json_array(${sql.join(values.slice(start, start + MAX_ARGUMENTS), sql`, `)})`);
  return sql`json_array(${sql.join(parts, sql`, `)})`;
}

/** Reads the JSON values of rows. */
function createReader(fields: Fields): (texts: readonly string[]) => Record<string, unknown>[] {
  const [names, map] = [Object.keys(fields), createMapping(fields)];
  return (texts) => {
    const rows = texts.map((text) => {
      const values = (JSON.parse(text) as unknown[][]).flat();
      return Object.fromEntries(names.map((name, index) => [name, values[index] ?? null]));
    });
    map(rows);
    return rows;
  };
}

/** As many selections as D1 lets one statement have. SQLite elsewhere takes more, and would not tell. */
const MAX_SELECTIONS = 5;

/**
 * Up to five selections (as many as D1 lets one statement have) that are read in one statement: for jobs, whose statements are counted. Its SQL is
 * made once an isolate. Text that JSON functions made must go through an operator of texts, or it comes as what it says. Rows come in no order.
 */
export function prepareUnion<Rows extends Record<string, unknown[]>>(
  select: () => Record<keyof Rows & string, Selection>,
): (db: Db, values: Values) => Promise<Rows> {
  const make = () => {
    const entries = Object.entries<Selection>(select());
    if (entries.length > MAX_SELECTIONS) throw new RangeError(`more than ${MAX_SELECTIONS} selections`);
    const arms = entries.map(([name, { fields, rest }]) => sql`SELECT ${name} AS name, ${toJson(fields)} AS fields ${rest}`);
    const readers = entries.map(([name, { fields }]) => [name, createReader(fields)] as const);
    return { ...dialect.sqlToQuery(sql.join(arms, sql` UNION ALL `)), readers };
  };
  let made: ReturnType<typeof make> | undefined;
  return async (db, values) => {
    made ??= make();
    const { sql: text, params, readers } = made;
    const found = await rowsOf<{ name: string; fields: string }>(db, db.$client.prepare(text).bind(...fillPlaceholders(params, values)));
    const byName = Map.groupBy(found, ({ name }) => name);
    return Object.fromEntries(readers.map(([name, read]) => [name, read((byName.get(name) ?? []).map(({ fields }) => fields))])) as Rows;
  };
}

/** A parameter has at most about so many characters: D1 takes 2 MB. What may be longer is cut into several statements. */
export const CHARACTERS_A_SLICE = 500_000;

/** A field of the JSON value of `json_each(…) AS j`, in SQL. */
export const jsonField = (name: string): string => `json_extract(j.value, '$.${name}')`;

/** Runs statements in one round trip and one transaction: all take effect or none. Gives the rows of each as D1 gives them. */
export async function runBatch(db: Db, statements: D1PreparedStatement[]): Promise<Record<string, unknown>[][]> {
  if (statements.length === 0) return [];
  const results = await db.$client.batch<Record<string, unknown>>(statements);
  return results.map((result) => result.results);
}

/** Runs one statement; gives its rows by the names of their columns. Booleans are 0 and 1. */
export async function rowsOf<Row>(db: Db, one: D1PreparedStatement): Promise<Row[]> {
  const [result] = await db.$client.batch<Row>([one]);
  return result?.results ?? [];
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
