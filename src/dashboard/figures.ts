/** The figures of the dashboard, from facts and coverage. Pure. */
import { changeOf } from '../alerts/evaluation/change.ts';
import { forecastOf, isForecastComplete, monthOf, type Watched } from '../alerts/evaluation/forecast.ts';
import type { Spend } from '../alerts/evaluation/spend.ts';
import type { Counts } from '../alerts/model.ts';
import type { Key } from '../keys/advice.ts';
import { usdFromNanoOrNull } from '../lib/money.ts';
import { ALL_SPEND, createCompleteness } from '../usage/coverage/completeness.ts';
import { type CoveredKey, spansOf } from '../usage/coverage/coverage.ts';
import { gapsOf } from '../usage/coverage/gaps.ts';
import { type Known, mergeSpans } from '../usage/coverage/spans.ts';
import { approximateDays, type Fact, type FactsBy, type Range } from '../usage/model.ts';
import { type Measures, presentMeasures } from '../usage/sums/measures.ts';
import { sumBy, sumRange } from '../usage/sums/stats.ts';
import { balanceOf, type Ranges } from './model.ts';
import { explainChange, type Spent } from './why.ts';

export const within = <T extends { date: string }>(facts: readonly T[], { from, to }: Range): T[] =>
  facts.filter(({ date }) => date >= from && date <= to);

export function totalsOf(keys: readonly CoveredKey[], facts: FactsBy, range: Range) {
  const { byKey, total } = sumRange(keys, facts.key, range);
  const { isComplete } = createCompleteness(keys, facts, range);
  const isCountComplete = isComplete({ ...ALL_SPEND, wanted: 'detail' });
  const uncounted = gapsOf(keys, range, 'detail').map(({ keyId }) => keyId);
  return {
    totals: { ...presentMeasures(total), is_complete: isComplete(ALL_SPEND), is_count_complete: isCountComplete },
    gaps: gapsOf(keys, range),
    sums: { model: sumBy(facts.model, ({ model }) => model), key: byKey },
    uncounted,
    approximateDays: approximateDays(facts.marks),
  };
}

const spentOf = ({ costNano, requests, promptTokens, completionTokens }: Readonly<Measures>): Spent => ({
  cost: costNano ?? 0,
  requests,
  tokens: promptTokens === null ? null : promptTokens + (completionTokens ?? 0),
});

const spentBy = <Name>(facts: FactsBy['key'], range: Range, nameOf: (fact: Fact) => Name): Map<Name, Spent> =>
  new Map([...sumBy(within(facts, range), nameOf)].map(([name, measures]) => [name, spentOf(measures)]));

/** Why credits changed from one range to the next, by model and by key; null where there is nothing to compare. */
export function whyOf({ model, key }: FactsBy, compared: Ranges['compared']) {
  if (compared === null) return null;
  const explain = <Name>(facts: FactsBy['key'], nameOf: (fact: Fact) => Name) =>
    explainChange(spentBy(facts, compared.before, nameOf), spentBy(facts, compared.now, nameOf));
  const why = { model: explain(model, (fact) => fact.model), key: explain(key, ({ keyId }) => keyId) };
  return why.key.length === 0 ? null : why;
}

export const watchedOf = (keys: readonly CoveredKey[]): Known[] => mergeSpans(keys.flatMap(spansOf));

const ALL = { key_id: null, counts: 'credits' } as const;
const ALL_BYOK = { key_id: null, counts: 'byok' } as const;

/** A change as a share of the earlier amount. Incomplete: keys unknown in one of the ranges are left out. */
export interface Change {
  share: number | null;
  isComplete: boolean;
}

/** Null share: no key is known in both ranges. */
export function compare(spend: Spend, compared: Ranges['compared'], counts: Counts = 'credits'): Change {
  const beside = compared && spend.daysBeside({ key_id: null, counts }, compared.now, compared.before);
  const isComplete = compared !== null && [compared.now, compared.before].every(({ from, to }) => spend.isComplete(null, from, to));
  return { share: beside && changeOf(beside.spent, beside.before), isComplete };
}

const spentIn = (spend: Spend, { from, to }: Range) => ({
  usd: usdFromNanoOrNull(spend.ofDays(ALL, from, to)),
  byokUsd: usdFromNanoOrNull(spend.ofDays(ALL_BYOK, from, to)),
  isComplete: spend.isComplete(null, from, to),
});

export function headlineOf(watched: Watched & { keys: readonly Key[] }, ranges: Ranges) {
  const { spend, keys } = watched;
  const [month, byokMonth] = [monthOf(watched, ALL), monthOf(watched, ALL_BYOK)];
  return {
    today: { ...spentIn(spend, ranges.today), yesterday: spentIn(spend, ranges.yesterday) },
    month: {
      ...month,
      from: ranges.month.from,
      usd: usdFromNanoOrNull(month.nano),
      byokUsd: usdFromNanoOrNull(byokMonth.nano),
      reportedUsd: usdFromNanoOrNull(month.reported),
      reportedByokUsd: usdFromNanoOrNull(byokMonth.reported),
      change: compare(spend, ranges.comparedMonth),
      comparedTo: ranges.comparedMonth?.before.to ?? null,
      projectedUsd: usdFromNanoOrNull(forecastOf(watched, ALL, 'month')),
      projectedByokUsd: usdFromNanoOrNull(forecastOf(watched, ALL_BYOK, 'month')),
      isProjectedComplete: isForecastComplete(watched, ALL),
    },
    balanceUsd: balanceOf(keys),
  };
}
