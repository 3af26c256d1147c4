/** What a month has cost so far, and where a period leads: the one figure that pages, budgets and digests tell. Pure. */
import type { Key } from '../../keys/advice.ts';
import { addDays, countDays, dayOf, HOUR_MS, periodOf, startOfMonth } from '../../lib/day.ts';
import { nanoFromUsd } from '../../lib/money.ts';
import { localDayOf, startOfLocalDay } from '../../lib/zone.ts';
import type { BudgetPeriod, Counts } from '../model.ts';
import type { Asked, Days, Spend } from './spend.ts';

/** What a month is told from. */
export interface Watched {
  now: number;
  zone: string;
  keys: readonly Pick<Key, 'id' | 'usage_monthly_usd' | 'byok_usage_monthly_usd' | 'last_synced_at'>[];
  spend: Spend;
}

/** A month so far, in nano-dollars. */
export interface MonthSpend {
  /** As far as it is known: of keys whose month the ledger does not know whole, what OpenRouter says of it, if that is more. */
  nano: number | null;
  /** Is that everything? Otherwise it is a lower bound. */
  isComplete: boolean;
  /** Of how many keys OpenRouter's figure stands, which is that of the UTC month. */
  upstreamKeys: number;
  /** Of how many keys a part of the month is not known at all. */
  partialKeys: number;
  /** What OpenRouter reports in all of the month of the keys of which the ledger does not know it whole; null: nothing. */
  reported: number | null;
  /** Of how many keys that is. */
  reportedKeys: number;
}

/** OpenRouter's own figure of a key's month; null: it says nothing, or of another month, or of the key's present text alone. */
function reportedOf({ spend }: Watched, key: Watched['keys'][number], month: string, counts: Counts): number | null {
  const { usage_monthly_usd: credits, byok_usage_monthly_usd: byok, last_synced_at: at } = key;
  const isCurrent = at !== null && startOfMonth(dayOf(Date.parse(at))) === month;
  if (!isCurrent || spend.isReplaced(key.id) || credits === null) return null;
  return (counts === 'byok' ? 0 : nanoFromUsd(credits)) + (counts === 'credits' ? 0 : nanoFromUsd(byok ?? 0));
}

const plus = (sum: number | null, amount: number | null): number | null => (amount === null ? sum : (sum ?? 0) + amount);

/** What was spent in the month that goes on. */
export function monthOf(watched: Watched, { key_id: keyId, counts }: Asked): MonthSpend {
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
    // What OpenRouter said before the key was paused, or could not be read any more, is not all.
    const isAll = isWhole || (reported !== null && spend.isCurrent(key.id));
    month.isComplete &&= isAll;
    if (isMore) month.upstreamKeys += 1;
    if (!isAll) month.partialKeys += 1;
  }
  return month;
}

/** So much of a day must be over before its own pace says something. */
const FORECAST_AFTER_MS = 6 * HOUR_MS;

/** What a day will have cost if it goes on like its hours so far. */
function forecastDay(spent: number, day: string, now: number, zone: string): number | null {
  const [start, end] = [startOfLocalDay(day, zone), startOfLocalDay(addDays(day, 1), zone)];
  const elapsed = now - start;
  return elapsed < FORECAST_AFTER_MS ? null : Math.round((spent / Math.min(elapsed, end - start)) * (end - start));
}

/** What a period will have cost if each day that is left, and the rest of today, go on at a pace. */
export function projectDays(spent: number, today: { day: string; spent: number }, pace: number, end: string): number {
  return Math.round(spent + Math.max(0, pace - today.spent) + pace * (countDays(today.day, end) - 1));
}

/**
 * What the present day, week or month will have cost at its end, in nano-dollars; null where too little is known. Weeks and months go on like
 * the last complete days, and a day like its hours so far.
 */
export function forecastOf(watched: Watched, asked: Asked, period: BudgetPeriod): number | null {
  const { now, zone, spend } = watched;
  const today = localDayOf(now, zone);
  const { from, to }: Days = periodOf(period, today);
  const spent = period === 'month' ? monthOf(watched, asked).nano : spend.ofDays(asked, from, today);
  if (spent === null) return null;
  if (period === 'day') return forecastDay(spent, today, now, zone);
  const pace = spend.paceOf(asked.key_id === null ? null : [asked.key_id], asked.counts, today);
  return pace === null ? null : projectDays(spent, { day: today, spent: spend.ofDays(asked, today, today) ?? 0 }, pace, to);
}

/** Does the forecast of a month hold everything: all of it so far, and the pace of every key that goes on? Otherwise it is a lower bound. */
export function isForecastComplete(watched: Watched, asked: Asked): boolean {
  const today = localDayOf(watched.now, watched.zone);
  return monthOf(watched, asked).isComplete && watched.spend.isPaceComplete(asked.key_id === null ? null : [asked.key_id], today);
}
