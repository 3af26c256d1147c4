/** What is known of a key's spend, since when and until when, and from which source. Pure. */
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS, startOfDay } from '../lib/day.ts';
import type { Source } from './model.ts';

/** An interval of instants. */
export interface Known {
  since: number;
  until: number;
}

/**
 * One secret of a key, or what an account spent without a key: the unit that sources tell of, and so the one in which they are compared and one of
 * them is taken.
 */
export interface CoveredSecret {
  keyId: number;
  /** Null: what an account spent without a key. */
  hash: string | null;
  /** Null: no account lists it. */
  upstreamKeyId: number | null;
  counters: Known | null;
  analytics: Known | null;
  /** It is read through a management key that is read itself. */
  isManaged: boolean;
  /** The key has it now; its counters go on. */
  isPresent: boolean;
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
  /** Its present secret is read through a management key that is read itself. */
  isManaged: boolean;
  secrets: readonly CoveredSecret[];
  /** It had other texts, whose counters are in its days. */
  isReplaced: boolean;
  /** When all of its spend is known, up to now where it is still read: also before it was made, when it spent nothing. */
  whole: readonly Known[];
}

/** A secret that a key had before, with its first and last sample. */
export interface FormerText extends Known {
  hash: string;
}

/** What is stored of a key. */
export interface StoredKey {
  id: number;
  name: string;
  kind: 'inference' | 'management' | 'discovered';
  hash: string;
  /** Those whose counters are in its days. */
  formerTexts: readonly FormerText[];
  /** First and last sample of the present text. */
  seriesStartedAt: number | null;
  lastSampleAt: number | null;
  isActive: boolean;
  health: string;
  knownSince: number | null;
  knownUntil: number | null;
}

/** What is stored of a key as OpenRouter knows it. */
export interface StoredReading {
  id: number;
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
export const isAtRest = (reading: Omit<StoredReading, 'id' | 'apiKeyId' | 'managementId'>): boolean =>
  reading.isSettled && reading.usageNano === reading.readUsageNano && reading.byokUsageNano === reading.readByokUsageNano;

/** Until when analytics hold everything: the last listing if nothing moved since the last reading, else that reading. */
function readUntil(reading: StoredReading, listedAt: number | null): number {
  if (reading.hash === null) return startOfDay(reading.openFrom ?? reading.doneFrom ?? '1970-01-01');
  const readAt = reading.readAt ?? 0;
  return isAtRest(reading) ? Math.max(readAt, listedAt ?? 0) : readAt;
}

const isBegun = ({ doneFrom, hash, readAt }: StoredReading): boolean => doneFrom !== null && (readAt !== null || hash === null);

/** What analytics know of all of a key's texts. Of a text that no account lists they know nothing. */
function analyticsOf(key: StoredKey, readings: readonly StoredReading[], completeAts: ReadonlyMap<number, number | null>): Known | null {
  const begun = readings.filter(isBegun);
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

/** A key is read every hour; one that was not read for so long may have spent something meanwhile. */
const FRESH_MS = 3 * HOUR_MS;
/** What an account spends outside of its keys is known when a day is over and all keys are read. */
const FRESH_OUTSIDE_MS = 2 * DAY_MS;

const ALWAYS: readonly Known[] = [{ since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }];

/** Have analytics of a key been read back to the day on which each of its texts was made? */
const isReadToBirth = (readings: readonly StoredReading[]): boolean =>
  readings.every(({ doneFrom, createdAt }) => doneFrom !== null && doneFrom <= dayOf(createdAt));

/** A secret that was counted and that no account lists: analytics know nothing of it. */
const isForeign = ({ hash, upstreamKeyId, counters }: CoveredSecret): boolean =>
  hash !== null && upstreamKeyId === null && counters !== null;

/**
 * When all of a key's spend is known. The first sample of counters tells what its day held before it.
 */
function wholeOf(
  key: Omit<CoveredKey, 'whole'>,
  readings: readonly StoredReading[],
  { keptSince, now, isSound }: { keptSince: number; now: number; isSound: boolean },
): readonly Known[] {
  const { counters, analytics, isOutside } = key;
  const spans: Known[] = [];
  if (counters) spans.push({ since: Math.max(keptSince, startOfDay(dayOf(counters.since))), until: counters.until });
  if (analytics && !key.secrets.some(isForeign)) {
    spans.push({ since: isReadToBirth(readings) ? keptSince : analytics.since, until: analytics.until });
  }
  const isFresh = (until: number): boolean =>
    (isOutside ? isSound : key.isRead) && until >= now - (isOutside ? FRESH_OUTSIDE_MS : FRESH_MS);
  return mergeSpans(spans).map(({ since, until }) => ({ since, until: isFresh(until) ? Number.POSITIVE_INFINITY : until }));
}

const clip = (known: Known | null, keptSince: number): Known | null =>
  known === null || known.until < keptSince ? null : { since: Math.max(known.since, keptSince), until: known.until };

/** What analytics know of one secret. */
function analyticsOfSecret(reading: StoredReading | undefined, completeAts: ReadonlyMap<number, number | null>): Known | null {
  if (reading === undefined || !isBegun(reading)) return null;
  const [since, until] = [startOfDay(reading.doneFrom ?? ''), readUntil(reading, completeAts.get(reading.managementId ?? 0) ?? null)];
  return until > since ? { since, until } : null;
}

const spanOf = (since: number | null, until: number | null): Known | null => (since === null || until === null ? null : { since, until });

/** The secrets that a key has and had: those that were sampled here, and those that an account lists. */
function secretsOf(
  key: StoredKey,
  readings: readonly StoredReading[],
  clipped: (known: Known | null) => Known | null,
  analytics: (reading: StoredReading | undefined) => Known | null,
  isManaged: (reading: StoredReading | undefined) => boolean,
): CoveredSecret[] {
  const counted = new Map<string, Known | null>(key.formerTexts.map(({ hash, since, until }) => [hash, { since, until }]));
  counted.set(key.hash, key.kind === 'management' ? null : spanOf(key.seriesStartedAt, key.lastSampleAt));
  const secretOf = (hash: string | null, reading: StoredReading | undefined): CoveredSecret => ({
    keyId: key.id,
    hash,
    upstreamKeyId: reading?.id ?? null,
    counters: clipped((hash !== null && counted.get(hash)) || null),
    analytics: clipped(analytics(reading)),
    isManaged: isManaged(reading),
    isPresent: hash === key.hash,
  });
  const listed = readings.map((reading) => secretOf(reading.hash, reading));
  const names = new Set(readings.map(({ hash }) => hash));
  return [...listed, ...[...counted.keys()].filter((hash) => !names.has(hash)).map((hash) => secretOf(hash, undefined))];
}

/**
 * What is known of keys since `keptSince`, the retention's edge: what was deleted is not known any more.
 * @param completeAts when the account of each management key was last listed in full
 */
export function coverageOf(
  keys: readonly StoredKey[],
  readings: readonly StoredReading[],
  completeAts: ReadonlyMap<number, number | null>,
  keptSince: number,
  now: number,
): CoveredKey[] {
  const isSound = (key: StoredKey | undefined) => key?.isActive === true && key.health !== 'invalid';
  const isManager = (key: StoredKey | undefined) => isSound(key) && key?.kind === 'management';
  const byId = new Map(keys.map((key) => [key.id, key]));
  const byKey = Map.groupBy(readings, ({ apiKeyId }) => apiKeyId);
  const isManaged = (reading: StoredReading | undefined) => isManager(byId.get(reading?.managementId ?? 0));
  const clipped = (known: Known | null) => clip(known, keptSince);
  return keys.map((key) => {
    const own = byKey.get(key.id) ?? [];
    const present = own.find(({ hash }) => hash === key.hash);
    const covered = {
      id: key.id,
      name: key.name,
      isRead: key.kind !== 'management' && isSound(key) && (key.kind !== 'discovered' || isManaged(present)),
      counters: key.kind === 'management' ? null : clipped(spanOf(key.knownSince, key.knownUntil)),
      analytics: clipped(analyticsOf(key, own, completeAts)),
      isOutside: key.kind === 'management' || own.some(({ hash }) => hash === null),
      isManaged: isManaged(present),
      secrets: secretsOf(key, own, clipped, (reading) => analyticsOfSecret(reading, completeAts), isManaged),
      isReplaced: key.formerTexts.length > 0,
    };
    // A management key runs no model: nothing is missing where another one reads its account.
    const isSilent = key.kind === 'management' && own.length === 0;
    return { ...covered, whole: isSilent ? ALWAYS : wholeOf(covered, own, { keptSince, now, isSound: isSound(key) }) };
  });
}

/** What is known of a key at all, from either source. */
export const spansOf = ({ counters, analytics }: Pick<CoveredKey, 'counters' | 'analytics'>): Known[] =>
  [counters, analytics].filter((span) => span !== null);

/** Do two spans have an instant in common? */
export const overlaps = (a: Known, b: Known): boolean => a.since < b.until && b.since < a.until;

/** Is all of a key's spend known from one instant to the other? */
export const isWhole = ({ whole }: Pick<CoveredKey, 'whole'>, { since, until }: Known): boolean =>
  whole.some((span) => span.since <= since && span.until >= until);

/** Secrets, by the ways in which ledger rows name them. */
export interface Secrets {
  /** The secret of a row of counters; null where its key is gone. */
  counted(row: { apiKeyId: number; hash: string }): CoveredSecret | null;
  /** The secret that an account lists. */
  listed(upstreamKeyId: number): CoveredSecret | null;
}

/** Finds the secrets of keys. A row of a secret that nothing else is known of stands for itself. */
export function createSecrets(keys: readonly CoveredKey[]): Secrets {
  const all = keys.flatMap(({ secrets }) => secrets);
  const byHash = new Map(all.flatMap((secret) => (secret.hash === null ? [] : [[secret.hash, secret] as const])));
  const byId = new Map(all.flatMap((secret) => (secret.upstreamKeyId === null ? [] : [[secret.upstreamKeyId, secret] as const])));
  const byKey = new Map(keys.map((key) => [key.id, key]));
  return {
    listed: (upstreamKeyId) => byId.get(upstreamKeyId) ?? null,
    counted({ apiKeyId, hash }) {
      const [key, known] = [byKey.get(apiKeyId), byHash.get(hash)];
      if (known || !key) return known ?? null;
      const { counters } = key;
      return { keyId: apiKeyId, hash, upstreamKeyId: null, counters, analytics: null, isManaged: false, isPresent: false };
    },
  };
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
function areBehind({ analytics, counters, isManaged }: Pick<CoveredKey, 'analytics' | 'counters' | 'isManaged'>): boolean {
  if (!analytics || !counters) return false;
  return counters.until - analytics.until > (isManaged ? MAX_BEHIND_MS : 0);
}

/** Until when all spend of a key is in the figures. */
export const knownUntil = (key: CoveredKey): number | null =>
  (areBehind(key) ? key.counters?.until : (key.analytics?.until ?? key.counters?.until)) ?? null;

/** Is the UTC day, or a part of it, inside a known interval? */
export const isWithin = (day: string, known: Known): boolean => dayOf(known.since) <= day && known.until > startOfDay(day);

/** Were analytics read after everything of the day was told? */
export const isAnalysed = (day: string, { analytics, hash }: Pick<CoveredSecret, 'analytics' | 'hash'>): boolean =>
  analytics !== null && isWithin(day, analytics) && analytics.until >= startOfDay(day) + DAY_MS + (hash === null ? 0 : LATE_MS);

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

/** Do the counters speak for a day of which there are analytics? Where they know more money, and analytics left the day unfinished. */
export const isOvertaken = (day: string, secret: CoveredSecret, counted: Money | null, spent: Money): boolean =>
  counted !== null && areBehind(secret) && !isAnalysed(day, secret) && knowMore(counted, spent);
