/** SQL of the stored sums of days. */
import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import {
  asStored,
  CHARACTERS_A_SLICE,
  type Db,
  jsonField,
  prepareQuery,
  type Query,
  queryOf,
  runBatch,
  statement,
  USER_ID,
} from '../../db.ts';
import { slicesOf } from '../../lib/slices.ts';
import type { AskedDays } from '../sources/store.ts';
import { daySum } from '../table.ts';
import { type DaySum, PARTS, type Part } from './build.ts';

/** A sum as it is stored: JSON of each part of a `DaySum`, null where it was not asked for. */
export type StoredSum = { day: string; cut: number } & Record<Part | 'spent', string | null>;

const NO_SUMS = { span: ['', ''], since: {} } as const;
/** After every day. */
const NEVER = '~';

const sumsOf = prepareQuery(() => {
  const { userId, day, cut, spent } = daySum;
  const [from, to] = ['from', 'to'].map((name) => sql.placeholder(name));
  const since = (part: Part): SQL => sql`CASE WHEN ${day} >= ${sql.placeholder(part)} THEN ${daySum[part]} END`;
  const parts = Object.fromEntries(PARTS.map((part) => [part, since(part)])) as Record<Part, SQL>;
  return {
    fields: asStored<StoredSum>({ day, cut, spent: sql`CASE WHEN ${day} < ${sql.placeholder('keys')} THEN ${spent} END`, ...parts }),
    rest: sql`FROM ${daySum} WHERE ${userId} = ${USER_ID} AND ${day} BETWEEN ${from} AND ${to}`,
  };
});

/** Selects the sums of those days of a user that have one. */
export function selectSums(db: Db, userId: number, { summed = NO_SUMS }: AskedDays) {
  const { span, since } = summed;
  const parts = Object.fromEntries(PARTS.map((part) => [part, since[part] ?? NEVER]));
  return sumsOf(db, { userId, from: span[0], to: span[1], ...parts });
}

/** Asks for the version of a user's data, and has their next change make another one. */
export const watchVersion = (db: Db, userId: number): Query<{ version: number }> =>
  queryOf(statement(db, 'UPDATE user SET stats_seen = stats_version WHERE id = :userId RETURNING stats_version AS version', { userId }));

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
    FROM user AS u CROSS JOIN json_each(:sums) AS j WHERE u.id = :userId AND u.stats_version = :version
    ON CONFLICT (user_id, day) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`;
  const rows = sums.map(({ sum, ...place }) => JSON.stringify({ ...place, ...sum }));
  const slices = slicesOf(rows, CHARACTERS_A_SLICE, ({ length }) => length);
  await runBatch(
    db,
    slices.map((slice) => statement(db, text, { userId, sums: `[${slice}]`, version })),
  );
}

/** Deletes the sums of a user's days. */
export const deleteAllSumsStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM day_sum WHERE user_id = :userId', { userId });
