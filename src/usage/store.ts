/** All SQL of the ledger. */
import { and, between, eq } from 'drizzle-orm';
import { type Db, runBatch, statement } from '../db.ts';
import type { DayAmounts } from './ledger.ts';
import type { LedgerRow } from './model.ts';
import { counterDay } from './table.ts';

const parseHours = (hours: string | null): DayAmounts['hours'] => (hours === null ? {} : JSON.parse(hours));

const formatHours = (hours: DayAmounts['hours']): string | null => (Object.keys(hours).length > 0 ? JSON.stringify(hours) : null);

/** A stored row as the ledger knows it. */
export const toLedgerRow = ({ apiKeyId, hours, ...row }: typeof counterDay.$inferSelect): LedgerRow => ({
  ...row,
  keyId: apiKeyId,
  hours: parseHours(hours),
});

/** Selects the stored rows of a user's UTC days, `from` to `to` inclusive, of all keys or of one. */
export const selectDays = (db: Db, userId: number, from: string, to: string, keyId?: number) =>
  db
    .select()
    .from(counterDay)
    .where(
      and(
        eq(counterDay.userId, userId),
        between(counterDay.day, from, to),
        keyId === undefined ? undefined : eq(counterDay.apiKeyId, keyId),
      ),
    );

/** Names one ledger row. */
export interface DayKey {
  userId: number;
  keyId: number;
  day: string;
}

/** Those of the named ledger rows that exist, for a job that works on keys of several users. */
export async function listNamedDaysAcrossUsers(db: Db, names: readonly DayKey[]): Promise<(DayKey & DayAmounts)[]> {
  if (names.length === 0) return [];
  const text = `SELECT d.* FROM json_each(?1) AS j JOIN counter_day AS d
    ON d.user_id = json_extract(j.value, '$.userId') AND d.day = json_extract(j.value, '$.day') AND d.api_key_id = json_extract(j.value, '$.keyId')`;
  const [rows = []] = await runBatch(db, [statement(db, text, JSON.stringify(names))]);
  return rows.map((row) => ({
    userId: Number(row['user_id']),
    keyId: Number(row['api_key_id']),
    day: String(row['day']),
    costNano: Number(row['cost_nano']),
    byokCostNano: Number(row['byok_cost_nano']),
    correctionNano: Number(row['correction_nano']),
    byokCorrectionNano: Number(row['byok_correction_nano']),
    isEstimated: row['is_estimated'] === 1,
    hours: parseHours(row['hours'] as string | null),
  }));
}

/** A ledger row to be set, if its key still stands at the sample from which the row was computed. */
export interface DayWrite extends DayKey, DayAmounts {
  keyHash: string;
  textVersion: number;
  baseSampleAt: number | null;
}

/**
 * Sets ledger rows computed from a sample. A key that is gone, was replaced, or has another last sample by now is passed over;
 * a row that would not change is not written. Belongs in one batch before the statement that moves the key's sample.
 */
export function setDaysStatementAcrossUsers(db: Db, writes: readonly DayWrite[]): D1PreparedStatement {
  const text = `INSERT INTO counter_day (user_id, day, api_key_id, cost_nano, byok_cost_nano, correction_nano, byok_correction_nano, is_estimated, hours)
    SELECT k.user_id, json_extract(j.value, '$.day'), k.id, json_extract(j.value, '$.costNano'), json_extract(j.value, '$.byokCostNano'),
      json_extract(j.value, '$.correctionNano'), json_extract(j.value, '$.byokCorrectionNano'), json_extract(j.value, '$.isEstimated'), json_extract(j.value, '$.hours')
    FROM json_each(?1) AS j JOIN api_key AS k ON k.id = json_extract(j.value, '$.keyId')
    WHERE k.hash = json_extract(j.value, '$.keyHash') AND k.text_version = json_extract(j.value, '$.textVersion') AND k.last_sample_at IS json_extract(j.value, '$.baseSampleAt')
    ON CONFLICT (user_id, day, api_key_id) DO UPDATE SET cost_nano = excluded.cost_nano, byok_cost_nano = excluded.byok_cost_nano,
      correction_nano = excluded.correction_nano, byok_correction_nano = excluded.byok_correction_nano, is_estimated = excluded.is_estimated, hours = excluded.hours
    WHERE (counter_day.cost_nano, counter_day.byok_cost_nano, counter_day.correction_nano, counter_day.byok_correction_nano, counter_day.is_estimated, counter_day.hours)
      IS NOT (excluded.cost_nano, excluded.byok_cost_nano, excluded.correction_nano, excluded.byok_correction_nano, excluded.is_estimated, excluded.hours)`;
  return statement(db, text, JSON.stringify(writes.map((write) => ({ ...write, hours: formatHours(write.hours) }))));
}

/** Deletes the ledger of one key: a row a day of the retention at the most. */
export const deleteKeyDaysStatement = (db: Db, userId: number, keyId: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM counter_day WHERE user_id = ? AND api_key_id = ?', userId, keyId);

/** Marks the ledger of a deleted user for deletion in steps. */
export const requestPurgeStatement = (db: Db, userId: number, now: number): D1PreparedStatement =>
  statement(db, 'INSERT INTO purge (user_id, requested_at) VALUES (?, ?) ON CONFLICT DO NOTHING', userId, now);

/**
 * Deletes up to `limit` ledger rows of users who are gone.
 * @returns how many it deleted; fewer than `limit` means that nothing is left
 */
export async function purgeStepAcrossUsers(db: Db, limit: number): Promise<number> {
  const doomed = 'SELECT d.user_id, d.day, d.api_key_id FROM purge AS p CROSS JOIN counter_day AS d ON d.user_id = p.user_id LIMIT ?';
  const [deleted = []] = await runBatch(db, [
    statement(db, `DELETE FROM counter_day WHERE (user_id, day, api_key_id) IN (${doomed}) RETURNING 1`, limit),
    statement(db, 'DELETE FROM purge WHERE NOT EXISTS (SELECT 1 FROM counter_day WHERE counter_day.user_id = purge.user_id)'),
  ]);
  return deleted.length;
}

/** The next `count` users after `userId` who have ledger rows, by skipping from one to the next in the clustered key. */
export async function listUsersWithRowsAcrossUsers(db: Db, afterUserId: number, count: number): Promise<number[]> {
  const text = `WITH RECURSIVE next(id) AS (
      SELECT (SELECT min(user_id) FROM counter_day WHERE user_id > ?1)
      UNION ALL SELECT (SELECT min(user_id) FROM counter_day WHERE user_id > next.id) FROM next WHERE next.id IS NOT NULL)
    SELECT id FROM next WHERE id IS NOT NULL LIMIT ?2`;
  const [rows = []] = await runBatch(db, [statement(db, text, afterUserId, count)]);
  return rows.map((row) => Number(row['id']));
}

const rowsBefore = `SELECT d.user_id, d.day, d.api_key_id FROM json_each(?1) AS u CROSS JOIN counter_day AS d ON d.user_id = u.value WHERE d.day < ?2`;

/** Deletes up to `limit` ledger rows of these users before `day`; returns how many. */
export async function deleteDaysBeforeAcrossUsers(db: Db, userIds: number[], day: string, limit: number): Promise<number> {
  const text = `DELETE FROM counter_day WHERE (user_id, day, api_key_id) IN (${rowsBefore} LIMIT ?3) RETURNING 1`;
  const [deleted = []] = await runBatch(db, [statement(db, text, JSON.stringify(userIds), day, limit)]);
  return deleted.length;
}

/** Forgets the hours of up to `limit` ledger rows of these users before `day`, keeping the day's totals; returns how many. */
export async function forgetHoursBeforeAcrossUsers(db: Db, userIds: number[], day: string, limit: number): Promise<number> {
  const text = `UPDATE counter_day SET hours = NULL WHERE (user_id, day, api_key_id) IN (${rowsBefore} AND d.hours IS NOT NULL LIMIT ?3) RETURNING 1`;
  const [updated = []] = await runBatch(db, [statement(db, text, JSON.stringify(userIds), day, limit)]);
  return updated.length;
}
