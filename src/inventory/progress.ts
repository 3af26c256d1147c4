/** How far back OpenRouter was read, and what is missing. Days are UTC. */
import { addDays, countDays, dayOf, earlier, later } from '../lib/day.ts';
import type { AnalyticsQuery } from '../openrouter/analytics.ts';
import type { UpstreamKey } from './model.ts';

/** How far back hours and providers are available, today included. Source: OpenRouter's documentation of analytics */
export const HOURLY_REACH_DAYS = 31;

/** How far back days are available. OpenRouter's documents differ (365, 367); this is the smaller. */
export const DAILY_REACH_DAYS = 365;

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

export interface Read extends Pick<AnalyticsQuery, 'from' | 'to' | 'granularity' | 'withProvider'> {
  /** `recent`: open days up to now, oldest first; `history`: before that, newest first. */
  part: 'recent' | 'history';
}

/** Limited by OpenRouter's reach, the retention, and the key's creation. */
export function wantedFrom({ createdAt }: Pick<ReadState, 'createdAt'>, today: string, retentionDays: number): string {
  const kept = later(addDays(today, 1 - DAILY_REACH_DAYS), addDays(today, -retentionDays));
  return earlier(today, later(kept, dayOf(createdAt)));
}

const hourly = (part: Read['part'], from: string, to: string): Read => ({ part, from, to, granularity: 'hour', withProvider: true });

const daily = (part: Read['part'], from: string, to: string): Read => ({ part, from, to, granularity: 'day', withProvider: false });

export function finest(part: Read['part'], from: string, to: string, today: string): Read {
  const edge = addDays(today, 1 - HOURLY_REACH_DAYS);
  if (from >= edge) return hourly(part, from, to);
  if (to < edge) return daily(part, from, to);
  return part === 'recent' ? daily(part, from, addDays(edge, -1)) : hourly(part, edge, to);
}

/** What is missing of the past, newest part first; null: nothing. */
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

export function progressOf(
  key: Pick<ReadState, 'doneFrom' | 'createdAt'>,
  today: string,
  retentionDays: number,
): { done: number; total: number } {
  const oldest = wantedFrom(key, today, retentionDays);
  const total = countDays(oldest, today);
  return { done: key.doneFrom === null ? 0 : Math.min(total, countDays(later(oldest, key.doneFrom), today)), total };
}
