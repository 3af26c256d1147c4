/** Why a sum is a lower bound, or missing, in words. */
import { formatDayShort } from '../lib/format.ts';
import { localDayOf } from '../lib/zone.ts';
import type { Gap } from '../usage/coverage/gaps.ts';
import type { Answer } from './answer.ts';
import { formatsOf } from './labels.ts';
import { type MetricName, metricOf } from './model.ts';

const nounOf = (metric: MetricName): string => {
  const { label } = metricOf(metric);
  return label.startsWith('BYOK') ? label : label.charAt(0).toLowerCase() + label.slice(1);
};

/** Claims zero only where everything is known. @param byokUsd BYOK spend beside an answer about credits */
export function nothingText(
  metric: MetricName,
  { total, isComplete }: Pick<Answer, 'total' | 'isComplete'>,
  byokUsd: number | null,
): string {
  if (total === null) return 'No data for this period.';
  if (!isComplete) return `No ${nounOf(metric)} known; data for this period is incomplete.`;
  return metric === 'cost' && byokUsd ? 'No credits spent in this period, only BYOK.' : `No ${nounOf(metric)} in this period.`;
}

export const unplacedText = (metric: MetricName, unplaced: number): string =>
  `${formatsOf(metricOf(metric)).format(unplaced)} has daily detail only and is not in this chart.`;

const NAMED = 3;

const dayAt = (at: number | null, zone: string): string => (at === null ? '' : formatDayShort(localDayOf(at, zone)));

const endText = ({ until }: Gap, zone: string): string => (until === null ? '' : `, not synced since ${dayAt(until, zone)}`);

function gapText(gap: Gap, zone: string): string {
  const { name, why, at, isAdded } = gap;
  const day = dayAt(at, zone);
  switch (why) {
    case 'never':
      return `no data for ${name} yet`;
    case 'counted':
      return `${name} has spend only, no requests or tokens`;
    case 'before':
      return `${name} has data since ${day}${isAdded ? ', when the key was added' : ''}${endText(gap, zone)}`;
    case 'after':
      return `${name} not synced since ${day}`;
    case 'between':
      return `${name} has gaps`;
  }
}

export function gapsText(gaps: readonly Gap[], keys: number, zone: string): string {
  const [only] = gaps;
  if (only?.why === 'before' && keys === 1)
    return `since ${dayAt(only.at, zone)}${only.isAdded ? ', when the key was added' : ''}${endText(only, zone)}`;
  const named = gaps.slice(0, NAMED).map((gap) => gapText(gap, zone));
  const others = gaps.length - named.length;
  return `at least: ${[...named, ...(others > 0 ? [`and ${others === 1 ? '1 more key' : `${others} more keys`}`] : [])].join('; ')}`;
}
