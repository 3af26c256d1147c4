/** Answers in words. Pure. */
import {
  formatCompact,
  formatCount,
  formatDay,
  formatDayShort,
  formatMonth,
  formatMonthShort,
  formatUsd,
  formatUsdFine,
  formatUsdShort,
} from '../lib/format.ts';
import type { Dimension } from '../usage/model.ts';
import type { AnswerSeries } from './answer.ts';
import { type Metric, type Rollup, UNKNOWN_NAME } from './model.ts';

export const OTHER = 'Other';

/** What stands for a model or provider that is not known: of keys that only have counters. */
export const UNKNOWN_NAMES: Record<Exclude<Dimension, 'key'>, string> = { model: 'Model not known', provider: 'Provider not known' };

export const BY_LABELS: Record<Dimension, string> = { model: 'Model', key: 'Key', provider: 'Provider' };

/** Inclusive days in words. */
export const rangeLabel = ({ from, to }: { from: string; to: string }): string =>
  from === to ? formatDay(from) : `${formatDay(from)} – ${formatDay(to)}`;

export type KeyNames = ReadonlyMap<number, string>;

/** Keys by id; those that share a name are told apart by their number. */
export function keyNamesOf(keys: readonly { id: number; name: string }[]): KeyNames {
  const counts = Map.groupBy(keys, ({ name }) => name);
  return new Map(keys.map(({ id, name }) => [id, (counts.get(name)?.length ?? 0) > 1 ? `${name} (${id})` : name]));
}

/** A value of a dimension. */
export function nameOf(dimension: Dimension, value: string | number | null, keyNames: KeyNames): string {
  if (dimension === 'key') return keyNames.get(Number(value)) ?? `Key ${value}`;
  return value === null || value === UNKNOWN_NAME ? UNKNOWN_NAMES[dimension] : String(value);
}

/** A series: the values of its dimensions, or `Other`. */
export const seriesLabel = (
  { names, isOther }: Pick<AnswerSeries, 'names' | 'isOther'>,
  dimensions: readonly Dimension[],
  keyNames: KeyNames,
): string => (isOther ? OTHER : dimensions.map((dimension, index) => nameOf(dimension, names[index] ?? null, keyNames)).join(' · '));

/** A bucket in words, and on an axis. An hour is told by its local clock. */
export function bucketLabel(bucket: string, rollup: Rollup): { label: string; tick: string } {
  switch (rollup) {
    case 'none':
      return { label: 'Whole range', tick: '' };
    case 'hour': {
      const [day, clock] = [bucket.slice(0, 10), bucket.slice(11, 16)];
      return { label: `${formatDay(day)}, ${clock}`, tick: clock };
    }
    case 'day':
      return { label: formatDay(bucket), tick: formatDayShort(bucket) };
    case 'week':
      return { label: `Week of ${formatDay(bucket)}`, tick: formatDayShort(bucket) };
    case 'month':
      return { label: formatMonth(bucket), tick: formatMonthShort(bucket) };
  }
}

/** How values of a metric are written, in full and on an axis. */
export function formatsOf({ unit, over }: Pick<Metric, 'unit' | 'over'>) {
  if (unit === 'count') return { format: formatCount, formatAxis: formatCompact };
  return { format: over ? formatUsdFine : formatUsd, formatAxis: formatUsdShort };
}

/** Up to so many hours the axis tells the clock, above it the days. */
const MAX_CLOCK_HOURS = 48;

/** The buckets of a chart: hours that the clock shows twice are told apart, and of many hours only the first of a day is on the axis. */
export function bucketLabels(buckets: readonly string[], rollup: Rollup): { label: string; tick: string }[] {
  const plain = buckets.map((bucket) => bucketLabel(bucket, rollup));
  if (rollup !== 'hour') return plain;
  const labels = new Set<string>();
  return plain.map(({ label, tick }, index) => {
    const bucket = buckets[index] ?? '';
    const isAgain = labels.has(label);
    labels.add(label);
    const isFirst = bucket.slice(0, 10) !== buckets[index - 1]?.slice(0, 10);
    const onAxis = buckets.length <= MAX_CLOCK_HOURS ? tick : isFirst ? formatDayShort(bucket.slice(0, 10)) : '';
    return { label: isAgain ? `${label} (again, ${bucket.slice(19)})` : label, tick: onAxis };
  });
}
