/**
 * The circuit breaker: what a budget does to its key at OpenRouter once it is spent, and the way back. The only place that ever writes
 * upstream. Each step is noted before it is taken, so one that was interrupted is known when it is tried again.
 */

import type { Deps } from '../../deps.ts';
import { findKey } from '../../inventory/store.ts';
import { MINUTE_MS, SECOND_MS } from '../../lib/day.ts';
import type { Result } from '../../lib/result.ts';
import { type KeySettings, settingsOf } from '../../openrouter/account.ts';
import type { ChangeError } from '../../openrouter/client.ts';
import { openSecret } from '../../sync/keys.ts';
import { deliveryMessage } from '../evaluation/evaluate.ts';
import { type Action, afterFailure, type Failure, type Next, next, type Settled, settledAs, stepOf } from './model.ts';
import * as store from './store.ts';

/** Longer than two requests may take. */
const LEASE_MS = MINUTE_MS;
/** A key is stopped within the hour or not at all; that it goes on again is tried for a day. */
const MAX_ATTEMPTS = { trip: 6, restore: 50 };
const RETRY_S = [30, 60, 300, 900];
const LONGEST_RETRY_S = 1800;

/** The queue message that works on an action. */
export const breakerMessage = (actionId: number) => ({ job: 'breaker' as const, actionId });

interface Opened {
  text: string;
  settings: KeySettings;
}

const PASSING: readonly ChangeError['kind'][] = ['unavailable', 'rate_limited', 'unexpected_shape'];
/** After these nobody knows whether the key was changed. */
const UNSURE: readonly ChangeError['kind'][] = ['unavailable', 'unexpected_shape', 'unchanged'];

const describeError = (error: ChangeError): string =>
  ({
    unauthorized: 'OpenRouter refused the management key.',
    forbidden: 'OpenRouter did not allow it.',
    address_refused: "OpenRouter's IP allowlist refuses this monitor.",
    not_found: 'OpenRouter does not know the key.',
    refused: 'OpenRouter refused the change.',
    unchanged: 'OpenRouter accepted the change, but did not make it.',
    too_wide: 'OpenRouter refused the change.',
    rate_limited: 'OpenRouter asked to wait.',
    unavailable: 'OpenRouter could not be reached.',
    unexpected_shape: 'OpenRouter gave an answer that could not be read.',
  })[error.kind];

/** The management key's text, and how the key is set now. */
async function look(deps: Deps, action: Action): Promise<Result<Opened, Failure>> {
  const refuse = (text: string, isPassing = false) => ({ ok: false as const, error: { text, isPassing, isCertain: false } });
  const manager = await findKey(deps.db, action.userId, action.managementId);
  if (manager?.kind !== 'management' || !manager.isActive) return refuse('The management key is not read any more.');
  const text = await openSecret(deps, manager);
  if (!text.ok) return refuse('The management key does not open: its encryption key is missing.');
  const record = await deps.openrouter.getKeyRecord(text.value, action.hash);
  if (!record.ok) return refuse(describeError(record.error), PASSING.includes(record.error.kind));
  return { ok: true, value: { text: text.value, settings: settingsOf(record.value) } };
}

/** Writes what a step asks for, after the last question whether it still is to be. */
async function write(deps: Deps, action: Action, text: string, { write: change, before }: Next): Promise<Failure | null> {
  if (change === undefined) return null;
  if (!(await store.confirmStep(deps.db, action, before ?? null, deps.now() + LEASE_MS)))
    return { text: 'The rule was changed meanwhile.', isPassing: true, isCertain: true };
  const answer = await deps.openrouter.updateKey(text, action.hash, change);
  if (answer.ok) return null;
  const { kind } = answer.error;
  return { text: describeError(answer.error), isPassing: PASSING.includes(kind), isCertain: !UNSURE.includes(kind) };
}

/** What became of a step: what is to be stored, or that it is to be tried again. */
type Outcome = { settled: Settled; left?: Next['left'] } | { retry: string };

/** Takes the next step of an action; null: there is none. */
async function take(deps: Deps, action: Action, isLast: boolean): Promise<Outcome | null> {
  const failed = (of: Action, failure: Failure): Outcome => {
    const settled = afterFailure(of, failure, isLast);
    return settled ? { settled } : { retry: failure.text };
  };
  const opened = await look(deps, action);
  if (!opened.ok) return failed(action, opened.error);
  const [rule, others] = await Promise.all([store.findArmedRule(deps.db, action), store.listOthers(deps.db, action)]);
  const step = next(action, rule, opened.value.settings, others, deps.now());
  if (!step) return null;
  const failure = await write(deps, action, opened.value.text, step);
  if (failure) return failed({ ...action, before: step.before ?? action.before }, failure);
  return { settled: settledAs(action, step), left: step.left };
}

/** Works on an action for one step. */
export async function workOnAction(deps: Deps, actionId: number): Promise<void> {
  const action = await store.claimAction(deps.db, actionId, deps.now(), LEASE_MS);
  const step = action && stepOf(action, deps.now());
  if (!step) return;
  const outcome = await take(deps, action, action.attempts >= MAX_ATTEMPTS[step]);
  if (!outcome) return;
  const now = deps.now();
  if ('retry' in outcome) {
    const waitS = RETRY_S[action.attempts - 1] ?? LONGEST_RETRY_S;
    await store.postponeAction(deps.db, action, now + waitS * SECOND_MS, outcome.retry);
    await deps.enqueue([breakerMessage(actionId)], waitS);
    return;
  }
  const ways = await store.settleAction(deps.db, action, outcome.settled, outcome.left, now);
  await deps.enqueue(ways.map(deliveryMessage));
}

/** Puts actions that are due into the queue: those that were not taken yet, and those whose period is over. */
export async function workOnDueActions(deps: Deps): Promise<void> {
  await deps.enqueue((await store.listDueActionsAcrossUsers(deps.db, deps.now())).map(breakerMessage));
}
