/** Month to date and projections, for pages, budgets and digests alike. Pure. */
import type { Key } from '../../keys/advice.ts';
import { addDays, countDays, dayOf, HOUR_MS, periodOf, startOfMonth } from '../../lib/day.ts';
import { nanoFromUsd } from '../../lib/money.ts';
import { localDayOf, startOfLocalDay } from '../../lib/zone.ts';
import type { BudgetPeriod, Counts } from '../model.ts';
import type { Days, Spend, SpendQuery } from './spend.ts';

export interface Watched {
  now: number;
  zone: string;
  keys: readonly Pick<Key, 'id' | 'usage_monthly_usd' | 'byok_usage_monthly_usd' | 'last_synced_at'>[];
  spend: Spend;
}

export interface MonthSpend {
  /** Lower bound of the spend: for keys with an incomplete month, OpenRouter's figure if that is higher. */
  nano: number | null;
  isComplete: boolean;
  /** Keys whose figure is OpenRouter's, for the UTC month. */
  upstreamKeys: number;
  partialKeys: number;
  /** OpenRouter's total for keys with an incomplete month; null: none. */
  reported: number | null;
  reportedKeys: number;
}

/** OpenRouter's month of a key; null: missing, of another month, or of the current secret alone. */
function reportedOf({ spend }: Watched, key: Watched['keys'][number], month: string, counts: Counts): number | null {
  const { usage_monthly_usd: credits, byok_usage_monthly_usd: byok, last_synced_at: at } = key;
  const isCurrent = at !== null && startOfMonth(dayOf(Date.parse(at))) === month;
  if (!isCurrent || spend.isReplaced(key.id) || credits === null) return null;
  return (counts === 'byok' ? 0 : nanoFromUsd(credits)) + (counts === 'credits' ? 0 : nanoFromUsd(byok ?? 0));
}

const plus = (sum: number | null, amount: number | null): number | null => (amount === null ? sum : (sum ?? 0) + amount);

export function monthOf(watched: Watched, { key_id: keyId, counts }: SpendQuery): MonthSpend {
  const { now, zone, keys, spend } = watched;
  const today = localDayOf(now, zone);
  const from = startOfMonth(today);
  const asked = keys.filter(({ id }) => keyId === null || id === keyId);
  const month: MonthSpend = { nano: null, isComplete: asked.length > 0, upstreamKeys: 0, partialKeys: 0, reported: null, reportedKeys: 0 };
  for (const key of asked) {
    const known = spend.ofDays({ key_id: key.id, counts }, from, today);
    const isWhole = spend.isComplete(key.id, from, today);
    const reported = isWhole ? null : reportedOf(watched, key, from, counts);
    const isMore = reported !== null && reported > (known ?? 0);
    month.nano = plus(month.nano, isMore ? reported : (known ?? reported));
    month.reported = plus(month.reported, reported);
    if (reported !== null) month.reportedKeys += 1;
    // What OpenRouter reported before a key was paused or failed is not complete.
    const isAll = isWhole || (reported !== null && spend.isCurrent(key.id));
    month.isComplete &&= isAll;
    if (isMore) month.upstreamKeys += 1;
    if (!isAll) month.partialKeys += 1;
  }
  return month;
}

/** Earlier in the day its pace says too little. */
const FORECAST_AFTER_MS = 6 * HOUR_MS;

function forecastDay(spent: number, day: string, now: number, zone: string): number | null {
  const [start, end] = [startOfLocalDay(day, zone), startOfLocalDay(addDays(day, 1), zone)];
  const elapsed = now - start;
  return elapsed < FORECAST_AFTER_MS ? null : Math.round((spent / Math.min(elapsed, end - start)) * (end - start));
}

export function projectDays(spent: number, today: { day: string; spent: number }, pace: number, end: string): number {
  return Math.round(spent + Math.max(0, pace - today.spent) + pace * (countDays(today.day, end) - 1));
}

/** Nano-dollars or null. Weeks and months continue at the pace of the last complete days, days at that of their hours so far. */
export function forecastOf(watched: Watched, asked: SpendQuery, period: BudgetPeriod): number | null {
  const { now, zone, spend } = watched;
  const today = localDayOf(now, zone);
  const { from, to }: Days = periodOf(period, today);
  const spent = period === 'month' ? monthOf(watched, asked).nano : spend.ofDays(asked, from, today);
  if (spent === null) return null;
  if (period === 'day') return forecastDay(spent, today, now, zone);
  const pace = spend.paceOf(asked.key_id === null ? null : [asked.key_id], asked.counts, today);
  return pace === null ? null : projectDays(spent, { day: today, spent: spend.ofDays(asked, today, today) ?? 0 }, pace, to);
}

/** Both the month to date and the pace of every active key are complete; otherwise the forecast is a lower bound. */
export function isForecastComplete(watched: Watched, asked: SpendQuery): boolean {
  const today = localDayOf(watched.now, watched.zone);
  return monthOf(watched, asked).isComplete && watched.spend.isPaceComplete(asked.key_id === null ? null : [asked.key_id], today);
}
