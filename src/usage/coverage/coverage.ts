/** What is known of a key's spend, since when and until when, and from which source. Pure. */
import { DAY_MS, dayOf, HOUR_MS, startOfDay } from '../../lib/day.ts';
import type { Source } from '../model.ts';
import { isListed, type StoredKey, type StoredUpstreamKey } from './stored.ts';
import { type CoveredSecret, isForeign, secretOf } from './secrets.ts';
import { clip, commonSpan, type Known, mergeSpans, spanOfAll } from './spans.ts';
import type { SettledAccount } from '../sources/unattributed.ts';

export interface CoveredKey {
  id: number;
  name: string;
  /** Whether the sync reads it: neither paused nor invalid, and, if it is known through a management key, that one neither. */
  isRead: boolean;
  counters: Known | null;
  analytics: Known | null;
  /** It stands for what an account spends, or spent, outside of its keys. */
  isUnattributed: boolean;
  /** It reads all accounts whose unattributed spend it stands for. Its own secrets do not matter: they run no model. */
  isAccountKnown: boolean;
  /** Its present secret is read through a management key that is read itself. */
  isManaged: boolean;
  /** Of its present secret, analytics have stopped, or never began, while the counters go on. */
  isBehind: boolean;
  secrets: readonly CoveredSecret[];
  /** It had other texts, whose counters are in its days. */
  isReplaced: boolean;
  /** When all of its spend is known, up to now where it is still read: also before it was made, when it spent nothing. */
  whole: readonly Known[];
  /** The same of requests, tokens and the names of models and providers, which only analytics know. */
  detailed: readonly Known[];
}

/** What analytics know of all of a key's secrets. Of a secret that no account lists they know nothing. */
function analyticsOf(upstreamKeys: readonly StoredUpstreamKey[], secrets: readonly CoveredSecret[]): Known | null {
  const begun = upstreamKeys.filter(({ reportedUntil }) => reportedUntil !== null);
  if (begun.length === 0) return null;
  // A secret that is read back to the day on which it was made leaves nothing unknown before that.
  const first = Math.min(...begun.map(({ doneFrom }) => startOfDay(doneFrom ?? '')));
  const unread = begun.flatMap(({ doneFrom, createdAt }) => (doneFrom !== null && doneFrom > dayOf(createdAt) ? startOfDay(doneFrom) : []));
  const since = Math.max(first, ...unread);
  const present = secrets.find(({ isPresent }) => isPresent);
  const foreign = present?.isListed === false && present.counters !== null ? [present.counters.since] : [];
  // Of a secret that was never read nothing is known since it was made.
  const untils = upstreamKeys.map(({ reportedUntil, createdAt }) => reportedUntil ?? startOfDay(dayOf(createdAt)));
  const until = Math.min(...untils, ...foreign);
  return until > since ? { since, until } : null;
}

/** A key is read every hour; one that was not read for so long may have spent something meanwhile. */
export const FRESH_MS = 3 * HOUR_MS;
/** What an account spends outside of its keys is known when a day is over and all keys are read. */
const FRESH_UNATTRIBUTED_MS = 2 * DAY_MS;

const ALWAYS: readonly Known[] = [{ since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }];

/** Since when a key is gone with all its texts, and nothing more is to be read of it; null: it is not. */
const goneSince = (upstreamKeys: readonly StoredUpstreamKey[]): number | null =>
  upstreamKeys.length > 0 && upstreamKeys.every(({ vanishedAt, isAtRest }) => vanishedAt !== null && isAtRest)
    ? Math.max(...upstreamKeys.map(({ vanishedAt }) => vanishedAt ?? 0))
    : null;

/** Have analytics of a key been read back to the day on which each of its texts was made? */
const isReadToBirth = (upstreamKeys: readonly StoredUpstreamKey[]): boolean =>
  upstreamKeys.every(({ doneFrom, createdAt }) => doneFrom !== null && doneFrom <= dayOf(createdAt));

type Covered = Omit<CoveredKey, 'whole' | 'detailed'>;

/** What decides how far beyond its sources a key is known. */
interface Circumstances {
  keptSince: number;
  now: number;
  /** Is more to come of it? */
  goesOn: boolean;
  goneAt: number | null;
  refusedAt: number | null;
}

/**
 * When all of a key's spend is known. The first sample of counters tells what its day held before it.
 */
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

/**
 * What is known of keys since `keptSince`, the retention's edge: what was deleted is not known any more.
 */
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
    // An account that is read no more, since the management key opens another one, would hold that one back.
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
    // A management key runs no model: nothing is missing where another one reads its account.
    const readsNothing = key.kind === 'management' && listed.length + read.length === 0;
    // A key that is disabled is refused, but its account goes on listing it.
    const goesOn = isUnattributed ? isSound : covered.isRead || (key.isActive && isManaged);
    // A key that OpenRouter refuses spends nothing.
    const refusedAt = key.health === 'invalid' && !isManaged ? key.refusedAt : null;
    const whole = (known: Covered) =>
      readsNothing ? ALWAYS : wholeOf(known, listed, { keptSince, now, goesOn, goneAt: goneSince(listed), refusedAt });
    return { ...covered, whole: whole(covered), detailed: whole({ ...covered, counters: null }) };
  });
}

/** What is known of a key at all, from either source. */
export const spansOf = ({ counters, analytics }: Pick<CoveredKey, 'counters' | 'analytics'>): Known[] =>
  [counters, analytics].filter((span) => span !== null);

/** Is all of a key's spend known from one instant to the other? */
export const isWhole = ({ whole }: Pick<CoveredKey, 'whole'>, { since, until }: Known): boolean =>
  whole.some((span) => span.since <= since && span.until >= until);

/** Since when anything is known of a key, and from which source at most. */
export function describeCoverage({ counters, analytics }: CoveredKey): { knownSince: number | null; source: Source | null } {
  const since = [counters, analytics].flatMap((known) => known?.since ?? []);
  const source = analytics ? 'analytics' : counters ? 'counters' : null;
  return { knownSince: since.length > 0 ? Math.min(...since) : null, source };
}

/** Until when all spend of a key is in the figures. */
export const knownUntil = (key: CoveredKey): number | null =>
  (key.isBehind ? key.counters?.until : (key.analytics?.until ?? key.counters?.until)) ?? null;
