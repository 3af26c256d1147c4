/** What rules are decided from, and the periods that they speak of. Pure. */
import type { Key } from '../keys/advice.ts';
import { addDays, startOfDay } from '../lib/day.ts';
import type { Fact } from '../usage/model.ts';
import { startOfMonth } from '../usage/periods.ts';
import type { BudgetPeriod, Rule } from './model.ts';
import type { Spend } from './spend.ts';

/** Everything that rules are decided from. */
export interface Situation {
  now: number;
  zone: string;
  keys: readonly Key[];
  spend: Spend;
  /** Of the days that rules look at. */
  facts: readonly Fact[];
}

/** The local days of the period that contains a day, both inclusive. */
export function periodOf(period: BudgetPeriod, day: string): { from: string; to: string } {
  if (period === 'day') return { from: day, to: day };
  if (period === 'week') {
    const from = addDays(day, -((new Date(startOfDay(day)).getUTCDay() + 6) % 7));
    return { from, to: addDays(from, 6) };
  }
  const from = startOfMonth(day);
  return { from, to: addDays(startOfMonth(addDays(from, 31)), -1) };
}

/** What a rule is about, as events name it. */
export const subjectOf = (keyId: number | null): string => (keyId === null ? 'all' : `key:${keyId}`);

/** The keys that a rule is about. */
export const keysOf = ({ key_id: keyId }: Pick<Rule, 'key_id'>, keys: readonly Key[]): Key[] =>
  keys.filter(({ id }) => keyId === null || keyId === id);
