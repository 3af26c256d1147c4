/** SQL of messages on their way to channels. */
import { and, eq, lte, sql } from 'drizzle-orm';
import { type Db, rowsOf, runBatch, statement } from '../../db.ts';
import { apiKey } from '../../inventory/table.ts';
import type { ChannelRow } from '../channels/model.ts';
import { alertDelivery, alertEvent, channel } from '../table.ts';
import type { EventRow } from './model.ts';
import { BUNDLE, type DeliveryRef, toDeliveryRefs, togetherWith } from './store.ts';

export interface Claimed {
  kind: 'claimed';
  /** What happened together, in its order. */
  events: [EventRow, ...EventRow[]];
  channel: ChannelRow;
  attempts: number;
  /** Names of the keys that it is about. */
  names: ReadonlyMap<number, string>;
}

const TOGETHER = togetherWith(':eventId');

/**
 * Takes a message for `leaseMs`, if it is due and still to be sent: with all events that it tells of and its channel; or says when it will be
 * due. An attempt of which nobody knows how it ended is noted as such.
 */
export async function claimDelivery(
  db: Db,
  { eventId, channelId }: DeliveryRef,
  now: number,
  leaseMs: number,
): Promise<Claimed | { kind: 'later'; at: number } | { kind: 'over' }> {
  const { attempts, log, nextAt, state } = alertDelivery;
  const together = sql.raw(togetherWith(String(Number(eventId))));
  const pending = and(sql`${alertDelivery.eventId} IN (${together})`, eq(alertDelivery.channelId, channelId), eq(state, 'pending'));
  const lost = sql`json_insert(${log}, '$[#]', json_object('at', ${nextAt} - ${leaseMs}, 'error', 'It was interrupted.'))`;
  const [claimed, [row], events, [target], named] = await db.batch([
    db
      .update(alertDelivery)
      .set({
        log: sql`iif(${attempts} > json_array_length(${log}), ${lost}, ${log})`,
        nextAt: now + leaseMs,
        attempts: sql`${attempts} + 1`,
      })
      .where(and(pending, lte(nextAt, now)))
      .returning({ eventId: alertDelivery.eventId, attempts }),
    db.select({ at: nextAt }).from(alertDelivery).where(pending).limit(1),
    db.select().from(alertEvent).where(sql`${alertEvent.id} IN (${together})`).orderBy(alertEvent.id),
    db.select().from(channel).where(eq(channel.id, channelId)),
    db
      .selectDistinct({ id: apiKey.id, name: apiKey.name })
      .from(apiKey)
      .innerJoin(alertEvent, and(eq(alertEvent.keyId, apiKey.id), eq(alertEvent.userId, apiKey.userId)))
      .where(sql`${alertEvent.id} IN (${together})`),
  ]);
  const [first] = claimed;
  if (!first) return row ? { kind: 'later', at: row.at } : { kind: 'over' };
  const ids = new Set(claimed.map((one) => one.eventId));
  const [head, ...others] = events.filter(({ id }) => ids.has(id));
  const names = new Map(named.map(({ id, name }) => [id, name]));
  if (head && target) return { kind: 'claimed', events: [head, ...others], channel: target, attempts: first.attempts, names };
  await db.update(alertDelivery).set({ state: 'failed' }).where(pending);
  return { kind: 'over' };
}

/** Notes an attempt, and what follows: it arrived, it is tried again at `nextAt`, or nobody tries any more. */
export async function settleDelivery(
  db: Db,
  way: DeliveryRef & { userId: number; attempt: number; isTest: boolean },
  outcome: { error: string | null; nextAt: number | null },
  now: number,
): Promise<void> {
  const { eventId, channelId, userId, attempt, isTest } = way;
  const state = outcome.error === null ? 'sent' : outcome.nextAt === null ? 'failed' : 'pending';
  await runBatch(db, [
    statement(
      db,
      `UPDATE alert_delivery SET state = :state, next_at = :nextAt, log = json_insert(log, '$[#]', json_object('at', :now, 'error', :error))
        WHERE event_id IN (${TOGETHER}) AND channel_id = :channelId AND attempts = :attempt`,
      { eventId, channelId, state, nextAt: outcome.nextAt ?? now, error: outcome.error, attempt, now },
    ),
    statement(
      db,
      `UPDATE channel SET last_attempt_at = :now, last_error = :error, last_success_at = iif(:error IS NULL, :now, last_success_at),
        failing_since = iif(:error IS NULL, NULL, iif(:isTest, failing_since, coalesce(failing_since, :now))) WHERE user_id = :userId AND id = :channelId`,
      { userId, channelId, now, error: outcome.error, isTest: Number(isTest) },
    ),
  ]);
}

/** Messages that should have been sent by now, of all users: their queue message was lost. */
export async function listDueDeliveriesAcrossUsers(db: Db, now: number, limit: number): Promise<DeliveryRef[]> {
  const text = `SELECT event_id, channel_id, ${BUNDLE} FROM alert_delivery WHERE state = 'pending' AND next_at <= :now ORDER BY next_at LIMIT :limit`;
  return toDeliveryRefs(await rowsOf<Record<string, unknown>>(db, statement(db, text, { now, limit })));
}
