/** Spend as rules ask for it: of a key or of all, by local day or by hour. Pure. */
import { addDays, HOUR_MS, listDays } from '../lib/day.ts';
import { usdFromNano } from '../lib/money.ts';
import { remember } from '../lib/remember.ts';
import { localDayOf, startOfLocalDay } from '../lib/zone.ts';
import { type CoveredKey, mergeSpans } from '../usage/coverage.ts';
import type { Fact } from '../usage/model.ts';

export interface Spend {
  /** Credits of local days, inclusive, USD; null: nothing is known of them. `null` asks for all keys. */
  ofDays(keyId: number | null, from: string, to: string): number | null;
  /** Credits of a local day, USD; null: it is not known from its beginning to its end. */
  ofWholeDay(keyId: number | null, day: string): number | null;
  /** Credits of the hour that starts at an instant, USD; null: it is not known in full. */
  ofHour(keyId: number | null, at: number): number | null;
}

/** Nano-dollars by local day, and by the instant of the hour where the facts have hours. */
interface Sums {
  days: Map<string, number>;
  hours: Map<number, number>;
}

/** What a key spent, or all of them. */
function sumOf(facts: readonly Fact[], keyId: number | null): Sums {
  const [days, hours] = [new Map<string, number>(), new Map<number, number>()];
  for (const { keyId: id, date, hourAt, measures } of facts) {
    if (keyId !== null && id !== keyId) continue;
    const nano = measures.costNano ?? 0;
    days.set(date, (days.get(date) ?? 0) + nano);
    if (hourAt !== null) hours.set(hourAt, (hours.get(hourAt) ?? 0) + nano);
  }
  return { days, hours };
}

const spansOf = ({ counters, analytics }: CoveredKey) => [counters, analytics].filter((span) => span !== null);

/** Answers from facts, and from what is known of which key. */
export function createSpend(keys: readonly CoveredKey[], facts: readonly Fact[], zone: string): Spend {
  const sums = remember((keyId: number | null): Sums => sumOf(facts, keyId));
  const asked = (keyId: number | null) => keys.filter(({ id }) => keyId === null || id === keyId);
  const watched = (keyId: number | null, day: string): boolean =>
    asked(keyId).some((key) =>
      spansOf(key).some(({ since, until }) => localDayOf(since, zone) <= day && localDayOf(until - 1, zone) >= day),
    );
  /** Was a key watched from one instant to the other? */
  const isWatched = (keyId: number | null, from: number, to: number): boolean =>
    asked(keyId).some((key) => mergeSpans(spansOf(key)).some(({ since, until }) => since <= from && until >= to));
  const ofDay = (keyId: number | null, day: string): number | null => sums(keyId).days.get(day) ?? (watched(keyId, day) ? 0 : null);
  return {
    ofDays(keyId, from, to) {
      const known = listDays(from, to)
        .map((day) => ofDay(keyId, day))
        .filter((nano) => nano !== null);
      return known.length === 0 ? null : usdFromNano(known.reduce((sum, nano) => sum + nano, 0));
    },
    ofWholeDay(keyId, day) {
      const [from, to] = [startOfLocalDay(day, zone), startOfLocalDay(addDays(day, 1), zone)];
      return isWatched(keyId, from, to) ? usdFromNano(sums(keyId).days.get(day) ?? 0) : null;
    },
    ofHour(keyId, at) {
      const nano = sums(keyId).hours.get(at) ?? (isWatched(keyId, at, at + HOUR_MS) ? 0 : null);
      return nano === null ? null : usdFromNano(nano);
    },
  };
}
