/** One step of reading an account: who does it, and how the run continues. */
import type { Deps } from '../deps.ts';
import type { KeyRow } from '../inventory/model.ts';
import { findKey } from '../inventory/store.ts';
import { fullJitter } from '../lib/backoff.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../lib/day.ts';
import type { OpenRouterError } from '../openrouter/failure.ts';
import { describePaused, type OpenAccount, readDue } from './due.ts';
import { openSecret } from './keys.ts';
import { readListing } from './listing.ts';
import type { Reach } from './reads.ts';
import { type Claimed, claimStep, releaseStep } from './store.ts';
import { describeReadError, isTransient, retryAfterOf } from './verdict.ts';

const STEP_DISTANCE_S = 20;
/** Longer than a listing and all queries of a step, 6 at once, with a timeout of 10 seconds each. */
const LEASE_MS = 3 * MINUTE_MS;
/** Tries of a listing, or of a step that must wait; then the next hour's run takes over. */
const MAX_ATTEMPTS = 4;
/** A longer wait is left to the next run. */
const MAX_WAIT_S = HOUR_MS / SECOND_MS;

export interface StepInput {
  userId: number;
  keyId: number;
  /** The run's instant (ISO 8601). The account is listed unless that happened since. */
  slot: string;
  failed: readonly number[];
  reach: Reach;
  /** Steps in a row without progress. */
  attempt: number;
}

export type StepOutcome =
  | { kind: 'done' }
  | { kind: 'busy'; delayS: number }
  | { kind: 'more'; delayS: number; failed: number[]; reach: Reach; attempt: number };

interface Work {
  lastError: string | null;
  outcome: StepOutcome;
  /** Seconds after the start of this step before the next may start. */
  waitS: number;
}

const DONE: StepOutcome = { kind: 'done' };
const secondsUntil = (at: number, now: number): number => Math.max(1, Math.ceil((at - now) / SECOND_MS));

/** The next step starts 20 seconds later, or when OpenRouter allows. */
async function readOn(deps: Deps, account: OpenAccount, input: StepInput, lastError: string | null): Promise<Work> {
  const { slot, failed, reach } = input;
  const result = await readDue(deps, account, { since: Date.parse(slot), failed, reach });
  const waitS = Math.max(result.retryAfterS ?? 0, result.hasAsked ? STEP_DISTANCE_S : 0);
  const attempt = result.retryAfterS === null ? 0 : input.attempt + 1;
  const isOver = !result.isMore || attempt >= MAX_ATTEMPTS || waitS > MAX_WAIT_S;
  const next: StepOutcome = { kind: 'more', delayS: Math.max(1, waitS), failed: result.failed, reach: result.reach, attempt };
  return { lastError, outcome: isOver ? DONE : next, waitS: Math.min(waitS, MAX_WAIT_S) };
}

/** Retried in the same run if that may help. */
function afterFailedListing(deps: Deps, error: OpenRouterError, { failed, reach, attempt }: StepInput): Work {
  const delayS = Math.max(1, retryAfterOf(error) ?? fullJitter(attempt + 1, deps.random()));
  const isWorthwhile = isTransient(error) && attempt + 1 < MAX_ATTEMPTS && delayS <= MAX_WAIT_S;
  const lastError = `The account could not be listed. ${describeReadError(error)}`;
  const again: StepOutcome = { kind: 'more', delayS, failed: [...failed], reach, attempt: attempt + 1 };
  return { lastError, outcome: isWorthwhile ? again : DONE, waitS: 0 };
}

async function work(deps: Deps, key: KeyRow, secret: string, input: StepInput, claim: Claimed): Promise<Work> {
  const account: OpenAccount = { key, secret, namesDay: claim.namesDay };
  const nothing: Work = { lastError: null, outcome: DONE, waitS: 0 };
  if (claim.listedAt !== null && claim.listedAt >= Date.parse(input.slot)) {
    return claim.isReader ? readOn(deps, account, input, claim.lastError) : nothing;
  }
  const listing = await readListing(deps, key, secret, `account ${input.slot}`);
  if (!listing.ok) return afterFailedListing(deps, listing.error, input);
  if (!listing.value.isReader) return nothing;
  const done = await readOn(deps, account, { ...input, attempt: 0 }, listing.value.gap);
  return { ...done, lastError: done.lastError ?? (await describePaused(deps, account)) };
}

/** Does nothing if another step is running or a newer run took over. */
export async function accountStep(deps: Deps, input: StepInput): Promise<StepOutcome> {
  const startedAt = deps.now();
  const key = await findKey(deps.db, input.userId, input.keyId);
  if (key?.kind !== 'management' || !key.isActive || key.health === 'invalid') return DONE;
  const secret = await openSecret(deps, key);
  if (!secret.ok) return DONE;
  const claim = await claimStep(deps.db, input.userId, input.keyId, input.slot, startedAt, LEASE_MS);
  if (claim.kind === 'superseded') return DONE;
  if (claim.kind === 'busy') return { kind: 'busy', delayS: secondsUntil(claim.until, startedAt) };
  const { lastError, outcome, waitS } = await work(deps, key, secret.value, input, claim);
  await releaseStep(deps.db, key.userId, key.id, startedAt + LEASE_MS, startedAt + waitS * SECOND_MS, lastError);
  return outcome;
}
