/** A database binding that notes each statement, or fails on command, and otherwise works. */
import { env } from 'cloudflare:workers';

export interface SpiedDb {
  binding: D1Database;
  statements: string[];
  /** Rows that batches wrote. Everything that the jobs write goes through one. */
  rowsWritten: number;
  /** Rows that statements of batches wrote, by statement. */
  writes: { text: string; rows: number }[];
}

type Tap = (text: string) => void;

/** What each bound statement says. */
const texts = new WeakMap<D1PreparedStatement, string>();

function remember(prepared: D1PreparedStatement, text: string): D1PreparedStatement {
  const bind = prepared.bind.bind(prepared);
  prepared.bind = (...values) => {
    const bound = bind(...values);
    texts.set(bound, text);
    return bound;
  };
  return prepared;
}

/** The test's database with `tap` called for each statement that is prepared; what it throws is thrown. */
export function tapDb(tap: Tap): D1Database {
  return new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) => {
        if (name !== 'prepare') return value.apply(target, parameters);
        tap(String(parameters[0]));
        return remember(value.apply(target, parameters), String(parameters[0]));
      };
    },
  });
}

export function spyDb(): SpiedDb {
  const statements: string[] = [];
  const tapped = tapDb((text) => statements.push(text));
  const binding = new Proxy(tapped, {
    get(target, name) {
      if (name !== 'batch') return Reflect.get(target, name);
      return async (batch: D1PreparedStatement[]) => {
        const results = await env.DB.batch(batch);
        for (const [index, { meta }] of results.entries()) {
          const bound = batch[index];
          spied.rowsWritten += meta.rows_written;
          spied.writes.push({ text: (bound && texts.get(bound)) ?? '', rows: meta.rows_written });
        }
        return results;
      };
    },
  });
  const spied: SpiedDb = { binding, statements, rowsWritten: 0, writes: [] };
  return spied;
}

/** How SQLite goes about a statement, line by line. */
export async function explain(text: string): Promise<string[]> {
  const places = Math.max(0, ...[...text.matchAll(/\?(\d+)/g)].map(([, number]) => Number(number)), [...text.matchAll(/\?(?!\d)/g)].length);
  const values = Array.from({ length: places }, () => '[]');
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}

/** The test's database; once, after the first batch that holds a statement with `fragment`, `interrupt` is run before it answers. */
export function interruptDb(fragment: string, interrupt: () => Promise<unknown>): D1Database {
  let state: 'waiting' | 'seen' | 'done' = 'waiting';
  const tapped = tapDb((text) => {
    if (state === 'waiting' && text.includes(fragment)) state = 'seen';
  });
  return new Proxy(tapped, {
    get(target, name) {
      if (name !== 'batch') return Reflect.get(target, name);
      return async (batch: D1PreparedStatement[]) => {
        const results = await env.DB.batch(batch);
        if (state === 'seen') {
          state = 'done';
          await interrupt();
        }
        return results;
      };
    },
  });
}

/** The test's database with a count of the round trips: batches, and statements that are run by themselves. */
export function countTrips(): { binding: D1Database; trips: number } {
  const counted = { binding: env.DB, trips: 0 };
  const watch = (prepared: D1PreparedStatement): D1PreparedStatement => {
    const bind = prepared.bind.bind(prepared);
    prepared.bind = (...values) => watch(bind(...values));
    for (const name of ['all', 'raw', 'run', 'first'] as const) {
      const call = prepared[name].bind(prepared) as (...parameters: unknown[]) => Promise<unknown>;
      Object.assign(prepared, {
        [name]: (...parameters: unknown[]) => {
          counted.trips += 1;
          return call(...parameters);
        },
      });
    }
    return prepared;
  };
  counted.binding = new Proxy(env.DB, {
    get(target, name) {
      if (name === 'prepare') return (text: string) => watch(target.prepare(text));
      if (name !== 'batch') return Reflect.get(target, name);
      return (batch: D1PreparedStatement[]) => {
        counted.trips += 1;
        return target.batch(batch);
      };
    },
  });
  return counted;
}
