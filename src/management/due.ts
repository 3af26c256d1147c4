/** What one step of a run asks about an account: keys, then the account as a whole, then checks and names. */
import type { Deps } from '../deps.ts';
import type { KeyRow } from '../keys/model.ts';
import { addDays, dayOf } from '../lib/day.ts';
import { readAccountTotal } from './account.ts';
import { checkKeys, dueChecks, readNames } from './checks.ts';
import { accountRead, isReadThrough, type UpstreamKey } from './model.ts';
import { createBudget, planReads, type Reach, readKeysUsage } from './reads.ts';
import { findCompleteAt, listAccountKeys } from './store.ts';

/** Any 60 seconds touch at most four steps that begin 20 seconds apart: 64 queries, as many as OpenRouter allows a minute. */
const QUERIES_A_STEP = 16;

/** The account that is read, and the management key's text. */
export interface OpenAccount {
  key: KeyRow;
  text: string;
  /** The UTC day on which the models' names were last asked for. */
  namesDay: string | null;
}

/** What a run has found out so far. */
interface RunState {
  /** When the run began, epoch milliseconds. */
  since: number;
  /** Upstream keys that failed; they are left to the next run. */
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

/** The keys that this run may still ask about: neither paused nor failed. The account as a whole is always one of them, if it did not fail. */
const askable = (keys: readonly AccountKey[], failed: readonly number[]): AccountKey[] =>
  keys.filter(({ id, isActive, hash }) => (isActive || hash === null) && !failed.includes(id));

const ownKeys = (keys: readonly AccountKey[]): AccountKey[] => keys.filter(({ hash }) => hash !== null);

/** Is there anything left to be asked in this run? The account's total is compared with all its keys, so all of them decide about it. */
async function hasMore(
  deps: Deps,
  { key }: OpenAccount,
  keys: readonly AccountKey[],
  failed: readonly number[],
  since: number,
): Promise<boolean> {
  const [now, { retentionDays }] = [deps.now(), deps.config];
  const left = askable(keys, failed);
  if (planReads(left, dayOf(now), retentionDays, since).length > 0 || dueChecks(left, now).length > 0) return true;
  const outside = left.find(({ hash }) => hash === null);
  if (!outside) return false;
  return accountRead(outside, ownKeys(keys), dayOf(now), retentionDays, await findCompleteAt(deps.db, key.userId, key.id), 1) !== null;
}

/** Reads what is due, as far as one step may ask. */
export async function readDue(deps: Deps, { key, text, namesDay }: OpenAccount, state: RunState): Promise<StepResult> {
  const budget = createBudget(QUERIES_A_STEP, state.reach);
  const load = () => listAccountKeys(deps.db, key.userId, key.id);
  const failed = [...state.failed];
  failed.push(...(await readKeysUsage(deps, key.userId, text, askable(await load(), failed), budget, state.since)));
  const keys = await load();
  const outside = askable(keys, failed).find(({ hash }) => hash === null);
  if (outside) {
    const outcome = await readAccountTotal(deps, key.userId, key.id, text, outside, keys, budget);
    if (outcome === 'failed' && budget.queries > 0 && budget.retryAfterS === null) failed.push(outside.id);
  }
  failed.push(...(await checkKeys(deps, key.userId, text, askable(keys, failed), budget)));
  const isMore = await hasMore(deps, { key, text, namesDay }, await load(), failed, state.since);
  if (!isMore) await readNames(deps, key.userId, key.id, namesDay);
  return { failed, reach: budget.reach, isMore, hasAsked: budget.queries < QUERIES_A_STEP, retryAfterS: budget.retryAfterS };
}

/** Says so if paused keys go on spending: what the account spends outside of its keys cannot be told from what they spend. */
export async function describePaused(deps: Deps, { key }: OpenAccount): Promise<string | null> {
  const today = dayOf(deps.now());
  const yesterday = addDays(today, -1);
  const isBehind = (upstream: AccountKey) =>
    !upstream.isActive && !isReadThrough(upstream, { from: yesterday, to: yesterday }, today, deps.config.retentionDays);
  const count = ownKeys(await listAccountKeys(deps.db, key.userId, key.id)).filter(isBehind).length;
  if (count === 0) return null;
  return `${count} paused ${count === 1 ? 'key goes' : 'keys go'} on spending. What the account spends outside of its keys is not booked until they are read again.`;
}
