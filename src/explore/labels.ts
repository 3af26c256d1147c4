import { periodOf } from '../lib/day.ts';
import {
  formatCount,
  formatCountAxis,
  formatDay,
  formatDayShort,
  formatMonth,
  formatMonthShort,
  formatUsd,
  formatUsdAxis,
  formatUsdFine,
} from '../lib/format.ts';
import type { Dimension, Range } from '../usage/model.ts';
import type { AnswerSeries } from './answer.ts';
import { type Metric, type Rollup, UNKNOWN_NAME } from './model.ts';

export const OTHER = 'Other';

export const UNKNOWN_NAMES: Record<Exclude<Dimension, 'key'>, string> = { model: 'Unknown model', provider: 'Unknown provider' };

export const BY_LABELS: Record<Dimension, string> = { model: 'Model', key: 'Key', provider: 'Provider' };

type Days = Pick<Range, 'from' | 'to'>;

export const rangeLabel = ({ from, to }: Days): string => (from === to ? formatDay(from) : `${formatDay(from)} – ${formatDay(to)}`);

export type KeyNames = ReadonlyMap<number, string>;

export function keyNamesOf(keys: readonly { id: number; name: string }[]): KeyNames {
  const counts = Map.groupBy(keys, ({ name }) => name);
  return new Map(keys.map(({ id, name }) => [id, (counts.get(name)?.length ?? 0) > 1 ? `${name} (${id})` : name]));
}

export function nameOf(dimension: Dimension, value: string | number | null, keyNames: KeyNames): string {
  if (dimension === 'key') return keyNames.get(Number(value)) ?? `Key ${value}`;
  return value === null || value === UNKNOWN_NAME ? UNKNOWN_NAMES[dimension] : String(value);
}

export const seriesLabel = (
  { names, isOther }: Pick<AnswerSeries, 'names' | 'isOther'>,
  dimensions: readonly Dimension[],
  keyNames: KeyNames,
): string => (isOther ? OTHER : dimensions.map((dimension, index) => nameOf(dimension, names[index] ?? null, keyNames)).join(' · '));

export function bucketLabel(bucket: string, rollup: Rollup): { label: string; tick: string } {
  switch (rollup) {
    case 'none':
      return { label: 'Total', tick: '' };
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

export function formatsOf({ unit, over }: Pick<Metric, 'unit' | 'over'>) {
  if (unit === 'count') return { format: formatCount, formatAxis: formatCountAxis };
  return { format: over ? formatUsdFine : formatUsd, formatAxis: formatUsdAxis };
}

/** Label hours with clock times up to this count; beyond it, label days. */
const MAX_CLOCK_HOURS = 48;

/** Marks a bucket that its range cuts off, or that is not over. */
function partOf(bucket: string, last: string, { from, to }: Days, today: string): string {
  const begins = bucket < from ? `, from ${formatDayShort(from)}` : '';
  if (last >= today && to >= today) return `${begins}, so far`;
  return begins + (last > to ? `, to ${formatDayShort(to)}` : '');
}

/** Repeated hours (clock change) are told apart; many hours show only days on the axis. */
export function bucketLabels(buckets: readonly string[], rollup: Rollup, days: Days, today: string): { label: string; tick: string }[] {
  const plain = buckets.map((bucket) => bucketLabel(bucket, rollup));
  if (rollup === 'none') return plain;
  if (rollup !== 'hour') {
    return plain.map(({ label, tick }, index) => {
      const bucket = buckets[index] ?? '';
      return { label: label + partOf(bucket, periodOf(rollup, bucket).to, days, today), tick };
    });
  }
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
