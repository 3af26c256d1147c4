/**
 * The circuit breaker: what a budget does to its key at OpenRouter once it is spent, and the way back. The only place that ever writes
 * upstream. Each step is noted before it is taken, so one that was interrupted is known when it is tried again.
 */
import type { Deps } from '../deps.ts';
import { openText } from '../keys/reading.ts';
import { findKey } from '../keys/store.ts';
import { MINUTE_MS, SECOND_MS } from '../lib/day.ts';
import type { Result } from '../lib/result.ts';
import { isSet, type KeyChange, type KeySettings, settingsOf } from '../openrouter/account.ts';
import type { ChangeError } from '../openrouter/client.ts';
import { changeFor, describeAction, stepOf } from './breaker-model.ts';
import * as store from './breaker-store.ts';
import { wayMessage } from './evaluate.ts';
import type { Way } from './event-store.ts';
import { toRule } from './model.ts';
import { findRule } from './store.ts';

/** Longer than two requests may take. */
const LEASE_MS = MINUTE_MS;
/** A key is stopped within the hour or not at all; that it goes on again is tried for a day. */
const MAX_ATTEMPTS = { trip: 6, restore: 50 };
/** What becomes of a step that is not taken any more. */
const GIVEN_UP = { trip: 'refused', restore: 'left' } as const;
const RETRY_S = [30, 60, 300, 900];
const LONGEST_RETRY_S = 1800;

/** The queue message that works on an action. */
export const breakerMessage = (actionId: number) => ({ job: 'breaker' as const, actionId });

interface Opened {
  text: string;
  settings: KeySettings;
}

const isPassing = ({ kind }: ChangeError): boolean =>
  kind === 'unavailable' || kind === 'rate_limited' || kind === 'unexpected_shape' || kind === 'address_refused';

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
async function look(deps: Deps, action: store.Action): Promise<Result<Opened, { text: string; isPassing: boolean }>> {
  const refuse = (text: string, passing = false) => ({ ok: false as const, error: { text, isPassing: passing } });
  const manager = await findKey(deps.db, action.userId, action.managementId);
  if (manager?.kind !== 'management' || !manager.isActive) return refuse('The management key is not read any more.');
  const text = await openText(deps, manager);
  if (!text.ok) return refuse('The management key does not open: its encryption key is missing.');
  const record = await deps.openrouter.getKeyRecord(text.value, action.hash);
  if (!record.ok) return refuse(describeError(record.error), isPassing(record.error));
  return { ok: true, value: { text: text.value, settings: settingsOf(record.value) } };
}

async function write(deps: Deps, action: store.Action, text: string, change: KeyChange) {
  const answer = await deps.openrouter.updateKey(text, action.hash, change);
  if (answer.ok) return null;
  return { text: describeError(answer.error), isPassing: isPassing(answer.error) };
}

/** What became of a step: a state with what OpenRouter said, or that it is to be tried again. */
type Outcome = { state: store.Action['state']; answer: string } | { retry: string };

/** Is the rule still armed for this action, in a period that goes on? */
async function isArmed(deps: Deps, action: store.Action): Promise<boolean> {
  const row = await findRule(deps.db, action.userId, action.ruleId);
  const rule = row && toRule(row);
  return rule?.type === 'budget' && rule.action === action.kind && deps.now() < action.restoreAt;
}

/**
 * Trips: notes how the key was, changes it. A key that is like that already was changed by a step that was interrupted, by another budget,
 * or by somebody else.
 */
async function trip(deps: Deps, action: store.Action, opened: Opened): Promise<Outcome> {
  if (!(await isArmed(deps, action))) return { state: 'skipped', answer: 'The rule was changed meanwhile.' };
  const change = changeFor(action);
  if (isSet(opened.settings, change)) {
    const [other] = await store.listOthersInForce(deps.db, action);
    if (action.before === null && other?.before == null) return { state: 'skipped', answer: 'The key was like that already.' };
    if (action.before === null && other?.before) await store.noteBefore(deps.db, action.id, other.before);
    return { state: 'done', answer: describeAction(action, 'done') };
  }
  if (action.kind === 'dry_run') return { state: 'done', answer: describeAction(action, 'done') };
  if (action.before === null) await store.noteBefore(deps.db, action.id, opened.settings);
  const failed = await write(deps, action, opened.text, change);
  if (failed) return failed.isPassing ? { retry: failed.text } : { state: 'refused', answer: failed.text };
  return { state: 'done', answer: describeAction(action, 'done') };
}

/** The way back, unless somebody changed the key meanwhile: then it is left alone. */
async function restore(deps: Deps, action: store.Action, opened: Opened): Promise<Outcome> {
  const { before } = action;
  if (before === null) return { state: 'restored', answer: describeAction(action, 'restored') };
  const change = changeFor(action);
  const back: KeyChange =
    action.kind === 'disable' ? { disabled: before.disabled } : { limit: before.limit, limit_reset: before.limit_reset };
  const others = await store.listOthersInForce(deps.db, action);
  if (others.some((other) => !other.restore || other.restoreAt > deps.now()))
    return { state: 'left', answer: 'Another budget of the key is spent too.' };
  if (isSet(opened.settings, back)) return { state: 'restored', answer: describeAction(action, 'restored') };
  if (!isSet(opened.settings, change)) return { state: 'left', answer: describeAction(action, 'left') };
  const failed = await write(deps, action, opened.text, back);
  if (failed) return failed.isPassing ? { retry: failed.text } : { state: 'left', answer: failed.text };
  return { state: 'restored', answer: describeAction(action, 'restored') };
}

async function take(deps: Deps, action: store.Action, step: 'trip' | 'restore'): Promise<Outcome> {
  const opened = await look(deps, action);
  if (!opened.ok) return opened.error.isPassing ? { retry: opened.error.text } : { state: GIVEN_UP[step], answer: opened.error.text };
  return step === 'restore' ? restore(deps, action, opened.value) : trip(deps, action, opened.value);
}

/** Works on an action for one step. */
export async function workOnAction(deps: Deps, actionId: number): Promise<void> {
  const action = await store.claimAction(deps.db, actionId, deps.now(), LEASE_MS);
  const step = action && stepOf(action, deps.now());
  if (!step) return;
  const outcome = await take(deps, action, step);
  const now = deps.now();
  const isLast = action.attempts >= MAX_ATTEMPTS[step];
  if ('retry' in outcome && !isLast) {
    const waitS = RETRY_S[action.attempts - 1] ?? LONGEST_RETRY_S;
    await store.postponeAction(deps.db, action, now + waitS * SECOND_MS, outcome.retry);
    await deps.enqueue([breakerMessage(actionId)], waitS);
    return;
  }
  const settled = 'retry' in outcome ? { state: GIVEN_UP[step], answer: outcome.retry } : outcome;
  const ways: Way[] = await store.settleAction(deps.db, action, settled, now);
  await deps.enqueue(ways.map(wayMessage));
}

/** Puts actions that are due into the queue: those that were not taken yet, and those whose period is over. */
export async function workOnDueActions(deps: Deps): Promise<void> {
  await deps.enqueue((await store.listDueActionsAcrossUsers(deps.db, deps.now())).map(breakerMessage));
}
