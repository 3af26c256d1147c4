/** SQL that takes ledger rows away: beyond their retention, and of keys and users who are gone. Always in steps of bounded size. */
import { getTableColumns } from 'drizzle-orm';
import { type Db, rowsOf, runBatch, statement } from '../../db.ts';
import { accountDay, keyDay, usageDay } from '../table.ts';

/** Tables of the ledger, the rest of their clustered key after user and day, and what their rows belong to. */
const TABLES = {
  key_day: { key: ['upstream_key_id'], owner: 'upstream_key', ownerId: 'upstream_key_id' },
  usage_day: { key: ['upstream_key_id', 'model', 'provider'], owner: 'upstream_key', ownerId: 'upstream_key_id' },
  account_day: { key: ['account_id', 'model', 'provider'], owner: 'account', ownerId: 'account_id' },
  account_check: { key: ['account_id'], owner: 'account', ownerId: 'account_id' },
} as const;
type LedgerTable = keyof typeof TABLES;
/** Tables of days, with the rest of their clustered key. */
const DAY_TABLES = { ...TABLES, day_sum: { key: [] } } as const;
export type DayTable = keyof typeof DAY_TABLES;
export type HourlyTable = keyof typeof HOURLY_TABLES;
const HOURLY_TABLES = { key_day: keyDay, usage_day: usageDay, account_day: accountDay };

/** What an owner that is still there must fulfil. The total of an account goes with the management key that read it. */
const LIVES = { upstream_key: 'true', account: 'o.reader_id IS NOT NULL' } as const;

const placeOf = (table: DayTable, alias = ''): string =>
  ['user_id', 'day', ...DAY_TABLES[table].key].map((name) => alias + name).join(', ');

/** Marks a user's ledger: rows of keys that are gone are to be deleted, all of them if the user is gone. */
export const requestPurgeStatement = (db: Db, userId: number, now: number): D1PreparedStatement =>
  statement(
    db,
    `INSERT INTO purge (user_id, requested_at) VALUES (:userId, :now)
      ON CONFLICT (user_id) DO UPDATE SET requested_at = max(requested_at + 1, excluded.requested_at), from_day = ''`,
    { userId, now },
  );

const purgeStatement = (db: Db, table: LedgerTable, userId: number, fromDay: string, limit: number): D1PreparedStatement =>
  statement(
    db,
    `DELETE FROM ${table} WHERE (${placeOf(table)}) IN (
      SELECT ${placeOf(table, 'd.')} FROM ${table} AS d WHERE d.user_id = :userId AND d.day >= :fromDay
        AND NOT EXISTS (SELECT 1 FROM ${TABLES[table].owner} AS o WHERE o.id = d.${TABLES[table].ownerId} AND ${LIVES[TABLES[table].owner]}) ORDER BY d.day LIMIT :limit)
      RETURNING day`,
    { userId, fromDay, limit },
  );

/**
 * Deletes up to `limit` rows of each table of a marked user: of the one who is named, or of any.
 * @returns how many it deleted, and whether nothing is left: of the user who is named, or of anybody
 */
export async function purgeStepAcrossUsers(
  db: Db,
  limit: number,
  userId: number | null = null,
): Promise<{ deleted: number; isDone: boolean }> {
  const next = `SELECT user_id AS id, requested_at AS requestedAt, from_day AS fromDay FROM purge WHERE user_id >= :first AND user_id <= :last
    ORDER BY user_id LIMIT 1`;
  const range = { first: userId ?? 0, last: userId ?? Number.MAX_SAFE_INTEGER };
  const [marked] = await rowsOf<{ id: number; requestedAt: number; fromDay: string }>(db, statement(db, next, range));
  if (!marked) return { deleted: 0, isDone: true };
  const { id, requestedAt } = marked;
  const tables = Object.keys(TABLES) as LedgerTable[];
  const results = await runBatch(
    db,
    tables.map((table) => purgeStatement(db, table, id, marked.fromDay, limit)),
  );
  const lastDays = results.flatMap((rows) =>
    rows.length >= limit
      ? String(
          rows
            .map((row) => String(row['day']))
            .sort()
            .at(-1),
        )
      : [],
  );
  const [fromDay] = lastDays.sort();
  await runBatch(db, [
    fromDay === undefined
      ? statement(db, 'DELETE FROM purge WHERE user_id = :userId AND requested_at = :requestedAt', { userId: id, requestedAt })
      : statement(db, 'UPDATE purge SET from_day = :fromDay WHERE user_id = :userId AND requested_at = :requestedAt', {
          userId: id,
          requestedAt,
          fromDay,
        }),
  ]);
  return { deleted: results.flat().length, isDone: fromDay === undefined && userId !== null };
}

/** The next `count` users after `userId` who have rows in the table, by skipping from one to the next in the clustered key. */
export async function listUsersWithRowsAcrossUsers(db: Db, table: DayTable, afterUserId: number, count: number): Promise<number[]> {
  const text = `WITH RECURSIVE next(id) AS (
      SELECT (SELECT min(user_id) FROM ${table} WHERE user_id > :afterUserId)
      UNION ALL SELECT (SELECT min(user_id) FROM ${table} WHERE user_id > next.id) FROM next WHERE next.id IS NOT NULL)
    SELECT id FROM next WHERE id IS NOT NULL LIMIT :count`;
  const rows = await rowsOf<{ id: number }>(db, statement(db, text, { afterUserId, count }));
  return rows.map(({ id }) => id);
}

const rowsBefore = (table: DayTable): string =>
  `SELECT ${placeOf(table, 'd.')} FROM json_each(:userIds) AS u CROSS JOIN ${table} AS d ON d.user_id = u.value WHERE d.day < :day`;

/** Deletes up to `limit` rows of these users before `day`; returns how many. */
export async function deleteDaysBeforeAcrossUsers(db: Db, table: DayTable, userIds: number[], day: string, limit: number): Promise<number> {
  const text = `DELETE FROM ${table} WHERE (${placeOf(table)}) IN (${rowsBefore(table)} LIMIT :limit) RETURNING 1`;
  return (await rowsOf(db, statement(db, text, { userIds: JSON.stringify(userIds), day, limit }))).length;
}

/**
 * Forgets the hours of up to `limit` rows of these users before `day`, keeping the day's totals; returns how many. The rows are written anew:
 * an update would shorten them and leave their pages as they are, so that a year took twice the space (docs/capacity.md).
 */
export async function forgetHoursBeforeAcrossUsers(
  db: Db,
  table: HourlyTable,
  userIds: number[],
  day: string,
  limit: number,
): Promise<number> {
  const kept = Object.values(getTableColumns(HOURLY_TABLES[table]))
    .map(({ name }) => name)
    .filter((name) => name !== 'hours')
    .join(', ');
  const text = `REPLACE INTO ${table} (${kept}, hours) SELECT ${kept}, NULL FROM ${table}
    WHERE (${placeOf(table)}) IN (${rowsBefore(table)} AND d.hours IS NOT NULL LIMIT :limit) RETURNING 1`;
  return (await rowsOf(db, statement(db, text, { userIds: JSON.stringify(userIds), day, limit }))).length;
}
