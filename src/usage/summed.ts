/** Days that are read by their sums: whether these still hold, what they say of the sources, and the ledger that they make. Pure. */
import { sourceOf } from './choose.ts';
import type { CoveredKey } from './coverage.ts';
import type { ByDimension, Dimension, LedgerRow } from './model.ts';
import type { Index, StoredDay } from './sources.ts';
import { type ModelName, slugsOf } from './stored-row.ts';
import { type Counted, type DaySum, minus, type Parts, REST, type Side, SOURCES, type SummedKey, type Vector } from './sums.ts';

/** A day's sum as it is read. */
export interface SummedDay extends Pick<DaySum, 'keys'> {
  day: string;
  cut: number;
  /** Null if no more than keys was asked for; a dimension is, if it was not. */
  detail: (Pick<DaySum, 'credits' | 'checks'> & { [part in 'models' | 'providers']: DaySum[part] | null }) | null;
}

const enteredOf = ([costNano, byokCostNano, correctionNano, byokCorrectionNano, isEstimated]: Counted) => ({
  costNano,
  byokCostNano,
  correctionNano,
  byokCorrectionNano,
  isEstimated: isEstimated === 1,
});

/** Would the ledger have the same of a key now? */
function holdsOf(
  day: string,
  [keyId, source, , counted, analysed]: SummedKey,
  keys: ReadonlyMap<number, CoveredKey>,
  { owners }: Index,
): boolean {
  const key = keys.get(keyId);
  const spent = { costNano: 0, byokCostNano: 0 };
  for (const [id, cost, byokCost] of analysed) {
    if (owners.get(id) !== keyId) return false;
    spent.costNano += cost;
    spent.byokCostNano += byokCost;
  }
  if (key === undefined) return source === 0;
  return sourceOf(day, key, counted && enteredOf(counted), { spent, texts: analysed.length }) === SOURCES[source];
}

/** Summed days of which the ledger would have something else now, since a key is known in another way than when they were summed. */
export function findOutdated(index: Index, days: readonly SummedDay[]): string[] {
  const keys = new Map(index.keys.map((key) => [key.id, key]));
  return days.filter(({ day, keys: summed }) => !summed.every((one) => holdsOf(day, one, keys, index))).map(({ day }) => day);
}

/** Adds what the sources said of a summed day to the others. */
function indexSum({ days }: Index, { day, keys, detail }: SummedDay): void {
  const stored: StoredDay = { day, counters: new Map(), usage: new Map(), checks: new Map(), ledgers: new Map() };
  for (const [apiKeyId, , , counted, analysed] of keys) {
    if (counted) stored.counters.set(apiKeyId, { apiKeyId, day, ...enteredOf(counted) });
    for (const [id, costNano, byokCostNano] of analysed) stored.usage.set(id, { costNano, byokCostNano });
  }
  for (const [upstreamKeyId, activityCostNano, activityByokCostNano, accountCostNano, accountByokCostNano] of detail?.checks ?? [])
    stored.checks.set(upstreamKeyId, { upstreamKeyId, day, activityCostNano, activityByokCostNano, accountCostNano, accountByokCostNano });
  days.set(day, stored);
}

/** Adds what the sources said of summed days to the others, as far as it was asked for. */
export function indexSums(index: Index, days: readonly SummedDay[]): void {
  for (const day of days) if (day.detail !== null) indexSum(index, day);
}

/** What was spent on a summed day, in nano-dollars: in all, and by hour as far as it was asked for. */
export function creditsOfSum({ day, keys, detail }: SummedDay): { day: string; costNano: number; credits: Vector } {
  let costNano = 0;
  for (const [, , parts] of keys) for (const [whole] of parts) costNano += whole[0] ?? 0;
  return { day, costNano, credits: detail?.credits ?? [] };
}

const NO_HOURS: LedgerRow['hours'] = {};

const sideOf = (side: Side | undefined, whole: Vector, other: Side | undefined): Vector | null =>
  side === REST ? (Array.isArray(other) ? minus(whole, other) : whole) : (side ?? null);

/** The parts of a day as hours: questions about local days find the same in them as in the hours themselves. */
function hoursOfParts([whole, before, after]: Parts, cut: number): LedgerRow['hours'] {
  const hours: Record<number, Vector> = {};
  const [first, second] = [sideOf(before, whole, after), sideOf(after, whole, before)];
  if (first) hours[0] = first;
  if (second) hours[cut] = second;
  return hours;
}

/** What a row knows of its dimension. */
type Named = Pick<LedgerRow, 'keyId' | 'source' | 'model' | 'permaslug' | 'provider' | 'isEstimated'>;

/** There are thousands of rows, and to spread one value into the other takes longer than everything else that is done with them. */
const rowOf = (day: string, cut: number, parts: Parts, { keyId, source, model, permaslug, provider, isEstimated }: Named): LedgerRow => ({
  keyId,
  day,
  source,
  model,
  permaslug,
  provider,
  total: parts[0],
  hours: cut === 0 ? NO_HOURS : hoursOfParts(parts, cut),
  isEstimated,
});

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
const ofKey = ([keyId, source, , counted]: SummedKey): Named => ({
  keyId,
  source: source === 1 ? 'counters' : 'analytics',
  model: null,
  permaslug: null,
  provider: null,
  isEstimated: source === 1 && counted?.[4] === 1,
});

/**
 * The ledger of summed days by one dimension at a time: a row knows that one alone, and no hours but those that part the day.
 * @param isParted false in UTC, where only whole days are asked for
 */
export function rowsOfSums(days: readonly SummedDay[], names: readonly ModelName[], isParted: boolean): ByDimension<LedgerRow> {
  const slugOf = slugsOf(names);
  const rows: Record<Dimension, LedgerRow[]> = { key: [], model: [], provider: [] };
  for (const { day, cut: stored, keys, detail } of days) {
    const cut = isParted ? stored : 0;
    for (const key of keys) for (const parts of key[2]) rows.key.push(rowOf(day, cut, parts, ofKey(key)));
    for (const [permaslug, parts] of detail?.models ?? []) rows.model.push(rowOf(day, cut, parts, ofModel(slugOf(permaslug), permaslug)));
    for (const [provider, parts] of detail?.providers ?? []) rows.provider.push(rowOf(day, cut, parts, ofProvider(provider)));
  }
  return rows;
}
