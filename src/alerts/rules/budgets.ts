/** Budgets as they stand: how much of each is used in its period. Pure. */
import { periodOf } from '../../lib/day.ts';
import { NANO, nanoFromUsd, usdFromNanoOrNull } from '../../lib/money.ts';
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
  /** Null: nothing is known of the period. */
  spentUsd: number | null;
  /** Is everything known that was spent? Otherwise it is a lower bound. */
  isComplete: boolean;
  /** How many whole percents of the amount are used; null: not known. */
  percent: number | null;
}

/** The period that goes on, in words. */
export const BUDGET_TIMES: Record<BudgetPeriod, string> = { day: 'today', week: 'this week', month: 'this month' };

/** Whole percents, so that 100 is not said before all is used. */
const percentOf = (nano: number, amountUsd: number): number => Math.floor((nano * 100) / Math.round(amountUsd * NANO));

/** The budgets among rules, the fullest first; those of one key and of all keys, or only those of the key that is asked for. */
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
        percent: nano === null ? null : percentOf(nano, rule.amount_usd),
      },
    ];
  });
  const share = ({ spentUsd, amountUsd }: Budget): number => (spentUsd ?? 0) / amountUsd;
  return budgets.sort((a, b) => share(b) - share(a));
}

/** Is all of a budget used? Compared in nano-dollars. */
export const isUsedUp = (budget: Budget): budget is Budget & { spentUsd: number } =>
  budget.spentUsd !== null && nanoFromUsd(budget.spentUsd) >= nanoFromUsd(budget.amountUsd);
