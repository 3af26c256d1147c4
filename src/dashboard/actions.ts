/** The verb of the dashboard: everything that its page shows, from one reading of the ledger. */
import { type Actor, authorize } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import { answerOf } from '../explore/answer.ts';
import { type Dimension, type Question, questionSchema } from '../explore/model.ts';
import { presentKey } from '../keys/present.ts';
import { countDays, dayOf } from '../lib/day.ts';
import { localDayOf } from '../lib/zone.ts';
import { type Ledger, readLedger, statsOf } from '../usage/actions.ts';
import { describeCoverage } from '../usage/coverage.ts';
import { type Fact, factsOf, type Range, rangeProblem } from '../usage/model.ts';
import { resolvePeriod } from '../usage/periods.ts';
import { summarize } from '../usage/stats.ts';
import { attentionOf, balanceOf, changeOf, type DashboardQuery, monthSpend, projectMonth, type Ranges, rangesOf, weekOf } from './model.ts';

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

/** Today, this month and where it leads, each beside what it is to be compared with. */
function headlineOf({ sources }: Ledger, keys: Keys, facts: readonly Fact[], ranges: Ranges) {
  const summaryOf = (range: Range) => summarize(sources.keys, within(facts, range), range);
  const costOf = (range: Range | null) => (range === null ? null : summaryOf(range).totals.cost_usd);
  const { zone } = ranges.shown;
  const month = summaryOf(ranges.month);
  const byKey = new Map(month.by_key.map(({ key_id, cost_usd }) => [key_id, cost_usd]));
  const knownSince = new Map(sources.keys.map((key) => [key.id, describeCoverage(key).knownSince]));
  const parts = keys.map((key) => {
    const since = knownSince.get(key.id) ?? null;
    return { key, ledgerUsd: byKey.get(key.id) ?? null, knownSince: since === null ? null : localDayOf(since, zone) };
  });
  const monthNow = monthSpend(parts, ranges.month.from);
  const todayUsd = costOf(ranges.today);
  const daily = summaryOf(ranges.pace).by_day.map(({ cost_usd }) => cost_usd);
  return {
    today: { usd: todayUsd, yesterdayUsd: costOf(ranges.yesterday) },
    month: {
      ...monthNow,
      byokUsd: month.totals.byok_cost_usd,
      change: changeOf(costOf(ranges.monthSoFar), costOf(ranges.lastMonthSoFar)),
      comparedTo: ranges.lastMonthSoFar?.to ?? null,
      projectedUsd: projectMonth(monthNow.usd, todayUsd, daily, ranges.today.to),
    },
    balanceUsd: balanceOf(keys),
  };
}

/** The shown range: its totals against those before, its chart, and the rows of its tables. */
function shownOf({ sources, rows }: Ledger, facts: readonly Fact[], ranges: Ranges, by: Dimension, now: number) {
  const { shown, before } = ranges;
  const inRange = within(facts, shown);
  const rollup = countDays(shown.from, shown.to) === 1 ? 'hour' : 'day';
  const timed = rollup === 'hour' ? factsOf(rows, shown, true) : inRange;
  const answer = (question: Partial<Question>) => answerOf(sources.keys, timed, shown, { ...QUESTION, rollup, ...question });
  const stats = statsOf({ sources }, inRange, shown, dayOf(now));
  const totalBefore = before && summarize(sources.keys, within(facts, before), before).totals.cost_usd;
  return {
    range: shown,
    rollup,
    stats,
    change: changeOf(stats.totals.cost_usd, totalBefore),
    chart: answer({ by }),
    models: answer({ by: 'model', top: TABLE_ROWS }),
    keys: answer({ by: 'key', top: TABLE_ROWS }),
    week: weekOf(rows, shown),
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
  const ledger = await readLedger(deps, userId, ranges.all);
  const facts = factsOf(ledger.rows, ranges.all, false);
  const keys = keysOf(ledger, deps);
  const inShown = shownOf(ledger, facts, ranges, query.by, now);
  return {
    keys,
    headline: headlineOf(ledger, keys, facts, ranges),
    shown: inShown,
    attention: attentionOf(keys, inShown.stats.drift, now, shown.zone),
    asOf: inShown.stats.as_of,
  };
}

export type Dashboard = Awaited<ReturnType<typeof getDashboard>>;
