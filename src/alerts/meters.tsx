/** Budgets as meters. */
import { formatPercent, formatUsd } from '../lib/format.ts';
import type { Budget } from './budgets.ts';

const PERIODS: Record<Budget['period'], string> = { day: 'today', week: 'this week', month: 'this month' };

/** How much of a budget is used. */
export const BudgetMeter = ({ budget: { name, amountUsd, spentUsd, period } }: { budget: Budget }) => (
  <div class="meter">
    <meter
      min={0}
      max={amountUsd}
      low={amountUsd * 0.8}
      high={amountUsd * 0.999}
      optimum={0}
      value={Math.min(spentUsd ?? 0, amountUsd)}
      aria-label={`Budget of ${name}: ${formatPercent(spentUsd === null ? null : spentUsd / amountUsd)} used`}
    >
      {formatPercent(spentUsd === null ? null : spentUsd / amountUsd)}
    </meter>
    <span>
      {formatUsd(spentUsd)} of {formatUsd(amountUsd)} {PERIODS[period]}
    </span>
  </div>
);

/** Budgets, the fullest first. */
export const BudgetList = ({ budgets }: { budgets: readonly Budget[] }) => (
  <ul class="rows">
    {budgets.map((budget) => (
      <li>
        <a href={`/alerts/rules/${budget.ruleId}`}>{budget.name}</a>
        <BudgetMeter budget={budget} />
      </li>
    ))}
  </ul>
);
