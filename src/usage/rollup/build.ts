/** A UTC day of a user in sums: what each key, model and provider spent, as far as the ledger takes it, and where the sources differ. Pure. */
import { createLocalHours } from '../../lib/zone.ts';
import { isSome } from '../model.ts';
import type { StoredRow } from '../sources/stored-row.ts';
import type { Amounts } from '../sums/measures.ts';
import type { Reconciled } from '../sums/reconciliation.ts';

export type Vector = (number | null)[];

/** Everything, or what the other side of a splitHour leaves of it. */
export const REMAINDER = 1;
export type HalfDay = Vector | null | typeof REMAINDER;

/** Amounts of the whole day; where it is splitHour, of the hours before and from there on too. Null: of none of them anything is known. */
export type SplitAmounts = readonly [whole: Vector, before?: HalfDay, after?: HalfDay];

/** What is kept of a day. Amounts are in the order of `Measures`, money in nano-dollars; '' is an unknown name. */
export interface DaySum {
  /** What was spent in all. */
  spent: SplitAmounts[];
  keys: SummedKey[];
  models: (readonly [permaslug: string, parts: SplitAmounts])[];
  providers: (readonly [provider: string, parts: SplitAmounts])[];
  /** By hour; empty: of none anything is known. */
  credits: Vector;
  /** Keys of which the sources differ by more than a cent. */
  drift: Reconciled[];
}

/** What of a day is only read where it is asked for. */
export const PARTS = ['keys', 'models', 'providers', 'credits', 'drift'] as const satisfies (keyof DaySum)[];
export type Part = (typeof PARTS)[number];
/** The first day of which a part is asked for; never, if it is not named. */
export type Since = Readonly<Partial<Record<Part, string>>>;

/**
 * What the ledger has of a key, by one sourceIndex (its secrets may have different ones), and whether the last hour before the day is parted holds any
 * of it: in some zones midnight lies in that hour.
 */
export type SummedKey = readonly [keyId: number, sourceIndex: number, parts: SplitAmounts, hasLastHour?: true];
/** What a key's amounts were spending by. */
export const KEY_SOURCES: readonly Pick<StoredRow, 'source' | 'isEstimated'>[] = [
  { source: 'analytics', isEstimated: false },
  { source: 'counters', isEstimated: false },
  { source: 'counters', isEstimated: true },
];

/**
 * The hour that parts a UTC day into two local ones.
 * @returns 1 to 24 (the whole of it is one local day), or 0 in UTC, where days are not parted
 */
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

/** What is left of amounts without others; unknown ones stay so. */
export const subtractAmounts = (whole: Amounts, part: Amounts): Vector =>
  whole.map((amount, index) => (amount === null ? null : amount - (part[index] ?? 0)));

const isSame = (a: Vector, b: Vector): boolean => a.length === b.length && a.every((amount, index) => amount === b[index]);

/** The parts of a whole, in which nothing is spending twice. */
function splitAmountsOf(whole: Vector, before: Vector, after: Vector): SplitAmounts {
  const [first = null, second = null] = [before, after].map((side) => (side.length === 0 ? null : side));
  if (first && second) return [whole, first, isSame(second, subtractAmounts(whole, first)) ? REMAINDER : second];
  return [whole, first && isSame(first, whole) ? REMAINDER : first, second && isSame(second, whole) ? REMAINDER : second];
}

/** What is not placed on an hour. */
const unplacedOf = ({ total, hours }: StoredRow): Amounts => Object.values(hours).reduce(subtractAmounts, total);

const signOf = (amount: number | null): string => (amount === null ? '?' : amount < 0 ? '-' : '+');

/**
 * What keeps rows apart that must not be added: which amounts they know (a ratio leaves out money of which the requests are not known), and which
 * are less than zero, in all or, where the day is parted, beside their hours: the amount of one row would make up for that of another.
 */
const kindOf = (row: StoredRow, splitHour: number): string =>
  [...row.total, ...(splitHour === 0 ? [] : unplacedOf(row))].map(signOf).join('');

/** Sums of rows by a name, in parts; of rows that must not be added there are several. */
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

/** Sums the rows of a day up, parted at an hour. */
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
