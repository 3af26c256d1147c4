/** The summary of a range, summed from facts. Zero is only said where zero was measured: where a key was watched and spent nothing. */
import { isoOrNull, listDays } from '../lib/day.ts';
import { localDayOf } from '../lib/zone.ts';
import { addMeasures, type Measures, moneyOnly, presentMeasures, UNKNOWN } from './measures.ts';
import { approximateDays, type CoveredKey, type Fact, type Range } from './model.ts';

/** Sums of facts by what `keyOf` says of each. */
function sumBy<K>(facts: readonly Fact[], keyOf: (fact: Fact) => K): Map<K, Measures> {
  const sums = new Map<K, Measures>();
  for (const fact of facts) {
    const key = keyOf(fact);
    sums.set(key, addMeasures(sums.get(key) ?? UNKNOWN, fact.measures));
  }
  return sums;
}

/** The local dates of the range on which a key was watched, or null. */
function watchedDates(key: CoveredKey, range: Range): { from: string; to: string } | null {
  if (key.knownSince === null || key.knownUntil === null) return null;
  const [first, last] = [localDayOf(key.knownSince, range.zone), localDayOf(key.knownUntil, range.zone)];
  const [from, to] = [first > range.from ? first : range.from, last < range.to ? last : range.to];
  return from <= to ? { from, to } : null;
}

/** The instant before which all spend of the known keys is in the figures: the oldest of the last readings of those still read. */
function asOf(keys: readonly CoveredKey[]): number | null {
  const readings = (candidates: readonly CoveredKey[]) => candidates.flatMap((key) => key.knownUntil ?? []);
  const active = readings(keys.filter((key) => key.isRead));
  if (active.length > 0) return Math.min(...active);
  const all = readings(keys);
  return all.length > 0 ? Math.max(...all) : null;
}

const sumAll = (measures: Iterable<Measures>): Measures => [...measures].reduce(addMeasures, UNKNOWN);

/** Sums by a nullable name, the largest spend first. */
function ranked(sums: Map<string | null, Measures>): [string | null, Measures][] {
  const spend = ({ costNano, byokCostNano }: Measures) => (costNano ?? 0) + (byokCostNano ?? 0);
  return [...sums].sort(([, a], [, b]) => spend(b) - spend(a));
}

/** The answer of `GET /api/v1/stats`. */
export function summarize(keys: readonly CoveredKey[], facts: readonly Fact[], range: Range) {
  const zero = moneyOnly(0, 0);
  const byDay = sumBy(facts, (fact) => fact.date);
  const byKey = sumBy(facts, (fact) => fact.keyId);
  for (const key of keys) {
    const watched = watchedDates(key, range);
    if (!watched) continue;
    byKey.set(key.id, addMeasures(byKey.get(key.id) ?? UNKNOWN, zero));
    for (const date of listDays(watched.from, watched.to)) byDay.set(date, addMeasures(byDay.get(date) ?? UNKNOWN, zero));
  }
  return {
    range: { from: range.from, to: range.to, tz: range.tz },
    totals: presentMeasures(sumAll(byKey.values())),
    by_day: listDays(range.from, range.to).map((date) => ({ date, ...presentMeasures(byDay.get(date) ?? UNKNOWN) })),
    by_model: ranked(sumBy(facts, (fact) => fact.model)).map(([model, sum]) => ({ model, ...presentMeasures(sum) })),
    by_provider: ranked(sumBy(facts, (fact) => fact.provider)).map(([provider, sum]) => ({ provider, ...presentMeasures(sum) })),
    by_key: keys.map(({ id, name }) => ({ key_id: id, name, ...presentMeasures(byKey.get(id) ?? UNKNOWN) })),
    coverage: keys.map(({ id, knownSince }) => ({
      key_id: id,
      known_since: isoOrNull(knownSince),
      source: knownSince === null ? null : ('counters' as const),
    })),
    approximate_days: approximateDays(facts),
    as_of: isoOrNull(asOf(keys)),
  };
}
