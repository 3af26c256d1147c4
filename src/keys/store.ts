/** All SQL of keys. */
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { type Db, runBatch, statement } from '../db.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import type { KeyFailure, KeyRow } from './model.ts';
import { apiKey } from './table.ts';

/** A user's keys, oldest first. */
export const listKeys = (db: Db, userId: number): Promise<KeyRow[]> =>
  db.select().from(apiKey).where(eq(apiKey.userId, userId)).orderBy(asc(apiKey.id));

export async function findKey(db: Db, userId: number, id: number): Promise<KeyRow | null> {
  const [row] = await db
    .select()
    .from(apiKey)
    .where(and(eq(apiKey.userId, userId), eq(apiKey.id, id)));
  return row ?? null;
}

/** Does a key with this id belong to anybody? */
export async function hasKeyAcrossUsers(db: Db, id: number): Promise<boolean> {
  const rows = await db.select({ id: apiKey.id }).from(apiKey).where(eq(apiKey.id, id));
  return rows.length > 0;
}

/** Selects what the ledger needs to know of a user's keys, or of one of them. */
export const selectCovered = (db: Db, userId: number, id?: number) =>
  db
    .select({
      id: apiKey.id,
      name: apiKey.name,
      isActive: apiKey.isActive,
      health: apiKey.health,
      knownSince: apiKey.knownSince,
      lastSampleAt: apiKey.lastSampleAt,
    })
    .from(apiKey)
    .where(and(eq(apiKey.userId, userId), id === undefined ? undefined : eq(apiKey.id, id)))
    .orderBy(asc(apiKey.id));

/** How many keys a user has, and whether one of them has, or once had, the text with this hash. */
export async function countKeys(db: Db, userId: number, hash: string): Promise<{ count: number; hasHash: boolean }> {
  const text = `SELECT (SELECT count(*) FROM api_key WHERE user_id = ?1) AS count,
    EXISTS (SELECT 1 FROM api_key WHERE user_id = ?1 AND hash = ?2) OR EXISTS (SELECT 1 FROM api_key_alias WHERE user_id = ?1 AND hash = ?2) AS has_hash`;
  const [rows = []] = await runBatch(db, [statement(db, text, userId, hash)]);
  return { count: Number(rows[0]?.['count']), hasHash: rows[0]?.['has_hash'] === 1 };
}

export type KeySecret = Pick<KeyRow, 'hash' | 'label' | 'ciphertext' | 'kid'>;

/** What a new or replaced text begins with: its secret, and why OpenRouter could not be asked, if so. */
export type NewText = KeySecret & Pick<KeyRow, 'lastError' | 'retryAfter'>;

/**
 * Adds an unverified key, unless the user has `max` of them or is gone: one statement decides, however many run at once.
 * @returns its id, or null at the limit
 */
export async function insertKey(db: Db, userId: number, name: string, key: NewText, max: number, now: number): Promise<number | null> {
  const text = `INSERT INTO api_key (user_id, name, created_at, hash, label, ciphertext, kid, last_error, retry_after, kind, health)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'inference', 'unverified'
    WHERE (SELECT count(*) FROM api_key WHERE user_id = ?1) < ?10 AND EXISTS (SELECT 1 FROM user WHERE id = ?1) RETURNING id`;
  const values = [userId, name, now, key.hash, key.label, key.ciphertext, key.kid, key.lastError, key.retryAfter, max];
  const [rows = []] = await runBatch(db, [statement(db, text, ...values)]);
  return rows[0] ? Number(rows[0]['id']) : null;
}

/** Changes the name or pauses and resumes; null if the key is gone. */
export async function updateKey(
  db: Db,
  userId: number,
  id: number,
  change: Partial<Pick<KeyRow, 'name' | 'isActive'>>,
): Promise<KeyRow | null> {
  const [row] = await db
    .update(apiKey)
    .set(change)
    .where(and(eq(apiKey.userId, userId), eq(apiKey.id, id)))
    .returning();
  return row ?? null;
}

/** Replaces the text of a key that still has `oldHash`: a new series begins, and the old hash keeps naming this key. */
export async function replaceText(db: Db, userId: number, id: number, oldHash: string, text: NewText): Promise<boolean> {
  const isUnchanged = 'user_id = ?1 AND id = ?2 AND hash = ?3';
  const alias = `INSERT INTO api_key_alias (user_id, hash, api_key_id) SELECT user_id, hash, id FROM api_key WHERE ${isUnchanged}`;
  const update = `UPDATE api_key SET hash = ?4, label = ?5, ciphertext = ?6, kid = ?7, last_error = ?8, retry_after = ?9, kind = 'inference',
      health = 'unverified', series_started_at = NULL, last_sample_at = NULL, usage_nano = NULL, usage_daily_nano = NULL, usage_weekly_nano = NULL,
      usage_monthly_nano = NULL, byok_usage_nano = NULL, byok_usage_daily_nano = NULL, byok_usage_weekly_nano = NULL, byok_usage_monthly_nano = NULL,
      limit_nano = NULL, limit_remaining_nano = NULL, limit_reset = NULL, expires_at = NULL, last_validated_at = NULL, rejected_run = NULL,
      consecutive_failures = 0
    WHERE ${isUnchanged} RETURNING id`;
  const values = [text.hash, text.label, text.ciphertext, text.kid, text.lastError, text.retryAfter];
  const [, updated = []] = await runBatch(db, [
    statement(db, alias, userId, id, oldHash),
    statement(db, update, userId, id, oldHash, ...values),
  ]);
  return updated.length > 0;
}

/** Deletes a key and its aliases. */
export const deleteKeyStatements = (db: Db, userId: number, id: number): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM api_key_alias WHERE api_key_id = (SELECT id FROM api_key WHERE user_id = ?1 AND id = ?2)', userId, id),
  statement(db, 'DELETE FROM api_key WHERE user_id = ?1 AND id = ?2', userId, id),
];

/** Deletes all keys of a user. */
export const deleteAllKeysStatements = (db: Db, userId: number): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM api_key_alias WHERE user_id = ?', userId),
  statement(db, 'DELETE FROM api_key WHERE user_id = ?', userId),
];

/** Notes that the user asked for a reading, unless one was asked for at or after `notAfter`; false if so. */
export async function claimSyncRequest(db: Db, userId: number, id: number, now: number, notAfter: number): Promise<boolean> {
  const rows = await db
    .update(apiKey)
    .set({ syncRequestedAt: now })
    .where(
      and(
        eq(apiKey.userId, userId),
        eq(apiKey.id, id),
        sql`(${apiKey.syncRequestedAt} IS NULL OR ${apiKey.syncRequestedAt} <= ${notAfter})`,
      ),
    )
    .returning({ id: apiKey.id });
  return rows.length > 0;
}

/** Which keys a run is about. `manual`: read because its user asked. */
export type ReadRun = { kind: 'sync' | 'validate' | 'manual'; id: string; since: number };

function isReadBy(run: ReadRun): SQL {
  switch (run.kind) {
    case 'sync':
      return sql`${apiKey.isActive} AND ${apiKey.health} IN ('active', 'unverified') AND (${apiKey.lastSampleAt} IS NULL OR ${apiKey.lastSampleAt} < ${run.since})`;
    case 'validate':
      return sql`${apiKey.isActive} AND (${apiKey.lastValidatedAt} IS NULL OR ${apiKey.lastValidatedAt} < ${run.since})`;
    case 'manual':
      return sql`${apiKey.isActive} AND (${apiKey.lastSampleAt} IS NULL OR ${apiKey.lastSampleAt} < ${run.since})`;
  }
}

/** A run is done with a key that was read since the ring or was refused in this run; a `Retry-After` postpones it. */
const isDue = (run: ReadRun, now: number): SQL =>
  sql`${isReadBy(run)} AND ${apiKey.rejectedRun} IS NOT ${run.id} AND (${apiKey.retryAfter} IS NULL OR ${apiKey.retryAfter} <= ${now})`;

/** Ids of the next `count` keys after `afterId` that the run is still to read, in order. */
export async function listDueIdsAcrossUsers(db: Db, run: ReadRun, now: number, afterId: number, count: number): Promise<number[]> {
  const rows = await db
    .select({ id: apiKey.id })
    .from(apiKey)
    .where(and(gt(apiKey.id, afterId), isDue(run, now)))
    .orderBy(asc(apiKey.id))
    .limit(count);
  return rows.map((row) => row.id);
}

/** Those of the keys that the run is still to read. */
export const listDueKeysAcrossUsers = (db: Db, run: ReadRun, now: number, ids: readonly number[]): Promise<KeyRow[]> =>
  db
    .select()
    .from(apiKey)
    .where(and(sql`${apiKey.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`, isDue(run, now)));

/** What a reading of a key starts from. Where it no longer holds, the reading's outcome is not applied. */
export interface Base {
  keyId: number;
  keyHash: string;
  baseSampleAt: number | null;
}

const IS_AT_BASE = `api_key.id = json_extract(j.value, '$.keyId') AND api_key.hash = json_extract(j.value, '$.keyHash')
  AND api_key.last_sample_at IS json_extract(j.value, '$.baseSampleAt')`;

const fromJson = (name: string): string => `json_extract(j.value, '$.${name}')`;

/** Moves keys to new samples (`at` in epoch milliseconds) where they still stand at their base; returns the ids of those. */
export function moveSamplesStatementAcrossUsers(db: Db, samples: readonly (Base & KeyInfo & { at: number })[]): D1PreparedStatement {
  const text = `UPDATE api_key SET kind = iif(${fromJson('isManagementKey')}, 'management', 'inference'), health = 'active',
      known_since = coalesce(known_since, ${fromJson('at')}), series_started_at = coalesce(series_started_at, ${fromJson('at')}),
      last_sample_at = ${fromJson('at')}, usage_nano = ${fromJson('counters.usageNano')}, usage_daily_nano = ${fromJson('counters.usageDailyNano')},
      usage_weekly_nano = ${fromJson('counters.usageWeeklyNano')}, usage_monthly_nano = ${fromJson('counters.usageMonthlyNano')},
      byok_usage_nano = ${fromJson('counters.byokUsageNano')}, byok_usage_daily_nano = ${fromJson('counters.byokUsageDailyNano')},
      byok_usage_weekly_nano = ${fromJson('counters.byokUsageWeeklyNano')}, byok_usage_monthly_nano = ${fromJson('counters.byokUsageMonthlyNano')},
      limit_nano = ${fromJson('limitNano')}, limit_remaining_nano = ${fromJson('limitRemainingNano')}, limit_reset = ${fromJson('limitReset')},
      expires_at = ${fromJson('expiresAt')}, last_validated_at = ${fromJson('at')}, last_error = NULL, rejected_run = NULL,
      consecutive_failures = 0, retry_after = NULL
    FROM json_each(?1) AS j WHERE ${IS_AT_BASE} RETURNING api_key.id`;
  return statement(db, text, JSON.stringify(samples));
}

/** Records failed readings of keys that still stand at their base. */
export function recordFailuresStatementAcrossUsers(db: Db, failures: readonly (Base & KeyFailure)[]): D1PreparedStatement {
  const text = `UPDATE api_key SET health = ${fromJson('health')}, last_error = ${fromJson('lastError')}, rejected_run = ${fromJson('rejectedRun')},
      consecutive_failures = ${fromJson('consecutiveFailures')}, retry_after = ${fromJson('retryAfter')}, last_validated_at = ${fromJson('lastValidatedAt')}
    FROM json_each(?1) AS j WHERE ${IS_AT_BASE} RETURNING api_key.id`;
  return statement(db, text, JSON.stringify(failures));
}

/** Ids of the encryption keys that ciphertexts need, by skipping from one to the next in their index. */
export async function listKidsAcrossUsers(db: Db): Promise<string[]> {
  const text = `WITH RECURSIVE next(kid) AS (
      SELECT (SELECT min(kid) FROM api_key)
      UNION ALL SELECT (SELECT min(kid) FROM api_key WHERE kid > next.kid) FROM next WHERE next.kid IS NOT NULL)
    SELECT kid FROM next WHERE kid IS NOT NULL`;
  const [rows = []] = await runBatch(db, [statement(db, text)]);
  return rows.map((row) => String(row['kid']));
}
