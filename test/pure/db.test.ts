/** Named parameters, and how prepared reads are bound and read. */
import { eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { createDb, prepareQuery, prepareUnion, readTogether, statement, USER_ID } from '../../src/db.ts';
import { apiKey, management } from '../../src/inventory/table.ts';
import { type Bound, bindD1, toResult } from '../support/sqlite-d1.ts';

/** A database that notes what it runs, and gives each statement these rows. */
function createNoting(rows: () => Record<string, unknown>[] = () => []) {
  const noted: Bound[] = [];
  const binding = bindD1(async (statements) => {
    noted.push(...statements.map(({ text, values }) => ({ text, values })));
    return statements.map(() => toResult({ rows: rows() }));
  });
  const db = createDb(binding);
  return { db, noted, run: (one: D1PreparedStatement) => db.$client.batch([one]) };
}

describe('a statement', () => {
  it('binds each name once, in the order in which the names come', async () => {
    const { db, noted, run } = createNoting();
    await run(statement(db, 'UPDATE t SET a = :now + :lease WHERE b = :id AND c <= :now', { id: 3, now: 1, lease: 2 }));
    expect(noted).toEqual([{ text: 'UPDATE t SET a = ?1 + ?2 WHERE b = ?3 AND c <= ?1', values: [1, 2, 3] }]);
  });

  it('leaves strings, quoted names and comments as they are', async () => {
    const { db, noted, run } = createNoting();
    const text = `SELECT 'key:' || ':id', 'it''s :id', ":id", \`:id\`, :id -- of :id`;
    await run(statement(db, text, { id: 1 }));
    expect(noted).toEqual([{ text: `SELECT 'key:' || ':id', 'it''s :id', ":id", \`:id\`, ?1 -- of :id`, values: [1] }]);
  });

  it('takes null and nothing at all', async () => {
    const { db, noted, run } = createNoting();
    await run(statement(db, 'SELECT :name', { name: null }));
    await run(statement(db, 'SELECT 1'));
    expect(noted.map(({ values }) => values)).toEqual([[null], []]);
  });

  it('is refused where a value is missing, or is one too many, without the values in the error', () => {
    const { db } = createNoting();
    expect(() => statement(db, 'SELECT :a, :b', { a: 'secret' })).toThrow(new RangeError('No value for :b'));
    expect(() => statement(db, 'SELECT :a', { a: 1, b: 'secret' })).toThrow(new RangeError('The statement does not use :b'));
  });
});

describe('a prepared query', () => {
  it('is made once, bound each time, and maps the columns that need it', async () => {
    let made = 0;
    const keys = prepareQuery(() => {
      made += 1;
      const { name, isActive, limitNano } = apiKey;
      return {
        fields: { name, isActive, limitNano, count: sql<number>`1 + 1` },
        rest: sql`FROM ${apiKey} WHERE ${apiKey.userId} = ${USER_ID} AND ${eq(isActive, true)}`,
      };
    });
    const { db, noted } = createNoting(() => [{ name: 'n', isActive: 0, limitNano: null, count: 2 }]);
    expect(made).toBe(0);
    expect(await readTogether(db, [keys(db, { userId: 1 }), keys(db, { userId: 2 })])).toEqual(
      Array.from({ length: 2 }, () => [{ name: 'n', isActive: false, limitNano: null, count: 2 }]),
    );
    expect(made).toBe(1);
    expect(noted.map(({ values }) => values)).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(noted[0]?.text).toMatch(
      /^SELECT "api_key"\."name" AS "name", .* WHERE "api_key"\."user_id" = \? AND "api_key"\."is_active" = \?$/,
    );
  });

  it('has at most five selections in one statement', async () => {
    const selection = { fields: { id: management.apiKeyId }, rest: sql`FROM ${management}` };
    const six = prepareUnion<Record<string, unknown[]>>(() => Object.fromEntries([1, 2, 3, 4, 5, 6].map((name) => [name, selection])));
    await expect(six(createNoting().db, {})).rejects.toThrow(RangeError);
  });
});
