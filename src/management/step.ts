/** One step of reading the account behind a management key: who does it, how much at once, and whether there is more to do. */
import type { Deps } from '../deps.ts';
import { describeReadError, isTransient, type KeyRow } from '../keys/model.ts';
import { openText } from '../keys/reading.ts';
import { findKey } from '../keys/store.ts';
import { fullJitter } from '../lib/backoff.ts';
import { dayOf, MINUTE_MS, SECOND_MS } from '../lib/day.ts';
import { readAccountTotal } from './account.ts';
import { checkKeys, dueChecks, readNames } from './checks.ts';
import { readListing } from './listing.ts';
import { accountRead, type UpstreamKey } from './model.ts';
import { createBudget, planReads, readKeysUsage } from './reads.ts';
import { type Claimed, claimStep, listAccountKeys, releaseStep } from './store.ts';

/** Any 60 seconds touch at most four steps that begin 20 seconds apart: 64 queries, as many as OpenRouter allows a minute. */
const QUERIES_A_STEP = 16;
const STEP_DISTANCE_MS = 20 * SECOND_MS;
/** Longer than 16 queries take, 6 at once, with a time-out of 10 seconds each, and a listing before them. */
const LEASE_MS = 3 * MINUTE_MS;
/** How often a listing is tried in one run. Then the next hour's takes over. */
const MAX_ATTEMPTS = 4;

export interface StepInput {
  userId: number;
  keyId: number;
  /** The run, as the instant it is for (ISO 8601). The account is listed unless that was done since. */
  slot: string;
  /** Upstream keys that failed in this run; they are left to the next one. */
  failed: readonly number[];
  attempt: number;
}

/** How a run goes on: not at all, or with another step after some seconds. */
export type StepOutcome =
  | { kind: 'done' }
  | { kind: 'busy'; delayS: number }
  | { kind: 'more'; delayS: number; failed: number[]; attempt: number };

const DONE: StepOutcome = { kind: 'done' };
const secondsUntil = (at: number, now: number): number => Math.max(1, Math.ceil((at - now) / SECOND_MS));

interface Work {
  lastError: string | null;
  outcome: StepOutcome;
  /** Seconds during which OpenRouter wants not to be asked. */
  waitS: number;
}

type AccountKey = UpstreamKey & { isActive: boolean };

/** The keys that this run may still ask about: neither paused nor failed. The account as a whole is always one of them, if it did not fail. */
const askable = (keys: readonly AccountKey[], failed: readonly number[]): AccountKey[] =>
  keys.filter(({ id, isActive, hash }) => (isActive || hash === null) && !failed.includes(id));

/** Is there anything left to be asked in this run? The account's total is compared with all its keys, so all of them decide about it. */
function hasMore(deps: Deps, keys: readonly AccountKey[], failed: readonly number[], completeAt: number | null, since: number): boolean {
  const [now, { retentionDays }] = [deps.now(), deps.config];
  const left = askable(keys, failed);
  if (planReads(left, dayOf(now), retentionDays, since).length > 0 || dueChecks(left, now).length > 0) return true;
  const outside = left.find(({ hash }) => hash === null);
  const own = keys.filter(({ hash }) => hash !== null);
  return outside !== undefined && accountRead(outside, own, dayOf(now), retentionDays, completeAt, 1) !== null;
}

/** Reads what is due: keys, then the account as a whole, then checks and names. */
async function readDue(deps: Deps, key: KeyRow, text: string, input: StepInput, claim: Claimed): Promise<Work> {
  const { completeAt } = claim;
  const budget = createBudget(QUERIES_A_STEP);
  const since = Date.parse(input.slot);
  const load = () => listAccountKeys(deps.db, key.userId, key.id);
  const failed = [...input.failed];
  failed.push(...(await readKeysUsage(deps, key.userId, text, askable(await load(), failed), budget, since)));
  const keys = await load();
  const outside = askable(keys, failed).find(({ hash }) => hash === null);
  if (outside && (await readAccountTotal(deps, key.userId, text, outside, keys, completeAt, budget)) === 'failed' && budget.queries > 0) {
    failed.push(outside.id);
  }
  failed.push(...(await checkKeys(deps, key.userId, text, askable(keys, failed), budget)));
  const isMore = hasMore(deps, await load(), failed, completeAt, since);
  if (!isMore) await readNames(deps, key.userId, key.id, claim.namesDay);
  const waitS = budget.retryAfterS ?? (budget.queries < QUERIES_A_STEP ? STEP_DISTANCE_MS / SECOND_MS : 0);
  const outcome: StepOutcome = isMore ? { kind: 'more', delayS: Math.max(1, waitS), failed, attempt: 0 } : DONE;
  return { lastError: claim.lastError, outcome, waitS };
}

async function work(deps: Deps, key: KeyRow, text: string, input: StepInput, claim: Claimed): Promise<Work> {
  if (claim.listedAt !== null && claim.listedAt >= Date.parse(input.slot)) {
    return claim.leaderId === null ? readDue(deps, key, text, input, claim) : { lastError: null, outcome: DONE, waitS: 0 };
  }
  const listing = await readListing(deps, key, text, `account ${input.slot}`);
  if (listing.ok) {
    const { isLeader, gap, at } = listing.value;
    if (!isLeader) return { lastError: null, outcome: DONE, waitS: 0 };
    return readDue(deps, key, text, input, { ...claim, completeAt: gap === null ? at : claim.completeAt, lastError: gap });
  }
  const lastError = `The account could not be listed. ${describeReadError(listing.error)}`;
  const isWorthwhile = isTransient(listing.error) && input.attempt + 1 < MAX_ATTEMPTS;
  const asked = listing.error.kind === 'rate_limited' || listing.error.kind === 'unavailable' ? listing.error.retryAfterS : null;
  const delayS = Math.max(1, asked ?? fullJitter(input.attempt + 1, deps.random()));
  const again: StepOutcome = { kind: 'more', delayS, failed: [...input.failed], attempt: input.attempt + 1 };
  return { lastError, outcome: isWorthwhile ? again : DONE, waitS: 0 };
}

/** Works on an account for one step, unless somebody else does, or a newer run took over. */
export async function accountStep(deps: Deps, input: StepInput): Promise<StepOutcome> {
  const startedAt = deps.now();
  const key = await findKey(deps.db, input.userId, input.keyId);
  if (key?.kind !== 'management' || !key.isActive || key.health === 'invalid') return DONE;
  const text = await openText(deps, key);
  if (!text.ok) return DONE;
  const claim = await claimStep(deps.db, input.userId, input.keyId, input.slot, startedAt, LEASE_MS);
  if (claim.kind === 'superseded') return DONE;
  if (claim.kind === 'busy') return { kind: 'busy', delayS: secondsUntil(claim.until, startedAt) };
  const { lastError, outcome, waitS } = await work(deps, key, text.value, input, claim);
  await releaseStep(deps.db, key.id, startedAt + waitS * SECOND_MS, lastError);
  return outcome;
}
