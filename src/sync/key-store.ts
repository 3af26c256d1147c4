/** SQL of syncing keys: which are due, and what their samples and failures change. */
import { and, asc, gt, type SQL, sql } from 'drizzle-orm';
import { type Db, jsonField as fromJson, statement } from '../db.ts';
import type { KeyRow } from '../inventory/model.ts';
import { fromKeys, OF_KEYS } from '../inventory/store.ts';
import { apiKey, upstreamKey } from '../inventory/table.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import type { KeyFailure, Verdict } from './verdict.ts';

/** Which keys a run is about. `manual`: read because its user asked. */
export type ReadRun = { kind: 'sync' | 'validate' | 'manual'; id: string; since: number };

function isReadBy(run: ReadRun): SQL {
  switch (run.kind) {
    case 'sync':
      return sql`${apiKey.isActive} AND ${apiKey.health} IN ('active', 'unverified') AND (${upstreamKey.lastSampleAt} IS NULL OR ${upstreamKey.lastSampleAt} < ${run.since})`;
    case 'validate':
      return sql`${apiKey.isActive} AND max(coalesce(${apiKey.lastValidatedAt}, 0), coalesce(${upstreamKey.lastSampleAt}, 0)) < ${run.since}`;
    case 'manual':
      return sql`${apiKey.isActive} AND (${upstreamKey.lastSampleAt} IS NULL OR ${upstreamKey.lastSampleAt} < ${run.since})`;
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
    .innerJoin(upstreamKey, OF_KEYS)
    .where(and(gt(apiKey.id, afterId), isOpen(run)))
    .orderBy(asc(apiKey.id))
    .limit(count);

/** Those of the keys that the run is still to read and that are not postponed. */
export const listDueKeysAcrossUsers = (db: Db, run: ReadRun, now: number, ids: readonly number[]): Promise<KeyRow[]> =>
  fromKeys(db).where(
    and(
      sql`${apiKey.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
      isOpen(run),
      sql`(${apiKey.retryAfter} IS NULL OR ${apiKey.retryAfter} <= ${now})`,
    ),
  );

/** What a reading of a key starts from. Where it no longer holds, the reading's outcome is not applied. */
export interface Base {
  upstreamKeyId: number;
  baseSampleAt: number | null;
  baseRejectedRun: string | null;
}

/** The upstream key `u` that still stands at the sample from which row `j` started. */
const BASE = `json_each(:readings) AS j JOIN upstream_key AS u ON u.id = ${fromJson('upstreamKeyId')} AND u.last_sample_at IS ${fromJson('baseSampleAt')}`;

/** The key that has its secret now. */
const OF_BASE = 'api_key.id = u.api_key_id AND api_key.hash = u.hash';

const ANSWERED = {
  kind: `iif(api_key.kind = 'discovered', api_key.kind, iif(${fromJson('isManagementKey')}, 'management', 'inference'))`,
  health: fromJson('health'),
  limit_nano: fromJson('limitNano'),
  limit_remaining_nano: fromJson('limitRemainingNano'),
  limit_reset: fromJson('limitReset'),
  expires_at: fromJson('expiresAt'),
  free_limit: fromJson('freeRequests.limit'),
  free_remaining: fromJson('freeRequests.remaining'),
  free_used: fromJson('freeRequests.used'),
  last_error: fromJson('lastError'),
  rejected_run: 'NULL',
  retry_after: 'NULL',
};

const SAMPLED = {
  series_started_at: `coalesce(upstream_key.series_started_at, ${fromJson('at')})`,
  last_sample_at: fromJson('at'),
  sampled_nano: fromJson('counters.usageNano'),
  sampled_daily_nano: fromJson('counters.usageDailyNano'),
  sampled_weekly_nano: fromJson('counters.usageWeeklyNano'),
  sampled_monthly_nano: fromJson('counters.usageMonthlyNano'),
  sampled_byok_nano: fromJson('counters.byokUsageNano'),
  sampled_byok_daily_nano: fromJson('counters.byokUsageDailyNano'),
  sampled_byok_weekly_nano: fromJson('counters.byokUsageWeeklyNano'),
  sampled_byok_monthly_nano: fromJson('counters.byokUsageMonthlyNano'),
};

const assign = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');

/**
 * Moves upstream keys to new samples (`at` in epoch milliseconds) where they still stand at their base, and writes what else was answered of the keys
 * that have them. The last statement returns the ids of the keys whose secret moved.
 */
export function moveSamplesStatementsAcrossUsers(
  db: Db,
  samples: readonly (Base & KeyInfo & Verdict & { at: number })[],
): D1PreparedStatement[] {
  const differs = `(${Object.keys(ANSWERED).map((name) => `api_key.${name}`)}) IS NOT (${Object.values(ANSWERED)})`;
  return [
    `UPDATE api_key SET ${assign(ANSWERED)} FROM ${BASE} WHERE ${OF_BASE} AND ${differs}`,
    `UPDATE upstream_key SET ${assign(SAMPLED)} FROM ${BASE} WHERE upstream_key.id = u.id RETURNING upstream_key.api_key_id AS id`,
  ].map((text) => statement(db, text, { readings: JSON.stringify(samples) }));
}

/** Records failed readings of keys that still stand at their base; returns their ids. */
export function recordFailuresStatementAcrossUsers(db: Db, failures: readonly (Base & KeyFailure)[]): D1PreparedStatement {
  const text = `UPDATE api_key SET health = ${fromJson('health')}, last_error = ${fromJson('lastError')}, rejected_run = ${fromJson('rejectedRun')}, refused_at = ${fromJson('refusedAt')},
      retry_after = ${fromJson('retryAfter')}, last_validated_at = ${fromJson('lastValidatedAt')}
    FROM ${BASE} WHERE ${OF_BASE} AND api_key.rejected_run IS ${fromJson('baseRejectedRun')} RETURNING api_key.id`;
  return statement(db, text, { readings: JSON.stringify(failures) });
}
