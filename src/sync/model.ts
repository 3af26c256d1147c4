/** Rules of reading an account: which days come next, what a reading settles, how a wide query is split. Pure. Days are UTC. */
import type { Account, UpstreamKey } from '../inventory/model.ts';
import { finest, HOURLY_REACH_DAYS, historyRead, type Read, type ReadState, wantedFrom } from '../inventory/progress.ts';
import { addDays, countDays, dayOf, earlier, HOUR_MS, later, startOfDay } from '../lib/day.ts';
import { moneyOfDay, type UsageCell } from '../usage/booking/cells.ts';
import { endOfDay } from '../usage/coverage/secrets.ts';

/** Completed days. Source: OpenRouter's OpenAPI specification */
export const ACTIVITY_DAYS = 30;
/** Before this time `/activity` may lack some of yesterday. */
export const ACTIVITY_FROM_MS = 2 * HOUR_MS;
/** Counters that did not move for this long are in analytics. */
const CAUGHT_UP_MS = 3 * HOUR_MS;

export function recentRead(key: ReadState, today: string, retentionDays: number): Read | null {
  const oldest = wantedFrom(key, today, retentionDays);
  if (key.doneFrom === null) return finest('recent', later(oldest, addDays(today, 1 - HOURLY_REACH_DAYS)), today, today);
  return key.isAtRest ? null : finest('recent', later(oldest, key.openFrom ?? today), today, today);
}

/** Splits a query that was too wide, in the order to ask; null: it cannot be narrower. */
export function narrow(read: Read, maxDays: number | null): Read[] | null {
  const days = countDays(read.from, read.to);
  if (days > 1) {
    const first = maxDays !== null && maxDays < days ? maxDays : Math.ceil(days / 2);
    if (read.part === 'recent') {
      const to = addDays(read.from, first - 1);
      return [
        { ...read, to },
        { ...read, from: addDays(to, 1) },
      ];
    }
    const from = addDays(read.to, 1 - first);
    return [
      { ...read, from },
      { ...read, to: addDays(from, -1) },
    ];
  }
  if (read.granularity === 'hour') return [{ ...read, granularity: 'day' }];
  return read.withProvider ? [{ ...read, withProvider: false }] : null;
}

export type ReadProgress = Pick<UpstreamKey, 'doneFrom' | 'openFrom' | 'readAt' | 'readUsageNano' | 'readByokUsageNano' | 'isSettled'>;

const progress = (key: ReadState): ReadProgress => ({
  doneFrom: key.doneFrom,
  openFrom: key.openFrom,
  readAt: key.readAt,
  readUsageNano: key.readUsageNano,
  readByokUsageNano: key.readByokUsageNano,
  isSettled: key.isSettled,
});

/** True with all of today's spend, or if counters stood still for hours. Early in the day, the end of yesterday may be missing. */
function isComplete(key: ReadState, cells: readonly UsageCell[], at: number): boolean {
  if (key.countedAt !== null && at - key.countedAt >= CAUGHT_UP_MS) return true;
  const [cost, byok] = moneyOfDay(cells, dayOf(at));
  const isEarly = at - startOfDay(dayOf(at)) < CAUGHT_UP_MS;
  return !isEarly && cost >= (key.usageDailyNano ?? 0) && byok >= (key.byokUsageDailyNano ?? 0);
}

/** Yesterday and today stay open: spend is reported late. @param at when it was asked, epoch milliseconds */
export function afterRead(key: ReadState, read: Read, cells: readonly UsageCell[], at: number, today: string): ReadProgress {
  const before = progress(key);
  if (read.part === 'history') return { ...before, doneFrom: read.from };
  const doneFrom = key.doneFrom ?? read.from;
  const open = later(doneFrom, addDays(today, -1));
  if (read.to < today) return { ...before, doneFrom, openFrom: earlier(addDays(read.to, 1), open) };
  return {
    doneFrom,
    openFrom: open,
    readAt: at,
    readUsageNano: key.usageNano,
    readByokUsageNano: key.byokUsageNano,
    isSettled: isComplete(key, cells, at),
  };
}

/** OpenRouter has forgotten the key: nothing more to read. */
export const afterGivingUp = (key: ReadState, at: number, today: string, retentionDays: number): ReadProgress => ({
  doneFrom: key.doneFrom ?? wantedFrom(key, today, retentionDays),
  openFrom: key.openFrom ?? today,
  readAt: at,
  readUsageNano: key.usageNano,
  readByokUsageNano: key.byokUsageNano,
  isSettled: true,
});

/** Are these days settled, so that the account's total can be compared? */
export function isReadThrough(key: ReadState, { from, to }: Pick<Read, 'from' | 'to'>, today: string, retentionDays: number): boolean {
  if (key.doneFrom === null || key.doneFrom > later(from, wantedFrom(key, today, retentionDays))) return false;
  return key.isAtRest || (key.readAt !== null && key.readAt >= endOfDay(to));
}

export type AccountProgress = Pick<Account, 'doneFrom' | 'openFrom'>;

/**
 * Completed days only: new ones and the one before them again, then history. Null: nothing, or a key is not read that far.
 * @param keys without paused ones
 * @param maxDays of history per query
 */
export function accountRead(
  account: AccountProgress & Pick<Account, 'listedAt'>,
  keys: readonly ReadState[],
  today: string,
  retentionDays: number,
  maxDays: number,
): Read | null {
  const { doneFrom, openFrom, listedAt } = account;
  const yesterday = addDays(today, -1);
  const oldest = wantedFrom({ createdAt: 0 }, today, retentionDays);
  const first = later(oldest, addDays(today, 1 - HOURLY_REACH_DAYS));
  const open = openFrom === null ? first : later(doneFrom ?? oldest, addDays(openFrom, -1));
  const isDue = openFrom === null || openFrom <= yesterday;
  const recent = isDue && open <= yesterday ? finest('recent', open, yesterday, today) : null;
  for (const read of [recent, historyRead({ doneFrom, createdAt: 0 }, today, retentionDays, maxDays)]) {
    const isListed = read !== null && listedAt !== null && listedAt >= endOfDay(read.to);
    if (isListed && keys.every((key) => isReadThrough(key, read, today, retentionDays))) return read;
  }
  return null;
}

export function afterAccountRead({ doneFrom, openFrom }: AccountProgress, read: Read): AccountProgress {
  return read.part === 'history' ? { doneFrom: read.from, openFrom } : { doneFrom: doneFrom ?? read.from, openFrom: addDays(read.to, 1) };
}
