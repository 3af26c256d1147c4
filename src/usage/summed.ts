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

// There are thousands of tuples here, and to take one apart by a pattern takes several times as long as by its indices.

const enteredOf = (counted: Counted) => ({
  costNano: counted[0],
  byokCostNano: counted[1],
  correctionNano: counted[2],
  byokCorrectionNano: counted[3],
  isEstimated: counted[4] === 1,
});

/** Would the ledger have the same of a key now? */
function holdsOf(day: string, summed: SummedKey, keys: ReadonlyMap<number, CoveredKey>, { owners }: Index): boolean {
  const [keyId, counted, analysed] = [summed[0], summed[3], summed[4]];
  const key = keys.get(keyId);
  const spent = { costNano: 0, byokCostNano: 0 };
  for (const text of analysed) {
    if (owners.get(text[0]) !== keyId) return false;
    spent.costNano += text[1];
    spent.byokCostNano += text[2];
  }
  if (key === undefined) return summed[1] === 0;
  return sourceOf(day, key, counted && enteredOf(counted), { spent, texts: analysed.length }) === SOURCES[summed[1]];
}

/** Summed days of which the ledger would have something else now, since a key is known in another way than when they were summed. */
export function findOutdated(index: Index, days: readonly SummedDay[]): string[] {
  const keys = new Map(index.keys.map((key) => [key.id, key]));
  return days.filter(({ day, keys: summed }) => !summed.every((one) => holdsOf(day, one, keys, index))).map(({ day }) => day);
}

/** Adds what the sources said of a summed day to the others. */
function indexSum({ days }: Index, { day, keys, detail }: SummedDay): void {
  const stored: StoredDay = { day, counters: new Map(), usage: new Map(), checks: new Map(), ledgers: new Map() };
  for (const key of keys) {
    const [apiKeyId, counted] = [key[0], key[3]];
    if (counted) stored.counters.set(apiKeyId, { apiKeyId, day, ...enteredOf(counted) });
    for (const text of key[4]) stored.usage.set(text[0], { costNano: text[1], byokCostNano: text[2] });
  }
  for (const check of detail?.checks ?? []) {
    stored.checks.set(check[0], {
      upstreamKeyId: check[0],
      day,
      activityCostNano: check[1],
      activityByokCostNano: check[2],
      accountCostNano: check[3],
      accountByokCostNano: check[4],
    });
  }
  days.set(day, stored);
}

/** Adds what the sources said of summed days to the others, as far as it was asked for. */
export function indexSums(index: Index, days: readonly SummedDay[]): void {
  for (const day of days) if (day.detail !== null) indexSum(index, day);
}

/** What was spent on a summed day, in nano-dollars: in all, and by hour as far as it was asked for. */
export function creditsOfSum({ day, keys, detail }: SummedDay): { day: string; costNano: number; credits: Vector } {
  let costNano = 0;
  for (const key of keys) for (const parts of key[2]) costNano += parts[0][0] ?? 0;
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
const ofKey = (key: SummedKey): Named => ({
  keyId: key[0],
  source: key[1] === 1 ? 'counters' : 'analytics',
  model: null,
  permaslug: null,
  provider: null,
  isEstimated: key[1] === 1 && key[3]?.[4] === 1,
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
    for (const model of detail?.models ?? []) rows.model.push(rowOf(day, cut, model[1], ofModel(slugOf(model[0]), model[0])));
    for (const provider of detail?.providers ?? []) rows.provider.push(rowOf(day, cut, provider[1], ofProvider(provider[0])));
  }
  return rows;
}
