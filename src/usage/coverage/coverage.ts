/** From when to when a key's spend is known, and by which source. Pure. */
import { DAY_MS, dayOf, HOUR_MS, startOfDay } from '../../lib/day.ts';
import type { Source } from '../model.ts';
import { isListed, type StoredKey, type StoredUpstreamKey } from './stored.ts';
import { type CoveredSecret, isForeign, secretOf } from './secrets.ts';
import { clip, commonSpan, type Known, mergeSpans, spanOfAll } from './spans.ts';
import type { SettledAccount } from '../sources/unattributed.ts';

export interface CoveredKey {
  id: number;
  name: string;
  /** Synced: not paused or invalid, nor is the management key of a discovered one. */
  isRead: boolean;
  counters: Known | null;
  analytics: Known | null;
  /** Shows the unattributed spend of an account. */
  isUnattributed: boolean;
  /** It reads every account that it stands for. Its own secrets run no model. */
  isAccountKnown: boolean;
  /** A management key in use reads its current secret. */
  isManaged: boolean;
  /** Analytics of its current secret stopped, or never began, while counters go on. */
  isBehind: boolean;
  secrets: readonly CoveredSecret[];
  /** It had other secrets, whose counters are in its days. */
  isReplaced: boolean;
  /** When all its spend is known; up to now while it is synced, and before it was created. */
  whole: readonly Known[];
  /** The same for requests, tokens and names, which only analytics have. */
  detailed: readonly Known[];
}

/** Analytics of all secrets of a key; they know nothing of secrets that no account lists. */
function analyticsOf(upstreamKeys: readonly StoredUpstreamKey[], secrets: readonly CoveredSecret[]): Known | null {
  const begun = upstreamKeys.filter(({ reportedUntil }) => reportedUntil !== null);
  if (begun.length === 0) return null;
  // A secret read back to its creation leaves nothing unknown before.
  const first = Math.min(...begun.map(({ doneFrom }) => startOfDay(doneFrom ?? '')));
  const unread = begun.flatMap(({ doneFrom, createdAt }) => (doneFrom !== null && doneFrom > dayOf(createdAt) ? startOfDay(doneFrom) : []));
  const since = Math.max(first, ...unread);
  const present = secrets.find(({ isPresent }) => isPresent);
  const foreign = present?.isListed === false && present.counters !== null ? [present.counters.since] : [];
  // A secret that was never read is unknown since its creation.
  const untils = upstreamKeys.map(({ reportedUntil, createdAt }) => reportedUntil ?? startOfDay(dayOf(createdAt)));
  const until = Math.min(...untils, ...foreign);
  return until > since ? { since, until } : null;
}

/** Synced hourly: after this long, some spend may be missing. */
export const FRESH_MS = 3 * HOUR_MS;
/** Unattributed spend is known once the day is over and all keys are read. */
const FRESH_UNATTRIBUTED_MS = 2 * DAY_MS;

const ALWAYS: readonly Known[] = [{ since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }];

/** When a key with all its secrets was gone and fully read; null: it is not. */
const goneSince = (upstreamKeys: readonly StoredUpstreamKey[]): number | null =>
  upstreamKeys.length > 0 && upstreamKeys.every(({ vanishedAt, isAtRest }) => vanishedAt !== null && isAtRest)
    ? Math.max(...upstreamKeys.map(({ vanishedAt }) => vanishedAt ?? 0))
    : null;

/** Are all secrets read back to their creation? */
const isReadToBirth = (upstreamKeys: readonly StoredUpstreamKey[]): boolean =>
  upstreamKeys.every(({ doneFrom, createdAt }) => doneFrom !== null && doneFrom <= dayOf(createdAt));

type Covered = Omit<CoveredKey, 'whole' | 'detailed'>;

interface Circumstances {
  keptSince: number;
  now: number;
  goesOn: boolean;
  goneAt: number | null;
  refusedAt: number | null;
}

/** The first sample also reports what its day held before. */
function wholeOf(
  key: Covered,
  upstreamKeys: readonly StoredUpstreamKey[],
  { keptSince, now, goesOn, goneAt, refusedAt }: Circumstances,
): readonly Known[] {
  const { counters, analytics, isUnattributed } = key;
  const spans: Known[] = [];
  if (counters) spans.push({ since: Math.max(keptSince, startOfDay(dayOf(counters.since))), until: counters.until });
  if (analytics && (key.isAccountKnown || !key.secrets.some(isForeign))) {
    spans.push({ since: !isUnattributed && isReadToBirth(upstreamKeys) ? keptSince : analytics.since, until: analytics.until });
  }
  const freshMs = isUnattributed ? FRESH_UNATTRIBUTED_MS : FRESH_MS;
  const isFresh = (until: number): boolean => (goneAt === null ? goesOn && until >= now - freshMs : until >= goneAt - freshMs);
  const known = spans.map(({ since, until }) => ({ since, until: isFresh(until) ? Number.POSITIVE_INFINITY : until }));
  return mergeSpans(refusedAt === null ? known : [...known, { since: refusedAt, until: Number.POSITIVE_INFINITY }]);
}

/** Coverage since `keptSince`, the edge of the retention. */
export function coverageOf(
  keys: readonly StoredKey[],
  upstreamKeys: readonly StoredUpstreamKey[],
  accounts: readonly SettledAccount[],
  keptSince: number,
  now: number,
): CoveredKey[] {
  const byKey = Map.groupBy(upstreamKeys, ({ apiKeyId }) => apiKeyId);
  const byReader = Map.groupBy(accounts, ({ readerId }) => readerId);
  const clipped = (known: Known | null) => clip(known, keptSince);
  return keys.map((key) => {
    const own = byKey.get(key.id) ?? [];
    const ofReader = byReader.get(key.id) ?? [];
    // Accounts that the management key no longer opens would hold its current one back.
    const read = ofReader.some(({ isRead }) => isRead) ? ofReader.filter(({ isRead }) => isRead) : ofReader;
    const listed = own.filter(isListed);
    const secrets = own.map((upstreamKey) => secretOf(key, upstreamKey));
    const isSound = key.isActive && key.health !== 'invalid';
    const isManaged = secrets.some((secret) => secret.isPresent && secret.isManaged);
    const isUnattributed = key.kind === 'management' || read.length > 0;
    const covered = {
      id: key.id,
      name: key.name,
      isRead: key.kind !== 'management' && isSound && (key.kind !== 'discovered' || isManaged),
      counters: key.kind === 'management' ? null : clipped(spanOfAll(secrets.flatMap(({ counters }) => counters ?? []))),
      analytics: clipped(read.length > 0 ? commonSpan(read.flatMap(({ settled }) => settled ?? [])) : analyticsOf(listed, secrets)),
      isUnattributed,
      isAccountKnown: key.kind === 'management' && ofReader.length > 0 && ofReader.every(({ isRead }) => isRead),
      isManaged,
      isBehind: secrets.some(
        ({ isPresent, isBehind, analytics, counters }) => isPresent && (analytics === null ? counters !== null : isBehind),
      ),
      secrets: secrets.map((secret) => ({ ...secret, counters: clipped(secret.counters), analytics: clipped(secret.analytics) })),
      isReplaced: secrets.some((secret) => secret.counters !== null && !secret.isPresent),
    };
    // A management key runs no model: if another one reads its account, nothing is missing.
    const readsNothing = key.kind === 'management' && listed.length + read.length === 0;
    // A disabled key is rejected but still listed.
    const goesOn = isUnattributed ? isSound : covered.isRead || (key.isActive && isManaged);
    // A rejected key spends nothing.
    const refusedAt = key.health === 'invalid' && !isManaged ? key.refusedAt : null;
    const whole = (known: Covered) =>
      readsNothing ? ALWAYS : wholeOf(known, listed, { keptSince, now, goesOn, goneAt: goneSince(listed), refusedAt });
    return { ...covered, whole: whole(covered), detailed: whole({ ...covered, counters: null }) };
  });
}

export const spansOf = ({ counters, analytics }: Pick<CoveredKey, 'counters' | 'analytics'>): Known[] =>
  [counters, analytics].filter((span) => span !== null);

export const isWhole = ({ whole }: Pick<CoveredKey, 'whole'>, { since, until }: Known): boolean =>
  whole.some((span) => span.since <= since && span.until >= until);

export function describeCoverage({ counters, analytics }: CoveredKey): { knownSince: number | null; source: Source | null } {
  const since = [counters, analytics].flatMap((known) => known?.since ?? []);
  const source = analytics ? 'analytics' : counters ? 'counters' : null;
  return { knownSince: since.length > 0 ? Math.min(...since) : null, source };
}

/** Until when all its spend is in the figures. */
export const knownUntil = (key: CoveredKey): number | null =>
  (key.isBehind ? key.counters?.until : (key.analytics?.until ?? key.counters?.until)) ?? null;
