/** Current usage of budgets. Pure. */
import { periodOf } from '../../lib/day.ts';
import { nearestNano, usdFromNanoOrNull } from '../../lib/money.ts';
import { localDayOf } from '../../lib/zone.ts';
import type { Spend } from '../evaluation/spend.ts';
import type { BudgetPeriod, Counts, Rule } from '../model.ts';

export interface Budget {
  ruleId: number;
  name: string;
  keyId: number | null;
  period: BudgetPeriod;
  counts: Counts;
  amountUsd: number;
  /** Null: unknown. */
  spentUsd: number | null;
  /** False: a lower bound. */
  isComplete: boolean;
  /** Whole percent of the amount; null: unknown. */
  percent: number | null;
}

export const BUDGET_TIMES: Record<BudgetPeriod, string> = { day: 'today', week: 'this week', month: 'this month' };

/** Rounded down: 100 means that all of it is used. */
const wholePercentOf = (nano: number, amountUsd: number): number => Math.floor((nano * 100) / nearestNano(amountUsd));

/** Highest usage first. Budgets of keys that are not in `keys` are left out. */
export function budgetsOf(
  rules: readonly Rule[],
  keys: readonly { id: number; name: string }[],
  { spend, now, zone }: { spend: Spend; now: number; zone: string },
): Budget[] {
  const today = localDayOf(now, zone);
  const budgets = rules.flatMap((rule): Budget[] => {
    if (rule.type !== 'budget') return [];
    const { from } = periodOf(rule.period, today);
    const key = keys.find(({ id }) => id === rule.key_id);
    if (rule.key_id !== null && !key) return [];
    const nano = spend.ofDays(rule, from, today);
    return [
      {
        ruleId: rule.id,
        name: rule.name ?? key?.name ?? 'All keys',
        keyId: rule.key_id,
        period: rule.period,
        counts: rule.counts,
        amountUsd: rule.amount_usd,
        spentUsd: usdFromNanoOrNull(nano),
        isComplete: spend.isComplete(rule.key_id, from, today),
        percent: nano === null ? null : wholePercentOf(nano, rule.amount_usd),
      },
    ];
  });
  const share = ({ spentUsd, amountUsd }: Budget): number => (spentUsd ?? 0) / amountUsd;
  return budgets.sort((a, b) => share(b) - share(a));
}

/** Compared in nano-dollars. */
export const isUsedUp = (budget: Budget): budget is Budget & { spentUsd: number } =>
  budget.spentUsd !== null && nearestNano(budget.spentUsd) >= nearestNano(budget.amountUsd);
