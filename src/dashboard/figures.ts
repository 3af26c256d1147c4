/** The figures of the dashboard, from facts and from what is known of the keys. Pure. */
import type { Key } from '../keys/advice.ts';
import { listDays } from '../lib/day.ts';
import { usdFromNano, usdFromNanoOrNull } from '../lib/money.ts';
import { localDayOf } from '../lib/zone.ts';
import { type CoveredKey, describeCoverage, type Known, mergeSpans } from '../usage/coverage.ts';
import { type Measures, presentMeasures } from '../usage/measures.ts';
import { approximateDays, type Fact, type FactsBy, type Range } from '../usage/model.ts';
import { sumBy, sumRange } from '../usage/stats.ts';
import { balanceOf, changeOf, isCoveredSince, type KeyMonth, monthSpend, projectMonth, type Ranges } from './model.ts';

/** What is known of the user's keys. */
interface Sources {
  keys: readonly CoveredKey[];
  keyRows: readonly { id: number; textVersion: number }[];
}

/** The facts of a range. */
export const within = (facts: readonly Fact[], { from, to }: Range): Fact[] => facts.filter(({ date }) => date >= from && date <= to);

const requestsOf = <K>(sums: ReadonlyMap<K, Measures>) => new Map([...sums].map(([name, { requests }]) => [name, requests]));

/** The totals of a range, and how many requests each model and key had. */
export function totalsOf(keys: readonly CoveredKey[], facts: Pick<FactsBy, 'key' | 'model'>, range: Range) {
  const { byKey, total } = sumRange(keys, facts.key, range);
  const requests = { model: requestsOf(sumBy(facts.model, ({ model }) => model)), key: requestsOf(byKey) };
  return { totals: presentMeasures(total), requests, approximateDays: approximateDays(facts.key) };
}

/** When any of the user's keys was watched. */
export const spansOf = ({ keys }: Sources): Known[] =>
  mergeSpans(keys.flatMap(({ counters, analytics }) => [counters, analytics]).filter((span) => span !== null));

/** Sums of credits by what `keyOf` says, in nano-dollars. */
function sumCost<K>(facts: readonly Fact[], keyOf: (fact: Fact) => K): Map<K, number> {
  const sums = new Map<K, number>();
  for (const fact of facts) sums.set(keyOf(fact), (sums.get(keyOf(fact)) ?? 0) + (fact.measures.costNano ?? 0));
  return sums;
}

/** What ranges and days cost, as `summarize` tells it: null where no key was watched. */
export function createCosts(sources: Sources, facts: readonly Fact[], { zone }: Range) {
  const byDay = sumCost(facts, ({ date }) => date);
  const watched = spansOf(sources).map(({ since, until }) => [localDayOf(since, zone), localDayOf(until - 1, zone)] as const);
  const ofDay = (day: string): number | null => byDay.get(day) ?? (watched.some(([first, last]) => day >= first && day <= last) ? 0 : null);
  const of = ({ from, to }: Range): number | null => {
    const known = listDays(from, to)
      .map(ofDay)
      .filter((nano) => nano !== null);
    return known.length === 0 ? null : usdFromNano(known.reduce((sum, nano) => sum + nano, 0));
  };
  const daily = ({ from, to }: Range) => listDays(from, to).map((day) => usdFromNanoOrNull(ofDay(day)));
  return { of, daily };
}

type Costs = ReturnType<typeof createCosts>;

/** How each key's month is known. */
export function monthsOf(sources: Sources, keys: readonly Key[], facts: readonly Fact[], { month }: Ranges): KeyMonth[] {
  const byKey = sumCost(within(facts, month), ({ keyId }) => keyId);
  const covered = new Map(sources.keys.map((key) => [key.id, describeCoverage(key).knownSince]));
  const replaced = new Set(sources.keyRows.filter(({ textVersion }) => textVersion > 0).map(({ id }) => id));
  return keys.map((key) => {
    const since = covered.get(key.id) ?? null;
    const knownSince = since === null ? null : localDayOf(since, month.zone);
    const nano = byKey.get(key.id) ?? (knownSince === null ? null : 0);
    return { key, ledgerUsd: usdFromNanoOrNull(nano), knownSince, isReplaced: replaced.has(key.id) };
  });
}

/** The change from one range to the one before, if all keys that are known now were known then. */
export function compare(costs: Costs, months: readonly KeyMonth[], compared: Ranges['compared']): number | null {
  if (compared === null) return null;
  const isKnown = months.every((month) => month.knownSince === null || isCoveredSince(month, compared.before.from));
  return isKnown ? changeOf(costs.of(compared.now), costs.of(compared.before)) : null;
}

/** Today, this month and where it leads, each beside what it is to be compared with. */
export function headlineOf(costs: Costs, months: readonly KeyMonth[], keys: readonly Key[], ranges: Ranges) {
  const month = monthSpend(months, ranges.month.from);
  const todayUsd = costs.of(ranges.today);
  return {
    today: { usd: todayUsd, yesterdayUsd: costs.of(ranges.yesterday) },
    month: {
      ...month,
      change: compare(costs, months, ranges.comparedMonth),
      comparedTo: ranges.comparedMonth?.before.to ?? null,
      projectedUsd: projectMonth(month.usd, todayUsd, costs.daily(ranges.pace), ranges.today.to),
    },
    balanceUsd: balanceOf(keys),
  };
}
