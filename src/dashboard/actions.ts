/** Everything on the dashboard, from one reading of the ledger. */
import { type Actor, authorize } from '../actor.ts';
import { attentionOf } from '../alerts/evaluation/attention.ts';
import { createSpend } from '../alerts/evaluation/spend.ts';
import { type RuleRow, toRules } from '../alerts/model.ts';
import { budgetsOf } from '../alerts/rules/budgets.ts';
import { selectRules } from '../alerts/store.ts';
import type { Deps } from '../deps.ts';
import { paletteOf } from '../explore/actions.ts';
import { createAnswers } from '../explore/answer.ts';
import { questionSchema } from '../explore/model.ts';
import { presentKeys } from '../keys/present.ts';
import { countDays, isoOrNull } from '../lib/day.ts';
import { resolveTimeZone } from '../lib/zone.ts';
import { checkRange } from '../usage/actions.ts';
import { readLedger } from '../usage/ledger.ts';
import { byEach, type FactsBy, factsBy, factsOf, type Range } from '../usage/model.ts';
import { resolvePeriod } from '../usage/periods.ts';
import { presentReconciled } from '../usage/sums/reconciliation.ts';
import { asOf } from '../usage/sums/stats.ts';
import { compare, headlineOf, totalsOf, watchedOf, whyOf, within } from './figures.ts';
import { type DashboardQuery, moneyOf, neededSince, rangesOf, weekOf } from './model.ts';

const QUESTION = questionSchema.parse({});
const TABLE_ROWS = 50;

const isHourly = ({ from, to }: Range): boolean => countDays(from, to) === 1;

type Summary = Awaited<ReturnType<typeof readLedger<RuleRow>>>;

function shownOf({ sources, rows, credits }: Summary, all: FactsBy, shown: Range, query: DashboardQuery) {
  const facts = { key: within(all.key, shown), model: within(all.model, shown), provider: within(all.provider, shown) };
  const marks = within(all.marks, shown);
  const rollup = isHourly(shown) ? 'hour' : 'day';
  const timed = rollup === 'hour' ? byEach(factsOf(rows().detailed, shown, true)) : facts;
  const answer = createAnswers(sources.keys, timed, shown, rollup);
  const figures = totalsOf(sources.keys, { ...facts, marks }, shown);
  const metric = moneyOf(query, figures.totals);
  return {
    range: shown,
    rollup,
    metric,
    ...figures,
    chart: answer({ ...QUESTION, by: query.by, metric }),
    models: answer({ ...QUESTION, by: 'model', metric: 'all_cost', top: TABLE_ROWS }),
    keys: answer({ ...QUESTION, by: 'key', metric: 'all_cost', top: TABLE_ROWS }),
    week: weekOf(credits(), shown, watchedOf(sources.keys)),
  } as const;
}

export async function getDashboard(deps: Deps, actor: Actor, query: DashboardQuery, viewerZone: string) {
  const userId = authorize(actor, 'read');
  const now = deps.now();
  const shown = checkRange(resolvePeriod(query, now, viewerZone));
  const ranges = rangesOf(shown, now);
  const isOwnZone = shown.zone === resolveTimeZone(viewerZone);
  const summary = await readLedger(deps, userId, ranges.all, {
    hours: isHourly(shown) ? 'all' : 'credits',
    since: neededSince(ranges, query.by),
    byHour: isHourly(shown) ? shown : null,
    isOwnZone,
    also: selectRules(deps.db, userId),
  });
  const facts = factsBy(summary.rows(), ranges.all, false);
  const { keys: covered, keyRows, upstreamKeys, accounts, managements, also: ruleRows } = summary.sources;
  const keys = presentKeys({ keys: keyRows, upstreamKeys, accounts, managements }, now, deps.config.retentionDays);
  const spend = createSpend(covered, [...factsOf(summary.spent, ranges.all, false), ...facts.key], shown.zone);
  const rules = toRules(ruleRows.filter(({ type }) => type === 'budget'));
  const drift = summary.findDrift(shown.from, shown.to).map((row) => presentReconciled(row, covered));
  const canCount = isOwnZone || rules.length === 0;
  const budgets = canCount ? budgetsOf(rules, keys, { spend, now, zone: shown.zone }) : null;
  const range = shownOf(summary, facts, shown, query);
  return {
    keys,
    headline: headlineOf({ now, zone: shown.zone, keys, spend }, ranges),
    shown: range,
    change: compare(spend, ranges.compared, range.metric === 'cost' ? 'credits' : 'byok'),
    /** Of credits alone. */
    why: range.metric === 'cost' ? whyOf(facts, ranges.compared) : null,
    comparedDays: ranges.compared && countDays(ranges.compared.now.from, ranges.compared.now.to),
    /** Budgets use the user's own zone; null: another zone is shown. */
    budgets,
    palette: paletteOf(summary.sources),
    attention: attentionOf(keys, drift, now, shown.zone, budgets ?? []),
    asOf: isoOrNull(asOf(covered)),
  };
}

export type Dashboard = Awaited<ReturnType<typeof getDashboard>>;
