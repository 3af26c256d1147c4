/** What is stored of a day and key by each source, and which of them the ledger has it from. Pure. */
import { DAY_MS, startOfDay } from '../lib/day.ts';
import { addMoney, type Money, NOTHING } from './amounts.ts';
import { sourceOf } from './choose.ts';
import type { CoveredKey } from './coverage.ts';
import type { Source } from './model.ts';
import { type CoveredSecret, createSecrets, isAnalysed, type Secrets } from './secrets.ts';
import { isWithin } from './spans.ts';

export interface CounterEntry extends Money {
  apiKeyId: number;
  hash: string;
  day: string;
  correctionNano: number;
  byokCorrectionNano: number;
  isEstimated: boolean;
}

export interface UsageEntry extends Money {
  upstreamKeyId: number;
  day: string;
}

export interface CheckEntry {
  upstreamKeyId: number;
  day: string;
  activityCostNano: number | null;
  activityByokCostNano: number | null;
  accountCostNano: number | null;
  accountByokCostNano: number | null;
}

/** A key as OpenRouter knows it, as far as comparing needs it. */
export interface UpstreamEntry {
  id: number;
  apiKeyId: number;
  managementId: number | null;
  hash: string | null;
  usageNano: number | null;
  byokUsageNano: number | null;
  /** All of its past that is wanted is read. */
  isReadBack: boolean;
}

export interface Sources {
  /** The keys that are asked about, and all of the user's. */
  keys: readonly CoveredKey[];
  allKeys: readonly CoveredKey[];
  /** When each management key's account was last listed in full; null: not since a key of it was deleted. */
  completeAts: ReadonlyMap<number, number | null>;
  upstreamKeys: readonly UpstreamEntry[];
  counters: readonly CounterEntry[];
  usage: readonly UsageEntry[];
  checks: readonly CheckEntry[];
}

/** The difference of two amounts. */
export const minus = (a: Money, b: Money): Money => ({ costNano: a.costNano - b.costNano, byokCostNano: a.byokCostNano - b.byokCostNano });

/** What is stored of a day: of counters by the hash of their secret, of analytics and checks by the id of the upstream key. */
export interface StoredDay {
  day: string;
  counters: Map<string, CounterEntry>;
  /** Models and providers added up. */
  usage: Map<number, Money>;
  checks: Map<number, CheckEntry>;
  /** What the ledger says of each secret, as far as somebody asked. */
  ledgers: Map<CoveredSecret, Ledger>;
}

/** The sources, found by day. */
export interface Index {
  days: Map<string, StoredDay>;
  /** The keys of which each day is asked. */
  keys: readonly CoveredKey[];
  /** The secrets of all of the user's keys. */
  secrets: Secrets;
  /** Everything that is read through each management key. */
  accounts: Map<number | null, UpstreamEntry[]>;
  completeAts: ReadonlyMap<number, number | null>;
  today: string;
}

const emptyDay = (day: string): StoredDay => ({ day, counters: new Map(), usage: new Map(), checks: new Map(), ledgers: new Map() });

/** Finds sources by day and key. */
export function createIndex({ keys, allKeys, completeAts, upstreamKeys, counters, usage, checks }: Sources, today: string): Index {
  const days = new Map<string, StoredDay>();
  const on = (day: string): StoredDay => {
    const known = days.get(day) ?? emptyDay(day);
    days.set(day, known);
    return known;
  };
  for (const entry of counters) on(entry.day).counters.set(entry.hash, entry);
  for (const entry of checks) on(entry.day).checks.set(entry.upstreamKeyId, entry);
  for (const { day, upstreamKeyId, costNano, byokCostNano } of usage) {
    const sums = on(day).usage;
    const sum = sums.get(upstreamKeyId);
    sums.set(upstreamKeyId, sum ? addMoney(sum, { costNano, byokCostNano }) : { costNano, byokCostNano });
  }
  return {
    days,
    keys,
    secrets: createSecrets(allKeys),
    accounts: Map.groupBy(upstreamKeys, ({ managementId }) => managementId),
    completeAts,
    today,
  };
}

/** What is stored of a day. */
export const storedOn = (index: Index, day: string): StoredDay => index.days.get(day) ?? emptyDay(day);

/** What `/activity` says of an upstream key's day. */
export function toldByActivity({ checks }: StoredDay, upstreamKeyId: number | null): Money | null {
  const check = upstreamKeyId === null ? undefined : checks.get(upstreamKeyId);
  if (check?.activityCostNano == null || check.activityByokCostNano === null) return null;
  return { costNano: check.activityCostNano, byokCostNano: check.activityByokCostNano };
}

const entryOf = ({ counters }: StoredDay, { hash }: CoveredSecret): CounterEntry | null =>
  hash === null ? null : (counters.get(hash) ?? null);

/** What the counters say of a secret's day; zero where they were watched and have nothing. */
export function countersOf(stored: StoredDay, secret: CoveredSecret): Money | null {
  const entry = entryOf(stored, secret);
  if (entry) return { costNano: entry.costNano, byokCostNano: entry.byokCostNano };
  return secret.counters && isWithin(stored.day, secret.counters) ? NOTHING : null;
}

/** By how much the counters of a secret shrank on a day; null: they did not. */
export function correctionOf(stored: StoredDay, secret: CoveredSecret): Money | null {
  const { correctionNano = 0, byokCorrectionNano = 0 } = entryOf(stored, secret) ?? {};
  return correctionNano === 0 && byokCorrectionNano === 0 ? null : { costNano: correctionNano, byokCostNano: byokCorrectionNano };
}

/** Are the counters of a secret's day certain, as far as they go? The first sample tells what its day held before it. */
function areCertain(stored: StoredDay, secret: CoveredSecret): boolean {
  const entry = entryOf(stored, secret);
  if (entry?.isEstimated || entry?.correctionNano || entry?.byokCorrectionNano) return false;
  return secret.counters !== null && isWithin(stored.day, secret.counters);
}

/** Do the counters know a secret's whole day for certain? */
export const isCounted = (stored: StoredDay, secret: CoveredSecret): boolean =>
  areCertain(stored, secret) && (secret.counters?.until ?? 0) >= startOfDay(stored.day) + DAY_MS;

export interface Ledger {
  source: Source | null;
  money: Money | null;
  isWhole: boolean;
}

/** What the ledger says of a secret's day, from which source, and whether that is certain. */
export function ledgerOf(stored: StoredDay, secret: CoveredSecret): Ledger {
  const known = stored.ledgers.get(secret) ?? judge(stored, secret);
  stored.ledgers.set(secret, known);
  return known;
}

/** What the key spent with a former secret after it was replaced is no part of the key, so the counters of that day are whole. */
function judge(stored: StoredDay, secret: CoveredSecret): Ledger {
  const { day } = stored;
  const spent = (secret.upstreamKeyId === null ? undefined : stored.usage.get(secret.upstreamKeyId)) ?? null;
  const counted = countersOf(stored, secret);
  const source = sourceOf(day, secret, entryOf(stored, secret), spent);
  const isRead = secret.analytics !== null && isWithin(day, secret.analytics);
  const isSilent = source === null || (source === 'counters' && !(counted?.costNano || counted?.byokCostNano));
  return source === 'analytics' || (isRead && isSilent)
    ? { source: 'analytics', money: spent ?? NOTHING, isWhole: isAnalysed(day, secret) }
    : { source: counted && 'counters', money: counted, isWhole: secret.isPresent ? isCounted(stored, secret) : areCertain(stored, secret) };
}

/** What the ledger says of a key's day: the sum of its secrets. Its source is the finer one of theirs. */
export function ledgerOfKey(stored: StoredDay, { secrets }: CoveredKey): Ledger {
  const known = secrets.map((secret) => ledgerOf(stored, secret)).filter(({ money }) => money !== null);
  const sources = known.map(({ source }) => source);
  return {
    source: sources.includes('analytics') ? 'analytics' : (sources[0] ?? null),
    money: known.reduce<Money | null>((sum, { money }) => (sum && money ? addMoney(sum, money) : money), null),
    isWhole: known.length > 0 && known.every(({ isWhole }) => isWhole),
  };
}
