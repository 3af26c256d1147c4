import { addDays, countDays, dayOf, earlier, later } from '../lib/day.ts';
import type { AnalyticsQuery } from '../openrouter/analytics.ts';
import type { UpstreamKey } from './model.ts';

/** How far back hours and providers can be asked for, today included. Source: OpenRouter's documentation of analytics */
export const HOURLY_REACH_DAYS = 31;

/** How far back days can be asked for; OpenRouter's documents differ (365, 367), so the smaller. */
export const DAILY_REACH_DAYS = 365;

/** What of an upstream key decides about its readings. */
export type ReadState = Pick<
  UpstreamKey,
  | 'createdAt'
  | 'vanishedAt'
  | 'countedAt'
  | 'usageNano'
  | 'usageDailyNano'
  | 'byokUsageNano'
  | 'byokUsageDailyNano'
  | 'doneFrom'
  | 'openFrom'
  | 'readAt'
  | 'readUsageNano'
  | 'readByokUsageNano'
  | 'isSettled'
  | 'isAtRest'
>;

/** Days to be asked for in one query, both included. */
export interface Read extends Pick<AnalyticsQuery, 'from' | 'to' | 'granularity' | 'withProvider'> {
  /** `recent`: from what is still open up to the present, oldest days first; `history`: before that, newest days first. */
  part: 'recent' | 'history';
}

/** The oldest day that is wanted: as far as OpenRouter and the retention reach, and not before the key was made. */
export function wantedFrom({ createdAt }: Pick<ReadState, 'createdAt'>, today: string, retentionDays: number): string {
  const kept = later(addDays(today, 1 - DAILY_REACH_DAYS), addDays(today, -retentionDays));
  return earlier(today, later(kept, dayOf(createdAt)));
}

const hourly = (part: Read['part'], from: string, to: string): Read => ({ part, from, to, granularity: 'hour', withProvider: true });

const daily = (part: Read['part'], from: string, to: string): Read => ({ part, from, to, granularity: 'day', withProvider: false });

/** The range in its finest form: by the hour where that is within reach, of what lies further back the days. */
export function finest(part: Read['part'], from: string, to: string, today: string): Read {
  const edge = addDays(today, 1 - HOURLY_REACH_DAYS);
  if (from >= edge) return hourly(part, from, to);
  if (to < edge) return daily(part, from, to);
  return part === 'recent' ? daily(part, from, addDays(edge, -1)) : hourly(part, edge, to);
}

/** What is still missing of the past, its newest part first, or null. */
export function historyRead(
  key: Pick<ReadState, 'doneFrom' | 'createdAt'>,
  today: string,
  retentionDays: number,
  maxDays = DAILY_REACH_DAYS,
): Read | null {
  const oldest = wantedFrom(key, today, retentionDays);
  if (key.doneFrom === null || key.doneFrom <= oldest) return null;
  const to = addDays(key.doneFrom, -1);
  const read = finest('history', oldest, to, today);
  return { ...read, from: later(read.from, addDays(to, 1 - maxDays)) };
}

/** How much of what is wanted was read, in days. */
export function progressOf(
  key: Pick<ReadState, 'doneFrom' | 'createdAt'>,
  today: string,
  retentionDays: number,
): { done: number; total: number } {
  const oldest = wantedFrom(key, today, retentionDays);
  const total = countDays(oldest, today);
  return { done: key.doneFrom === null ? 0 : Math.min(total, countDays(later(oldest, key.doneFrom), today)), total };
}
