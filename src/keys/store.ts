/** All SQL of keys. */
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { type Db, runBatch, statement } from '../db.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import type { KeyFailure, KeyRow, Verdict } from './model.ts';
import { apiKey } from './table.ts';

/** Selects a user's keys, oldest first. */
export const selectKeys = (db: Db, userId: number) => db.select().from(apiKey).where(eq(apiKey.userId, userId)).orderBy(asc(apiKey.id));

/** Those of a user's keys with these hashes. */
export const listKeysByHash = (db: Db, userId: number, hashes: readonly string[]): Promise<KeyRow[]> =>
  db
    .select()
    .from(apiKey)
    .where(and(eq(apiKey.userId, userId), sql`${apiKey.hash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))`));

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

/** Selects what the ledger needs to know of a user's keys. */
export const selectCovered = (db: Db, userId: number) =>
  db
    .select({
      id: apiKey.id,
      name: apiKey.name,
      kind: apiKey.kind,
      isActive: apiKey.isActive,
      health: apiKey.health,
      knownSince: apiKey.knownSince,
      knownUntil: apiKey.knownUntil,
    })
    .from(apiKey)
    .where(eq(apiKey.userId, userId))
    .orderBy(asc(apiKey.id));

/**
 * How many keys a user has added, and whether one of them has, or once had, the text with this hash. Discovered ones do not count.
 * @param exceptId a key whose own former texts do not count
 */
export async function countKeys(
  db: Db,
  userId: number,
  hash: string,
  exceptId: number | null,
): Promise<{ count: number; hasHash: boolean }> {
  const text = `SELECT (SELECT count(*) FROM api_key WHERE user_id = ?1 AND kind <> 'discovered') AS count,
    EXISTS (SELECT 1 FROM api_key WHERE user_id = ?1 AND hash = ?2 AND kind <> 'discovered')
      OR EXISTS (SELECT 1 FROM api_key_alias WHERE user_id = ?1 AND hash = ?2 AND api_key_id IS NOT ?3) AS has_hash`;
  const [rows = []] = await runBatch(db, [statement(db, text, userId, hash, exceptId)]);
  return { count: Number(rows[0]?.['count']), hasHash: rows[0]?.['has_hash'] === 1 };
}

export type KeySecret = Pick<KeyRow, 'hash' | 'label' | 'ciphertext' | 'kid'>;

/** What a new or replaced text begins with: its secret, and why OpenRouter could not be asked, if so. */
export type NewText = KeySecret & Pick<KeyRow, 'lastError' | 'retryAfter'>;

/**
 * Adds an unverified key, or gives a discovered one its text, unless the user has `max` of them or is gone: one statement decides,
 * however many run at once.
 * @returns its id, or null at the limit, or if another key had this text before
 */
export async function insertKey(db: Db, userId: number, name: string, key: NewText, max: number, now: number): Promise<number | null> {
  const text = `INSERT INTO api_key (user_id, name, created_at, hash, label, ciphertext, kid, last_error, retry_after, kind, health)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'inference', 'unverified'
    WHERE (SELECT count(*) FROM api_key WHERE user_id = ?1 AND kind <> 'discovered') < ?10 AND EXISTS (SELECT 1 FROM user WHERE id = ?1)
      AND NOT EXISTS (SELECT 1 FROM api_key_alias WHERE user_id = ?1 AND hash = ?4)
    ON CONFLICT (user_id, hash) DO UPDATE SET name = excluded.name, label = excluded.label, ciphertext = excluded.ciphertext, kid = excluded.kid,
      kind = excluded.kind, is_active = true, health = iif(excluded.last_error IS NULL, 'active', 'unverified'), last_error = excluded.last_error,
      retry_after = excluded.retry_after, rejected_run = NULL
    WHERE api_key.kind = 'discovered' RETURNING id`;
  const values = [userId, name, now, key.hash, key.label, key.ciphertext, key.kid, key.lastError, key.retryAfter, max];
  const [rows = []] = await runBatch(db, [statement(db, text, ...values)]);
  return rows[0] ? Number(rows[0]['id']) : null;
}

/** Changes what does not concern the text; null if the key is gone. */
export async function updateKey(
  db: Db,
  userId: number,
  id: number,
  change: Partial<Pick<KeyRow, 'name' | 'isActive' | 'syncRequestedAt' | 'health'>>,
): Promise<KeyRow | null> {
  const [row] = await db
    .update(apiKey)
    .set(change)
    .where(and(eq(apiKey.userId, userId), eq(apiKey.id, id)))
    .returning();
  return row ?? null;
}

/** What an alias keeps of a series, so that a text which comes back goes on from there. */
const SERIES = ['series_started_at', 'last_sample_at', 'usage_nano', 'usage_daily_nano', 'byok_usage_nano', 'byok_usage_daily_nano'];

/** Hours of two days of counters as one. */
const MERGED_HOURS = `CASE WHEN counter_day.hours IS NULL THEN excluded.hours WHEN excluded.hours IS NULL THEN counter_day.hours ELSE (
  SELECT json_group_object(h.key, json_array(h.cost, h.byok)) FROM (
    SELECT key, sum(json_extract(value, '$[0]')) AS cost, sum(json_extract(value, '$[1]')) AS byok FROM (
      SELECT key, value FROM json_each(counter_day.hours) UNION ALL SELECT key, value FROM json_each(excluded.hours)) GROUP BY key) AS h) END`;

/**
 * Lets a key that still has `oldHash` absorb the discovered key with `hash`, if there is one: its days, its readings, and, as an alias,
 * where its series stood. The days of a key are added to, once, because the same transaction deletes where they came from.
 */
function absorbStatements(db: Db, userId: number, id: number, oldHash: string, hash: string): D1PreparedStatement[] {
  const discovered = "SELECT d.id FROM api_key AS d WHERE d.user_id = ?1 AND d.hash = ?4 AND d.kind = 'discovered'";
  const isUnchanged = 'EXISTS (SELECT 1 FROM api_key AS k WHERE k.user_id = ?1 AND k.id = ?2 AND k.hash = ?3 AND k.hash <> ?4)';
  const amounts = ['cost_nano', 'byok_cost_nano', 'correction_nano', 'byok_correction_nano'];
  const sums = amounts.map((name) => `${name} = counter_day.${name} + excluded.${name}`).join(', ');
  return [
    `INSERT INTO api_key_alias (user_id, hash, api_key_id, ${SERIES.join(', ')})
      SELECT user_id, hash, ?2, ${SERIES.join(', ')} FROM api_key WHERE id = (${discovered}) AND ${isUnchanged}`,
    `INSERT INTO counter_day (user_id, day, api_key_id, ${amounts.join(', ')}, is_estimated, hours)
      SELECT user_id, day, ?2, ${amounts.join(', ')}, is_estimated, hours FROM counter_day
      WHERE user_id = ?1 AND api_key_id = (${discovered}) AND ${isUnchanged}
      ON CONFLICT (user_id, day, api_key_id) DO UPDATE SET ${sums},
        is_estimated = max(counter_day.is_estimated, excluded.is_estimated), hours = ${MERGED_HOURS}`,
    `UPDATE upstream_key SET api_key_id = ?2 WHERE api_key_id = (${discovered}) AND ${isUnchanged}`,
    `DELETE FROM api_key WHERE id = (${discovered}) AND ${isUnchanged}`,
  ].map((text) => statement(db, text, userId, id, oldHash, hash));
}

/**
 * Replaces the text of a key that still has `oldHash`; the old hash keeps naming this key. A new series begins, or, with a text
 * that the key had before, its series goes on. A discovered key with that text becomes part of this one.
 */
export async function replaceText(db: Db, userId: number, id: number, oldHash: string, text: NewText): Promise<boolean> {
  const isUnchanged = 'user_id = ?1 AND id = ?2 AND hash = ?3';
  const isForeign = 'SELECT 1 FROM api_key_alias AS a WHERE a.user_id = ?1 AND a.hash = ?4 AND a.api_key_id <> ?2';
  const alias = `INSERT INTO api_key_alias (user_id, hash, api_key_id, ${SERIES.join(', ')})
    SELECT user_id, hash, id, ${SERIES.join(', ')} FROM api_key WHERE ${isUnchanged}
    ON CONFLICT DO NOTHING`;
  const former = SERIES.map(
    (name) => `${name} = (SELECT a.${name} FROM api_key_alias AS a WHERE a.user_id = ?1 AND a.hash = ?4 AND a.api_key_id = ?2)`,
  );
  const update = `UPDATE api_key SET hash = ?4, text_version = text_version + 1, label = ?5, ciphertext = ?6, kid = ?7, last_error = ?8, retry_after = ?9, kind = 'inference',
      health = 'unverified', ${former.join(', ')}, usage_weekly_nano = NULL, usage_monthly_nano = NULL, byok_usage_weekly_nano = NULL,
      byok_usage_monthly_nano = NULL, limit_nano = NULL, limit_remaining_nano = NULL, limit_reset = NULL, expires_at = NULL,
      last_validated_at = NULL, rejected_run = NULL
    WHERE ${isUnchanged} AND NOT EXISTS (${isForeign}) RETURNING id`;
  const values = [text.hash, text.label, text.ciphertext, text.kid, text.lastError, text.retryAfter];
  const absorbing = absorbStatements(db, userId, id, oldHash, text.hash);
  const results = await runBatch(db, [
    ...absorbing,
    statement(db, alias, userId, id, oldHash),
    statement(db, update, userId, id, oldHash, ...values),
    statement(
      db,
      'DELETE FROM api_key_alias WHERE user_id = ?1 AND hash = (SELECT hash FROM api_key WHERE user_id = ?1 AND id = ?2)',
      userId,
      id,
    ),
  ]);
  return (results[absorbing.length + 1] ?? []).length > 0;
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

/** A run is done with a key that was read since the ring or was refused in this run. A key without its text cannot be read itself. */
const isOpen = (run: ReadRun): SQL => sql`${apiKey.kid} IS NOT NULL AND ${isReadBy(run)} AND ${apiKey.rejectedRun} IS NOT ${run.id}`;

export interface OpenKey {
  id: number;
  /** OpenRouter asked not to be called with this key before that instant. */
  retryAfter: number | null;
}

/** The next `count` keys after `afterId` that the run is still to read, in order, postponed ones too. */
export const listOpenKeysAcrossUsers = (db: Db, run: ReadRun, afterId: number, count: number): Promise<OpenKey[]> =>
  db
    .select({ id: apiKey.id, retryAfter: apiKey.retryAfter })
    .from(apiKey)
    .where(and(gt(apiKey.id, afterId), isOpen(run)))
    .orderBy(asc(apiKey.id))
    .limit(count);

/** Those of the keys that the run is still to read and that are not postponed. */
export const listDueKeysAcrossUsers = (db: Db, run: ReadRun, now: number, ids: readonly number[]): Promise<KeyRow[]> =>
  db
    .select()
    .from(apiKey)
    .where(
      and(
        sql`${apiKey.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
        isOpen(run),
        sql`(${apiKey.retryAfter} IS NULL OR ${apiKey.retryAfter} <= ${now})`,
      ),
    );

/** What a reading of a key starts from. Where it no longer holds, the reading's outcome is not applied. */
export interface Base {
  keyId: number;
  keyHash: string;
  textVersion: number;
  baseSampleAt: number | null;
  baseRejectedRun: string | null;
}

const IS_AT_BASE = `api_key.id = json_extract(j.value, '$.keyId') AND api_key.hash = json_extract(j.value, '$.keyHash')
  AND api_key.text_version = json_extract(j.value, '$.textVersion') AND api_key.last_sample_at IS json_extract(j.value, '$.baseSampleAt')`;

const fromJson = (name: string): string => `json_extract(j.value, '$.${name}')`;

/** Moves keys to new samples (`at` in epoch milliseconds) where they still stand at their base; returns the ids of those. */
export function moveSamplesStatementAcrossUsers(
  db: Db,
  samples: readonly (Base & KeyInfo & Verdict & { at: number })[],
): D1PreparedStatement {
  const text = `UPDATE api_key SET kind = iif(kind = 'discovered', kind, iif(${fromJson('isManagementKey')}, 'management', 'inference')), health = ${fromJson('health')},
      known_since = coalesce(known_since, ${fromJson('at')}), series_started_at = coalesce(series_started_at, ${fromJson('at')}), known_until = max(coalesce(known_until, 0), ${fromJson('at')}),
      last_sample_at = ${fromJson('at')}, usage_nano = ${fromJson('counters.usageNano')}, usage_daily_nano = ${fromJson('counters.usageDailyNano')},
      usage_weekly_nano = ${fromJson('counters.usageWeeklyNano')}, usage_monthly_nano = ${fromJson('counters.usageMonthlyNano')},
      byok_usage_nano = ${fromJson('counters.byokUsageNano')}, byok_usage_daily_nano = ${fromJson('counters.byokUsageDailyNano')},
      byok_usage_weekly_nano = ${fromJson('counters.byokUsageWeeklyNano')}, byok_usage_monthly_nano = ${fromJson('counters.byokUsageMonthlyNano')},
      limit_nano = ${fromJson('limitNano')}, limit_remaining_nano = ${fromJson('limitRemainingNano')}, limit_reset = ${fromJson('limitReset')},
      expires_at = ${fromJson('expiresAt')}, last_validated_at = ${fromJson('at')}, last_error = ${fromJson('lastError')}, rejected_run = NULL, retry_after = NULL
    FROM json_each(?1) AS j WHERE ${IS_AT_BASE} RETURNING api_key.id`;
  return statement(db, text, JSON.stringify(samples));
}

/** Records failed readings of keys that still stand at their base. */
export function recordFailuresStatementAcrossUsers(db: Db, failures: readonly (Base & KeyFailure)[]): D1PreparedStatement {
  const text = `UPDATE api_key SET health = ${fromJson('health')}, last_error = ${fromJson('lastError')}, rejected_run = ${fromJson('rejectedRun')},
      retry_after = ${fromJson('retryAfter')}, last_validated_at = ${fromJson('lastValidatedAt')}
    FROM json_each(?1) AS j WHERE ${IS_AT_BASE} AND api_key.rejected_run IS ${fromJson('baseRejectedRun')} RETURNING api_key.id`;
  return statement(db, text, JSON.stringify(failures));
}

/** Ids (`kid`) of the encryption keys that ciphertexts need, by skipping from one to the next in their index. */
export const kidsStatementAcrossUsers = (db: Db): D1PreparedStatement =>
  statement(
    db,
    `WITH RECURSIVE next(kid) AS (
      SELECT (SELECT min(kid) FROM api_key)
      UNION ALL SELECT (SELECT min(kid) FROM api_key WHERE kid > next.kid) FROM next WHERE next.kid IS NOT NULL)
    SELECT kid FROM next WHERE kid IS NOT NULL`,
  );
