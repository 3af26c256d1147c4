/** Secrets: what is known of each, as the upstream key in which OpenRouter knows it. Pure. */
import { DAY_MS, MINUTE_MS, startOfDay } from '../../lib/day.ts';
import { isListed, type StoredKey, type StoredUpstreamKey } from './stored.ts';
import { isWithin, type Known, spanOf } from './spans.ts';

/** One secret of a key: the unit that sources tell of, and so the one in which they are compared and one of them is taken. */
export interface CoveredSecret {
  keyId: number;
  upstreamKeyId: number;
  /** An account lists it, or did. */
  isListed: boolean;
  counters: Known | null;
  analytics: Known | null;
  /** It is read through a management key that is read itself. */
  isManaged: boolean;
  /** Analytics have stopped while the counters go on. */
  isBehind: boolean;
  /** The key has it now; its counters go on. */
  isPresent: boolean;
}

/** What was spent at the end of a day may show so late. */
export const LATE_MS = 15 * MINUTE_MS;

/** When everything that was spent on a day is told. */
export const endOfDay = (day: string): number => startOfDay(day) + DAY_MS + LATE_MS;

/** Were analytics read after everything of the day was told? */
export const isAnalysed = (day: string, { analytics }: Pick<CoveredSecret, 'analytics'>): boolean =>
  analytics !== null && isWithin(day, analytics) && analytics.until >= endOfDay(day);

/** A secret that was counted and that no account ever listed: analytics know nothing of it. */
export const isForeign = ({ isListed: isKnown, counters }: CoveredSecret): boolean => !isKnown && counters !== null;

/** The secret of a upstreamKey. */
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
