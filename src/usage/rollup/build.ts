/** Rolls up a UTC day of a user: spend of each key, model and provider, and drift. Pure. */
import { createLocalHours } from '../../lib/zone.ts';
import { isSome } from '../model.ts';
import type { StoredRow } from '../sources/stored-row.ts';
import type { Amounts } from '../sums/measures.ts';
import type { Reconciled } from '../sums/reconciliation.ts';

export type Vector = (number | null)[];

/** Marks a half that is the remainder of the whole, so that it need not be stored. */
export const REMAINDER = 1;
export type HalfDay = Vector | null | typeof REMAINDER;

/** Amounts of a day and, if it is split, of the hours before and after. Null: nothing known. */
export type SplitAmounts = readonly [whole: Vector, before?: HalfDay, after?: HalfDay];

/** A rolled-up day. Amounts are in the order of `Measures`, money in nano-dollars; '': unknown name. */
export interface DaySum {
  spent: SplitAmounts[];
  keys: SummedKey[];
  models: (readonly [permaslug: string, parts: SplitAmounts])[];
  providers: (readonly [provider: string, parts: SplitAmounts])[];
  credits: Vector;
  drift: Reconciled[];
}

/** Parts that are read only on demand. */
export const PARTS = ['keys', 'models', 'providers', 'credits', 'drift'] as const satisfies (keyof DaySum)[];
export type Part = (typeof PARTS)[number];
/** First day needed of each part; a missing part is not needed. */
export type Since = Readonly<Partial<Record<Part, string>>>;

/** `hasLastHour`: the hour before the split has spend; in some zones it contains midnight. A key's secrets may have several sources. */
export type SummedKey = readonly [keyId: number, sourceIndex: number, parts: SplitAmounts, hasLastHour?: true];
export const KEY_SOURCES: readonly Pick<StoredRow, 'source' | 'isEstimated'>[] = [
  { source: 'analytics', isEstimated: false },
  { source: 'counters', isEstimated: false },
  { source: 'counters', isEstimated: true },
];

/** @returns 1 to 24 (24: one local day), or 0 in UTC */
export function localDaySplitHour(day: string, zone: string, localHours = createLocalHours(zone)): number {
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

function addInPlace(sum: Vector, amounts: Amounts): void {
  for (const [index, amount] of amounts.entries()) {
    if (index >= sum.length) sum.push(amount);
    else if (amount !== null) sum[index] = (sum[index] ?? 0) + amount;
  }
}

/** Unknown amounts of the whole stay unknown; unknown parts count as 0. */
export const subtractAmounts = (whole: Amounts, part: Amounts): Vector =>
  whole.map((amount, index) => (amount === null ? null : amount - (part[index] ?? 0)));

const isSame = (a: Vector, b: Vector): boolean => a.length === b.length && a.every((amount, index) => amount === b[index]);

/** Stores no half that follows from the rest. */
function splitAmountsOf(whole: Vector, before: Vector, after: Vector): SplitAmounts {
  const [first = null, second = null] = [before, after].map((side) => (side.length === 0 ? null : side));
  if (first && second) return [whole, first, isSame(second, subtractAmounts(whole, first)) ? REMAINDER : second];
  return [whole, first && isSame(first, whole) ? REMAINDER : first, second && isSame(second, whole) ? REMAINDER : second];
}

const unplacedOf = ({ total, hours }: StoredRow): Amounts => Object.values(hours).reduce(subtractAmounts, total);

const signOf = (amount: number | null): string => (amount === null ? '?' : amount < 0 ? '-' : '+');

/**
 * Keeps apart what must not be added: rows that know other amounts (ratios leave out money without requests), and negative amounts, which
 * would hide others.
 */
const kindOf = (row: StoredRow, splitHour: number): string =>
  [...row.total, ...(splitHour === 0 ? [] : unplacedOf(row))].map(signOf).join('');

/** Several sums per name where rows must not be added. */
function sumRows<K>(rows: readonly StoredRow[], nameOf: (row: StoredRow) => K, splitHour: number): [K, SplitAmounts][] {
  const alike = [...Map.groupBy(rows, nameOf)].flatMap(([name, ofName]) =>
    [...Map.groupBy(ofName, (row) => kindOf(row, splitHour)).values()].map((same) => [name, same] as const),
  );
  return alike.map(([name, ofName]) => {
    const whole: Vector = [];
    const sides: [Vector, Vector] = [[], []];
    for (const row of ofName) {
      addInPlace(whole, row.total);
      for (const hour in splitHour === 0 ? {} : row.hours)
        addInPlace(sides[Number(hour) < splitHour ? 0 : 1], row.hours[Number(hour)] ?? []);
    }
    return [name, splitHour === 0 ? [whole] : splitAmountsOf(whole, ...sides)];
  });
}

const sourceIndexOf = ({ source, isEstimated }: StoredRow): number =>
  KEY_SOURCES.findIndex((one) => one.source === source && one.isEstimated === isEstimated);

function sumKeys(spending: readonly StoredRow[], splitHour: number): SummedKey[] {
  const inLastHour = new Set(spending.filter(({ hours }) => splitHour > 0 && isSome(hours[splitHour - 1] ?? [])).map(({ keyId }) => keyId));
  return [...Map.groupBy(spending, sourceIndexOf)].flatMap(([sourceIndex, rows]) =>
    sumRows(rows, ({ keyId }) => keyId, splitHour).map(
      ([id, parts]): SummedKey => (inLastHour.has(id) ? [id, sourceIndex, parts, true] : [id, sourceIndex, parts]),
    ),
  );
}

export function sumDay(rows: readonly StoredRow[], drift: Reconciled[], splitHour: number): DaySum {
  const spending = rows.filter(({ total }) => total.some((amount) => amount !== null && amount !== 0));
  const credits: Vector = [];
  for (const row of rows) addInPlace(credits, row.credits);
  return {
    spent: sumRows(spending, () => null, splitHour).map(([, parts]) => parts),
    keys: sumKeys(spending, splitHour),
    models: sumRows(spending, ({ permaslug }) => permaslug ?? '', splitHour),
    providers: sumRows(spending, ({ provider }) => provider ?? '', splitHour),
    credits,
    drift,
  };
}
