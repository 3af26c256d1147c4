import { DAY_MS, MINUTE_MS, startOfDay } from '../../lib/day.ts';
import { isListed, type StoredKey, type StoredUpstreamKey } from './stored.ts';
import { isWithin, type Known, spanOf } from './spans.ts';

/** The unit that sources report on, compared and selected by secret. */
export interface CoveredSecret {
  keyId: number;
  upstreamKeyId: number;
  isListed: boolean;
  counters: Known | null;
  analytics: Known | null;
  isManaged: boolean;
  isBehind: boolean;
  isPresent: boolean;
}

/** Spend at the end of a day may be reported this late. */
export const LATE_MS = 15 * MINUTE_MS;

export const endOfDay = (day: string): number => startOfDay(day) + DAY_MS + LATE_MS;

export const isAnalyzed = (day: string, { analytics }: Pick<CoveredSecret, 'analytics'>): boolean =>
  analytics !== null && isWithin(day, analytics) && analytics.until >= endOfDay(day);

/** Counted, but never listed: unknown to analytics. */
export const isForeign = ({ isListed: isKnown, counters }: CoveredSecret): boolean => !isKnown && counters !== null;

export const secretOf = (key: Pick<StoredKey, 'id' | 'kind' | 'hash'>, upstreamKey: StoredUpstreamKey): CoveredSecret => ({
  keyId: key.id,
  upstreamKeyId: upstreamKey.id,
  isListed: isListed(upstreamKey),
  counters: key.kind === 'management' && upstreamKey.hash === key.hash ? null : spanOf(upstreamKey.seriesStartedAt, upstreamKey.lastSampleAt),
  analytics: upstreamKey.reportedUntil === null ? null : { since: startOfDay(upstreamKey.doneFrom ?? ''), until: upstreamKey.reportedUntil },
  isManaged: upstreamKey.isManaged,
  isBehind: upstreamKey.isBehind,
  isPresent: upstreamKey.hash === key.hash,
});
