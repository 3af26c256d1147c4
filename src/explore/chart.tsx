import { StackedChart } from '../charts/stacked.tsx';
import { localDayOf } from '../lib/zone.ts';
import type { Range } from '../usage/model.ts';
import type { Answer } from './answer.ts';
import { bucketLabels, formatsOf, type KeyNames, seriesLabel } from './labels.ts';
import { type MetricName, metricOf, type Rollup } from './model.ts';
import type { Palette } from './palette.ts';

interface AnswerChartProps {
  id: string;
  title: string;
  description: string;
  answer: Answer;
  metric: MetricName;
  rollup: Rollup;
  range: Range;
  now: number;
  isCumulative?: boolean;
  keyNames: KeyNames;
  palette: Palette;
  hrefOf?(bucket: string): string | undefined;
}

/** Bars for amounts, areas for running totals, lines for ratios. */
export function AnswerChart({
  answer,
  metric,
  rollup,
  range,
  now,
  isCumulative = false,
  keyNames,
  palette,
  hrefOf,
  ...rest
}: AnswerChartProps) {
  const { dimensions, buckets, series } = answer;
  const tones = palette(answer);
  const shape = metricOf(metric).over ? 'lines' : isCumulative ? 'areas' : 'bars';
  return (
    <StackedChart
      {...rest}
      {...formatsOf(metricOf(metric))}
      shape={shape}
      buckets={bucketLabels(buckets, rollup, range, localDayOf(now, range.zone)).map((labels, index) => {
        const href = hrefOf?.(buckets[index] ?? '');
        const [isUnknown, isOpen] = [answer.isUnknown[index] === true, answer.isOpen[index] === true];
        const label = isUnknown ? `${labels.label}, ${answer.totals[index] === null ? 'unknown' : 'incomplete'}` : labels.label;
        return { ...labels, label, isUnknown, isOpen, ...(href !== undefined && { href }) };
      })}
      series={series.map((one, index) => ({
        label: seriesLabel(one, dimensions, keyNames),
        tone: tones[index] ?? 'unknown',
        values: one.values,
        isOpen: one.isOpen,
      }))}
    />
  );
}
