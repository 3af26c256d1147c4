/** Spend as rules ask for it: of a key or of all, by local day or by hour. Pure. */
import { addDays, HOUR_MS, listDays } from '../lib/day.ts';
import { usdFromNano } from '../lib/money.ts';
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

/** Sums by key and, in it, by day or hour; of all keys under `null`. */
type Sums<T> = Map<number | null, Map<T, number>>;

function add<T>(sums: Sums<T>, who: number | null, when: T, nano: number): void {
  const ofWho = sums.get(who) ?? new Map<T, number>();
  ofWho.set(when, (ofWho.get(when) ?? 0) + nano);
  sums.set(who, ofWho);
}

/** Sums by local day, and by the instant of the hour where the facts have hours. */
function collect(facts: readonly Fact[]): { days: Sums<string>; hours: Sums<number> } {
  const [days, hours]: [Sums<string>, Sums<number>] = [new Map(), new Map()];
  for (const { keyId, date, hourAt, measures } of facts) {
    for (const who of [keyId, null]) {
      add(days, who, date, measures.costNano ?? 0);
      if (hourAt !== null) add(hours, who, hourAt, measures.costNano ?? 0);
    }
  }
  return { days, hours };
}

const spansOf = ({ counters, analytics }: CoveredKey) => [counters, analytics].filter((span) => span !== null);

/** Answers from facts, and from what is known of which key. */
export function createSpend(keys: readonly CoveredKey[], facts: readonly Fact[], zone: string): Spend {
  const { days, hours } = collect(facts);
  const asked = (keyId: number | null) => keys.filter(({ id }) => keyId === null || id === keyId);
  const watched = (keyId: number | null, day: string): boolean =>
    asked(keyId).some((key) =>
      spansOf(key).some(({ since, until }) => localDayOf(since, zone) <= day && localDayOf(until - 1, zone) >= day),
    );
  /** Was a key watched from one instant to the other? */
  const isWatched = (keyId: number | null, from: number, to: number): boolean =>
    asked(keyId).some((key) => mergeSpans(spansOf(key)).some(({ since, until }) => since <= from && until >= to));
  const ofDay = (keyId: number | null, day: string): number | null => days.get(keyId)?.get(day) ?? (watched(keyId, day) ? 0 : null);
  return {
    ofDays(keyId, from, to) {
      const known = listDays(from, to)
        .map((day) => ofDay(keyId, day))
        .filter((nano) => nano !== null);
      return known.length === 0 ? null : usdFromNano(known.reduce((sum, nano) => sum + nano, 0));
    },
    ofWholeDay(keyId, day) {
      const [from, to] = [startOfLocalDay(day, zone), startOfLocalDay(addDays(day, 1), zone)];
      return isWatched(keyId, from, to) ? usdFromNano(days.get(keyId)?.get(day) ?? 0) : null;
    },
    ofHour(keyId, at) {
      const nano = hours.get(keyId)?.get(at) ?? (isWatched(keyId, at, at + HOUR_MS) ? 0 : null);
      return nano === null ? null : usdFromNano(nano);
    },
  };
}
