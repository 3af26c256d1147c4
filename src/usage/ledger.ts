/**
 * The ledger: what a user spent in a range, with what is known of it. Everything above reads it here alone. Settled days come as sums where they may,
 * open ones as rows.
 */
import type { Question } from '../db.ts';
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

/** How a range is needed: in rows that know every dimension, of all keys or of one; or by one dimension each. */
type Asked<T> = { also?: Question<T> } & ({ inRows: AskedDays['hours']; keyId?: number | undefined } | AskedSums);

const byDateAndKey = (a: Reconciled, b: Reconciled): number => (a.date === b.date ? a.keyId - b.keyId : a.date < b.date ? -1 : 1);

function ledgerOfSources<S extends StoredSources>(sources: S, summed: readonly SummedDay[], today: string, isUtc: boolean) {
  const comparison = createComparison(sources, today);
  const { spent, ...ofSums } = rowsOfSums(summed, sources.names, !isUtc);
  let detailed: ReturnType<typeof ledgerRowsOf> | undefined;
  const rowsOnce = () => (detailed ??= ledgerRowsOf(sources));
  return {
    /** What is stored of keys and accounts, as it was read together with the days. */
    sources,
    /** The keys that were asked about, with what is known of each. */
    keys: sources.keys as readonly CoveredKey[],
    rows: (): LedgerRows => ({ detailed: rowsOnce(), summed: ofSums }),
    /** The same of the rows, each made once, when it is needed. */
    items: (): { stored: LedgerItem[]; toRows(item: LedgerItem): LedgerRow[] } => ({
      stored: ledgerItemsOf(sources),
      toRows: remember(toRows, Number.POSITIVE_INFINITY),
    }),
    /** Of summed days of which keys were not asked for: what was spent in all. */
    spent,
    /** Credits by day and by hour. */
    credits: () => [
      ...creditsOfSums(summed),
      ...rowsOnce().map(({ day, total, credits }) => ({ day, isSpent: Boolean(total[0]), credits })),
    ],
    /** Each UTC day of each key beside what the other sources say, by day, then key. */
    reconcile: comparison.reconcile,
    /** Completed UTC days on which the sources differ by more than a cent, by day, then key. */
    findDrift(from: string, to: string): Reconciled[] {
      const known = summed.filter(({ day }) => day >= from && day <= to).flatMap(({ drift }) => drift ?? []);
      return [...known, ...comparison.findDrift(from, to)].sort(byDateAndKey);
    },
  };
}

/**
 * The ledger of local days, in one round trip or two.
 * @throws AppFailure `not_found` or `forbidden` for a key that the user does not have
 */
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

/** The ledger of what is stored, for a job that reads it of several users at once. */
export function ledgerOf(stored: Stored, clock: Clock) {
  const sources = sourcesOf(stored, clock);
  return { keys: sources.keys as readonly CoveredKey[], rows: ledgerRowsOf(sources) as readonly LedgerRow[] };
}

/**
 * All that is stored of a user's days, in pieces of `pieceDays` UTC days: what each source says, also where the ledger takes another. Three statements
 * a piece, and five before them.
 */
export async function* readAll(deps: Deps, userId: number, pieceDays: number): AsyncGenerator<readonly LedgerRow[]> {
  const today = dayOf(deps.now());
  const pieces: AskedDays[] = [];
  for (let from = addDays(today, -deps.config.retentionDays - 1); from <= today; from = addDays(from, pieceDays))
    pieces.push({ spans: [[from, addDays(from, pieceDays - 1)]], hours: 'all' });
  for await (const sources of readPieces(deps, userId, pieces)) yield sourceRowsOf(sources);
}
