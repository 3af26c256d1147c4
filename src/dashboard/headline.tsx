/** The figures at the top of the dashboard. */
import type { PropsWithChildren } from 'hono/jsx';
import { formatChange, formatCompact, formatDayShort, formatKnownUsd, formatUsd } from '../lib/format.ts';
import type { Dashboard } from './actions.ts';

interface TileProps {
  label: string;
  value: string;
  /** The figure as a number in full; null: not known. */
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

/** More spend is neither good nor bad, so a change has no colour. */
export const Change = ({ change, than }: { change: number | null; than: string }) =>
  change === null ? null : (
    <span class="change">
      {formatChange(change)} on {than}
    </span>
  );

/** What went to the user's own provider keys, if anything did. */
const Byok = ({ usd, isComplete }: { usd: number | null; isComplete: boolean }) =>
  usd ? <span class="hint">besides {formatKnownUsd(usd, isComplete)} BYOK</span> : null;

/** Today, this month and where it leads, the balance, and what was asked of the models. */
export const Headline = ({ headline, shown }: Dashboard) => {
  const { today, month, balanceUsd } = headline;
  const { totals } = shown;
  const tokens = totals.prompt_tokens === null ? null : totals.prompt_tokens + (totals.completion_tokens ?? 0);
  return (
    <dl class="tiles">
      <Tile label="Today" value={formatKnownUsd(today.usd, today.isComplete)} exact={today.usd}>
        {today.yesterday.usd !== null && (
          <span class="hint">yesterday {formatKnownUsd(today.yesterday.usd, today.yesterday.isComplete)}</span>
        )}
        <Byok usd={today.byokUsd} isComplete={today.isComplete} />
      </Tile>
      <Tile label="This month" value={formatKnownUsd(month.usd, month.isComplete)} exact={month.usd}>
        {month.comparedTo !== null && <Change change={month.change} than={`last month to ${formatDayShort(month.comparedTo)}`} />}
        {month.upstreamKeys > 0 && (
          <span class="hint">with OpenRouter’s own (UTC) month of {month.upstreamKeys === 1 ? '1 key' : `${month.upstreamKeys} keys`}</span>
        )}
        <Byok usd={month.byokUsd} isComplete={month.isComplete} />
        {month.partialKeys > 0 && (
          <span class="hint">at least: a part of it is not known of {month.partialKeys === 1 ? '1 key' : `${month.partialKeys} keys`}</span>
        )}
      </Tile>
      <Tile label="Month end, projected" value={formatUsd(month.projectedUsd)} exact={month.projectedUsd}>
        <span class="hint">{month.projectedUsd === null ? 'needs three full days' : 'at the pace of the last 7 days'}</span>
      </Tile>
      <Tile label="Balance" value={formatUsd(balanceUsd)} exact={balanceUsd}>
        <span class="hint">{balanceUsd === null ? 'needs a management key' : 'of all accounts'}</span>
      </Tile>
      <Tile label="Requests in range" value={formatCompact(totals.requests)} exact={totals.requests}>
        {totals.requests === null && <span class="hint">needs a management key</span>}
      </Tile>
      <Tile label="Tokens in range" value={formatCompact(tokens)} exact={tokens}>
        {totals.cached_tokens !== null && totals.cached_tokens > 0 && (
          <span class="hint">{formatCompact(totals.cached_tokens)} of them cached</span>
        )}
      </Tile>
    </dl>
  );
};
