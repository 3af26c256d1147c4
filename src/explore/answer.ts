/** From facts to series over time, summed as integers. Pure. */
import { createCompleteness } from '../usage/coverage/completeness.ts';
import type { CoveredKey } from '../usage/coverage/coverage.ts';
import type { ByDimension, Dimension, Fact, Range } from '../usage/model.ts';
import { comparePositions } from '../usage/sums/groups.ts';
import { bucketOfFact, bucketsOf, slotsOf } from './buckets.ts';
import { createKnown, createOpen, figureOf, knownBuckets, type Name, runOn, type Zeros } from './known.ts';
import { dimensionsOf, isWanted, type Metric, metricOf, type Question, type Rollup } from './model.ts';

export interface AnswerSeries {
  /** Values of the dimensions in order; null: unknown. Empty for `Other`. */
  names: Name[];
  isOther: boolean;
  values: (number | null)[];
  total: number | null;
  isOpen: boolean[];
  isComplete: boolean;
}

export interface Answer {
  dimensions: Dimension[];
  /** Dates, first days of weeks or months, or hours with offset; one empty name without time. */
  buckets: string[];
  /** Largest first, `Other` last. */
  series: AnswerSeries[];
  totals: (number | null)[];
  total: number | null;
  isComplete: boolean;
  isUnknown: boolean[];
  /** Totals that are lower bounds: unknown buckets, and running totals after them. */
  isOpen: boolean[];
  /** Hourly answers: the amount without a known hour, in no bucket. */
  unplaced: number | null;
}

/** Nano-dollars or a count, and the divisor of a ratio. */
interface Sum {
  amount: number | null;
  over: number | null;
}

const EMPTY: Readonly<Sum> = { amount: null, over: null };

/** In place: there are thousands of facts. */
function addToSum(sum: Sum, amount: number | null, over: number | null): void {
  if (amount === null) return;
  sum.amount = (sum.amount ?? 0) + amount;
  if (over !== null) sum.over = (sum.over ?? 0) + over;
}

/** `whole` also has what belongs to no bucket. */
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
      if (sum && into) addToSum(into, sum.amount, sum.over);
    }
    addToSum(merged.whole, whole.amount, whole.over);
  }
  return merged;
}

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

/** Sums facts by names and buckets. A ratio leaves out facts that lack one side. */
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
    addToSum(row.whole, amount, over);
    const index = indexOf.get(bucketOfFact(fact, question.rollup) ?? 'unplaced');
    addToSum(index === undefined ? unplaced : (row.sums[index] ?? unplaced), amount, over);
  }
  return { rows: [...rows.values()], unplaced };
}

function accumulate(sums: readonly Sum[], isKnown: readonly boolean[]): Sum[] {
  const last = isKnown.lastIndexOf(true);
  const running: Sum = { ...EMPTY };
  return sums.map(({ amount, over }, index) => {
    addToSum(running, amount, over);
    return index <= last ? { ...running } : EMPTY;
  });
}

/** In USD or as a count; for ratios, the quotient. */
function valueOfSum({ amount, over }: Sum, { over: isRatio, scale = 1, unit }: Metric): number | null {
  if (amount === null || (isRatio && !over)) return null;
  const value = isRatio ? (amount / (over ?? 1)) * scale : amount;
  return unit === 'usd' ? value / 1e9 : value;
}

/** Where all spend is known, a missing amount is zero. */
function valuesOf({ sums }: Row, isKnown: readonly boolean[], metric: Metric, isCumulative: boolean): (number | null)[] {
  const filled = metric.over ? sums : sums.map((sum, index) => (sum.amount === null && isKnown[index] ? { amount: 0, over: null } : sum));
  const isReported = filled.map(({ amount }, index) => amount !== null || isKnown[index] === true);
  return (isCumulative ? accumulate(filled, isReported) : filled).map((sum) => valueOfSum(sum, metric));
}

/** Answers from the same facts, hourly if the rollup is. Two dimensions, or a filter, need facts that know them all. */
export function createAnswers(keys: readonly CoveredKey[], facts: ByDimension<Fact>, range: Range, rollup: Rollup) {
  const slots = slotsOf(range, rollup);
  const buckets = bucketsOf(slots);
  const completeness = createCompleteness(keys, facts, range);
  const zeros = knownBuckets(keys, facts.key, range, slots, completeness);
  const open = createOpen(completeness, slots, buckets);
  const collected = new Map<string, Collected>();
  return (asked: Omit<Question, 'rollup'>): Answer => {
    const question = { ...asked, rollup };
    const { top: _, cumulative: __, ...summed } = question;
    const id = JSON.stringify(summed);
    const sums = collected.get(id) ?? collect(facts[question.by], question, buckets);
    collected.set(id, sums);
    return answer({ buckets, zeros, sums, question, open });
  };
}

export const answerOf = (keys: readonly CoveredKey[], facts: ByDimension<Fact>, range: Range, question: Question): Answer =>
  createAnswers(keys, facts, range, question.rollup)(question);

interface Asked {
  buckets: string[];
  zeros: Zeros;
  sums: Collected;
  question: Question;
  open: ReturnType<typeof createOpen>;
}

function answer({ buckets, zeros, sums: { rows, unplaced }, question, open }: Asked): Answer {
  const metric = metricOf(question.metric);
  const dimensions = dimensionsOf(question);
  const knownOf = createKnown(zeros, question, buckets);
  const isCumulative = question.cumulative !== undefined;
  const toSeries = (row: Row): AnswerSeries => {
    const isKnown = knownOf(row.names);
    const values = valuesOf(row, isKnown, metric, isCumulative);
    const isZero = row.whole.amount === null && !metric.over && isKnown.includes(true);
    const { isComplete, isUnknown } = open(JSON.stringify(figureOf(row.names, question)));
    const isOpen = isCumulative ? runOn(isUnknown) : isUnknown;
    return { names: row.names, isOther: false, values, total: isZero ? 0 : valueOfSum(row.whole, metric), isOpen, isComplete };
  };
  const bySize = (a: Row, b: Row) => (b.whole.amount ?? 0) - (a.whole.amount ?? 0) || comparePositions(a.names, b.names);
  const ranked = rows.filter(({ whole }) => whole.amount !== 0).sort(bySize);
  // A single remaining series keeps its own name.
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
    isComplete: all.isComplete,
    isUnknown: open(JSON.stringify(figureOf([], question))).isUnknown,
    isOpen: all.isOpen,
    unplaced: valueOfSum(unplaced, metric),
  };
}
