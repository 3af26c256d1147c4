/** The total of an account on completed days, with or without a key. */
import type { Deps } from '../deps.ts';
import type { Account } from '../inventory/model.ts';
import type { ReadState } from '../inventory/progress.ts';
import { dayOf, listDays } from '../lib/day.ts';
import { applyAccountChange } from './change-store.ts';
import { accountRead, afterAccountRead } from './model.ts';
import { type Budget, queryRange } from './reads.ts';

export const MAX_ACCOUNT_DAYS = 365;

/** Reads the next range of the account, once all its keys are read that far. @param keys without paused ones */
export async function readAccountTotal(
  deps: Deps,
  secret: string,
  account: Account,
  keys: readonly ReadState[],
  budget: Budget,
): Promise<'read' | 'nothing' | 'failed'> {
  const today = dayOf(deps.now());
  if (budget.isRefused) return 'nothing';
  const range = accountRead(account, keys, today, deps.config.retentionDays, MAX_ACCOUNT_DAYS);
  if (!range) return 'nothing';
  const { parts } = await queryRange(deps, secret, range, null, budget);
  let current = account;
  for (const { read, cells } of parts) {
    const state = afterAccountRead(current, read);
    const change = { of: current, days: listDays(read.from, read.to), cells, state };
    if (!(await applyAccountChange(deps.db, account.userId, change))) return 'failed';
    current = { ...current, ...state, readVersion: current.readVersion + 1 };
  }
  return parts.length > 0 ? 'read' : 'failed';
}
