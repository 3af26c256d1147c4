import { HeatMap } from '../charts/heat-map.tsx';
import { AnswerChart } from '../explore/chart.tsx';
import { gapsText, nothingText, unplacedText } from '../explore/gaps.tsx';
import { BY_LABELS, type KeyNames, keyNamesOf, rangeLabel } from '../explore/labels.ts';
import { metricOf } from '../explore/model.ts';
import { AskForm, Choice } from '../http/forms/fields.tsx';
import type { FormFailure } from '../http/forms/form-failure.ts';
import { AsOf } from '../http/pages/as-of.tsx';
import { Frame } from '../http/pages/layout.tsx';
import { createPages, type View } from '../http/pages/page.tsx';
import { answerQuery, withFailure } from '../http/pages/page-query.ts';
import { formatByok, formatDay, formatKnownUsd, formatMonth, formatUsd } from '../lib/format.ts';
import { DIMENSIONS } from '../usage/model.ts';
import { DateFields, PERIOD_LABELS, ZoneField } from '../usage/period-fields.tsx';
import { periodQuery, queryOf } from '../usage/periods.ts';
import { type Dashboard, getDashboard } from './actions.ts';
import { Change, Headline } from './headline.tsx';
import { type DashboardQuery, dashboardSchema, MONEY, type Money } from './model.ts';
import { Rankings } from './rankings.tsx';
import { AttentionList, Budgets, Limits, Welcome } from './state.tsx';
import { Why } from './why-card.tsx';

export const dashboardPages = createPages();

const FORM = '/dashboard';
const NAMED_DAYS = 5;
/** Seconds, while something is in progress. */
const REFRESH_S = '20';

interface FiltersProps {
  query: DashboardQuery;
  shown: Dashboard['shown'];
  viewerZone: string;
  failure: FormFailure | null;
}

const hrefWith = (query: DashboardQuery, change: Partial<DashboardQuery>): string => {
  const changed = { ...query, ...change };
  return `${FORM}?${queryOf({ ...periodQuery(changed), by: changed.by, metric: changed.metric })}`;
};

const MONEY_LABELS: Record<Money, string> = { cost: 'Credits', byok_cost: 'BYOK' };

const Filters = ({ query, shown, viewerZone, failure }: FiltersProps) => {
  const hasDates = query.range === 'custom' || failure?.errors['from'] !== undefined || failure?.errors['to'] !== undefined;
  return (
    <div class="bar">
      <Choice
        label="Range"
        chosen={query.range}
        options={PERIOD_LABELS.map(([range, label]) => [
          range,
          label,
          hrefWith(query, range === 'custom' ? { range, from: shown.range.from, to: shown.range.to } : { range }),
        ])}
      />
      <Choice
        label="Group by"
        chosen={query.by}
        options={DIMENSIONS.map((by) => [by, `By ${BY_LABELS[by].toLowerCase()}`, hrefWith(query, { by })])}
      />
      {(shown.totals.byok_cost_usd || query.metric) && (
        <Choice
          label="Metric"
          chosen={shown.metric}
          options={MONEY.map((metric) => [metric, MONEY_LABELS[metric], hrefWith(query, { metric })])}
        />
      )}
      <AskForm action={FORM} class="inline">
        <input type="hidden" name="range" value={hasDates ? 'custom' : query.range} />
        <input type="hidden" name="by" value={query.by} />
        <input type="hidden" name="metric" value={query.metric ?? ''} />
        {hasDates && <DateFields range={shown.range} />}
        <ZoneField zone={shown.range.tz} viewerZone={viewerZone} />
        <button type="submit" class="quiet">
          Show
        </button>
      </AskForm>
    </div>
  );
};

const Approximate = ({ days }: { days: readonly string[] }) => (
  <p class="hint">
    Approximate days: {days.slice(0, NAMED_DAYS).map(formatDay).join('; ')}
    {days.length > NAMED_DAYS && ` and ${days.length - NAMED_DAYS} more`} (spend may shift by one day)
  </p>
);

const SpendHead = ({
  query,
  dashboard: { shown, change, comparedDays, keys, headline },
}: {
  query: DashboardQuery;
  dashboard: Dashboard;
}) => {
  const { totals } = shown;
  const byok = formatByok(totals.byok_cost_usd, totals.is_complete);
  const question = queryOf({ ...periodQuery(query), metric: shown.metric, by: query.by, rollup: shown.rollup });
  const { month } = headline;
  return (
    <>
      <div class="head">
        <h2>
          Spend{' '}
          <data id="total" class="figure" value={totals.cost_usd === null ? '' : String(totals.cost_usd)}>
            {formatKnownUsd(totals.cost_usd, totals.is_complete)}
          </data>
          {byok && <span class="byok"> {byok}</span>}
        </h2>
        <span class="links">
          <a href={`/explore?${question}`}>Explore</a>
          <a href={`/explore/export?${question}&format=csv`}>Download CSV</a>
        </span>
      </div>
      <p class="hint head">
        <span>{rangeLabel(shown.range)}</span>
        {comparedDays !== null && <Change change={change} than={daysBefore(comparedDays)} />}
        {shown.gaps.length > 0 && totals.cost_usd !== null && <span>{gapsText(shown.gaps, keys.length, shown.range.zone)}</span>}
        {shown.gaps.length > 0 && month.reportedUsd !== null && shown.range.to >= month.from && (
          <span>
            OpenRouter reports {formatUsd(month.reportedUsd)} {formatByok(month.reportedByokUsd, true)} for {formatMonth(month.from)} (UTC)
            {month.reportedKeys < keys.length && `, ${month.reportedKeys === 1 ? '1 key' : `${month.reportedKeys} keys`}`}
          </span>
        )}
      </p>
    </>
  );
};

const daysBefore = (days: number): string => (days === 1 ? 'previous day' : `previous ${days} days`);

interface SpendProps {
  query: DashboardQuery;
  dashboard: Dashboard;
  keyNames: KeyNames;
  now: number;
}

const Spend = ({ query, dashboard, keyNames, now }: SpendProps) => {
  const { chart, rollup, metric, totals, approximateDays, range } = dashboard.shown;
  const rest = queryOf({ tz: query.tz, by: query.by, metric: query.metric });
  const name = metricOf(metric).label;
  const dayHref = (day: string) => `${FORM}?range=custom&from=${day}&to=${day}&${rest}`;
  return (
    <section class="card wide">
      <SpendHead query={query} dashboard={dashboard} />
      {chart.series.length === 0 && <p class="empty">{nothingText(metric, chart, totals.byok_cost_usd)}</p>}
      {(chart.series.length > 0 || (chart.total !== null && !chart.isComplete)) && (
        <AnswerChart
          id="spend-chart"
          title={`${name} by ${rollup} and ${query.by}, ${rangeLabel(range)}`}
          description={`Spend by ${query.by} for each ${rollup}, ${formatKnownUsd(chart.total, chart.isComplete)} in total.`}
          answer={chart}
          metric={metric}
          rollup={rollup}
          range={range}
          now={now}
          keyNames={keyNames}
          palette={dashboard.palette}
          {...(rollup === 'day' && { hrefOf: dayHref })}
        />
      )}
      {rollup === 'hour' && chart.unplaced ? <p class="hint">{unplacedText(metric, chart.unplaced)}</p> : null}
      {approximateDays.length > 0 && <Approximate days={approximateDays} />}
    </section>
  );
};

const Week = ({ shown }: Pick<Dashboard, 'shown'>) => (
  <section class="card">
    <div class="head">
      <h2>Hours of the week</h2>
      <span class="hint">average credits per hour{!shown.totals.is_complete && ', known hours only'}</span>
    </div>
    {shown.week.some((row) => row.some((amount) => amount !== null && amount > 0)) ? (
      <HeatMap
        id="week-map"
        title="Spend by weekday and hour"
        description={`Average credits for each hour of the week, in ${shown.range.tz}. Days without hourly data are left out.`}
        cells={shown.week}
        format={(usd) => formatKnownUsd(usd, shown.totals.is_complete)}
      />
    ) : (
      <p class="empty">
        {shown.week.some((row) => row.some((amount) => amount !== null))
          ? `No credits spent${shown.totals.is_complete ? '' : ', known hours only'}.`
          : 'No hourly data yet.'}
      </p>
    )}
  </section>
);

async function showDashboard(view: View) {
  const viewerZone = view.viewer?.timeZone ?? 'UTC';
  const {
    query: question,
    answered,
    failure,
  } = await answerQuery(view, FORM, dashboardSchema, (query) => getDashboard(view.deps, view.actor, query, viewerZone));
  const { asOf, keys, shown, attention, budgets } = answered;
  const now = view.deps.now();
  const keyNames = keyNamesOf(keys);
  // A single day already shows its hours in the chart.
  const hasWeek = shown.range.from < shown.range.to;
  const isRunning = attention.some(({ tone }) => tone === 'info');
  const why = answered.why !== null && answered.comparedDays !== null && (
    <Why
      query={question}
      why={answered.why}
      than={daysBefore(answered.comparedDays)}
      isComplete={answered.change.isComplete}
      keyNames={keyNames}
    />
  );
  const rendered = (
    <Frame title="Dashboard" here={FORM} view={withFailure(view, failure)}>
      <div class="head" {...(isRunning && { 'data-refresh': REFRESH_S })}>
        <h1>Dashboard</h1>
        <AsOf at={asOf} zone={shown.range.zone} now={now} />
      </div>
      {keys.length === 0 && <Welcome />}
      <Headline {...answered} />
      <Filters query={question} shown={shown} viewerZone={viewerZone} failure={failure} />
      <div class="board">
        <Spend query={question} dashboard={answered} keyNames={keyNames} now={now} />
        <div class={hasWeek ? 'column' : 'column wide'}>
          <AttentionList items={attention} />
          {budgets?.length !== 0 && <Budgets budgets={budgets} viewerZone={viewerZone} href={hrefWith(question, { tz: viewerZone })} />}
          <Limits keys={keys} />
        </div>
        {(hasWeek || why) && (
          <div class={hasWeek ? 'column' : 'column wide'}>
            {hasWeek && <Week shown={shown} />}
            {why}
          </div>
        )}
        <Rankings query={question} shown={shown} palette={answered.palette} keyNames={keyNames} />
      </div>
    </Frame>
  );
  return view.c.html(rendered, failure ? 422 : 200);
}

dashboardPages.page(FORM, 'session', showDashboard);
