import { DatabaseSync } from 'node:sqlite';
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerRow } from '../../src/usage/model.ts';
import { hoursOf } from '../../src/usage/sources/store.ts';
import { type CountedDay, toLedgerRow } from '../../src/usage/sources/stored-row.ts';
import { keyDay } from '../../src/usage/table.ts';
import { NO_KEY_DAY } from '../support/ledger-rows.ts';

const COUNT = fc.integer({ min: 0, max: 1e12 });
const HOURS = fc.dictionary(fc.integer({ min: 0, max: 23 }).map(String), fc.tuple(COUNT, COUNT));

/** A row as the database holds it, with its hours read in one of the ways. */
function read(hours: LedgerRow['hours'] | null, asked: 'all' | 'credits' | 'none'): LedgerRow & { credits: readonly (number | null)[] } {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE key_day (hours TEXT)');
  database.prepare('INSERT INTO key_day VALUES (?)').run(hours && JSON.stringify(hours));
  const { sql } = new SQLiteAsyncDialect().sqlToQuery(hoursOf(keyDay, asked));
  const stored = database.prepare(`SELECT ${sql} AS hours FROM key_day`).get()?.['hours'] as string | null;
  database.close();
  const row: CountedDay = {
    ...NO_KEY_DAY,
    keyId: 1,
    day: '2026-11-01',
    upstreamKeyId: 10,
    countedNano: 1,
    countedByokNano: 0,
    hours: stored,
  };
  return toLedgerRow(row);
}

const creditsOf = (hours: LedgerRow['hours']) => Array.from({ length: 24 }, (_, hour) => hours[hour]?.[0] ?? null);

describe('the hours of a stored day', () => {
  it('are what was stored, and its credits the first amount of each', () => {
    fc.assert(
      fc.property(HOURS, (hours) => {
        const row = read(hours, 'all');
        expect([row.hours, row.credits]).toEqual([hours, creditsOf(hours)]);
      }),
    );
  });

  it('are credits alone where only those are read', () => {
    fc.assert(
      fc.property(HOURS, (hours) => {
        const row = read(hours, 'credits');
        expect(row.credits).toEqual(creditsOf(hours));
        expect(row.hours).toEqual(Object.fromEntries(Object.entries(hours).map(([hour, [credits]]) => [hour, [credits]])));
      }),
    );
  });

  it('are none where none are stored or read', () => {
    for (const row of [read(null, 'all'), read(null, 'credits'), read({ 3: [1, 2] }, 'none')])
      expect([row.hours, row.credits]).toEqual([{}, []]);
  });
});
