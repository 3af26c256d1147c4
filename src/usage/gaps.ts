/** What of a range is not known, and why: a sum over it is then a lower bound. Pure. */
import { addDays } from '../lib/day.ts';
import { startOfLocalDay } from '../lib/zone.ts';
import { type CoveredKey, isWhole } from './coverage.ts';
import type { Range } from './model.ts';
import type { Known } from './spans.ts';

/** The instants of local days. */
export const timeOf = ({ from, to, zone }: Pick<Range, 'from' | 'to' | 'zone'>): Known => ({
  since: startOfLocalDay(from, zone),
  until: startOfLocalDay(addDays(to, 1), zone),
});

/** Is everything known that any of the keys spent in a range, up to now? */
export function isRangeKnown(keys: readonly CoveredKey[], range: Pick<Range, 'from' | 'to' | 'zone'>): boolean {
  const time = timeOf(range);
  return keys.length > 0 && keys.every((key) => isWhole(key, time));
}

/** A key of which a part of a range is not known: before an instant, after it, in between, or nothing of it is. */
export interface Gap {
  keyId: number;
  name: string;
  why: 'never' | 'before' | 'after' | 'between';
  at: number | null;
  /** It is only known by the counters, which begin when a key is added. */
  isAdded: boolean;
}

/** The keys of which something in a range is not known. */
export function gapsOf(keys: readonly CoveredKey[], range: Pick<Range, 'from' | 'to' | 'zone'>): Gap[] {
  const time = timeOf(range);
  return keys
    .filter((key) => !isWhole(key, time))
    .map(({ id, name, whole, counters, analytics }): Gap => {
      const [first, last] = [whole[0], whole.at(-1)];
      const about = { keyId: id, name, isAdded: counters !== null && analytics === null };
      if (!first || !last) return { ...about, why: 'never', at: null };
      if (first.since > time.since) return { ...about, why: 'before', at: first.since };
      return last.until < time.until ? { ...about, why: 'after', at: last.until } : { ...about, why: 'between', at: null };
    });
}
