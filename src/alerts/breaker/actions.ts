/** The circuit breaker: the only code that writes to OpenRouter. Steps are recorded before they are taken, so retries know of them. */
import type { Deps } from '../../deps.ts';
import { findKey } from '../../inventory/store.ts';
import { MINUTE_MS, SECOND_MS } from '../../lib/day.ts';
import type { Result } from '../../lib/result.ts';
import { type KeySettings, settingsOf } from '../../openrouter/account.ts';
import type { ChangeError } from '../../openrouter/client.ts';
import { openSecret } from '../../sync/keys.ts';
import { deliveryMessage } from '../evaluation/evaluate.ts';
import { type Action, afterFailure, type Next, next, type Settled, type StepFailure, settledAs, stepOf } from './model.ts';
import * as store from './store.ts';

/** Longer than two requests. */
const LEASE_MS = MINUTE_MS;
/** A trip is retried for up to an hour, a restore for a day. */
const MAX_ATTEMPTS = { trip: 6, restore: 50 };
const RETRY_S = [30, 60, 300, 900];
const LONGEST_RETRY_S = 1800;

export const breakerMessage = (actionId: number) => ({ job: 'breaker' as const, actionId });

interface Opened {
  text: string;
  settings: KeySettings;
}

const PASSING: readonly ChangeError['kind'][] = ['unavailable', 'rate_limited', 'unexpected_shape'];
/** After these errors the key may or may not have changed. */
const UNSURE: readonly ChangeError['kind'][] = ['unavailable', 'unexpected_shape', 'unchanged'];

const describeError = (error: ChangeError): string =>
  ({
    unauthorized: 'OpenRouter rejected the management key.',
    forbidden: 'OpenRouter did not allow the change.',
    address_refused: "OpenRouter's IP allowlist blocks this monitor.",
    not_found: 'OpenRouter does not know the key.',
    refused: 'OpenRouter rejected the change.',
    unchanged: 'OpenRouter accepted the change but did not apply it.',
    too_wide: 'OpenRouter rejected the change.',
    rate_limited: 'OpenRouter limits the request rate.',
    unavailable: 'Could not reach OpenRouter.',
    unexpected_shape: 'OpenRouter sent an invalid response.',
  })[error.kind];

async function openKey(deps: Deps, action: Action): Promise<Result<Opened, StepFailure>> {
  const refuse = (text: string, isPassing = false) => ({ ok: false as const, error: { text, isPassing, isCertain: false } });
  const manager = await findKey(deps.db, action.userId, action.managementId);
  if (manager?.kind !== 'management' || !manager.isActive) return refuse('The management key is paused or gone.');
  const text = await openSecret(deps, manager);
  if (!text.ok) return refuse('The management key cannot be decrypted: its encryption key is missing.');
  const record = await deps.openrouter.getKeyRecord(text.value, action.hash);
  if (!record.ok) return refuse(describeError(record.error), PASSING.includes(record.error.kind));
  return { ok: true, value: { text: text.value, settings: settingsOf(record.value) } };
}

/** Writes only if the step is confirmed right before. */
async function write(deps: Deps, action: Action, text: string, { write: change, before }: Next): Promise<StepFailure | null> {
  if (change === undefined) return null;
  if (!(await store.confirmStep(deps.db, action, before ?? null, deps.now() + LEASE_MS)))
    return { text: 'The rule has changed.', isPassing: true, isCertain: true };
  const answer = await deps.openrouter.updateKey(text, action.hash, change);
  if (answer.ok) return null;
  const { kind } = answer.error;
  return { text: describeError(answer.error), isPassing: PASSING.includes(kind), isCertain: !UNSURE.includes(kind) };
}

type Outcome = { settled: Settled; left?: Next['left'] } | { retry: string };

async function take(deps: Deps, action: Action, isLast: boolean): Promise<Outcome | null> {
  const failed = (of: Action, failure: StepFailure): Outcome => {
    const settled = afterFailure(of, failure, isLast);
    return settled ? { settled } : { retry: failure.text };
  };
  const opened = await openKey(deps, action);
  if (!opened.ok) return failed(action, opened.error);
  const [rule, others] = await Promise.all([store.findArmedRule(deps.db, action), store.listOthers(deps.db, action)]);
  const step = next(action, rule, opened.value.settings, others, deps.now());
  if (!step) return null;
  const failure = await write(deps, action, opened.value.text, step);
  if (failure) return failed({ ...action, before: step.before ?? action.before }, failure);
  return { settled: settledAs(action, step), left: step.left };
}

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
  const deliveries = await store.settleAction(deps.db, action, outcome.settled, outcome.left, now);
  await deps.enqueue(deliveries.map(deliveryMessage));
}

/** Due are planned actions, and restores whose period is over. */
export async function workOnDueActions(deps: Deps): Promise<void> {
  await deps.enqueue((await store.listDueActionsAcrossUsers(deps.db, deps.now())).map(breakerMessage));
}
