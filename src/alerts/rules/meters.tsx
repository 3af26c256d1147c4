import { Meter } from '../../http/pages/meter.tsx';
import { asKnown, formatKnownUsd, formatPercent, formatUsd } from '../../lib/format.ts';
import { BUDGET_TIMES, type Budget } from './budgets.ts';

const COUNTS: Record<Budget['counts'], string> = { credits: '', byok: ' BYOK', both: ' incl. BYOK' };

export const BudgetMeter = ({ budget }: { budget: Budget }) => {
  const { name, amountUsd, spentUsd, isComplete, percent, period, counts } = budget;
  const text = asKnown(formatPercent(percent === null ? null : percent / 100), isComplete);
  return (
    <Meter label={`Budget for ${name}`} percent={percent ?? 0} text={text} high={99}>
      {formatKnownUsd(spentUsd, isComplete)} of {formatUsd(amountUsd)}
      {COUNTS[counts]} {BUDGET_TIMES[period]}
    </Meter>
  );
};

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
