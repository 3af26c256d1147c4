/** SQL of the circuit breaker's actions. */
import { and, desc, eq, lte, ne, sql } from 'drizzle-orm';
import { type Db, runBatch, statement } from '../db.ts';
import type { KeySettings } from '../openrouter/account.ts';
import type { ActionRow } from './breaker-model.ts';
import { COLUMNS, deliverStatement, toWays, type Way } from './event-store.ts';
import { breakerAction } from './table.ts';

/** An action with how its key was set before it was changed; null: it was not changed yet. */
export type Action = Omit<ActionRow, 'before'> & { before: KeySettings | null };

/** With how the key was set as a value. */
const toAction = (row: ActionRow): Action => ({ ...row, before: row.before === null ? null : (JSON.parse(row.before) as KeySettings) });

/** Other actions of the same kind that changed the same key and were not taken back. */
export async function listOthersInForce(db: Db, { id, userId, keyId, kind }: Action): Promise<Action[]> {
  const rows = await db
    .select()
    .from(breakerAction)
    .where(
      and(
        eq(breakerAction.userId, userId),
        eq(breakerAction.keyId, keyId),
        eq(breakerAction.kind, kind),
        eq(breakerAction.state, 'done'),
        ne(breakerAction.id, id),
      ),
    );
  return rows.map(toAction);
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

/** Notes how a key was set before it is changed. */
export async function noteBefore(db: Db, id: number, before: KeySettings): Promise<void> {
  await db
    .update(breakerAction)
    .set({ before: JSON.stringify(before) })
    .where(eq(breakerAction.id, id));
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

/** Notes what became of a step, and makes it an event of its rule. */
export async function settleAction(
  db: Db,
  action: Action,
  { state, answer }: Pick<ActionRow, 'state'> & { answer: string },
  now: number,
): Promise<Way[]> {
  const { id, userId, ruleId, keyId, attempts } = action;
  const isBack = action.state === 'done';
  const results = await runBatch(db, [
    statement(
      db,
      `UPDATE breaker_action SET state = ?2, answer = ?3, next_at = CAST(?4 AS INTEGER), attempts = 0, ${isBack ? 'restored_at' : 'done_at'} = CAST(?4 AS INTEGER)
        WHERE id = ?1 AND attempts = ?5 RETURNING id`,
      id,
      state,
      answer,
      now,
      attempts,
    ),
    statement(
      db,
      `INSERT INTO alert_event (${COLUMNS}) SELECT ?1, ?2, 'fired', 'breaker', 'key:' || k.id, 'action ' || CAST(?3 AS INTEGER) || ' ' || ?4, k.id,
          'Circuit breaker of ' || k.name, ?5, '{}', '/keys/' || k.id, CAST(?6 AS INTEGER)
        FROM api_key AS k WHERE k.id = ?7 AND k.user_id = ?1 ON CONFLICT DO NOTHING`,
      userId,
      ruleId,
      id,
      state,
      answer,
      now,
      keyId,
    ),
    deliverStatement(db, userId, now),
  ]);
  return toWays(results.at(-1) ?? []);
}

const MAX_DUE = 500;

/** Actions of all users that should have been worked on by now. */
export async function listDueActionsAcrossUsers(db: Db, now: number): Promise<number[]> {
  const text = `SELECT id FROM breaker_action WHERE state = 'planned' AND next_at <= ?1
    UNION ALL SELECT id FROM breaker_action WHERE state = 'done' AND restore = 1 AND kind <> 'dry_run' AND restore_at <= ?1 AND next_at <= ?1 LIMIT ?2`;
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
