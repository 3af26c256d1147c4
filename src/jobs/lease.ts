import type { Deps } from '../deps.ts';
import { SECOND_MS } from '../lib/day.ts';
import type { Counts, Delivery } from './model.ts';
import * as store from './store.ts';

/** `retryInS`: seconds until the part continues; null: finished. */
export interface Progress {
  counts: Counts;
  retryInS: number | null;
}

/** Unless the part is finished or somebody else has its lease. @param work receives the counts of earlier work on the part */
export async function withLease(
  deps: Deps,
  part: store.PartName,
  leaseMs: number,
  work: (counts: Counts) => Promise<Progress>,
): Promise<Delivery> {
  const now = deps.now();
  const claim = await store.claimPart(deps.db, part, now, leaseMs);
  if (claim.kind === 'finished') return { kind: 'ack' };
  if (claim.kind === 'leased') return { kind: 'retry', delayS: Math.max(1, Math.ceil((claim.until - now) / SECOND_MS)) };
  const { counts, retryInS } = await work(claim.counts);
  await store.releasePart(deps.db, part, claim.leaseUntil, deps.now(), counts, retryInS === null);
  return retryInS === null ? { kind: 'ack' } : { kind: 'retry', delayS: retryInS };
}
