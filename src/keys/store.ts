/** All SQL of keys. */
import { and, asc, eq, getTableColumns, gt, type SQL, sql } from 'drizzle-orm';
import { askedOften, type Db, jsonField as fromJson, statement } from '../db.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import type { KeyFailure, KeyRow, Verdict } from './model.ts';
import { apiKey } from './table.ts';

/** Selects a user's keys, oldest first. */
export const selectKeys = (db: Db, userId: number) => db.select().from(apiKey).where(eq(apiKey.userId, userId)).orderBy(asc(apiKey.id));

/** A key with its former texts: a JSON array of `FormerText`. */
export type KeyWithTexts = KeyRow & { formerTexts: string };

/** Of a key, the texts (JSON) that it had before and that were sampled: each with its hash, its first and its last sample. */
export const FORMER_TEXTS = sql<string>`(SELECT json_group_array(json_object('hash', a.hash, 'since', a.series_started_at, 'until', a.last_sample_at)) FROM api_key_alias AS a
  WHERE a.api_key_id = api_key.id AND a.series_started_at IS NOT NULL) || ''`;

const keysWithTexts = askedOften((db) =>
  db
    .select({ ...getTableColumns(apiKey), formerTexts: FORMER_TEXTS })
    .from(apiKey)
    .where(eq(apiKey.userId, sql.placeholder('userId')))
    .orderBy(asc(apiKey.id)),
);
/** Selects a user's keys with their former texts, oldest first. */
export const selectKeysWithTexts = (db: Db, userId: number) => keysWithTexts(db, { userId });

/** Those of a user's keys with these hashes. */
export const listKeysByHash = (db: Db, userId: number, hashes: readonly string[]): Promise<KeyRow[]> =>
  db
    .select()
    .from(apiKey)
    .where(and(eq(apiKey.userId, userId), sql`${apiKey.hash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))`));

/** When each of a user's discovered keys was last sampled, by hash. */
export async function listDiscoveredSamples(db: Db, userId: number): Promise<Map<string, number | null>> {
  const rows = await db
    .select({ hash: apiKey.hash, at: apiKey.lastSampleAt })
    .from(apiKey)
    .where(and(eq(apiKey.userId, userId), eq(apiKey.kind, 'discovered')));
  return new Map(rows.map(({ hash, at }) => [hash, at]));
}

/** The user's key with this id. */
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
      expires_at = ${fromJson('expiresAt')}, free_limit = ${fromJson('freeRequests.limit')}, free_remaining = ${fromJson('freeRequests.remaining')},
      free_used = ${fromJson('freeRequests.used')}, last_validated_at = ${fromJson('at')}, last_error = ${fromJson('lastError')}, rejected_run = NULL, retry_after = NULL
    FROM json_each(?1) AS j WHERE ${IS_AT_BASE} RETURNING api_key.id`;
  return statement(db, text, JSON.stringify(samples));
}

/** Records failed readings of keys that still stand at their base. */
export function recordFailuresStatementAcrossUsers(db: Db, failures: readonly (Base & KeyFailure)[]): D1PreparedStatement {
  const text = `UPDATE api_key SET health = ${fromJson('health')}, last_error = ${fromJson('lastError')}, rejected_run = ${fromJson('rejectedRun')}, refused_at = ${fromJson('refusedAt')},
      retry_after = ${fromJson('retryAfter')}, last_validated_at = ${fromJson('lastValidatedAt')}
    FROM json_each(?1) AS j WHERE ${IS_AT_BASE} AND api_key.rejected_run IS ${fromJson('baseRejectedRun')} RETURNING api_key.id`;
  return statement(db, text, JSON.stringify(failures));
}
