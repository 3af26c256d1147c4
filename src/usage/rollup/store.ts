/** SQL of the stored sums of days. */
import { eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { askedOften, CHARACTERS_A_SLICE, type Db, jsonField, runBatch, selectPlain, statement } from '../../db.ts';
import { slicesOf } from '../../lib/slices.ts';
import { user } from '../../users/table.ts';
import type { AskedDays } from '../sources/store.ts';
import { daySum } from '../table.ts';
import { type DaySum, PARTS, type Part } from './build.ts';

/** A sum as it is stored: JSON of each part of a `DaySum`, null where it was not asked for. */
export type StoredSum = { day: string; cut: number } & Record<Part | 'spent', string | null>;

const NO_SUMS = { span: ['', ''], since: {} } as const;
/** After every day. */
const NEVER = '~';

const sumsOf = askedOften((db) => {
  const { userId, day, cut, spent } = daySum;
  const [id, from, to] = ['userId', 'from', 'to'].map((name) => sql.placeholder(name));
  const since = (part: Part): SQL => sql`CASE WHEN ${day} >= ${sql.placeholder(part)} THEN ${daySum[part]} END`;
  const parts = Object.fromEntries(PARTS.map((part) => [part, since(part)]));
  const columns = { day, cut, spent: sql`CASE WHEN ${day} < ${sql.placeholder('keys')} THEN ${spent} END`, ...parts };
  return selectPlain<StoredSum>(db, columns, sql`FROM ${daySum} WHERE ${userId} = ${id} AND ${day} BETWEEN ${from} AND ${to}`);
});

/** Selects the sums of those days of a user that have one. */
export function selectSums(db: Db, userId: number, { summed = NO_SUMS }: AskedDays) {
  const { span, since } = summed;
  const parts = Object.fromEntries(PARTS.map((part) => [part, since[part] ?? NEVER]));
  return sumsOf(db, { userId, from: span[0], to: span[1], ...parts });
}

/** Asks for the version of a user's data, and has their next change make another one. */
export const watchVersion = (db: Db, userId: number) =>
  db
    .update(user)
    .set({ statsSeen: sql`${user.statsVersion}` })
    .where(eq(user.id, userId))
    .returning({ version: user.statsVersion });

/** A day's sum that is to be kept. */
export interface NewSum {
  day: string;
  cut: number;
  sum: DaySum;
}

/** Keeps sums of days, unless something of the user was changed since the data of that version. */
export async function insertSums(db: Db, userId: number, sums: readonly NewSum[], version: number): Promise<void> {
  const { userId: _, ...columns } = getTableColumns(daySum);
  const names = Object.keys(columns);
  const text = `INSERT INTO day_sum (user_id, ${names.join(', ')}) SELECT u.id, ${names.map(jsonField).join(', ')}
    FROM user AS u CROSS JOIN json_each(?2) AS j WHERE u.id = ?1 AND u.stats_version = ?3
    ON CONFLICT (user_id, day) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`;
  const rows = sums.map(({ sum, ...place }) => JSON.stringify({ ...place, ...sum }));
  const slices = slicesOf(rows, CHARACTERS_A_SLICE, ({ length }) => length);
  await runBatch(
    db,
    slices.map((slice) => statement(db, text, userId, `[${slice}]`, version)),
  );
}

/** Deletes the sums of a user's days. */
export const deleteAllSumsStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM day_sum WHERE user_id = ?', userId);
