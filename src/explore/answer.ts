/** From facts to series over time. Pure. Sums are of integers, so that what is shown adds up to what the API says. */

import { HOUR_MS } from '../lib/day.ts';
import { remember } from '../lib/remember.ts';
import { type CoveredKey, isWhole, knownUntil } from '../usage/coverage.ts';
import { isRangeKnown, timeOf } from '../usage/gaps.ts';
import { comparePlaces } from '../usage/groups.ts';
import type { ByDimension, Dimension, Fact, Range } from '../usage/model.ts';
import { countedDates, zerosOf } from '../usage/stats.ts';
import { bucketOfFact, bucketsOf, type Slot, slotsOf } from './buckets.ts';
import { dimensionsOf, isWanted, type Metric, metricOf, type Question, type Rollup } from './model.ts';

type Name = string | number | null;

export interface AnswerSeries {
  /** The values of the dimensions, in their order; null is unknown. Empty for the rest of all. */
  names: Name[];
  isOther: boolean;
  /** By bucket; null is unknown. USD or counts. */
  values: (number | null)[];
  total: number | null;
}

export interface Answer {
  dimensions: Dimension[];
  /** Dates, first days of weeks or months, or hours with their offset; one without a name if time does not matter. */
  buckets: string[];
  /** The largest first, the rest at the end. */
  series: AnswerSeries[];
  totals: (number | null)[];
  total: number | null;
  /** Is everything known that was spent? Otherwise the total is a lower bound. */
  isComplete: boolean;
  /** Buckets of which not everything is known. */
  isUnknown: boolean[];
  /** Of an answer by the hour: what could not be placed on one, and is in no bucket. */
  unplaced: number | null;
}

/** What a value is computed from: nano-dollars or a count, and of ratios what they are spread over. */
interface Sum {
  amount: number | null;
  over: number | null;
}

const EMPTY: Readonly<Sum> = { amount: null, over: null };

/** Adds in place: there are thousands of facts. */
function addTo(sum: Sum, amount: number | null, over: number | null): void {
  if (amount === null) return;
  sum.amount = (sum.amount ?? 0) + amount;
  if (over !== null) sum.over = (sum.over ?? 0) + over;
}

/** A row of sums: one for each bucket, and one of all, in which is also what has no bucket. */
interface Row {
  names: Name[];
  sums: Sum[];
  whole: Sum;
}

const emptyRow = (names: Name[], buckets: number): Row => ({
  names,
  sums: Array.from({ length: buckets }, () => ({ ...EMPTY })),
  whole: { ...EMPTY },
});

function mergeRows(rows: readonly Row[], buckets: number): Row {
  const merged = emptyRow([], buckets);
  for (const { sums, whole } of rows) {
    for (let index = 0; index < buckets; index++) {
      const sum = sums[index];
      const into = merged.sums[index];
      if (sum && into) addTo(into, sum.amount, sum.over);
    }
    addTo(merged.whole, whole.amount, whole.over);
  }
  return merged;
}

/** Finds the row of a fact by its names, and makes it if there is none yet. */
function createRows([first, second]: ReturnType<typeof dimensionsOf>, buckets: number) {
  const rows = new Map<Name, Row>();
  const nameIn = (fact: Fact, dimension: Dimension): Name => (dimension === 'key' ? fact.keyId : fact[dimension]);
  const rowOf = (fact: Fact): Row => {
    const name = nameIn(fact, first);
    const id = second === undefined ? name : JSON.stringify([name, nameIn(fact, second)]);
    const known = rows.get(id);
    if (known) return known;
    const row = emptyRow(second === undefined ? [name] : [name, nameIn(fact, second)], buckets);
    rows.set(id, row);
    return row;
  };
  return { rows, rowOf };
}

interface Collected {
  rows: readonly Row[];
  unplaced: Sum;
}

/** Sums facts by their names and buckets; what has no bucket goes into the row's whole. A ratio leaves out what only one side is known of. */
function collect(facts: readonly Fact[], question: Question, buckets: readonly string[]): Collected {
  const metric = metricOf(question.metric);
  const indexOf = new Map(buckets.map((name, index) => [name, index]));
  const { rows, rowOf } = createRows(dimensionsOf(question), buckets.length);
  const unplaced: Sum = { ...EMPTY };
  for (const fact of facts) {
    if (!isWanted(fact, question)) continue;
    const amount = metric.amount(fact.measures);
    const over = metric.over?.(fact.measures) ?? null;
    if (amount === null || (metric.over && over === null)) continue;
    const row = rowOf(fact);
    addTo(row.whole, amount, over);
    const index = indexOf.get(bucketOfFact(fact, question.rollup) ?? 'unplaced');
    addTo(index === undefined ? unplaced : (row.sums[index] ?? unplaced), amount, over);
  }
  return { rows: [...rows.values()], unplaced };
}

/** What is known to be zero where nothing was told: money where a key was watched, counts and names only where analytics were read. */
type Zeros = Map<number, { money: ReadonlySet<string>; all: ReadonlySet<string> }>;

/** The buckets in which each key is known, as far as it was read. */
function knownBuckets(keys: readonly CoveredKey[], facts: readonly Fact[], range: Range, slots: readonly Slot[]): Zeros {
  const counted = countedDates(facts);
  const byDate = Map.groupBy(slots, ({ date }) => date);
  return new Map(
    keys.map((key) => {
      const until = knownUntil(key) ?? 0;
      const [money, all] = [new Set<string>(), new Set<string>()];
      for (const [date, zero] of zerosOf(key, range, counted)) {
        for (const { name, at } of byDate.get(date) ?? []) {
          if (at !== null && at >= until) continue;
          money.add(name);
          if (zero.requests !== null) all.add(name);
        }
      }
      return [key.id, { money, all }];
    }),
  );
}

/** The buckets in which some spend of these keys is not known. */
function unknownBuckets(keys: readonly CoveredKey[], range: Range, slots: readonly Slot[]): ReadonlySet<string> {
  if (isRangeKnown(keys, range)) return new Set();
  const isOpen = ({ date, at }: Slot): boolean => {
    const time = at === null ? timeOf({ ...range, from: date, to: date }) : { since: at, until: at + HOUR_MS };
    return keys.length === 0 || keys.some((key) => !isWhole(key, time));
  };
  return new Set(slots.filter(isOpen).map(({ name }) => name));
}

/** In which buckets is zero known of a row: of its key or, if it names none, of any; of a model or provider only by analytics. */
function createKnown(zeros: Zeros, question: Question, buckets: readonly string[]): (names: readonly Name[]) => boolean[] {
  const dimensions = dimensionsOf(question);
  const isFiltered = question.model.length > 0 || question.provider.length > 0;
  const isMoney = metricOf(question.metric).isMoney && !isFiltered;
  const asked = question.key.length > 0 ? question.key : [...zeros.keys()];
  const knownOf = (keyIds: readonly number[], source: 'money' | 'all') => {
    const known = keyIds.flatMap((id) => zeros.get(id)?.[source] ?? []);
    return buckets.map((bucket) => known.some((names) => names.has(bucket)));
  };
  const ofAsked = remember((source: 'money' | 'all') => knownOf(asked, source));
  return (names) => {
    const keyId = names[dimensions.indexOf('key')];
    const isNamed = names.some((name, index) => dimensions[index] !== 'key' && name !== null);
    const source = isMoney && !isNamed ? 'money' : 'all';
    return typeof keyId === 'number' ? knownOf([keyId], source) : ofAsked(source);
  };
}

/** Sums that run on from bucket to bucket, up to the last one of which something is known. */
function accumulate(sums: readonly Sum[], isKnown: readonly boolean[]): Sum[] {
  const last = isKnown.lastIndexOf(true);
  const running: Sum = { ...EMPTY };
  return sums.map(({ amount, over }, index) => {
    addTo(running, amount, over);
    return index <= last ? { ...running } : EMPTY;
  });
}

/** What a sum says: USD or a count; of ratios, the quotient. */
function tellSum({ amount, over }: Sum, { over: isRatio, scale = 1, unit }: Metric): number | null {
  if (amount === null || (isRatio && !over)) return null;
  const value = isRatio ? (amount / (over ?? 1)) * scale : amount;
  return unit === 'usd' ? value / 1e9 : value;
}

/** A row's values by bucket. Where it is known that nothing else was spent, an amount is zero, and not unknown. */
function valuesOf({ sums }: Row, isKnown: readonly boolean[], metric: Metric, isCumulative: boolean): (number | null)[] {
  const filled = metric.over ? sums : sums.map((sum, index) => (sum.amount === null && isKnown[index] ? { amount: 0, over: null } : sum));
  const isTold = filled.map(({ amount }, index) => amount !== null || isKnown[index] === true);
  return (isCumulative ? accumulate(filled, isTold) : filled).map((sum) => tellSum(sum, metric));
}

/**
 * Answers to questions about the same facts: those of a range, by the hour if the rollup is. Questions by two dimensions, or with a filter, need
 * facts that know them all.
 */
export function createAnswers(keys: readonly CoveredKey[], facts: ByDimension<Fact>, range: Range, rollup: Rollup) {
  const slots = slotsOf(range, rollup);
  const buckets = bucketsOf(slots);
  const zeros = knownBuckets(keys, facts.key, range, slots);
  const unknown = remember((ids: string): ReadonlySet<string> => {
    const wanted = JSON.parse(ids) as number[];
    return unknownBuckets(
      keys.filter(({ id }) => wanted.length === 0 || wanted.includes(id)),
      range,
      slots,
    );
  });
  const collected = new Map<string, Collected>();
  return (asked: Omit<Question, 'rollup'>): Answer => {
    const question = { ...asked, rollup };
    const { top: _, cumulative: __, ...summed } = question;
    const id = JSON.stringify(summed);
    const sums = collected.get(id) ?? collect(facts[question.by], question, buckets);
    collected.set(id, sums);
    return answer({ buckets, zeros, sums, question, unknown: unknown(JSON.stringify(question.key)) });
  };
}

/** The answer to one question. */
export const answerOf = (keys: readonly CoveredKey[], facts: ByDimension<Fact>, range: Range, question: Question): Answer =>
  createAnswers(keys, facts, range, question.rollup)(question);

interface Asked {
  buckets: string[];
  zeros: Zeros;
  sums: Collected;
  question: Question;
  unknown: ReadonlySet<string>;
}

function answer({ buckets, zeros, sums: { rows, unplaced }, question, unknown }: Asked): Answer {
  const metric = metricOf(question.metric);
  const dimensions = dimensionsOf(question);
  const knownOf = createKnown(zeros, question, buckets);
  const toSeries = (row: Row): AnswerSeries => {
    const isKnown = knownOf(row.names);
    const values = valuesOf(row, isKnown, metric, question.cumulative !== undefined);
    const isZero = row.whole.amount === null && !metric.over && isKnown.includes(true);
    return { names: row.names, isOther: false, values, total: isZero ? 0 : tellSum(row.whole, metric) };
  };
  const bySize = (a: Row, b: Row) => (b.whole.amount ?? 0) - (a.whole.amount ?? 0) || comparePlaces(a.names, b.names);
  const ranked = rows.filter(({ whole }) => whole.amount !== 0).sort(bySize);
  // A single one that is left has its own name.
  const top = ranked.length === question.top + 1 ? ranked.length : question.top;
  const rest = ranked.slice(top);
  const all = toSeries(mergeRows(rows, buckets.length));
  return {
    dimensions,
    buckets,
    series: [
      ...ranked.slice(0, top).map(toSeries),
      ...(rest.length > 0 ? [{ ...toSeries(mergeRows(rest, buckets.length)), isOther: true }] : []),
    ],
    totals: all.values,
    total: all.total,
    isComplete: unknown.size === 0,
    isUnknown: buckets.map((bucket) => unknown.has(bucket)),
    unplaced: tellSum(unplaced, metric),
  };
}
