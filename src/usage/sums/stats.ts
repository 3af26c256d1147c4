/** The summary of a range. Zero only where zero was measured: a watched key without spend. Pure. */
import { isoOrNull, listDays } from '../../lib/day.ts';
import { localDayOf } from '../../lib/zone.ts';
import { ALL_SPEND, type Completeness, createCompleteness } from '../coverage/completeness.ts';
import { type CoveredKey, describeCoverage, knownUntil } from '../coverage/coverage.ts';
import type { Known } from '../coverage/spans.ts';
import { approximateDays, type Fact, type FactsBy, type Range } from '../model.ts';
import { compareCells } from './groups.ts';
import { addMeasures, addMeasuresTo, type Measures, moneyOnly, presentMeasures, UNKNOWN, ZERO } from './measures.ts';

function addAt<K>(sums: Map<K, Measures>, key: K, measures: Readonly<Measures>): void {
  const sum = sums.get(key);
  if (sum) addMeasuresTo(sum, measures);
  else sums.set(key, { ...measures });
}

export function sumBy<K>(facts: readonly Fact[], keyOf: (fact: Fact) => K): Map<K, Measures> {
  const sums = new Map<K, Measures>();
  for (const fact of facts) addAt(sums, keyOf(fact), fact.measures);
  return sums;
}

function containing(known: Known | null, { zone }: Range): (date: string) => boolean {
  if (known === null) return () => false;
  const [first, last] = [localDayOf(known.since, zone), localDayOf(known.until - 1, zone)];
  return (date) => date >= first && date <= last;
}

export function countedDates(facts: readonly Fact[]): ReadonlyMap<number, ReadonlySet<string>> {
  const counted = new Map<number, Set<string>>();
  for (const { keyId, source, date } of facts) {
    if (source !== 'counters') continue;
    const dates = counted.get(keyId);
    if (dates) dates.add(date);
    else counted.set(keyId, new Set([date]));
  }
  return counted;
}

const NO_MONEY: Readonly<Measures> = moneyOnly(0, 0);

/** Known zeros by date: money where a key was watched, requests and tokens where analytics were read. */
export function zerosOf(
  key: CoveredKey,
  range: Range,
  counted: ReturnType<typeof countedDates>,
): [date: string, zero: Readonly<Measures>][] {
  const [isCounted, isAnalyzed] = [containing(key.counters, range), containing(key.analytics, range)];
  const byCounters = counted.get(key.id);
  const zeros: [date: string, zero: Readonly<Measures>][] = [];
  for (const date of listDays(range.from, range.to)) {
    if (isAnalyzed(date) && !byCounters?.has(date)) zeros.push([date, ZERO]);
    else if (isCounted(date)) zeros.push([date, NO_MONEY]);
  }
  return zeros;
}

/** All spend of synced keys before this instant is in the figures. */
export function asOf(keys: readonly CoveredKey[]): number | null {
  const untils = (candidates: readonly CoveredKey[]) => candidates.flatMap((key) => knownUntil(key) ?? []);
  const active = untils(keys.filter((key) => key.isRead));
  if (active.length > 0) return Math.min(...active);
  const all = untils(keys);
  return all.length > 0 ? Math.max(...all) : null;
}

const sumAll = (measures: Iterable<Measures>): Measures => [...measures].reduce(addMeasures, UNKNOWN);

function ranked(sums: Map<string | null, Measures>): [string | null, Measures][] {
  const spend = ({ costNano, byokCostNano }: Measures) => (costNano ?? 0) + (byokCostNano ?? 0);
  return [...sums].sort(([nameA, a], [nameB, b]) => spend(b) - spend(a) || compareCells(nameA, nameB));
}

function nameCompleteness({ isComplete }: Completeness, dimension: 'model' | 'provider'): (name: string | null) => boolean {
  const [nameless, named] = [isComplete(ALL_SPEND), isComplete({ ...ALL_SPEND, named: [dimension] })];
  return (name) => (name === null ? nameless : named);
}

function byModel(facts: readonly Fact[], completeness: Completeness) {
  const isComplete = nameCompleteness(completeness, 'model');
  const permaslugs = new Map<string | null, Set<string>>();
  for (const { model, permaslug } of facts) {
    const known = permaslugs.get(model) ?? new Set();
    if (permaslug !== null) known.add(permaslug);
    permaslugs.set(model, known);
  }
  return ranked(sumBy(facts, (fact) => fact.model)).map(([model, sum]) => ({
    model,
    permaslugs: [...(permaslugs.get(model) ?? [])].sort(),
    ...presentMeasures(sum),
    is_complete: isComplete(model),
  }));
}

function byProvider(facts: readonly Fact[], completeness: Completeness) {
  const isComplete = nameCompleteness(completeness, 'provider');
  const sums = ranked(sumBy(facts, (fact) => fact.provider));
  return sums.map(([provider, sum]) => ({ provider, ...presentMeasures(sum), is_complete: isComplete(provider) }));
}

export function sumRange(keys: readonly CoveredKey[], facts: readonly Fact[], range: Range) {
  const byDay = sumBy(facts, (fact) => fact.date);
  const byKey = sumBy(facts, (fact) => fact.keyId);
  const counted = countedDates(facts);
  for (const key of keys) {
    for (const [date, zero] of zerosOf(key, range, counted)) {
      addAt(byKey, key.id, zero);
      addAt(byDay, date, zero);
    }
  }
  return { byDay, byKey, total: sumAll(byKey.values()) };
}

export function summarize(keys: readonly CoveredKey[], facts: FactsBy, range: Range) {
  const { byDay, byKey, total } = sumRange(keys, facts.key, range);
  const completeness = createCompleteness(keys, facts, range);
  const openDays = completeness.openDays(ALL_SPEND);
  return {
    range: { from: range.from, to: range.to, tz: range.tz },
    totals: {
      ...presentMeasures(total),
      is_complete: openDays.size === 0,
      is_count_complete: completeness.isComplete({ ...ALL_SPEND, wanted: 'detail' }),
    },
    by_day: listDays(range.from, range.to).map((date) => ({
      date,
      ...presentMeasures(byDay.get(date) ?? UNKNOWN),
      is_complete: !openDays.has(date),
    })),
    by_model: byModel(facts.model, completeness),
    by_provider: byProvider(facts.provider, completeness),
    by_key: keys.map(({ id, name }) => ({
      key_id: id,
      name,
      ...presentMeasures(byKey.get(id) ?? UNKNOWN),
      is_complete: completeness.isComplete({ ...ALL_SPEND, keyIds: [id] }),
    })),
    coverage: keys.map((key) => {
      const { knownSince, source } = describeCoverage(key);
      return { key_id: key.id, known_since: isoOrNull(knownSince), source };
    }),
    approximate_days: approximateDays(facts.marks),
    as_of: isoOrNull(asOf(keys)),
  };
}
