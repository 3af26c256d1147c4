/** The verb of the dashboard: everything that its page shows, from one reading of the ledger. */
import { type Actor, authorize } from '../actor.ts';
import { budgetsOf } from '../alerts/budgets.ts';
import { toRules } from '../alerts/model.ts';
import { createSpend } from '../alerts/spend.ts';
import { selectRules } from '../alerts/store.ts';
import type { Deps } from '../deps.ts';
import { createAnswers } from '../explore/answer.ts';
import { type Dimension, questionSchema } from '../explore/model.ts';
import { presentKeys } from '../keys/present.ts';
import { countDays, dayOf } from '../lib/day.ts';
import { resolveTimeZone } from '../lib/zone.ts';
import { checkRange, type Ledger, readLedger, statsOf } from '../usage/actions.ts';
import { type Fact, factsOf, type Range } from '../usage/model.ts';
import { resolvePeriod } from '../usage/periods.ts';
import { compare, createCosts, headlineOf, monthsOf, spansOf, within } from './figures.ts';
import { attentionOf, type DashboardQuery, rangesOf, weekOf } from './model.ts';

const QUESTION = questionSchema.parse({});
/** Rows of the tables of models and keys. */
const TABLE_ROWS = 50;

/** A single day is shown by the hour. */
const isHourly = ({ from, to }: Range): boolean => countDays(from, to) === 1;

/** The shown range: its totals, its chart, and the rows of its tables. */
function shownOf(ledger: Ledger, facts: readonly Fact[], shown: Range, by: Dimension, now: number) {
  const { sources, rows } = ledger;
  const inRange = within(facts, shown);
  const rollup = isHourly(shown) ? 'hour' : 'day';
  const timed = rollup === 'hour' ? factsOf(rows, shown, true) : inRange;
  const answer = createAnswers(sources.keys, timed, shown, rollup);
  return {
    range: shown,
    rollup,
    stats: statsOf(ledger, inRange, shown, dayOf(now)),
    chart: answer({ ...QUESTION, by }),
    models: answer({ ...QUESTION, by: 'model', top: TABLE_ROWS }),
    keys: answer({ ...QUESTION, by: 'key', top: TABLE_ROWS }),
    week: weekOf(rows, shown, spansOf(sources)),
  } as const;
}

/** Everything that the dashboard shows. */
export async function getDashboard(deps: Deps, actor: Actor, query: DashboardQuery, viewerZone: string) {
  const userId = authorize(actor, 'read');
  const now = deps.now();
  const shown = checkRange(resolvePeriod(query, now, viewerZone));
  const ranges = rangesOf(shown, now);
  const fineness = { hours: isHourly(shown) ? 'all' : 'credits', detailFrom: shown.from } as const;
  const ledger = await readLedger(deps, userId, ranges.all, fineness, { also: selectRules(deps.db, userId) });
  const facts = factsOf(ledger.rows, ranges.all, false);
  const { keyRows, upstreamKeys, managements } = ledger.sources;
  const keys = presentKeys({ keys: keyRows, upstreamKeys, managements }, now, deps.config.retentionDays);
  const costs = createCosts(ledger.sources, facts, shown);
  const months = monthsOf(ledger.sources, keys, facts, ranges);
  const rules = toRules(ledger.sources.also.filter(({ type }) => type === 'budget'));
  const inShown = shownOf(ledger, facts, shown, query.by, now);
  return {
    keys,
    headline: headlineOf(costs, months, keys, ranges),
    shown: inShown,
    change: compare(costs, months, ranges.compared),
    comparedDays: ranges.compared && countDays(ranges.compared.now.from, ranges.compared.now.to),
    // They count in the user's own zone.
    budgets:
      shown.zone === resolveTimeZone(viewerZone)
        ? budgetsOf(rules, keys, { spend: createSpend(ledger.sources.keys, facts, shown.zone), now, zone: shown.zone })
        : [],
    attention: attentionOf(keys, inShown.stats.drift, now, shown.zone),
    asOf: inShown.stats.as_of,
  };
}

export type Dashboard = Awaited<ReturnType<typeof getDashboard>>;
