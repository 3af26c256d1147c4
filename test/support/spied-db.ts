/** A database binding that notes each statement, or fails on command, and otherwise works. */
import { env } from 'cloudflare:workers';

export interface SpiedDb {
  binding: D1Database;
  statements: string[];
  /** Rows that batches wrote. Everything that the jobs write goes through one. */
  rowsWritten: number;
}

type Tap = (text: string) => void;

/** The test's database with `tap` called for each statement that is prepared; what it throws is thrown. */
export function tapDb(tap: Tap): D1Database {
  return new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) => {
        if (name === 'prepare') tap(String(parameters[0]));
        return value.apply(target, parameters);
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
        spied.rowsWritten += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
        return results;
      };
    },
  });
  const spied: SpiedDb = { binding, statements, rowsWritten: 0 };
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
