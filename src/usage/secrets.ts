/** Secrets: what is known of each, and which one a ledger row is of. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS, startOfDay } from '../lib/day.ts';
import { isBegun, readUntil, type StoredKey, type StoredReading } from './readings.ts';
import { isWithin, type Known, spanOf } from './spans.ts';

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

/** What was spent at the end of a day may show so late. */
export const LATE_MS = 15 * MINUTE_MS;
/** Analytics may be behind the counters by this much before the counters speak in their place. */
const MAX_BEHIND_MS = 3 * HOUR_MS;

/** Have analytics stopped while the counters go on: nobody reads them any more, or they failed for hours? */
export function areBehind({ analytics, counters, isManaged }: Pick<CoveredSecret, 'analytics' | 'counters' | 'isManaged'>): boolean {
  if (!analytics || !counters) return false;
  return counters.until - analytics.until > (isManaged ? MAX_BEHIND_MS : 0);
}

/** Were analytics read after everything of the day was told? */
export const isAnalysed = (day: string, { analytics, hash }: Pick<CoveredSecret, 'analytics' | 'hash'>): boolean =>
  analytics !== null && isWithin(day, analytics) && analytics.until >= startOfDay(day) + DAY_MS + (hash === null ? 0 : LATE_MS);

/** A secret that was counted and that no account lists: analytics know nothing of it. */
export const isForeign = ({ hash, upstreamKeyId, counters }: CoveredSecret): boolean =>
  hash !== null && upstreamKeyId === null && counters !== null;

/** What analytics know of one secret. */
export function analyticsOfSecret(reading: StoredReading | undefined, completeAts: ReadonlyMap<number, number | null>): Known | null {
  if (reading === undefined || !isBegun(reading)) return null;
  const [since, until] = [startOfDay(reading.doneFrom ?? ''), readUntil(reading, completeAts.get(reading.managementId ?? 0) ?? null)];
  return until > since ? { since, until } : null;
}

/** The secrets that a key has and had: those that were sampled here, and those that an account lists. */
export function secretsOf(
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

/** Secrets, by the ways in which ledger rows name them. */
export interface Secrets {
  /** The secret of a row of counters; null where its key is gone. */
  counted(row: { apiKeyId: number; hash: string }): CoveredSecret | null;
  /** The secret that an account lists. */
  listed(upstreamKeyId: number): CoveredSecret | null;
}

interface Owner {
  id: number;
  counters: Known | null;
  secrets: readonly CoveredSecret[];
}

/** Finds the secrets of keys. A row of a secret that nothing else is known of stands for itself. */
export function createSecrets(keys: readonly Owner[]): Secrets {
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
