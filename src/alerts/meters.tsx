/** Budgets as meters. */
import { asKnown, formatKnownUsd, formatPercent, formatUsd } from '../lib/format.ts';
import { BUDGET_TIMES, type Budget } from './budgets.ts';

const COUNTS: Record<Budget['counts'], string> = { credits: '', byok: ' of BYOK', both: ' with BYOK' };

/** How much of a budget is used. Its scale is whole percents: amounts in binary fractions may miss their own threshold. */
export const BudgetMeter = ({ budget }: { budget: Budget }) => {
  const { name, amountUsd, spentUsd, isComplete, percent, period, counts } = budget;
  const text = asKnown(formatPercent(percent === null ? null : percent / 100), isComplete);
  return (
    <div class="meter">
      <meter
        min={0}
        max={100}
        low={79}
        high={99}
        optimum={0}
        value={Math.min(percent ?? 0, 100)}
        aria-label={`Budget of ${name}: ${text} used`}
      >
        {text}
      </meter>
      <span>
        {formatKnownUsd(spentUsd, isComplete)} of {formatUsd(amountUsd)}
        {COUNTS[counts]} {BUDGET_TIMES[period]}
      </span>
    </div>
  );
};

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
