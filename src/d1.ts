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
  precede(statement: D1PreparedStatement): void;
}

/** How failures in passing are waited out. */
export interface Patience {
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

/** A statement with what it says. */
interface Told {
  inner: D1PreparedStatement;
  text: string;
}

async function askPatiently<T>(ask: () => Promise<T>, isRepeatable: boolean, { random, wait }: Patience): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!isRepeatable || attempt === MAX_ATTEMPTS || !isTransient(error)) throw error;
      await wait(Math.round(random() * BASE_WAIT_MS * 2 ** attempt));
    }
  }
}

/**
 * A binding that counts, for one request. Rows come by name, so a statement must not select two columns of one name.
 */
export function meterD1(inner: D1Database, patience: Patience): MeteredD1 {
  const usage: D1Usage = { trips: 0, rowsRead: 0, rowsWritten: 0, durationMs: 0 };
  const told = new WeakMap<object, Told>();
  let preceding: D1PreparedStatement[] = [];

  const tell = (statement: D1PreparedStatement): Told => {
    const known = told.get(statement);
    if (!known) throw new Error('The statement was prepared by another binding');
    return known;
  };

  async function travel<T>(statements: readonly D1PreparedStatement[]): Promise<D1Result<T>[]> {
    const before = preceding;
    preceding = [];
    const asked = statements.map(tell);
    const all = [...before.map(tell), ...asked].map((one) => one.inner);
    const ask = () => {
      usage.trips += 1;
      return inner.batch<T>(all);
    };
    const results = await askPatiently(
      ask,
      asked.every(({ text }) => isRead(text)),
      patience,
    );
    for (const { meta } of results) {
      usage.rowsRead += meta.rows_read;
      usage.rowsWritten += meta.rows_written;
      usage.durationMs += meta.duration;
    }
    return results.slice(before.length);
  }

  function wrap(prepared: D1PreparedStatement, text: string): D1PreparedStatement {
    const all = async <T>() => (await travel<T>([statement]))[0] as D1Result<T>;
    const statement = {
      bind: (...values: unknown[]) => wrap(prepared.bind(...values), text),
      all,
      run: all,
      raw: async () => (await all<object>()).results.map((row) => Object.values(row)),
    } as unknown as D1PreparedStatement;
    told.set(statement, { inner: prepared, text });
    return statement;
  }

  const binding = {
    prepare: (text: string) => wrap(inner.prepare(text), text),
    batch: (statements: D1PreparedStatement[]) => travel(statements),
  } as unknown as D1Database;
  return { binding, usage, precede: (statement) => void preceding.push(statement) };
}

/** What a request cost, as a `Server-Timing` header. Source: https://www.w3.org/TR/server-timing/ */
export const serverTiming = ({ trips, rowsRead, rowsWritten, durationMs }: D1Usage): string =>
  `d1;desc="trips=${trips} rows_read=${rowsRead} rows_written=${rowsWritten}";dur=${Math.round(durationMs * 100) / 100}`;
