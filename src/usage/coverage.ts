/** What is known of a key's spend, since when and until when, and from which source. Pure. */
import { startOfDay } from '../lib/day.ts';
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
  /** It stands for what an account spent outside of its keys. */
  isOutside: boolean;
}

/** What is stored of a key. */
export interface StoredKey {
  id: number;
  name: string;
  kind: 'inference' | 'management' | 'discovered';
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

function analyticsOf(readings: readonly StoredReading[], listedAts: ReadonlyMap<number, number | null>): Known | null {
  const begun = readings.filter(({ doneFrom, hash, readAt }) => doneFrom !== null && (readAt !== null || hash === null));
  if (begun.length === 0) return null;
  const since = Math.max(...begun.map(({ doneFrom }) => startOfDay(doneFrom ?? '')));
  const untils = begun.map((reading) => readUntil(reading, listedAts.get(reading.managementId ?? 0) ?? null));
  const until = Math.min(...untils);
  return until > since ? { since, until } : null;
}

const clip = (known: Known | null, keptSince: number): Known | null =>
  known === null || known.until < keptSince ? null : { since: Math.max(known.since, keptSince), until: known.until };

/**
 * What is known of keys since `keptSince`, the retention's edge: what was deleted is not known any more.
 * @param listedAts when the account of each management key was last listed
 */
export function coverageOf(
  keys: readonly StoredKey[],
  readings: readonly StoredReading[],
  listedAts: ReadonlyMap<number, number | null>,
  keptSince: number,
): CoveredKey[] {
  const isSound = (key: StoredKey | undefined) => key?.isActive === true && key.health !== 'invalid';
  const byId = new Map(keys.map((key) => [key.id, key]));
  return keys.map((key) => {
    const own = readings.filter(({ apiKeyId }) => apiKeyId === key.id);
    const manager = own.find(({ hash, managementId }) => hash !== null && managementId !== null)?.managementId;
    const isManaged = key.kind === 'discovered';
    const analytics = clip(analyticsOf(own, listedAts), keptSince);
    const counters = key.knownSince === null || key.knownUntil === null ? null : { since: key.knownSince, until: key.knownUntil };
    return {
      id: key.id,
      name: key.name,
      isRead: key.kind !== 'management' && isSound(key) && (!isManaged || isSound(byId.get(manager ?? 0))),
      counters: key.kind === 'management' ? null : clip(counters, keptSince),
      analytics,
      isOutside: key.kind === 'management',
    };
  });
}

/** Since when anything is known of a key, and from which source at most. */
export function describeCoverage({ counters, analytics }: CoveredKey): { knownSince: number | null; source: Source | null } {
  const since = [counters, analytics].flatMap((known) => known?.since ?? []);
  const source = analytics ? 'analytics' : counters ? 'counters' : null;
  return { knownSince: since.length > 0 ? Math.min(...since) : null, source };
}

/** Until when all spend of a key is in the figures. Analytics speak for a day as soon as they have any of it. */
export const knownUntil = ({ counters, analytics }: CoveredKey): number | null => analytics?.until ?? counters?.until ?? null;
