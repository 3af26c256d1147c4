/**
 * The D1 binding as the Worker uses it: each trip is counted with its rows and asked again where D1 failed in passing. One value for each
 * request, since it counts what the request costs.
 */
import { remember } from './lib/remember.ts';

/** What was asked of D1 so far. */
export interface D1Usage {
  /** Round trips. */
  trips: number;
  rowsRead: number;
  rowsWritten: number;
  /** What D1 took for the statements, in milliseconds, without the way there and back. */
  durationMs: number;
}

export interface MeteredD1 {
  binding: D1Database;
  usage: Readonly<D1Usage>;
  /** Has a statement run before those of the next trip, in their transaction. It must be one that may run twice. */
  prepend(statement: D1PreparedStatement): void;
}

/** How failures in passing are waited out. */
export interface RetryPolicy {
  /** From 0 (included) to 1 (excluded). */
  random(): number;
  wait(ms: number): Promise<unknown>;
}

/** What D1 says of failures after which the same statement may succeed. Not `overloaded`: asking again would add to the load. */
const TRANSIENT = /Network connection lost|storage caused object to be reset|reset because its code was updated/;
const MAX_ATTEMPTS = 3;
const BASE_WAIT_MS = 100;

const isTransient = (error: unknown): boolean =>
  error instanceof Error && (TRANSIENT.test(error.message) || (error.cause !== undefined && isTransient(error.cause)));

/** Does a statement only read? A write whose answer was lost may have taken effect: only who wrote it knows if it may run twice. */
const isRead = remember(
  (text: string): boolean => /^\s*(?:SELECT|WITH)\b/i.test(text) && !/\b(?:INSERT INTO|UPDATE|DELETE FROM)\b/i.test(text),
);

async function withRetry<T>(execute: () => Promise<T>, isRepeatable: boolean, { random, wait }: RetryPolicy): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await execute();
    } catch (error) {
      if (!isRepeatable || attempt === MAX_ATTEMPTS || !isTransient(error)) throw error;
      await wait(Math.round(random() * BASE_WAIT_MS * 2 ** attempt));
    }
  }
}

type Execute = <T>(statements: readonly MeteredStatement[]) => Promise<D1Result<T>[]>;

/** A statement of the binding that counts. Rows come by name, so it must not select two columns of one name. */
class MeteredStatement implements D1PreparedStatement {
  readonly inner: D1PreparedStatement;
  /** Its SQL. */
  readonly text: string;
  readonly #execute: Execute;

  constructor(inner: D1PreparedStatement, text: string, execute: Execute) {
    this.inner = inner;
    this.text = text;
    this.#execute = execute;
  }

  bind(...values: unknown[]): MeteredStatement {
    return new MeteredStatement(this.inner.bind(...values), this.text, this.#execute);
  }

  async all<T = Record<string, unknown>>(): Promise<D1Result<T>> {
    const [result] = await this.#execute<T>([this]);
    if (!result) throw new Error('D1 gave no result for a statement');
    return result;
  }

  run<T = Record<string, unknown>>(): Promise<D1Result<T>> {
    return this.all<T>();
  }

  first<T = unknown>(column: string): Promise<T | null>;
  first<T = Record<string, unknown>>(): Promise<T | null>;
  async first<T>(column?: string): Promise<T | null> {
    const [row] = (await this.all<Record<string, T>>()).results;
    if (row === undefined) return null;
    return column === undefined ? (row as T) : (row[column] ?? null);
  }

  raw<T = unknown[]>(options: { columnNames: true }): Promise<[string[], ...T[]]>;
  raw<T = unknown[]>(options?: { columnNames?: false }): Promise<T[]>;
  async raw<T>(options: { columnNames?: boolean } = {}): Promise<T[] | [string[], ...T[]]> {
    const { results } = await this.all<object>();
    const rows = results.map((row) => Object.values(row) as T);
    return options.columnNames ? [Object.keys(results[0] ?? {}), ...rows] : rows;
  }
}

/** A binding that counts, for one request. */
export function meterD1(inner: D1Database, policy: RetryPolicy): MeteredD1 {
  const usage: D1Usage = { trips: 0, rowsRead: 0, rowsWritten: 0, durationMs: 0 };
  let prepended: MeteredStatement[] = [];

  const ownOf = (statement: D1PreparedStatement): MeteredStatement => {
    if (!(statement instanceof MeteredStatement)) throw new Error('The statement was prepared by another binding');
    return statement;
  };

  async function execute<T>(statements: readonly MeteredStatement[]): Promise<D1Result<T>[]> {
    const before = prepended;
    prepended = [];
    const all = [...before, ...statements].map((one) => one.inner);
    const makeTrip = () => {
      usage.trips += 1;
      return inner.batch<T>(all);
    };
    const results = await withRetry(
      makeTrip,
      statements.every(({ text }) => isRead(text)),
      policy,
    );
    for (const { meta } of results) {
      usage.rowsRead += meta.rows_read;
      usage.rowsWritten += meta.rows_written;
      usage.durationMs += meta.duration;
    }
    return results.slice(before.length);
  }

  const refuse = (method: string) => (): never => {
    throw new Error(`The metered binding has no ${method}`);
  };
  const binding: D1Database = {
    prepare: (text) => new MeteredStatement(inner.prepare(text), text, execute),
    batch: async (statements) => execute(statements.map(ownOf)),
    exec: refuse('exec'),
    withSession: refuse('withSession'),
    dump: refuse('dump'),
  };
  return { binding, usage, prepend: (statement) => void prepended.push(ownOf(statement)) };
}

/** What a request cost, as a `Server-Timing` header. Source: https://www.w3.org/TR/server-timing/ */
export const serverTiming = ({ trips, rowsRead, rowsWritten, durationMs }: D1Usage): string =>
  `d1;desc="trips=${trips} rows_read=${rowsRead} rows_written=${rowsWritten}";dur=${Math.round(durationMs * 100) / 100}`;
