/** What one step of a run asks about an account: keys, then the account as a whole, then checks and names. */

import type { Deps } from '../deps.ts';
import type { Account, KeyRow, UpstreamKey } from '../inventory/model.ts';

import { addDays, dayOf } from '../lib/day.ts';
import { MAX_ACCOUNT_DAYS, readAccountTotal } from './account-total.ts';
import { checkDays, dueChecks, readNames } from './checks.ts';
import { accountRead, isReadThrough } from './model.ts';
import { createBudget, planReads, type Reach, readKeysUsage } from './reads.ts';
import { findAccount, listAccountKeys } from './store.ts';

/** Any 60 seconds touch at most four steps that begin 20 seconds apart: 64 queries, as many as OpenRouter allows a minute. */
const QUERIES_A_STEP = 16;

/** The account that is read, and the management key's secret. */
export interface OpenAccount {
  key: KeyRow;
  secret: string;
  /** The UTC day on which the models' names were last asked for. */
  namesDay: string | null;
}

/** What a run has found out so far. */
interface RunState {
  /** When the run began, epoch milliseconds. */
  since: number;
  /** Upstream keys that failed, and `AS_A_WHOLE`; they are left to the next run. */
  failed: readonly number[];
  reach: Reach;
}

interface StepResult {
  failed: number[];
  reach: Reach;
  isMore: boolean;
  hasAsked: boolean;
  /** OpenRouter asked to wait so many seconds. */
  retryAfterS: number | null;
}

type AccountKey = UpstreamKey & { isActive: boolean };

/** The account as a whole among what failed: the id of no key. */
const AS_A_WHOLE = 0;

/** What is known of the account now. */
interface Known {
  account: Account | null;
  /** Those that are not paused. */
  keys: AccountKey[];
}

async function load(deps: Deps, { key }: OpenAccount): Promise<Known> {
  const [account, keys] = await Promise.all([findAccount(deps.db, key.userId, key.id), listAccountKeys(deps.db, key.userId, key.id)]);
  return { account, keys: keys.filter(({ isActive }) => isActive) };
}

/** What of it this run may still ask about: what did not fail. */
const askable = ({ account, keys }: Known, failed: readonly number[]): Known => ({
  account: failed.includes(AS_A_WHOLE) ? null : account,
  keys: keys.filter(({ id }) => !failed.includes(id)),
});

/** Is there anything left to be asked in this run? The account's total is only asked for when all its keys are read. */
function hasMore(deps: Deps, known: Known, failed: readonly number[], since: number): boolean {
  const [now, { retentionDays }] = [deps.now(), deps.config];
  const { account, keys } = askable(known, failed);
  if (planReads(keys, dayOf(now), retentionDays, since).length > 0 || dueChecks(keys, account, now).length > 0) return true;
  return account !== null && accountRead(account, known.keys, dayOf(now), retentionDays, MAX_ACCOUNT_DAYS) !== null;
}

/** Reads what is due, as far as one step may ask. */
export async function readDue(deps: Deps, open: OpenAccount, state: RunState): Promise<StepResult> {
  const { key, secret, namesDay } = open;
  const budget = createBudget(QUERIES_A_STEP, state.reach);
  const failed = [...state.failed];
  failed.push(...(await readKeysUsage(deps, key.userId, secret, askable(await load(deps, open), failed).keys, budget, state.since)));
  const known = await load(deps, open);
  const { account } = askable(known, failed);
  if (account) {
    const outcome = await readAccountTotal(deps, secret, account, known.keys, budget);
    if (outcome === 'failed' && budget.queries > 0 && budget.retryAfterS === null) failed.push(AS_A_WHOLE);
  }
  const asked = askable(known, failed);
  const unchecked = await checkDays(deps, key.userId, secret, asked.keys, asked.account, budget);
  failed.push(...unchecked.map(({ id, hash }) => (hash === null ? AS_A_WHOLE : id)));
  const isMore = hasMore(deps, await load(deps, open), failed, state.since);
  if (!isMore) await readNames(deps, key.userId, key.id, namesDay);
  return { failed, reach: budget.reach, isMore, hasAsked: budget.queries < QUERIES_A_STEP, retryAfterS: budget.retryAfterS };
}

/** Says so if paused keys go on spending: what they spend is shown as unattributed. */
export async function describePaused(deps: Deps, { key }: OpenAccount): Promise<string | null> {
  const today = dayOf(deps.now());
  const yesterday = addDays(today, -1);
  const isBehind = (upstream: AccountKey) =>
    !upstream.isActive && !isReadThrough(upstream, { from: yesterday, to: yesterday }, today, deps.config.retentionDays);
  const count = (await listAccountKeys(deps.db, key.userId, key.id)).filter(isBehind).length;
  if (count === 0) return null;
  return `${count} paused ${count === 1 ? 'key still spends' : 'keys still spend'}. This spend is shown as unattributed until you resume them.`;
}
