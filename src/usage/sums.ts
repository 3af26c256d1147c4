/**
 * A UTC day of a user in sums: what each key, model and provider spent, and beside it what the sources said, from which can be seen whether
 * the same one would be chosen for each key now. A sum for which that is not so is of no use any more. Pure.
 */
import { createLocalHours } from '../lib/zone.ts';
import { sourceOf } from './choose.ts';
import type { CoveredKey } from './coverage.ts';
import type { Amounts } from './measures.ts';
import type { ByDimension, Dimension, LedgerRow } from './model.ts';
import type { CheckEntry, Index, StoredDay } from './sources.ts';
import { type ModelName, type NamedUsage, type StoredCounters, type StoredRow, slugsOf } from './stored-row.ts';

type Vector = (number | null)[];

/** Everything, or what the other side of a cut leaves of it. */
const REST = 1;
type Side = Vector | null | typeof REST;

/** Amounts of the whole day; where it is cut, of the hours before and from there on too. Null: of none of them anything is known. */
type Parts = readonly [whole: Vector, before?: Side, after?: Side];

/** What is kept of a day. Amounts are in the order of `Measures`, money in nano-dollars; '' is an unknown name. */
export interface DaySum {
  keys: SummedKey[];
  models: (readonly [permaslug: string, parts: Parts])[];
  providers: (readonly [provider: string, parts: Parts])[];
  /** By hour; empty: of none anything is known. */
  credits: Vector;
  checks: Checked[];
}

/** What the ledger has of a key (nothing: not more than zero), from which source (null: neither speaks), and what each of them said. */
type SummedKey = readonly [keyId: number, source: Spoken, parts: Parts[], counted: Counted | null, analysed: Analysed[]];
type Counted = readonly [cost: number, byokCost: number, correction: number, byokCorrection: number, isEstimated: 0 | 1];
/** A text of the key, models and providers added up. */
type Analysed = readonly [upstreamKeyId: number, cost: number, byokCost: number];
type Checked = readonly [
  upstreamKeyId: number,
  activity: number | null,
  activityByok: number | null,
  account: number | null,
  accountByok: number | null,
];

/** The sources by number. */
const SOURCES = [null, 'counters', 'analytics'] as const;
type Spoken = 0 | 1 | 2;

/** Everything that is stored of a day. */
export interface DayRows {
  /** What the ledger has of it. */
  rows: readonly StoredRow[];
  counters: readonly StoredCounters[];
  usage: readonly NamedUsage[];
  checks: readonly CheckEntry[];
}

/**
 * The hour that parts a UTC day into two local ones.
 * @returns 1 to 24 (the whole of it is one local day), or 0 in UTC, where days are not parted
 */
export function cutOf(day: string, zone: string, localHours = createLocalHours(zone)): number {
  if (zone === 'UTC') return 0;
  const { date } = localHours(day, 0);
  let [before, after] = [0, 24];
  while (after - before > 1) {
    const middle = (before + after) >> 1;
    if (localHours(day, middle).date === date) before = middle;
    else after = middle;
  }
  return after;
}

function addTo(sum: Vector, amounts: Amounts): void {
  for (const [index, amount] of amounts.entries()) {
    if (index >= sum.length) sum.push(amount);
    else if (amount !== null) sum[index] = (sum[index] ?? 0) + amount;
  }
}

/** What is left of amounts without others; unknown ones stay so. */
const minus = (whole: Amounts, part: Amounts): Vector =>
  whole.map((amount, index) => (amount === null ? null : amount - (part[index] ?? 0)));

const isSame = (a: Vector, b: Vector): boolean => a.length === b.length && a.every((amount, index) => amount === b[index]);

/** The parts of a whole, in which nothing is told twice. */
function partsOf(whole: Vector, before: Vector, after: Vector): Parts {
  const [first = null, second = null] = [before, after].map((side) => (side.length === 0 ? null : side));
  if (first && second) return [whole, first, isSame(second, minus(whole, first)) ? REST : second];
  return [whole, first && isSame(first, whole) ? REST : first, second && isSame(second, whole) ? REST : second];
}

/** What is not placed on an hour. */
const restOf = ({ total, hours }: StoredRow): Amounts => Object.values(hours).reduce(minus, total);

/**
 * What keeps rows apart that must not be added: which amounts they know (a ratio leaves out money of which the requests are not known), and, where
 * the day is parted, which of them have more in hours than in all (such a rest would make up for that of another row).
 */
function kindOf(row: StoredRow, cut: number): string {
  const rest = cut === 0 ? row.total : restOf(row);
  return row.total.map((amount, index) => (amount === null ? '?' : (rest[index] ?? 0) < 0 ? '-' : '+')).join('');
}

/** Sums of rows by a name, in parts; of rows that must not be added there are several. */
function sumRows<K>(rows: readonly StoredRow[], nameOf: (row: StoredRow) => K, cut: number): [K, Parts][] {
  const alike = [...Map.groupBy(rows, nameOf)].flatMap(([name, ofName]) =>
    [...Map.groupBy(ofName, (row) => kindOf(row, cut)).values()].map((same) => [name, same] as const),
  );
  return alike.map(([name, ofName]) => {
    const whole: Vector = [];
    const sides: [Vector, Vector] = [[], []];
    for (const row of ofName) {
      addTo(whole, row.total);
      for (const hour in cut === 0 ? {} : row.hours) addTo(sides[Number(hour) < cut ? 0 : 1], row.hours[Number(hour)] ?? []);
    }
    return [name, cut === 0 ? [whole] : partsOf(whole, ...sides)];
  });
}

const countedOf = (row: StoredCounters): Counted => [
  row.costNano,
  row.byokCostNano,
  row.correctionNano,
  row.byokCorrectionNano,
  row.isEstimated ? 1 : 0,
];

function analysedOf(usage: readonly NamedUsage[]): Analysed[] {
  const add = (rows: readonly NamedUsage[], pick: (row: NamedUsage) => number) => rows.reduce((sum, row) => sum + pick(row), 0);
  return [...Map.groupBy(usage, ({ upstreamKeyId }) => upstreamKeyId)].map(([id, rows]) => [
    id,
    add(rows, ({ costNano }) => costNano),
    add(rows, ({ byokCostNano }) => byokCostNano),
  ]);
}

const checkedOf = (row: CheckEntry): Checked => [
  row.upstreamKeyId,
  row.activityCostNano,
  row.activityByokCostNano,
  row.accountCostNano,
  row.accountByokCostNano,
];

function sumKeys({ rows, counters, usage }: DayRows, told: readonly StoredRow[], cut: number): SummedKey[] {
  const sources = new Map(rows.map(({ keyId, source }) => [keyId, source]));
  const parts = Map.groupBy(
    sumRows(told, ({ keyId }) => keyId, cut),
    ([id]) => id,
  );
  const counted = new Map(counters.map((row) => [row.apiKeyId, countedOf(row)]));
  const analysed = Map.groupBy(usage, ({ keyId }) => keyId);
  return [...new Set([...counted.keys(), ...analysed.keys()])].map((id) => [
    id,
    SOURCES.indexOf(sources.get(id) ?? null) as Spoken,
    (parts.get(id) ?? []).map(([, ofKey]) => ofKey),
    counted.get(id) ?? null,
    analysedOf(analysed.get(id) ?? []),
  ]);
}

/** Sums a day up, parted at an hour. */
export function sumDay(stored: DayRows, cut: number): DaySum {
  const told = stored.rows.filter(({ total }) => total.some((amount) => amount !== null && amount !== 0));
  const credits: Vector = [];
  for (const row of stored.rows) addTo(credits, row.credits);
  return {
    keys: sumKeys(stored, told, cut),
    models: sumRows(told, ({ permaslug }) => permaslug ?? '', cut),
    providers: sumRows(told, ({ provider }) => provider ?? '', cut),
    credits,
    checks: stored.checks.map(checkedOf),
  };
}

/** A day's sum as it is read. */
export interface SummedDay extends Pick<DaySum, 'keys'> {
  day: string;
  cut: number;
  /** Null if no more than keys was asked for. */
  detail: Omit<DaySum, 'keys'> | null;
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
