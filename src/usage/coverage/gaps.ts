/** Which keys lack data in a range, and why. Pure. */
import { addDays } from '../../lib/day.ts';
import { startOfLocalDay } from '../../lib/zone.ts';
import { spansOfWanted, type Wanted } from './completeness.ts';
import { type CoveredKey, spansOf } from './coverage.ts';
import type { Range } from '../model.ts';

export interface Gap {
  keyId: number;
  name: string;
  why: 'never' | 'counted' | 'before' | 'after' | 'between';
  at: number | null;
  /** With `before`: until when it is known, if not up to the end. */
  until: number | null;
  /** Known from counters only, which start when a key is added. */
  isAdded: boolean;
}

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
