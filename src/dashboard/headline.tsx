import type { PropsWithChildren } from 'hono/jsx';
import { asKnown, formatByok, formatChange, formatCompact, formatDayShort, formatKnownUsd, formatUsd } from '../lib/format.ts';
import type { Dashboard } from './actions.ts';

interface TileProps {
  label: string;
  value: string;
  exact: number | null;
}

const Tile = ({ label, value, exact, children }: PropsWithChildren<TileProps>) => (
  <div class="tile">
    <dt>{label}</dt>
    <dd>
      <data class="figure" value={exact === null ? '' : String(exact)}>
        {value}
      </data>
      {children}
    </dd>
  </div>
);

/** Without color: more spend is neither good nor bad. */
export const Change = ({ change: { share, isComplete }, than }: { change: Dashboard['change']; than: string }) =>
  share === null ? null : (
    <span class="change">
      {formatChange(share)} vs {than}
      {!isComplete && ', known keys only'}
    </span>
  );

const Byok = ({ usd, isComplete }: { usd: number | null; isComplete: boolean }) => {
  const text = formatByok(usd, isComplete);
  return text && <span class="hint">{text}</span>;
};

const keysText = (count: number): string => (count === 1 ? '1 key' : `${count} keys`);

const firstDaysTo = (day: string): string => (day.endsWith('-01') ? formatDayShort(day) : `1–${formatDayShort(day)}`);

const Month = ({ month }: Pick<Dashboard['headline'], 'month'>) => (
  <>
    <Tile label="This month" value={formatKnownUsd(month.usd, month.isComplete)} exact={month.usd}>
      {month.comparedTo !== null && <Change change={month.change} than={firstDaysTo(month.comparedTo)} />}
      {month.upstreamKeys > 0 && <span class="hint">includes OpenRouter’s UTC month total for {keysText(month.upstreamKeys)}</span>}
      <Byok usd={month.byokUsd} isComplete={month.isComplete} />
      {month.partialKeys > 0 && month.usd !== null && <span class="hint">at least; partly unknown for {keysText(month.partialKeys)}</span>}
    </Tile>
    <Tile label="Projected this month" value={formatKnownUsd(month.projectedUsd, month.isProjectedComplete)} exact={month.projectedUsd}>
      <span class="hint">{month.projectedUsd === null ? 'available after 3 full days' : 'based on last 7 days'}</span>
      <Byok usd={month.projectedByokUsd} isComplete={month.isProjectedComplete} />
    </Tile>
  </>
);

export const Headline = ({ headline, shown }: Dashboard) => {
  const { today, month, balanceUsd } = headline;
  const { totals, uncounted } = shown;
  const isCounted = totals.is_count_complete;
  const tokens = totals.prompt_tokens === null ? null : totals.prompt_tokens + (totals.completion_tokens ?? 0);
  return (
    <dl class="tiles">
      <Tile label="Today" value={formatKnownUsd(today.usd, today.isComplete)} exact={today.usd}>
        {today.yesterday.usd !== null && (
          <span class="hint">yesterday {formatKnownUsd(today.yesterday.usd, today.yesterday.isComplete)}</span>
        )}
        <Byok usd={today.byokUsd} isComplete={today.isComplete} />
      </Tile>
      <Month month={month} />
      <Tile label="Balance" value={formatUsd(balanceUsd)} exact={balanceUsd}>
        <span class="hint">{balanceUsd === null ? 'needs a management key' : 'all accounts'}</span>
      </Tile>
      <Tile label="Requests in range" value={asKnown(formatCompact(totals.requests), isCounted)} exact={totals.requests}>
        {totals.requests === null && <span class="hint">needs a management key</span>}
        {totals.requests !== null && !isCounted && <span class="hint">at least; partly unknown for {keysText(uncounted.length)}</span>}
      </Tile>
      <Tile label="Tokens in range" value={asKnown(formatCompact(tokens), isCounted)} exact={tokens}>
        {totals.cached_tokens !== null && totals.cached_tokens > 0 && (
          <span class="hint">incl. {asKnown(formatCompact(totals.cached_tokens), isCounted)} cached</span>
        )}
      </Tile>
    </dl>
  );
};
