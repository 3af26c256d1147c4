/** What an account spent outside of its keys: asked as a total of completed days, booked as what its keys leave of it. */
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { dayOf, listDays } from '../lib/day.ts';
import { setChecksStatement, sumUsage } from '../usage/usage-store.ts';
import { applyChanges } from './changes.ts';
import { accountRead, afterAccountRead, type UpstreamKey } from './model.ts';
import { outsideOf } from './outside.ts';
import { type Budget, queryRange } from './reads.ts';
import { findCompleteAt } from './store.ts';

/** Days of the past that are compared at once, so that what the keys spent on them stays small: fewer with many keys. */
const maxDaysFor = (keys: number): number => Math.max(7, Math.min(365, Math.floor(4000 / Math.max(1, keys))));

/**
 * Reads a range of the account as a whole, if there is one to be read and all its keys are read so far.
 * @param outside what the account spent outside of its keys, where the rest is booked
 * @returns whether it did, or why it failed
 */
export async function readAccountTotal(
  deps: Deps,
  userId: number,
  managementId: number,
  text: string,
  outside: UpstreamKey,
  keys: readonly UpstreamKey[],
  budget: Budget,
): Promise<'read' | 'nothing' | 'failed'> {
  const today = dayOf(deps.now());
  const own = keys.filter(({ hash }) => hash !== null);
  if (budget.isRefused) return 'nothing';
  const completeAt = await findCompleteAt(deps.db, userId, managementId);
  const range = accountRead(outside, own, today, deps.config.retentionDays, completeAt, maxDaysFor(own.length));
  if (!range) return 'nothing';
  const { parts } = await queryRange(deps, text, range, null, budget);
  for (const { read, cells, at } of parts) {
    const days = listDays(read.from, read.to);
    const spent = await sumUsage(
      deps.db,
      userId,
      own.map(({ id }) => id),
      read.from,
      read.to,
    );
    const { cells: rest, checks } = outsideOf(days, cells, spent);
    const state = afterAccountRead(outside, read, at);
    await runBatch(deps.db, [
      setChecksStatement(
        deps.db,
        userId,
        'account',
        checks.map((check) => ({ ...check, upstreamKeyId: outside.id })),
      ),
    ]);
    const moved = await applyChanges(deps.db, userId, [{ key: outside, days, cells: rest, state }]);
    if (!moved.has(outside.id)) return 'failed';
    Object.assign(outside, state, { readVersion: outside.readVersion + 1 });
  }
  return parts.length > 0 ? 'read' : 'failed';
}
