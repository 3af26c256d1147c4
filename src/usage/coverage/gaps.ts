/** What of a range is not known, and why: a sum over it is then a lower bound. Pure. */
import { addDays } from '../../lib/day.ts';
import { startOfLocalDay } from '../../lib/zone.ts';
import { spansOfWanted, type Wanted } from './completeness.ts';
import { type CoveredKey, spansOf } from './coverage.ts';
import type { Range } from '../model.ts';

/** A key of which a part of a range is not known: before an instant, after it, in between, or nothing of it is. */
export interface Gap {
  keyId: number;
  name: string;
  /** `counted`: what it spent is known, but counters tell neither requests nor tokens nor names. */
  why: 'never' | 'counted' | 'before' | 'after' | 'between';
  at: number | null;
  /** Of one that is known since an instant: until when, if not up to the end. */
  until: number | null;
  /** It is only known by the counters, which begin when a key is added. */
  isAdded: boolean;
}

/** The keys of which something in a range is not known. */
export function gapsOf(
  keys: readonly CoveredKey[],
  { from, to, zone }: Pick<Range, 'from' | 'to' | 'zone'>,
  wanted: Wanted = 'money',
): Gap[] {
  const time = { since: startOfLocalDay(from, zone), until: startOfLocalDay(addDays(to, 1), zone) };
  return keys.flatMap((key): Gap[] => {
    const known = spansOfWanted(key, wanted);
    if (known.some(({ since, until }) => since <= time.since && until >= time.until)) return [];
    const about = { keyId: key.id, name: key.name, until: null, isAdded: key.counters !== null && key.analytics === null };
    const [first, last] = [known[0], known.at(-1)];
    if (!first || !last) return [{ ...about, why: spansOf(key).length > 0 && wanted === 'detail' ? 'counted' : 'never', at: null }];
    const isEnded = last.until < time.until;
    if (first.since > time.since) return [{ ...about, why: 'before', at: first.since, until: isEnded ? last.until : null }];
    return [isEnded ? { ...about, why: 'after', at: last.until } : { ...about, why: 'between', at: null }];
  });
}
