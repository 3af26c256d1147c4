/** SQL of the circuit breaker's actions. */
import { and, desc, eq, inArray, lte, ne, sql } from 'drizzle-orm';
import { type Db, rowsOf, runBatch, statement } from '../../db.ts';
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
  const text = `UPDATE breaker_action SET before = coalesce(:before, before), next_at = CAST(:nextAt AS INTEGER)
    WHERE id = :id AND user_id = :userId AND attempts = :attempts AND state = :state AND (state <> 'planned' OR ${IS_ARMED}) RETURNING id`;
  const values = { id, userId, before: before && JSON.stringify(before), nextAt, attempts, state };
  return (await rowsOf(db, statement(db, text, values))).length > 0;
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
const INSERT_EVENT = `INSERT INTO alert_event (${COLUMNS}) SELECT :userId, :ruleId, 'fired', 'breaker', 'key:' || k.id, 'action ' || CAST(:id AS INTEGER) || ' ' || :state, k.id,
    'Circuit breaker of ' || k.name, :answer, '{}', '/keys/' || k.id, CAST(:now AS INTEGER)
  FROM api_key AS k WHERE k.id = :keyId AND k.user_id = :userId ON CONFLICT DO NOTHING`;

/** Notes what became of a step, and makes it an event of its rule unless nothing came of it. Other actions that hold the key no more end with it. */
export async function settleAction(
  db: Db,
  action: Action,
  { state, answer, before }: Settled,
  left: Next['left'],
  now: number,
): Promise<DeliveryRef[]> {
  const { id, userId, ruleId, keyId, attempts } = action;
  const settle = `UPDATE breaker_action SET state = :state, answer = :answer, before = :before, next_at = CAST(:now AS INTEGER), attempts = 0,
      done_at = coalesce(done_at, CAST(:now AS INTEGER)), restored_at = CASE WHEN :state IN ('restored', 'left') THEN CAST(:now AS INTEGER) END
    WHERE id = :id AND user_id = :userId AND attempts = :attempts RETURNING id`;
  const leave = `UPDATE breaker_action SET state = 'left', answer = :answer, restored_at = CAST(:now AS INTEGER)
    WHERE user_id = :userId AND id IN (SELECT value FROM json_each(:ids))`;
  const isNews = state !== action.state;
  const results = await runBatch(db, [
    statement(db, settle, { id, userId, state, answer, now, attempts, before: before && JSON.stringify(before) }),
    ...(left && left.ids.length > 0 ? [statement(db, leave, { userId, ids: JSON.stringify(left.ids), answer: left.answer, now })] : []),
    ...(isNews ? [statement(db, INSERT_EVENT, { userId, ruleId, id, state, answer, now, keyId })] : []),
    deliverStatement(db, userId, now),
  ]);
  return toDeliveryRefs(results.at(-1) ?? []);
}

const MAX_DUE = 500;

/** Actions of all users that should have been worked on by now. */
export async function listDueActionsAcrossUsers(db: Db, now: number): Promise<number[]> {
  const toRestore = `restore = 1 AND kind <> 'dry_run' AND restore_at <= :now AND next_at <= :now`;
  const text = `SELECT id FROM breaker_action WHERE state = 'planned' AND next_at <= :now
    UNION ALL SELECT id FROM breaker_action WHERE state = 'done' AND ${toRestore}
    UNION ALL SELECT id FROM breaker_action WHERE state = 'refused' AND before IS NOT NULL AND ${toRestore} LIMIT :limit`;
  const rows = await rowsOf<{ id: number }>(db, statement(db, text, { now, limit: MAX_DUE }));
  return rows.map(({ id }) => id);
}

/** Deletes up to `limit` actions from before `at`; returns how many. */
export async function deleteActionsBeforeAcrossUsers(db: Db, at: number, limit: number): Promise<number> {
  const text = 'DELETE FROM breaker_action WHERE id IN (SELECT id FROM breaker_action WHERE created_at < :at LIMIT :limit) RETURNING 1';
  return (await rowsOf(db, statement(db, text, { at, limit }))).length;
}

/** A user's actions, the newest first. */
export const listActions = (db: Db, userId: number, limit: number): Promise<ActionRow[]> =>
  db.select().from(breakerAction).where(eq(breakerAction.userId, userId)).orderBy(desc(breakerAction.id)).limit(limit);
