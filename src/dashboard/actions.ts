/** The verb of the dashboard: everything that its page shows, from one reading of the ledger. */
import { type Actor, authorize } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import { answerOf } from '../explore/answer.ts';
import { type Dimension, type Question, questionSchema } from '../explore/model.ts';
import { presentKey } from '../keys/present.ts';
import { countDays, dayOf, listDays } from '../lib/day.ts';
import { usdFromNano, usdFromNanoOrNull } from '../lib/money.ts';
import { localDayOf } from '../lib/zone.ts';
import { type Ledger, readLedger, statsOf } from '../usage/actions.ts';
import { describeCoverage } from '../usage/coverage.ts';
import { type Fact, factsOf, type Range, rangeProblem } from '../usage/model.ts';
import { resolvePeriod } from '../usage/periods.ts';
import {
  attentionOf,
  balanceOf,
  changeOf,
  type DashboardQuery,
  isCoveredSince,
  type KeyMonth,
  type KnownSpan,
  monthSpend,
  projectMonth,
  type Ranges,
  rangesOf,
  weekOf,
} from './model.ts';

const QUESTION = questionSchema.parse({});
/** Rows of the tables of models and keys. */
const TABLE_ROWS = 50;

const within = (facts: readonly Fact[], { from, to }: Range): Fact[] => facts.filter(({ date }) => date >= from && date <= to);

/** The user's keys as the API presents them; the dashboard shows no workspaces. */
function keysOf({ sources: { keyRows, upstreamKeys, managements } }: Ledger, deps: Deps) {
  const around = {
    keys: keyRows,
    upstreamKeys,
    managements,
    workspaces: [],
    today: dayOf(deps.now()),
    retentionDays: deps.config.retentionDays,
  };
  return keyRows.map((row) => presentKey(row, around));
}

type Keys = ReturnType<typeof keysOf>;

/** When anything of the user's keys is known: from the first instant to the last. */
function knownSpan({ sources }: Ledger): KnownSpan | null {
  const spans = sources.keys.flatMap(({ counters, analytics }) => [counters, analytics]).filter((span) => span !== null);
  return spans.length === 0
    ? null
    : { since: Math.min(...spans.map(({ since }) => since)), until: Math.max(...spans.map(({ until }) => until)) };
}

/** Sums of credits by what `keyOf` says, in nano-dollars. */
function sumCost<K>(facts: readonly Fact[], keyOf: (fact: Fact) => K): Map<K, number> {
  const sums = new Map<K, number>();
  for (const fact of facts) sums.set(keyOf(fact), (sums.get(keyOf(fact)) ?? 0) + (fact.measures.costNano ?? 0));
  return sums;
}

/** What ranges and days cost, as `summarize` tells it: null where no key was watched. */
function createCosts(ledger: Ledger, facts: readonly Fact[], { zone }: Range) {
  const byDay = sumCost(facts, ({ date }) => date);
  const span = knownSpan(ledger);
  const first = span && localDayOf(span.since, zone);
  const last = span && localDayOf(span.until - 1, zone);
  const ofDay = (day: string): number | null => {
    const isWatched = first !== null && last !== null && day >= first && day <= last;
    return byDay.get(day) ?? (isWatched ? 0 : null);
  };
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
function monthsOf({ sources }: Ledger, keys: Keys, facts: readonly Fact[], { month }: Ranges): KeyMonth[] {
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
function compare(costs: Costs, months: readonly KeyMonth[], compared: Ranges['compared']): number | null {
  if (compared === null) return null;
  const isKnown = months.every((month) => month.knownSince === null || isCoveredSince(month, compared.before.from));
  return isKnown ? changeOf(costs.of(compared.now), costs.of(compared.before)) : null;
}

/** Today, this month and where it leads, each beside what it is to be compared with. */
function headlineOf(costs: Costs, months: readonly KeyMonth[], keys: Keys, ranges: Ranges) {
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

/** The shown range: its totals, its chart, and the rows of its tables. */
function shownOf(ledger: Ledger, facts: readonly Fact[], shown: Range, by: Dimension, now: number) {
  const { sources, rows } = ledger;
  const inRange = within(facts, shown);
  const rollup = countDays(shown.from, shown.to) === 1 ? 'hour' : 'day';
  const timed = rollup === 'hour' ? factsOf(rows, shown, true) : inRange;
  const answer = (question: Partial<Question>) => answerOf(sources.keys, timed, shown, { ...QUESTION, rollup, ...question });
  return {
    range: shown,
    rollup,
    stats: statsOf(ledger, inRange, shown, dayOf(now)),
    chart: answer({ by }),
    models: answer({ by: 'model', top: TABLE_ROWS }),
    keys: answer({ by: 'key', top: TABLE_ROWS }),
    week: weekOf(rows, shown, knownSpan(ledger)),
  } as const;
}

/** Everything that the dashboard shows. */
export async function getDashboard(deps: Deps, actor: Actor, query: DashboardQuery, viewerZone: string) {
  const userId = authorize(actor, 'read');
  const now = deps.now();
  const shown = resolvePeriod(query, now, viewerZone);
  const problem = rangeProblem(shown);
  if (problem) failField('from', problem);
  const ranges = rangesOf(shown, now);
  const ledger = await readLedger(deps, userId, ranges.all, shown.from);
  const facts = factsOf(ledger.rows, ranges.all, false);
  const keys = keysOf(ledger, deps);
  const costs = createCosts(ledger, facts, shown);
  const months = monthsOf(ledger, keys, facts, ranges);
  const inShown = shownOf(ledger, facts, shown, query.by, now);
  return {
    keys,
    headline: headlineOf(costs, months, keys, ranges),
    shown: inShown,
    change: compare(costs, months, ranges.compared),
    comparedDays: ranges.compared && countDays(ranges.compared.now.from, ranges.compared.now.to),
    attention: attentionOf(keys, inShown.stats.drift, now, shown.zone),
    asOf: inShown.stats.as_of,
  };
}

export type Dashboard = Awaited<ReturnType<typeof getDashboard>>;
