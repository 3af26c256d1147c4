/** An answer as CSV and JSON. Pure. */
import { csvOf } from '../lib/csv.ts';
import { decimalFromNano, nearestNano } from '../lib/money.ts';
import type { Answer, AnswerSeries } from './answer.ts';
import { type KeyNames, nameOf, OTHER, seriesLabel } from './labels.ts';
import { type Metric, metricOf, type Question } from './model.ts';

/** USD with nine decimals: exact to the nano-dollar. */
const plain = (value: number | null, { unit }: Metric): string | number | null =>
  value === null || unit === 'count' ? value : decimalFromNano(nearestNano(value));

/** A row for each series or, over time, for each bucket with a column for each series. Last column: `false` marks a lower bound. */
export function answerCsv(answer: Answer, question: Question, keyNames: KeyNames): string {
  const metric = metricOf(question.metric);
  const { dimensions, buckets, series, totals, isOpen } = answer;
  if (question.rollup === 'none') {
    const nameIn = ({ names, isOther }: AnswerSeries, index: number) =>
      isOther ? OTHER : nameOf(dimensions[index] ?? 'key', names[index] ?? null, keyNames);
    const rows = series.map((one) => [
      ...dimensions.map((_, index) => nameIn(one, index)),
      plain(one.total, metric),
      String(one.isComplete),
    ]);
    return csvOf([...dimensions, question.metric, 'is_complete'], rows);
  }
  const rows = buckets.map((bucket, index) => [
    bucket,
    ...[totals, ...series.map(({ values }) => values)].map((values) => plain(values[index] ?? null, metric)),
    String(!isOpen[index]),
  ]);
  return csvOf([question.rollup, 'total', ...series.map((one) => seriesLabel(one, dimensions, keyNames)), 'is_complete'], rows);
}

/** Numbers in USD or counts; null: unknown. */
export const answerJson = (answer: Answer, question: Question, range: { from: string; to: string; tz: string }, keyNames: KeyNames) => ({
  range: { from: range.from, to: range.to, tz: range.tz },
  metric: question.metric,
  unit: metricOf(question.metric).unit,
  by: answer.dimensions,
  rollup: question.rollup,
  is_cumulative: question.cumulative !== undefined,
  buckets: question.rollup === 'none' ? [] : answer.buckets,
  total: answer.total,
  is_complete: answer.isComplete,
  totals: question.rollup === 'none' ? [] : answer.totals,
  are_complete: question.rollup === 'none' ? [] : answer.isOpen.map((isOpen) => !isOpen),
  unplaced: answer.unplaced,
  series: answer.series.map(({ names, isOther, values, total, isComplete }) => ({
    label: seriesLabel({ names, isOther }, answer.dimensions, keyNames),
    ...(isOther
      ? { is_other: true }
      : Object.fromEntries(
          answer.dimensions.map((dimension, index) => [dimension === 'key' ? 'key_id' : dimension, names[index] ?? null]),
        )),
    total,
    is_complete: isComplete,
    ...(question.rollup !== 'none' && { values }),
  })),
});
