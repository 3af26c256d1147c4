/**
 * The ledger: spend of a range with its coverage; everything above reads only this. Settled days are rollups where possible, open days
 * rows.
 */
import type { Query } from '../db.ts';
import type { Deps } from '../deps.ts';
import { addDays, dayOf } from '../lib/day.ts';
import { remember } from '../lib/remember.ts';
import type { CoveredKey } from './coverage/coverage.ts';
import type { LedgerRow, LedgerRows, Range } from './model.ts';
import { creditsOfSums, rowsOfSums, type SummedDay } from './rollup/decode.ts';
import { type AskedSums, readWithSums } from './rollup/read.ts';
import {
  type Clock,
  type LedgerItem,
  ledgerItemsOf,
  ledgerRowsOf,
  type Stored,
  type StoredSources,
  sourceRowsOf,
  sourcesOf,
  toRows,
} from './sources/ledger-items.ts';
import { askedDays, readPieces, readSources } from './sources/reading.ts';
import type { AskedDays } from './sources/store.ts';
import { createComparison, type Reconciled } from './sums/reconciliation.ts';

/** Rows with every dimension, of all keys or one; or one dimension each. */
type Asked<T> = { also?: Query<T> } & ({ inRows: AskedDays['hours']; keyId?: number | undefined } | AskedSums);

const byDateAndKey = (a: Reconciled, b: Reconciled): number => (a.date === b.date ? a.keyId - b.keyId : a.date < b.date ? -1 : 1);

function ledgerOfSources<S extends StoredSources>(sources: S, summed: readonly SummedDay[], today: string, isUtc: boolean) {
  const comparison = createComparison(sources, today);
  const { spent, ...ofSums } = rowsOfSums(summed, sources.names, !isUtc);
  let detailed: ReturnType<typeof ledgerRowsOf> | undefined;
  const rowsOnce = () => (detailed ??= ledgerRowsOf(sources));
  return {
    sources,
    keys: sources.keys as readonly CoveredKey[],
    rows: (): LedgerRows => ({ detailed: rowsOnce(), summed: ofSums }),
    /** Rows made on demand, each once. */
    items: (): { stored: LedgerItem[]; toRows(item: LedgerItem): LedgerRow[] } => ({
      stored: ledgerItemsOf(sources),
      toRows: remember(toRows, Number.POSITIVE_INFINITY),
    }),
    /** Totals of rolled-up days of which keys were not asked for. */
    spent,
    credits: () => [
      ...creditsOfSums(summed),
      ...rowsOnce().map(({ day, total, credits }) => ({ day, isSpent: Boolean(total[0]), credits })),
    ],
    /** By day, then key: the ledger beside the other sources. */
    reconcile: comparison.reconcile,
    /** Completed UTC days with drift above a cent, by day, then key. */
    findDrift(from: string, to: string): Reconciled[] {
      const known = summed.filter(({ day }) => day >= from && day <= to).flatMap(({ drift }) => drift ?? []);
      return [...known, ...comparison.findDrift(from, to)].sort(byDateAndKey);
    },
  };
}

/** One round trip, or two. @throws AppFailure `not_found` or `forbidden` for a key that the user does not have */
export async function readLedger<T = undefined>(deps: Deps, userId: number, range: Range, asked: Asked<T>) {
  const [today, isUtc] = [dayOf(deps.now()), range.zone === 'UTC'];
  if (!('inRows' in asked)) {
    const { sources, summed } = await readWithSums(deps, userId, range, asked, asked.also);
    return ledgerOfSources(sources, summed, today, isUtc);
  }
  const { inRows, keyId, also } = asked;
  const sources = await readSources(deps, userId, askedDays(range, inRows), { keyId, ...(also && { also }) });
  return ledgerOfSources(sources, [], today, isUtc);
}

/** From stored rows of several users, for a job. */
export function ledgerOf(stored: Stored, clock: Clock) {
  const sources = sourcesOf(stored, clock);
  return { keys: sources.keys as readonly CoveredKey[], rows: ledgerRowsOf(sources) as readonly LedgerRow[] };
}

/** From every source, in pieces of `pieceDays` UTC days: five statements, and three a piece. */
export async function* readAll(deps: Deps, userId: number, pieceDays: number): AsyncGenerator<readonly LedgerRow[]> {
  const today = dayOf(deps.now());
  const pieces: AskedDays[] = [];
  for (let from = addDays(today, -deps.config.retentionDays - 1); from <= today; from = addDays(from, pieceDays))
    pieces.push({ spans: [[from, addDays(from, pieceDays - 1)]], hours: 'all' });
  for await (const sources of readPieces(deps, userId, pieces)) yield sourceRowsOf(sources);
}
