/** An answer as a chart. */
import { toneOf } from '../charts/model.ts';
import { StackedChart } from '../charts/stacked.tsx';
import type { Answer } from './answer.ts';
import { bucketLabels, formatsOf, type KeyNames, seriesLabel } from './labels.ts';
import { type MetricName, metricOf, type Rollup } from './model.ts';

interface AnswerChartProps {
  id: string;
  title: string;
  description: string;
  answer: Answer;
  metric: MetricName;
  rollup: Rollup;
  isCumulative?: boolean;
  keyNames: KeyNames;
  /** Where more is told of a bucket. */
  hrefOf?(bucket: string): string | undefined;
}

/** Amounts are stacked; what runs on, and ratios, which do not add up, are drawn as areas and lines. */
export function AnswerChart({ answer, metric, rollup, isCumulative = false, keyNames, hrefOf, ...rest }: AnswerChartProps) {
  const { dimensions, buckets, series } = answer;
  const shape = metricOf(metric).over ? 'lines' : isCumulative ? 'areas' : 'bars';
  return (
    <StackedChart
      {...rest}
      {...formatsOf(metricOf(metric))}
      shape={shape}
      buckets={bucketLabels(buckets, rollup).map((labels, index) => {
        const href = hrefOf?.(buckets[index] ?? '');
        return { ...labels, ...(href !== undefined && { href }) };
      })}
      series={series.map((one, index) => ({
        label: seriesLabel(one, dimensions, keyNames),
        tone: one.isOther ? 'other' : toneOf(index),
        values: one.values,
      }))}
    />
  );
}
