/** SQL of the circuit breaker's actions. */
import { and, desc, eq, inArray, lte, ne, sql } from 'drizzle-orm';
import { type Db, runBatch, statement } from '../../db.ts';
import { apiKey } from '../../inventory/table.ts';
import type { KeySettings } from '../../openrouter/account.ts';
import { COLUMNS, type DeliveryRef, deliverStatement, toDeliveryRefs } from '../events/store.ts';
import { alertRule, breakerAction } from '../table.ts';
import type { Action, ActionRow, ArmedRule, Next, Settled } from './model.ts';

/** With how the key was set as a value. */
const toAction = (row: ActionRow): Action => ({ ...row, before: row.before === null ? null : (JSON.parse(row.before) as KeySettings) });

/** What else was done to the same key at OpenRouter and not taken back. */
export async function listOthers(db: Db, { id, userId, hash }: Action): Promise<Action[]> {
  const isOther = and(eq(breakerAction.userId, userId), eq(breakerAction.hash, hash), ne(breakerAction.id, id));
  const rows = await db
    .select()
    .from(breakerAction)
    .where(and(isOther, inArray(breakerAction.state, ['planned', 'done', 'refused'])))
    .orderBy(breakerAction.id);
  return rows.map(toAction);
}

/** The rule of an action as it is armed now, with the hash of the key that the action is about; null: one of them is gone. */
export async function findArmedRule(db: Db, { userId, ruleId, keyId }: Action): Promise<ArmedRule | null> {
  const [row] = await db
    .select({ version: alertRule.armedVersion, hash: apiKey.hash })
    .from(alertRule)
    .innerJoin(apiKey, and(eq(apiKey.userId, alertRule.userId), eq(apiKey.id, keyId)))
    .where(and(eq(alertRule.userId, userId), eq(alertRule.id, ruleId)));
  return row ?? null;
}

/** Takes an action for `leaseMs`, unless somebody else has it or it is to wait. */
export async function claimAction(db: Db, id: number, now: number, leaseMs: number): Promise<Action | null> {
  const [claimed] = await db
    .update(breakerAction)
    .set({ nextAt: now + leaseMs, attempts: sql`${breakerAction.attempts} + 1` })
    .where(and(eq(breakerAction.id, id), lte(breakerAction.nextAt, now)))
    .returning();
  return claimed ? toAction(claimed) : null;
}

const IS_ARMED = `EXISTS (SELECT 1 FROM alert_rule AS r JOIN api_key AS k ON k.user_id = r.user_id AND k.id = breaker_action.key_id
  WHERE r.id = breaker_action.rule_id AND r.user_id = breaker_action.user_id AND r.armed_version = breaker_action.rule_version AND k.hash = breaker_action.hash)`;

/**
 * The last question before a key is changed: notes how it was set, if nobody else took the action meanwhile, and, where it trips, if the rule
 * still is what it was.
 */
export async function confirmStep(
  db: Db,
  { id, userId, attempts, state }: Action,
  before: KeySettings | null,
  nextAt: number,
): Promise<boolean> {
  const text = `UPDATE breaker_action SET before = coalesce(?3, before), next_at = CAST(?4 AS INTEGER)
    WHERE id = ?1 AND user_id = ?2 AND attempts = ?5 AND state = ?6 AND (state <> 'planned' OR ${IS_ARMED}) RETURNING id`;
  const values = [id, userId, before && JSON.stringify(before), nextAt, attempts, state];
  const [rows = []] = await runBatch(db, [statement(db, text, ...values)]);
  return rows.length > 0;
}

/** Lets an action wait. */
export async function postponeAction(
  db: Db,
  { id, attempts }: Pick<Action, 'id' | 'attempts'>,
  nextAt: number,
  answer: string,
): Promise<void> {
  await db
    .update(breakerAction)
    .set({ nextAt, answer })
    .where(and(eq(breakerAction.id, id), eq(breakerAction.attempts, attempts)));
}

/** An event of what became of an action. */
const INSERT_EVENT = `INSERT INTO alert_event (${COLUMNS}) SELECT ?1, ?2, 'fired', 'breaker', 'key:' || k.id, 'action ' || CAST(?3 AS INTEGER) || ' ' || ?4, k.id,
    'Circuit breaker of ' || k.name, ?5, '{}', '/keys/' || k.id, CAST(?6 AS INTEGER)
  FROM api_key AS k WHERE k.id = ?7 AND k.user_id = ?1 ON CONFLICT DO NOTHING`;

/** Notes what became of a step, and makes it an event of its rule unless nothing came of it. Other actions that hold the key no more end with it. */
export async function settleAction(
  db: Db,
  action: Action,
  { state, answer, before }: Settled,
  left: Next['left'],
  now: number,
): Promise<DeliveryRef[]> {
  const { id, userId, ruleId, keyId, attempts } = action;
  const settle = `UPDATE breaker_action SET state = ?2, answer = ?3, before = ?6, next_at = CAST(?4 AS INTEGER), attempts = 0,
      done_at = coalesce(done_at, CAST(?4 AS INTEGER)), restored_at = CASE WHEN ?2 IN ('restored', 'left') THEN CAST(?4 AS INTEGER) END
    WHERE id = ?1 AND user_id = ?7 AND attempts = ?5 RETURNING id`;
  const leave = `UPDATE breaker_action SET state = 'left', answer = ?3, restored_at = CAST(?4 AS INTEGER)
    WHERE user_id = ?1 AND id IN (SELECT value FROM json_each(?2))`;
  const isNews = state !== action.state;
  const results = await runBatch(db, [
    statement(db, settle, id, state, answer, now, attempts, before && JSON.stringify(before), userId),
    ...(left && left.ids.length > 0 ? [statement(db, leave, userId, JSON.stringify(left.ids), left.answer, now)] : []),
    ...(isNews ? [statement(db, INSERT_EVENT, userId, ruleId, id, state, answer, now, keyId)] : []),
    deliverStatement(db, userId, now),
  ]);
  return toDeliveryRefs(results.at(-1) ?? []);
}

const MAX_DUE = 500;

/** Actions of all users that should have been worked on by now. */
export async function listDueActionsAcrossUsers(db: Db, now: number): Promise<number[]> {
  const toRestore = `restore = 1 AND kind <> 'dry_run' AND restore_at <= ?1 AND next_at <= ?1`;
  const text = `SELECT id FROM breaker_action WHERE state = 'planned' AND next_at <= ?1
    UNION ALL SELECT id FROM breaker_action WHERE state = 'done' AND ${toRestore}
    UNION ALL SELECT id FROM breaker_action WHERE state = 'refused' AND before IS NOT NULL AND ${toRestore} LIMIT ?2`;
  const [rows = []] = await runBatch(db, [statement(db, text, now, MAX_DUE)]);
  return rows.map((row) => Number(row['id']));
}

/** Deletes up to `limit` actions from before `at`; returns how many. */
export async function deleteActionsBeforeAcrossUsers(db: Db, at: number, limit: number): Promise<number> {
  const text = 'DELETE FROM breaker_action WHERE id IN (SELECT id FROM breaker_action WHERE created_at < ?1 LIMIT ?2) RETURNING 1';
  const [deleted = []] = await runBatch(db, [statement(db, text, at, limit)]);
  return deleted.length;
}

/** A user's actions, the newest first. */
export const listActions = (db: Db, userId: number, limit: number): Promise<ActionRow[]> =>
  db.select().from(breakerAction).where(eq(breakerAction.userId, userId)).orderBy(desc(breakerAction.id)).limit(limit);
