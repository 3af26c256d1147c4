/** Why a sum is a lower bound, in words. */
import { formatDayShort } from '../lib/format.ts';
import { localDayOf } from '../lib/zone.ts';
import type { Gap } from '../usage/gaps.ts';

/** Keys that are named; of the others there is the count. */
const NAMED = 3;

const dayAt = (at: number | null, zone: string): string => (at === null ? '' : formatDayShort(localDayOf(at, zone)));

function gapText({ name, why, at, isAdded }: Gap, zone: string): string {
  const day = dayAt(at, zone);
  switch (why) {
    case 'never':
      return `nothing is known of ${name} yet`;
    case 'counted':
      return `of ${name} only the spend is known`;
    case 'before':
      return `${name} is known since ${day}${isAdded ? ', when the key was added' : ''}`;
    case 'after':
      return `${name} was not read since ${day}`;
    case 'between':
      return `${name} was not read all the time`;
  }
}

/** What is not known of which keys: `since 28 Nov, when the key was added`, if there is only one key. */
export function gapsText(gaps: readonly Gap[], keys: number, zone: string): string {
  const [only] = gaps;
  if (only?.why === 'before' && keys === 1) return `since ${dayAt(only.at, zone)}${only.isAdded ? ', when the key was added' : ''}`;
  const named = gaps.slice(0, NAMED).map((gap) => gapText(gap, zone));
  const others = gaps.length - named.length;
  return `at least: ${[...named, ...(others > 0 ? [`and ${others === 1 ? '1 more key' : `${others} more keys`}`] : [])].join('; ')}`;
}
