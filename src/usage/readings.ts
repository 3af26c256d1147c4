/** What is stored of keys and of how far OpenRouter was read, as coverage is made from it. Pure. */
import { startOfDay } from '../lib/day.ts';
import type { Known } from './spans.ts';

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
  refusedAt: number | null;
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
export function readUntil(reading: StoredReading, listedAt: number | null): number {
  if (reading.hash === null) return startOfDay(reading.openFrom ?? reading.doneFrom ?? '1970-01-01');
  const readAt = reading.readAt ?? 0;
  return isAtRest(reading) ? Math.max(readAt, listedAt ?? 0) : readAt;
}

/** Was anything of it read? */
export const isBegun = ({ doneFrom, hash, readAt }: StoredReading): boolean => doneFrom !== null && (readAt !== null || hash === null);
