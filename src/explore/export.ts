/** An answer as rows and columns: the table of the page, and the same as CSV and JSON. Pure. */
import { toCsv } from '../lib/csv.ts';
import { decimalFromNano } from '../lib/money.ts';
import type { Answer } from './answer.ts';
import { type KeyNames, nameOf, seriesLabel } from './labels.ts';
import { type Metric, metricOf, type Question } from './model.ts';

/** USD to nine decimals, so that amounts are told to the nano-dollar and ratios do not pretend to more. */
const plain = (value: number | null, { unit }: Metric): string | number | null =>
  value === null || unit === 'count' ? value : decimalFromNano(Math.round(value * 1e9));

/** Without time: a row for each series. Over time: a row for each bucket, a column for each series. */
export function answerCsv(answer: Answer, question: Question, keyNames: KeyNames): string {
  const metric = metricOf(question.metric);
  const { dimensions, buckets, series, totals } = answer;
  if (question.rollup === 'none') {
    const rows = series.map(({ names, isOther, total }) => ({
      ...Object.fromEntries(
        dimensions.map((dimension, index) => [dimension, isOther ? 'Other' : nameOf(dimension, names[index] ?? null, keyNames)]),
      ),
      [question.metric]: plain(total, metric),
    }));
    return toCsv([...dimensions, question.metric], rows as Record<string, string | number | null>[]);
  }
  const labels = series.map((one) => seriesLabel(one, dimensions, keyNames));
  const rows = buckets.map((bucket, index) => ({
    [question.rollup]: bucket,
    total: plain(totals[index] ?? null, metric),
    ...Object.fromEntries(series.map(({ values }, place) => [labels[place] ?? '', plain(values[index] ?? null, metric)])),
  }));
  return toCsv([question.rollup, 'total', ...labels], rows as Record<string, string | number | null>[]);
}

/** The same as a value for JSON: numbers in USD or counts, unknown is null. */
export const answerJson = (answer: Answer, question: Question, range: { from: string; to: string; tz: string }, keyNames: KeyNames) => ({
  range: { from: range.from, to: range.to, tz: range.tz },
  metric: question.metric,
  unit: metricOf(question.metric).unit,
  by: answer.dimensions,
  rollup: question.rollup,
  is_cumulative: question.cumulative !== undefined,
  buckets: question.rollup === 'none' ? [] : answer.buckets,
  total: answer.total,
  totals: question.rollup === 'none' ? [] : answer.totals,
  unplaced: answer.unplaced,
  series: answer.series.map(({ names, isOther, values, total }) => ({
    label: seriesLabel({ names, isOther }, answer.dimensions, keyNames),
    ...(isOther
      ? { is_other: true }
      : Object.fromEntries(
          answer.dimensions.map((dimension, index) => [dimension === 'key' ? 'key_id' : dimension, names[index] ?? null]),
        )),
    total,
    ...(question.rollup !== 'none' && { values }),
  })),
});
