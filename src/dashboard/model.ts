/** What the dashboard shows first: how much, how fast, where, and what is wrong. Pure. */
import * as z from 'zod';
import { PACE_DAYS } from '../alerts/evaluation/spend.ts';
import type { Key } from '../keys/advice.ts';
import { addDays, countDays, HOUR_MS, listDays, startOfMonth, weekdayOf } from '../lib/day.ts';
import { nearestNano, usdFromNano } from '../lib/money.ts';
import { createLocalHours, localDayOf } from '../lib/zone.ts';
import type { Known } from '../usage/coverage/spans.ts';
import { DIMENSIONS, type Dimension, type Range } from '../usage/model.ts';
import { emptyAsAbsent, oneOf, periodBefore, periodFields } from '../usage/periods.ts';
import type { Since } from '../usage/rollup/build.ts';

export const MONEY = ['cost', 'byok_cost'] as const;
export type Money = (typeof MONEY)[number];

export const dashboardSchema = z.object({
  ...periodFields,
  by: emptyAsAbsent(oneOf(DIMENSIONS).default('model')),
  metric: emptyAsAbsent(oneOf(MONEY).optional()),
});
export type DashboardQuery = z.infer<typeof dashboardSchema>;

/** As asked for; else credits, or BYOK if there is nothing else. */
export const moneyOf = (
  { metric }: Pick<DashboardQuery, 'metric'>,
  { cost_usd: credits, byok_cost_usd: byok }: { cost_usd: number | null; byok_cost_usd: number | null },
): Money => metric ?? (byok && !credits ? 'byok_cost' : 'cost');

/** Longer ranges are not compared: a year would be read for one figure. */
const MAX_COMPARED_DAYS = 92;

export interface Ranges {
  shown: Range;
  /** The complete days shown and as many before; null: none, or too many. */
  compared: { now: Range; before: Range } | null;
  today: Range;
  yesterday: Range;
  month: Range;
  /** The complete days of this month and the same days of the last; null on the first day. */
  comparedMonth: { now: Range; before: Range } | null;
  pace: Range;
  all: Range;
}

/** Today is not over and is left out. */
function comparisonOf(shown: Range, today: string): Ranges['compared'] {
  const to = shown.to < today ? shown.to : addDays(today, -1);
  const days = countDays(shown.from, to);
  if (days < 1 || days > MAX_COMPARED_DAYS) return null;
  const now = { ...shown, to };
  return { now, before: periodBefore(now) };
}

function monthComparisonOf(month: Range): Ranges['comparedMonth'] {
  const lastFirst = startOfMonth(addDays(month.from, -1));
  const days = Math.min(countDays(month.from, month.to) - 1, countDays(lastFirst, month.from) - 1);
  if (days < 1) return null;
  const fullDays = (from: string): Range => ({ ...month, from, to: addDays(from, days - 1) });
  return { now: fullDays(month.from), before: fullDays(lastFirst) };
}

export function rangesOf(shown: Range, now: number): Ranges {
  const today = localDayOf(now, shown.zone);
  const between = (from: string, to: string): Range => ({ ...shown, from, to });
  const month = between(startOfMonth(today), today);
  const compared = comparisonOf(shown, today);
  const comparedMonth = monthComparisonOf(month);
  const pace = between(addDays(today, -PACE_DAYS), addDays(today, -1));
  const starts = [shown, month, pace, compared?.before, comparedMonth?.before].flatMap((range) => range?.from ?? []);
  return {
    shown,
    compared,
    today: between(today, today),
    yesterday: between(addDays(today, -1), addDays(today, -1)),
    month,
    comparedMonth,
    pace,
    all: between(starts.sort()[0] ?? shown.from, shown.to > today ? shown.to : today),
  };
}

/**
 * First local day for which each part of a rollup is needed. Models and keys are compared with the days before; the month and budgets need keys.
 */
export function neededSince({ shown, compared, month, pace }: Ranges, by: Dimension): Since {
  const { from } = shown;
  const before = compared?.before.from ?? from;
  const keys = [before, month.from, pace.from].sort()[0] ?? from;
  return { keys, models: before, credits: from, drift: from, ...(by === 'provider' && { providers: from }) };
}

/**
 * Each account once; null: unknown. Only active management keys: others have old figures, and their account may have another reader now.
 */
export function balanceOf(keys: readonly Pick<Key, 'balance_usd' | 'managed_by' | 'status'>[]): number | null {
  const balances = keys.flatMap(({ balance_usd: balance, managed_by: leader, status }) =>
    balance === null || leader !== null || status !== 'active' ? [] : balance,
  );
  return balances.length === 0 ? null : usdFromNano(balances.reduce((sum, balance) => sum + nearestNano(balance), 0));
}

/** Nano-dollars by hour of a UTC day; null or missing: unknown. */
interface HourlyRow {
  day: string;
  isSpent: boolean;
  credits: readonly (number | null)[];
}

/** Credits by hour of a UTC day in nano-dollars. Null: the day has spend but no hourly data. */
function hoursOfDay(rows: readonly HourlyRow[]): (number | null)[] | null {
  const hours = Array<number | null>(24).fill(null);
  for (const { credits } of rows) {
    for (let hour = 0; hour < credits.length; hour++) {
      const amount = credits[hour] ?? null;
      if (amount !== null) hours[hour] = (hours[hour] ?? 0) + amount;
    }
  }
  return hours.every((amount) => amount === null) && rows.some(({ isSpent }) => isSpent) ? null : hours;
}

/** Average USD by weekday (from Monday) and local hour. Null: never watched. Days without hourly data do not count. */
export function weekOf(rows: readonly HourlyRow[], range: Range, watched: readonly Known[]): (number | null)[][] {
  const localHourOf = createLocalHours(range.zone);
  const [nano, count] = [new Float64Array(7 * 24), new Uint16Array(7 * 24)];
  const rowsOf = Map.groupBy(rows, ({ day }) => day);
  for (const day of listDays(addDays(range.from, -1), addDays(range.to, 1))) {
    const hours = hoursOfDay(rowsOf.get(day) ?? []) ?? [];
    for (let hour = 0; hour < hours.length; hour++) {
      const amount = hours[hour] ?? null;
      const { at, date, clock } = localHourOf(day, hour);
      if (date < range.from || date > range.to) continue;
      if (amount === null && !watched.some(({ since, until }) => at + HOUR_MS > since && at < until)) continue;
      const cell = weekdayOf(date) * 24 + clock;
      nano[cell] = (nano[cell] ?? 0) + (amount ?? 0);
      count[cell] = (count[cell] ?? 0) + 1;
    }
  }
  const usd = Array.from(nano, (sum, cell) => (count[cell] ? sum / count[cell] / 1e9 : null));
  return Array.from({ length: 7 }, (_, weekday) => usd.slice(weekday * 24, weekday * 24 + 24));
}
