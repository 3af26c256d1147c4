/** Asks analytics about keys, within a budget, and stores the answers. */
import pMap from 'p-map';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import type { UpstreamKey } from '../inventory/model.ts';
import { historyRead, type Read } from '../inventory/progress.ts';
import { addDays, countDays, dayOf, listDays, startOfDay } from '../lib/day.ts';
import { err, type Result } from '../lib/result.ts';
import type { AnalyticsAnswer } from '../openrouter/analytics.ts';
import type { OpenRouterError } from '../openrouter/failure.ts';
import { cellsOf, cellsOfActivity, type UsageCell } from '../usage/booking/cells.ts';
import { applyChanges, type KeyChange } from './change-store.ts';
import { ACTIVITY_DAYS, ACTIVITY_FROM_MS, afterGivingUp, afterRead, narrow, recentRead } from './model.ts';
import { noteErrorsStatement } from './store.ts';
import { describeReadError, retryAfterOf } from './verdict.ts';

const MAX_SIMULTANEOUS = 6;
const DEFAULT_WAIT_S = 60;
const MAX_CELLS = 10_000;

/** The longest span of one query, in days, as far as known. */
export type Reach = Record<Read['granularity'], number>;

export interface Budget {
  queries: number;
  cells: number;
  reach: Reach;
  retryAfterS: number | null;
  /** Analytics refuse this management key; `/activity` may not. */
  isRefused: boolean;
}

export const createBudget = (queries: number, reach: Reach): Budget => ({
  queries,
  cells: MAX_CELLS,
  reach: { ...reach },
  retryAfterS: null,
  isRefused: false,
});

/** Nothing more is asked in this step. */
export function noteWait(budget: Budget, error: OpenRouterError): void {
  const asked = retryAfterOf(error) ?? (error.kind === 'rate_limited' ? DEFAULT_WAIT_S : null);
  if (asked !== null) budget.retryAfterS = Math.max(budget.retryAfterS ?? 0, asked);
}

const isSpent = ({ queries, cells, retryAfterS }: Budget): boolean => queries <= 0 || cells <= 0 || retryAfterS !== null;

/** Then `/activity` is asked instead. */
const REFUSALS: readonly string[] = ['unauthorized', 'forbidden', 'refused', 'not_found'];

type QueryError = OpenRouterError | { kind: 'out_of_budget' };

export async function query(
  deps: Deps,
  secret: string,
  read: Read,
  hash: string | null,
  budget: Budget,
): Promise<Result<AnalyticsAnswer, QueryError>> {
  for (let attempt = 1; ; attempt++) {
    if (isSpent(budget)) return err({ kind: 'out_of_budget' });
    budget.queries -= 1;
    const answer = await deps.openrouter.queryAnalytics(secret, { ...read, hash });
    if (answer.ok) return answer;
    noteWait(budget, answer.error);
    if (answer.error.kind === 'unauthorized' || answer.error.kind === 'forbidden') budget.isRefused = true;
    if (answer.error.kind !== 'unavailable' || attempt > 1) return answer;
  }
}

interface ReadPart {
  read: Read;
  cells: UsageCell[];
  at: number;
  isUnknownKey: boolean;
}

/** What is too wide for one key is too wide for the next. */
function noteReach(reach: Reach, read: Read, [first]: readonly Read[]): void {
  if (first?.granularity === read.granularity) reach[read.granularity] = Math.min(reach[read.granularity], countDays(first.from, first.to));
}

/** Splits the range as often as needed. Parts before a failure count. */
export async function queryRange(
  deps: Deps,
  secret: string,
  range: Read,
  hash: string | null,
  budget: Budget,
): Promise<{ parts: ReadPart[]; error: QueryError | null }> {
  const parts: ReadPart[] = [];
  const waiting = [range];
  for (let read = waiting.shift(); read; read = waiting.shift()) {
    const reach = budget.reach[read.granularity];
    const known = countDays(read.from, read.to) > reach ? narrow(read, reach) : null;
    if (known) {
      waiting.unshift(...known);
      continue;
    }
    const at = deps.now();
    const answer = await query(deps, secret, read, hash, budget);
    if (answer.ok && !answer.value.isTruncated) {
      const cells = cellsOf(answer.value.rows, read.granularity);
      budget.cells -= cells.length;
      parts.push({ read, cells, at, isUnknownKey: answer.value.isUnknownKey });
      continue;
    }
    if (!answer.ok && answer.error.kind !== 'too_wide') return { parts, error: answer.error };
    const narrower = narrow(read, answer.ok || answer.error.kind !== 'too_wide' ? null : answer.error.maxDays);
    if (!answer.ok && narrower) noteReach(budget.reach, read, narrower);
    if (!narrower) return { parts, error: answer.ok ? { kind: 'too_wide', maxDays: null } : answer.error };
    waiting.unshift(...narrower);
  }
  return { parts, error: null };
}

interface Outcome {
  change: KeyChange | null;
  error: QueryError | null;
}

const UNKNOWN_KEY: OpenRouterError = { kind: 'not_found' };

/** A key unknown to analytics keeps its data; if it is gone, it is now complete. */
async function readRange(deps: Deps, secret: string, key: UpstreamKey, range: Read, budget: Budget, today: string): Promise<Outcome> {
  const { parts, error } = await queryRange(deps, secret, range, key.hash, budget);
  const change: KeyChange = { of: key, days: [], cells: [], state: key };
  for (const part of parts) {
    if (part.isUnknownKey) {
      if (key.vanishedAt === null) return { change: null, error: UNKNOWN_KEY };
      return {
        change: { ...change, state: afterGivingUp({ ...key, ...change.state }, part.at, today, deps.config.retentionDays) },
        error: null,
      };
    }
    change.days.push(...listDays(part.read.from, part.read.to));
    change.cells.push(...part.cells);
    change.state = afterRead({ ...key, ...change.state }, part.read, part.cells, part.at, today);
  }
  return { change: parts.length > 0 ? change : null, error };
}

/** `/activity` has the last 30 completed days, without hours. It settles nothing: analytics are asked again. */
async function readActivity(deps: Deps, secret: string, key: UpstreamKey, budget: Budget, today: string): Promise<Outcome> {
  const yesterday = addDays(today, -1);
  const isEarly = deps.now() - startOfDay(today) < ACTIVITY_FROM_MS;
  if (isEarly || key.checkedTo === yesterday) return { change: null, error: { kind: 'forbidden' } };
  if (isSpent(budget)) return { change: null, error: { kind: 'out_of_budget' } };
  budget.queries -= 1;
  const answer = await deps.openrouter.getActivity(secret, key.hash);
  if (!answer.ok) {
    noteWait(budget, answer.error);
    return { change: null, error: answer.error };
  }
  const from = key.openFrom ?? addDays(today, -ACTIVITY_DAYS);
  const cells = cellsOfActivity(answer.value).filter(({ day }) => day >= from && day <= yesterday);
  const state = { ...key, doneFrom: key.doneFrom ?? from, openFrom: from, isSettled: false };
  return { change: { of: key, days: listDays(from, yesterday), cells, state }, error: null };
}

/** Recent days before history. @param since start of the run: recent days are read once in a run, even if still incomplete */
export function planReads(
  keys: readonly UpstreamKey[],
  today: string,
  retentionDays: number,
  since: number,
): { key: UpstreamKey; read: Read }[] {
  const wanted = (find: typeof recentRead) =>
    keys.flatMap((key) => {
      const read = find(key, today, retentionDays);
      return read ? [{ key, read }] : [];
    });
  const recent = wanted(recentRead).filter(({ key: { readAt } }) => readAt === null || readAt < since);
  const open = new Set(recent.map(({ key }) => key.id));
  return [...recent, ...wanted(historyRead).filter(({ key }) => !open.has(key.id))];
}

/** One range per key, recent ones first, until the budget is used up. @returns ids of the keys that failed */
export async function readKeysUsage(
  deps: Deps,
  userId: number,
  secret: string,
  keys: readonly UpstreamKey[],
  budget: Budget,
  since: number,
): Promise<number[]> {
  const today = dayOf(deps.now());
  const changes: KeyChange[] = [];
  const errors: { id: number; lastError: string }[] = [];
  const readOne = async ({ key, read }: { key: UpstreamKey; read: Read }) => {
    if (isSpent(budget)) return;
    let outcome: Outcome = budget.isRefused
      ? { change: null, error: { kind: 'forbidden' } }
      : await readRange(deps, secret, key, read, budget, today);
    const isRefused = outcome.error !== null && REFUSALS.includes(outcome.error.kind) && outcome.change === null;
    if (isRefused && read.part === 'recent') outcome = await readActivity(deps, secret, key, budget, today);
    if (outcome.change) changes.push(outcome.change);
    const { error } = outcome;
    if (error && error.kind !== 'out_of_budget' && error.kind !== 'rate_limited')
      errors.push({ id: key.id, lastError: `Its history could not be synced. ${describeReadError(error)}` });
    if (isRefused && !error)
      errors.push({ id: key.id, lastError: 'OpenRouter refuses analytics: history is limited to the last 30 days.' });
  };
  await pMap(planReads(keys, today, deps.config.retentionDays, since), readOne, { concurrency: MAX_SIMULTANEOUS });
  await applyChanges(deps.db, userId, changes);
  if (errors.length > 0) await runBatch(deps.db, [noteErrorsStatement(deps.db, userId, errors)]);
  return errors.map(({ id }) => id);
}
