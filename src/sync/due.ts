/** One step of a run: keys, then the account's total, then checks and names. */
import type { Deps } from '../deps.ts';
import type { Account, KeyRow, UpstreamKey } from '../inventory/model.ts';
import { addDays, dayOf } from '../lib/day.ts';
import { MAX_ACCOUNT_DAYS, readAccountTotal } from './account-total.ts';
import { checkDays, dueChecks, readNames } from './checks.ts';
import { accountRead, isReadThrough } from './model.ts';
import { createBudget, planReads, type Reach, readKeysUsage } from './reads.ts';
import { findAccount, listAccountKeys } from './store.ts';

/** Any minute touches at most four steps, which start 20 seconds apart: 64 queries, OpenRouter's limit. */
const QUERIES_A_STEP = 16;

export interface OpenAccount {
  key: KeyRow;
  secret: string;
  namesDay: string | null;
}

interface RunState {
  since: number;
  /** Upstream keys, or `AS_A_WHOLE`, left to the next run. */
  failed: readonly number[];
  reach: Reach;
}

interface StepResult {
  failed: number[];
  reach: Reach;
  isMore: boolean;
  hasAsked: boolean;
  retryAfterS: number | null;
}

type AccountKey = UpstreamKey & { isActive: boolean };

/** The account itself in `failed`: no key has this id. */
const AS_A_WHOLE = 0;

interface AccountState {
  account: Account | null;
  /** Without paused ones. */
  keys: AccountKey[];
}

async function load(deps: Deps, { key }: OpenAccount): Promise<AccountState> {
  const [account, keys] = await Promise.all([findAccount(deps.db, key.userId, key.id), listAccountKeys(deps.db, key.userId, key.id)]);
  return { account, keys: keys.filter(({ isActive }) => isActive) };
}

const askable = ({ account, keys }: AccountState, failed: readonly number[]): AccountState => ({
  account: failed.includes(AS_A_WHOLE) ? null : account,
  keys: keys.filter(({ id }) => !failed.includes(id)),
});

/** The account's total is read only after all its keys. */
function hasMore(deps: Deps, known: AccountState, failed: readonly number[], since: number): boolean {
  const [now, { retentionDays }] = [deps.now(), deps.config];
  const { account, keys } = askable(known, failed);
  if (planReads(keys, dayOf(now), retentionDays, since).length > 0 || dueChecks(keys, account, now).length > 0) return true;
  return account !== null && accountRead(account, known.keys, dayOf(now), retentionDays, MAX_ACCOUNT_DAYS) !== null;
}

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

/** A note if paused keys still spend. */
export async function describePaused(deps: Deps, { key }: OpenAccount): Promise<string | null> {
  const today = dayOf(deps.now());
  const yesterday = addDays(today, -1);
  const stillSpends = (upstream: AccountKey) =>
    !upstream.isActive && !isReadThrough(upstream, { from: yesterday, to: yesterday }, today, deps.config.retentionDays);
  const count = (await listAccountKeys(deps.db, key.userId, key.id)).filter(stillSpends).length;
  if (count === 0) return null;
  return `${count} paused ${count === 1 ? 'key still spends' : 'keys still spend'}. This spend is shown as unattributed until you resume them.`;
}
