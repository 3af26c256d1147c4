/** Rollups as ledger rows. Pure. */
import type { ByDimension, Dimension, LedgerRow } from '../model.ts';
import { type ModelName, slugsOf } from '../sources/stored-row.ts';
import { type DaySum, type HalfDay, KEY_SOURCES, type Part, REMAINDER, type SplitAmounts, subtractAmounts, type Vector } from './build.ts';

/** Null: not asked for. `spent` is set only where keys are not. */
export type SummedDay = { day: string; splitHour: number } & { [part in Part | 'spent']: DaySum[part] | null };

/** Nano-dollars by hour, for days whose hours were asked for. */
export const creditsOfSums = (days: readonly SummedDay[]): { day: string; isSpent: boolean; credits: Vector }[] =>
  days.flatMap(({ day, keys, credits }) =>
    credits === null ? [] : { day, isSpent: (keys ?? []).some((key) => Boolean(key[2][0][0])), credits },
  );

const NO_HOURS: LedgerRow['hours'] = {};

const halfDayOf = (side: HalfDay | undefined, whole: Vector, other: HalfDay | undefined): Vector | null =>
  side === REMAINDER ? (Array.isArray(other) ? subtractAmounts(whole, other) : whole) : (side ?? null);

/** The halves of a day as hours: questions about local days get the same answer. */
function hoursOfSplit([whole, before, after]: SplitAmounts, splitHour: number, hasLastHour: boolean): LedgerRow['hours'] {
  const hours: Record<number, Vector> = {};
  const [first, second] = [halfDayOf(before, whole, after), halfDayOf(after, whole, before)];
  if (first) hours[hasLastHour ? splitHour - 1 : 0] = first;
  if (second) hours[splitHour] = second;
  return hours;
}

type Named = Pick<LedgerRow, 'keyId' | 'source' | 'model' | 'permaslug' | 'provider' | 'isEstimated'>;

// Index access, no patterns: several times faster for thousands of tuples.

/** Field by field: spreading would take most of the time. */
const rowOf = (
  day: string,
  splitHour: number,
  parts: SplitAmounts,
  { keyId, source, model, permaslug, provider, isEstimated }: Named,
  hasLastHour = false,
): LedgerRow => ({
  keyId,
  day,
  source,
  model,
  permaslug,
  provider,
  total: parts[0],
  hours: splitHour === 0 ? NO_HOURS : hoursOfSplit(parts, splitHour, hasLastHour),
  isEstimated,
});

const NAMELESS: Named = { keyId: 0, source: 'analytics', model: null, permaslug: null, provider: null, isEstimated: false };
const ofModel = (model: string | null, permaslug: string): Named => ({
  keyId: 0,
  source: 'analytics',
  model,
  permaslug: permaslug || null,
  provider: null,
  isEstimated: false,
});
const ofProvider = (provider: string): Named => ({
  keyId: 0,
  source: 'analytics',
  model: null,
  permaslug: null,
  provider: provider || null,
  isEstimated: false,
});
const ofKey = (keyId: number, sourceIndex: number): Named => ({
  keyId,
  source: KEY_SOURCES[sourceIndex]?.source ?? 'analytics',
  model: null,
  permaslug: null,
  provider: null,
  isEstimated: KEY_SOURCES[sourceIndex]?.isEstimated === true,
});

export interface SummedRows extends ByDimension<LedgerRow> {
  spent: readonly LedgerRow[];
}

/** A row has one dimension, and no hours but those at the split. @param isSplit false in UTC, where only whole days are asked for */
export function rowsOfSums(days: readonly SummedDay[], names: readonly ModelName[], isSplit: boolean): SummedRows {
  const slugOf = slugsOf(names);
  const rows: Record<Dimension | 'spent', LedgerRow[]> = { key: [], model: [], provider: [], spent: [] };
  for (const { day, splitHour: stored, spent, keys, models, providers } of days) {
    const splitHour = isSplit ? stored : 0;
    for (const parts of spent ?? []) rows.spent.push(rowOf(day, splitHour, parts, NAMELESS));
    for (const key of keys ?? []) rows.key.push(rowOf(day, splitHour, key[2], ofKey(key[0], key[1]), key[3]));
    for (const model of models ?? []) rows.model.push(rowOf(day, splitHour, model[1], ofModel(slugOf(model[0]), model[0])));
    for (const provider of providers ?? []) rows.provider.push(rowOf(day, splitHour, provider[1], ofProvider(provider[0])));
  }
  return rows;
}
