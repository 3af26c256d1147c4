/** SQL of management keys: who reads an account and when, and how far each of its keys was read. */
import { and, eq, sql } from 'drizzle-orm';
import { askedOften, type Db, jsonField as field, runBatch, statement } from '../db.ts';
import type { ReadBase } from '../usage/usage-store.ts';
import type { Management, ReadProgress, UpstreamKey } from './model.ts';
import { management, upstreamKey, workspace } from './table.ts';

const USER_ID = sql.placeholder('userId');

const readings = askedOften((db) => db.select().from(upstreamKey).where(eq(upstreamKey.userId, USER_ID)));
/** Selects how far each of a user's keys was read. */
export const selectReadings = (db: Db, userId: number) => readings(db, { userId });

const managements = askedOften((db) => db.select().from(management).where(eq(management.userId, USER_ID)));
/** Selects what a user's management keys know of their accounts. */
export const selectManagements = (db: Db, userId: number) => managements(db, { userId });

const workspaces = askedOften((db) => db.select().from(workspace).where(eq(workspace.userId, USER_ID)));
/** Selects a user's workspaces. */
export const selectWorkspaces = (db: Db, userId: number) => workspaces(db, { userId });

/** The user's key as OpenRouter knows it, by its hash. */
export async function findUpstreamKey(db: Db, userId: number, hash: string): Promise<UpstreamKey | null> {
  const [row] = await db
    .select()
    .from(upstreamKey)
    .where(and(eq(upstreamKey.userId, userId), eq(upstreamKey.hash, hash)));
  return row ?? null;
}

export type Claimed = Pick<Management, 'leaderId' | 'listedAt' | 'completeAt' | 'namesDay' | 'lastError'>;
export type StepClaim = ({ kind: 'claimed' } & Claimed) | { kind: 'superseded' } | { kind: 'busy'; until: number };

const orNull = <T>(value: unknown, convert: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : convert(value);

/**
 * Takes an account for a step of a run, unless a newer run works on it, or it is not ready.
 * @param slot of the run, ISO 8601
 */
export async function claimStep(
  db: Db,
  userId: number,
  managementId: number,
  slot: string,
  now: number,
  leaseMs: number,
): Promise<StepClaim> {
  const claim = `INSERT INTO management (api_key_id, user_id, ready_at, run_slot)
    SELECT id, user_id, ?4 + ?5, ?3 FROM api_key WHERE id = ?2 AND user_id = ?1
    ON CONFLICT (api_key_id) DO UPDATE SET ready_at = excluded.ready_at, run_slot = excluded.run_slot
    WHERE management.ready_at <= ?4 AND coalesce(management.run_slot, '') <= ?3 RETURNING 1`;
  const [claimed = [], [row] = []] = await runBatch(db, [
    statement(db, claim, userId, managementId, slot, now, leaseMs),
    statement(db, 'SELECT * FROM management WHERE user_id = ?1 AND api_key_id = ?2', userId, managementId),
  ]);
  if (!row) return { kind: 'superseded' };
  if (claimed.length === 0)
    return String(row['run_slot']) > slot ? { kind: 'superseded' } : { kind: 'busy', until: Number(row['ready_at']) };
  return {
    kind: 'claimed',
    leaderId: orNull(row['leader_id'], Number),
    listedAt: orNull(row['listed_at'], Number),
    completeAt: orNull(row['complete_at'], Number),
    namesDay: orNull(row['names_day'], String),
    lastError: orNull(row['last_error'], String),
  };
}

/** Ends a step that still has its lease: the account may be taken again from `readyAt` on. */
export async function releaseStep(
  db: Db,
  userId: number,
  managementId: number,
  leaseUntil: number,
  readyAt: number,
  lastError: string | null,
): Promise<void> {
  const text = 'UPDATE management SET ready_at = ?4, last_error = ?5 WHERE user_id = ?1 AND api_key_id = ?2 AND ready_at = ?3';
  await runBatch(db, [statement(db, text, userId, managementId, leaseUntil, readyAt, lastError)]);
}

/** When all keys of an account were last listed; null: not since one of them was deleted here. */
export async function findCompleteAt(db: Db, userId: number, managementId: number): Promise<number | null> {
  const text = 'SELECT complete_at FROM management WHERE user_id = ?1 AND api_key_id = ?2';
  const [[row] = []] = await runBatch(db, [statement(db, text, userId, managementId)]);
  return orNull(row?.['complete_at'], Number);
}

/** Keys of an account, what it spent outside of them included, each with whether its user lets it be read. */
export async function listAccountKeys(db: Db, userId: number, managementId: number): Promise<(UpstreamKey & { isActive: boolean })[]> {
  const paused = `SELECT k.id FROM upstream_key AS u JOIN api_key AS k ON k.id = u.api_key_id
    WHERE u.management_id = ?2 AND u.user_id = ?1 AND NOT k.is_active`;
  const rows = await db
    .select()
    .from(upstreamKey)
    .where(and(eq(upstreamKey.managementId, managementId), eq(upstreamKey.userId, userId)));
  const [ids = []] = await runBatch(db, [statement(db, paused, userId, managementId)]);
  const isPaused = new Set(ids.map((row) => Number(row['id'])));
  return rows.map((row) => ({ ...row, isActive: !isPaused.has(row.apiKeyId) }));
}

/**
 * Moves upstream keys that still stand at their base to a new state; returns the ids of those. The plus, here and below, keeps SQLite from
 * walking all keys of the user for each of them, instead of looking its id up.
 */
export function moveReadingsStatement(db: Db, userId: number, moves: readonly (ReadBase & ReadProgress)[]): D1PreparedStatement {
  const text = `UPDATE upstream_key SET read_version = read_version + 1, done_from = ${field('doneFrom')}, open_from = ${field('openFrom')},
      read_at = ${field('readAt')}, read_usage_nano = ${field('readUsageNano')}, read_byok_usage_nano = ${field('readByokUsageNano')},
      is_settled = ${field('isSettled')}, last_error = NULL
    FROM json_each(?2) AS j WHERE +upstream_key.user_id = ?1 AND upstream_key.id = ${field('upstreamKeyId')} AND upstream_key.read_version = ${field('readVersion')}
    RETURNING upstream_key.id`;
  return statement(db, text, userId, JSON.stringify(moves));
}

/** Notes why keys could not be read. */
export const noteErrorsStatement = (db: Db, userId: number, errors: readonly { id: number; lastError: string }[]): D1PreparedStatement =>
  statement(
    db,
    `UPDATE upstream_key SET last_error = ${field('lastError')} FROM json_each(?2) AS j
      WHERE +upstream_key.user_id = ?1 AND upstream_key.id = ${field('id')} AND upstream_key.last_error IS NOT ${field('lastError')}`,
    userId,
    JSON.stringify(errors),
  );

/** Notes up to which day keys were checked. */
export const noteChecksStatement = (db: Db, userId: number, ids: readonly number[], day: string): D1PreparedStatement =>
  statement(
    db,
    'UPDATE upstream_key SET checked_to = ?3 FROM json_each(?2) AS j WHERE upstream_key.id = j.value AND +upstream_key.user_id = ?1',
    userId,
    JSON.stringify(ids),
    day,
  );

/** Notes that the names of models were asked for. */
export const noteNamesStatement = (db: Db, userId: number, managementId: number, day: string): D1PreparedStatement =>
  statement(db, 'UPDATE management SET names_day = ?3 WHERE user_id = ?1 AND api_key_id = ?2', userId, managementId, day);

/** The other management key of the user that waits to read the same account, one that is read itself before others; none if there is none. */
const FOLLOWER = `(SELECT m.api_key_id FROM management AS m JOIN api_key AS k ON k.id = m.api_key_id
  WHERE m.user_id = ?1 AND m.leader_id = ?2 ORDER BY k.is_active AND k.health <> 'invalid' DESC, m.api_key_id LIMIT 1)`;

/**
 * Ends the reading of an account by a management key that goes: another one of the account goes on with everything; without one,
 * what was discovered is deleted, and keys that the user added stay with what was read of them.
 */
export const leaveAccountStatements = (db: Db, userId: number, managementId: number): D1PreparedStatement[] =>
  [
    `DELETE FROM api_key WHERE user_id = ?1 AND kind = 'discovered' AND ${FOLLOWER} IS NULL
      AND id IN (SELECT api_key_id FROM upstream_key WHERE user_id = ?1 AND management_id = ?2)`,
    `DELETE FROM upstream_key WHERE user_id = ?1 AND management_id = ?2 AND ${FOLLOWER} IS NULL
      AND (hash IS NULL OR NOT EXISTS (SELECT 1 FROM api_key AS k WHERE k.id = upstream_key.api_key_id))`,
    `UPDATE upstream_key SET management_id = ${FOLLOWER}, read_version = read_version + 1,
        api_key_id = iif(hash IS NULL, coalesce(${FOLLOWER}, api_key_id), api_key_id)
      WHERE user_id = ?1 AND management_id = ?2`,
    `UPDATE workspace SET management_id = ${FOLLOWER} WHERE user_id = ?1 AND management_id = ?2 AND ${FOLLOWER} IS NOT NULL`,
    'DELETE FROM workspace WHERE user_id = ?1 AND management_id = ?2',
    `UPDATE management SET leader_id = nullif(${FOLLOWER}, api_key_id), complete_at = NULL WHERE user_id = ?1 AND leader_id = ?2`,
  ].map((text) => statement(db, text, userId, managementId));

/** A key goes: until its account is listed once more, what the account spends outside of its keys is not known. */
export const doubtAccountStatements = (db: Db, userId: number, keyId: number): D1PreparedStatement[] => {
  const accounts = 'SELECT management_id FROM upstream_key WHERE user_id = ?1 AND api_key_id = ?2 AND management_id IS NOT NULL';
  return [
    `UPDATE management SET complete_at = NULL WHERE user_id = ?1 AND api_key_id IN (${accounts})`,
    `UPDATE upstream_key SET read_version = read_version + 1 WHERE user_id = ?1 AND hash IS NULL AND management_id IN (${accounts})`,
    `UPDATE check_day SET account_cost_nano = NULL, account_byok_cost_nano = NULL WHERE user_id = ?1 AND account_cost_nano IS NOT NULL
      AND upstream_key_id IN (SELECT id FROM upstream_key WHERE user_id = ?1 AND hash IS NULL AND management_id IN (${accounts}))`,
  ].map((text) => statement(db, text, userId, keyId));
};

/** Deletes what is known of a key upstream, and its own state if it is a management key. */
export const deleteUpstreamStatements = (db: Db, userId: number, keyId: number): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM upstream_key WHERE user_id = ?1 AND api_key_id = ?2', userId, keyId),
  statement(db, 'DELETE FROM management WHERE user_id = ?1 AND api_key_id = ?2', userId, keyId),
];

/** Deletes everything about the accounts of a user. */
export const deleteAllAccountsStatements = (db: Db, userId: number): D1PreparedStatement[] =>
  ['management', 'workspace', 'upstream_key', 'model_name'].map((table) => statement(db, `DELETE FROM ${table} WHERE user_id = ?`, userId));
