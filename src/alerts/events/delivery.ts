/** Delivers events at least once, always with the same id, for about a day. */
import { decrypt } from '../../crypto/cipher.ts';
import type { Deps } from '../../deps.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../lib/day.ts';
import { deleteActionsBeforeAcrossUsers } from '../breaker/store.ts';
import { type ChannelRow, isAllowedUrl, TARGET_COLUMN, type Target } from '../channels/model.ts';
import { deliveryMessage } from '../evaluation/evaluate.ts';
import * as store from './delivery-store.ts';
import { type GroupMessage, groupMessageOf } from './group-message.ts';
import { mailOf, type Outgoing, outgoingOf } from './messages.ts';
import { type DeliveryRef, deleteEventsBeforeAcrossUsers } from './store.ts';

const LEASE_MS = MINUTE_MS;
const TIMEOUT_MS = 10 * SECOND_MS;
/** Seconds between attempts, some 24 hours in all. The queue delays by at most 12 hours. */
const WAITS_S = [30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600, 8 * 3600];
const MAX_DUE = 500;
const MAX_DELAY_S = 12 * 3600;

/** Null after the last attempt. Up to 10 % later, so that retries spread. */
export function nextAttemptAt(attempt: number, now: number, random: number): number | null {
  const waitS = WAITS_S[attempt - 1];
  return waitS === undefined ? null : now + Math.round(waitS * (1 + random / 10)) * SECOND_MS;
}

const originOf = ({ config }: Deps, { origin }: ChannelRow): string => config.publicUrl ?? origin;

async function openTarget(deps: Deps, channel: ChannelRow): Promise<Target | null> {
  const text = await decrypt(
    deps.config.keyring,
    { column: TARGET_COLUMN, userId: channel.userId, hash: channel.hash },
    channel.ciphertext,
  );
  return text.ok ? (JSON.parse(text.value) as Target) : null;
}

/** `error` never contains the address or the response. `isFinal`: retrying is pointless. */
interface Failed {
  error: string | null;
  isFinal?: boolean;
}

async function mail(deps: Deps, to: string, notice: GroupMessage): Promise<Failed> {
  if (deps.sendEmail === null) return { error: 'Email is not configured.' };
  try {
    await deps.sendEmail({ to, ...mailOf(notice) });
    return { error: null };
  } catch {
    return { error: 'The email was rejected. Is the address verified for this deployment?' };
  }
}

/** The receiver will never accept the message. */
const REFUSALS = [400, 413];

async function post(deps: Deps, { url, headers, body }: Outgoing): Promise<Failed> {
  try {
    const response = await deps.fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    if (response.ok) return { error: null };
    if (response.status >= 300 && response.status < 400) return { error: 'The receiver answered with a redirect, which is not followed.' };
    return { error: `The receiver answered with status ${response.status}.`, isFinal: REFUSALS.includes(response.status) };
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    return { error: isLate ? 'The receiver did not answer within 10 seconds.' : 'Could not connect to the receiver.' };
  }
}

/** A chat that rejects a message gets only its headline and link. A webhook's 400 may be temporary. */
async function send(deps: Deps, notice: GroupMessage, channel: ChannelRow): Promise<Failed> {
  const target = await openTarget(deps, channel);
  if (target === null) return { error: 'The stored address cannot be decrypted: its encryption key is missing.' };
  if (target.type === 'email') return mail(deps, target.to, notice);
  const outgoing = await outgoingOf(target, notice, deps.now());
  if (!isAllowedUrl(outgoing.url, originOf(deps, channel))) return { error: 'The address is not https.' };
  const failed = await post(deps, outgoing);
  if (target.type === 'webhook') return { error: failed.error };
  return failed.isFinal ? post(deps, await outgoingOf(target, { ...notice, text: '' }, deps.now())) : failed;
}

/** @returns seconds until the message must come again (not due yet, or leased by somebody else); null: done */
export async function deliverEvent(deps: Deps, delivery: DeliveryRef): Promise<number | null> {
  const startedAt = deps.now();
  const claimed = await store.claimDelivery(deps.db, delivery, startedAt, LEASE_MS);
  if (claimed.kind === 'later') return Math.min(MAX_DELAY_S, Math.ceil((claimed.at - startedAt) / SECOND_MS) + 1);
  if (claimed.kind === 'over') return null;
  const { events, channel, attempts, names } = claimed;
  const { error, isFinal = false } = await send(deps, groupMessageOf(events, names, originOf(deps, channel)), channel);
  const now = deps.now();
  const isTest = events[0].kind === 'test';
  const nextAt = error === null || isTest || isFinal ? null : nextAttemptAt(attempts, now, deps.random());
  await store.settleDelivery(deps.db, { ...delivery, userId: channel.userId, attempt: attempts, isTest }, { error, nextAt }, now);
  if (nextAt !== null) await deps.enqueue([deliveryMessage(delivery)], Math.ceil((nextAt - now) / SECOND_MS) + 1);
  return null;
}

/** Enqueues overdue deliveries again: their message was lost. */
export async function resendDue(deps: Deps): Promise<void> {
  await deps.enqueue((await store.listDueDeliveriesAcrossUsers(deps.db, deps.now(), MAX_DUE)).map(deliveryMessage));
}

/** An event is needed as long as it could fire again: a key's expiry is reported up to a year ahead. */
const REMEMBERED_DAYS = 400;

/** Deletes up to `limit` events and actions beyond the retention. @returns the larger of the two counts */
export async function deleteOldEvents(deps: Deps, now: number, limit: number): Promise<number> {
  const at = now - Math.max(deps.config.retentionDays, REMEMBERED_DAYS) * DAY_MS;
  const actions = await deleteActionsBeforeAcrossUsers(deps.db, at, limit);
  return Math.max(actions, await deleteEventsBeforeAcrossUsers(deps.db, at, limit));
}
