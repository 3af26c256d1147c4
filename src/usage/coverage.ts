/** What is known of a key's spend, since when and until when, and from which source. Pure. */
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS, startOfDay } from '../lib/day.ts';
import type { Source } from './model.ts';

/** An interval of instants. */
export interface Known {
  since: number;
  until: number;
}

export interface CoveredKey {
  id: number;
  name: string;
  /** Whether the sync reads it: neither paused nor invalid, and, if it is known through a management key, that one neither. */
  isRead: boolean;
  counters: Known | null;
  analytics: Known | null;
  /** It stands for what an account spends, or spent, outside of its keys. */
  isOutside: boolean;
  /** Its text is read through a management key that is read itself. */
  isManaged: boolean;
  /** Its counters know a text that no account lists: analytics do not know all of its spend. */
  hasForeignText: boolean;
  /** Hash of its present text. */
  hash: string;
}

/** What is stored of a key. */
export interface StoredKey {
  id: number;
  name: string;
  kind: 'inference' | 'management' | 'discovered';
  hash: string;
  /** Hashes of the texts that it had before and whose counters are in its days. */
  formerTexts: readonly string[];
  /** First sample of the present text. */
  seriesStartedAt: number | null;
  isActive: boolean;
  health: string;
  knownSince: number | null;
  knownUntil: number | null;
}

/** What is stored of a key as OpenRouter knows it. */
export interface StoredReading {
  apiKeyId: number;
  managementId: number | null;
  hash: string | null;
  createdAt: number;
  doneFrom: string | null;
  openFrom: string | null;
  readAt: number | null;
  usageNano: number | null;
  byokUsageNano: number | null;
  readUsageNano: number | null;
  readByokUsageNano: number | null;
  isSettled: boolean;
  vanishedAt: number | null;
}

/** Were the counters read to the end: nothing moved since the last complete reading? */
export const isAtRest = (reading: Omit<StoredReading, 'apiKeyId' | 'managementId'>): boolean =>
  reading.isSettled && reading.usageNano === reading.readUsageNano && reading.byokUsageNano === reading.readByokUsageNano;

/** Until when analytics hold everything: the last listing if nothing moved since the last reading, else that reading. */
function readUntil(reading: StoredReading, listedAt: number | null): number {
  if (reading.hash === null) return startOfDay(reading.openFrom ?? reading.doneFrom ?? '1970-01-01');
  const readAt = reading.readAt ?? 0;
  return isAtRest(reading) ? Math.max(readAt, listedAt ?? 0) : readAt;
}

/** What analytics know of all of a key's texts. Of a text that no account lists they know nothing. */
function analyticsOf(key: StoredKey, readings: readonly StoredReading[], completeAts: ReadonlyMap<number, number | null>): Known | null {
  const begun = readings.filter(({ doneFrom, hash, readAt }) => doneFrom !== null && (readAt !== null || hash === null));
  if (begun.length === 0) return null;
  // A text that is read back to the day on which it was made leaves nothing unknown before that.
  const first = Math.min(...begun.map(({ doneFrom }) => startOfDay(doneFrom ?? '')));
  const unread = begun.flatMap(({ doneFrom, createdAt }) => (doneFrom !== null && doneFrom > dayOf(createdAt) ? startOfDay(doneFrom) : []));
  const since = Math.max(first, ...unread);
  const untils = begun.map((reading) => readUntil(reading, completeAts.get(reading.managementId ?? 0) ?? null));
  const isListed = key.kind === 'management' || begun.some(({ hash }) => hash === key.hash);
  const until = Math.min(...untils, ...(isListed || key.seriesStartedAt === null ? [] : [key.seriesStartedAt]));
  return until > since ? { since, until } : null;
}

/** Do the counters of a key know a text that no account lists? One that was never counted, such as a mistyped one, spent nothing here. */
function hasForeignText({ kind, hash, seriesStartedAt, formerTexts }: StoredKey, readings: readonly StoredReading[]): boolean {
  const counted = seriesStartedAt === null ? formerTexts : [...formerTexts, hash];
  return kind === 'inference' && counted.some((text) => readings.every((reading) => reading.hash !== text));
}

const clip = (known: Known | null, keptSince: number): Known | null =>
  known === null || known.until < keptSince ? null : { since: Math.max(known.since, keptSince), until: known.until };

/**
 * What is known of keys since `keptSince`, the retention's edge: what was deleted is not known any more.
 * @param completeAts when the account of each management key was last listed in full
 */
export function coverageOf(
  keys: readonly StoredKey[],
  readings: readonly StoredReading[],
  completeAts: ReadonlyMap<number, number | null>,
  keptSince: number,
): CoveredKey[] {
  const isSound = (key: StoredKey | undefined) => key?.isActive === true && key.health !== 'invalid';
  const isManager = (key: StoredKey | undefined) => isSound(key) && key?.kind === 'management';
  const byId = new Map(keys.map((key) => [key.id, key]));
  const byKey = Map.groupBy(readings, ({ apiKeyId }) => apiKeyId);
  return keys.map((key) => {
    const own = byKey.get(key.id) ?? [];
    const present = own.find(({ hash }) => hash === key.hash);
    const isManaged = isManager(byId.get(present?.managementId ?? 0));
    const analytics = clip(analyticsOf(key, own, completeAts), keptSince);
    const counters = key.knownSince === null || key.knownUntil === null ? null : { since: key.knownSince, until: key.knownUntil };
    return {
      id: key.id,
      name: key.name,
      isRead: key.kind !== 'management' && isSound(key) && (key.kind !== 'discovered' || isManaged),
      counters: key.kind === 'management' ? null : clip(counters, keptSince),
      analytics,
      isOutside: key.kind === 'management' || own.some(({ hash }) => hash === null),
      isManaged,
      hasForeignText: hasForeignText(key, own),
      hash: key.hash,
    };
  });
}

/** The same spans without overlaps, in order. */
export function mergeSpans(spans: readonly Known[]): Known[] {
  const merged: Known[] = [];
  for (const { since, until } of spans.toSorted((a, b) => a.since - b.since)) {
    const last = merged.at(-1);
    if (last && since <= last.until) last.until = Math.max(last.until, until);
    else merged.push({ since, until });
  }
  return merged;
}

/** Since when anything is known of a key, and from which source at most. */
export function describeCoverage({ counters, analytics }: CoveredKey): { knownSince: number | null; source: Source | null } {
  const since = [counters, analytics].flatMap((known) => known?.since ?? []);
  const source = analytics ? 'analytics' : counters ? 'counters' : null;
  return { knownSince: since.length > 0 ? Math.min(...since) : null, source };
}

/** What was spent at the end of a day may show so late. */
export const LATE_MS = 15 * MINUTE_MS;
/** Analytics may be behind the counters by this much before the counters speak in their place. */
const MAX_BEHIND_MS = 3 * HOUR_MS;

/** Have analytics stopped while the counters go on: nobody reads them any more, or they failed for hours? */
function areBehind({ analytics, counters, isManaged }: CoveredKey): boolean {
  if (!analytics || !counters) return false;
  return counters.until - analytics.until > (isManaged ? MAX_BEHIND_MS : 0);
}

/** Until when all spend of a key is in the figures. */
export const knownUntil = (key: CoveredKey): number | null =>
  (areBehind(key) ? key.counters?.until : (key.analytics?.until ?? key.counters?.until)) ?? null;

/** Is the UTC day, or a part of it, inside a known interval? */
export const isWithin = (day: string, known: Known): boolean => dayOf(known.since) <= day && known.until > startOfDay(day);

/** Were analytics read after everything of the day was told? */
export const isAnalysed = (day: string, { analytics, isOutside }: CoveredKey): boolean =>
  analytics !== null && isWithin(day, analytics) && analytics.until >= startOfDay(day) + DAY_MS + (isOutside ? 0 : LATE_MS);

/** What a source says of a day: credits and BYOK spend in nano-dollars. */
export interface Money {
  costNano: number;
  byokCostNano: number;
}

export const NOTHING: Money = { costNano: 0, byokCostNano: 0 };

/** The sum of two amounts. */
export const addMoney = (a: Money, b: Money): Money => ({
  costNano: a.costNano + b.costNano,
  byokCostNano: a.byokCostNano + b.byokCostNano,
});

/** Do the counters know more money, and of neither kind less? */
export const knowMore = (counted: Money, spent: Money): boolean =>
  counted.costNano >= spent.costNano &&
  counted.byokCostNano >= spent.byokCostNano &&
  counted.costNano + counted.byokCostNano > spent.costNano + spent.byokCostNano;

/**
 * Do the counters speak for a day of which there are analytics? Where they know more money, and analytics left the day unfinished or do
 * not know all of the key's texts. Counters know one text at a time, so not where several of them spent.
 * @param texts how many of the key's texts spent on the day, by analytics
 */
export function isOvertaken(
  day: string,
  key: CoveredKey,
  counted: (Money & { isEstimated: boolean }) | null,
  spent: Money,
  texts: number,
): boolean {
  const isDone = isAnalysed(day, key);
  const isOpen = areBehind(key) && !isDone;
  if (!counted || texts > 1 || !(isOpen || (key.hasForeignText && !counted.isEstimated))) return false;
  return knowMore(counted, spent);
}
