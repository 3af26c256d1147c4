/** What is stored of a day and key by each source, and which of them the ledger has it from. Pure. */
import { DAY_MS, startOfDay } from '../lib/day.ts';
import { addMoney, type CoveredKey, isAnalysed, isOvertaken, isWithin, type Money, NOTHING } from './coverage.ts';
import type { Source } from './model.ts';

export interface CounterEntry extends Money {
  apiKeyId: number;
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

/** What is stored of a day, by the ids of keys and, of analytics and checks, of upstream keys. */
export interface StoredDay {
  day: string;
  counters: Map<number, CounterEntry>;
  /** Models and providers added up. */
  usage: Map<number, Money>;
  checks: Map<number, CheckEntry>;
  /** What the ledger says of each key, as far as somebody asked. */
  ledgers: Map<number, Ledger>;
}

/** What is read through a management key. */
export interface Account {
  texts: readonly UpstreamEntry[];
  /** The texts of each key among them. */
  owners: readonly (readonly [CoveredKey, readonly UpstreamEntry[]])[];
}

/** The sources, found by day. */
export interface Index {
  days: Map<string, StoredDay>;
  /** The keys of which each day is asked. */
  keys: readonly CoveredKey[];
  /** The texts of each key. */
  texts: Map<number, UpstreamEntry[]>;
  /** Everything that is read through each management key. */
  accounts: Map<number | null, Account>;
  completeAts: ReadonlyMap<number, number | null>;
  today: string;
}

const emptyDay = (day: string): StoredDay => ({ day, counters: new Map(), usage: new Map(), checks: new Map(), ledgers: new Map() });

function accountOf(texts: readonly UpstreamEntry[], keys: ReadonlyMap<number, CoveredKey>): Account {
  const owners = [...Map.groupBy(texts, ({ apiKeyId }) => apiKeyId)].flatMap(([id, own]) => {
    const owner = keys.get(id);
    return owner ? [[owner, own] as const] : [];
  });
  return { texts, owners };
}

/** Finds sources by day and key. */
export function createIndex({ keys, allKeys, completeAts, upstreamKeys, counters, usage, checks }: Sources, today: string): Index {
  const days = new Map<string, StoredDay>();
  const on = (day: string): StoredDay => {
    const known = days.get(day) ?? emptyDay(day);
    days.set(day, known);
    return known;
  };
  for (const entry of counters) on(entry.day).counters.set(entry.apiKeyId, entry);
  for (const entry of checks) on(entry.day).checks.set(entry.upstreamKeyId, entry);
  for (const { day, upstreamKeyId, costNano, byokCostNano } of usage) {
    const sums = on(day).usage;
    const sum = sums.get(upstreamKeyId);
    sums.set(upstreamKeyId, sum ? addMoney(sum, { costNano, byokCostNano }) : { costNano, byokCostNano });
  }
  const byId = new Map(allKeys.map((key) => [key.id, key]));
  const byAccount = Map.groupBy(upstreamKeys, ({ managementId }) => managementId);
  return {
    days,
    keys,
    texts: Map.groupBy(upstreamKeys, ({ apiKeyId }) => apiKeyId),
    accounts: new Map([...byAccount].map(([id, texts]) => [id, accountOf(texts, byId)])),
    completeAts,
    today,
  };
}

/** What is stored of a day. */
export const storedOn = (index: Index, day: string): StoredDay => index.days.get(day) ?? emptyDay(day);

/** The texts of a key; of a management key, what its account spent outside of its keys. */
export const textsOf = (index: Index, { id }: CoveredKey): UpstreamEntry[] => index.texts.get(id) ?? [];

/** What analytics have of texts on a day; null: nothing. */
export function sumUsage(stored: StoredDay, texts: readonly UpstreamEntry[]): Money | null {
  let sum: Money | null = null;
  for (const { id } of texts) {
    const entry = stored.usage.get(id);
    if (entry) sum = sum ? addMoney(sum, entry) : entry;
  }
  return sum;
}

/** What `/activity` says of a text's day. */
export function toldByActivity({ checks }: StoredDay, { id }: UpstreamEntry): Money | null {
  const check = checks.get(id);
  if (check?.activityCostNano == null || check.activityByokCostNano === null) return null;
  return { costNano: check.activityCostNano, byokCostNano: check.activityByokCostNano };
}

/** What the counters say of a day; zero where they were watched and have nothing. */
export function countersOf({ day, counters: stored }: StoredDay, { id, counters }: CoveredKey): Money | null {
  const entry = stored.get(id);
  if (entry) return { costNano: entry.costNano, byokCostNano: entry.byokCostNano };
  return counters && isWithin(day, counters) ? NOTHING : null;
}

/** Do the counters know the whole day for certain? The first sample tells what its day held before it. */
export function isCounted({ day, counters: stored }: StoredDay, { id, counters }: CoveredKey): boolean {
  const entry = stored.get(id);
  if (counters === null || entry?.isEstimated || entry?.correctionNano || entry?.byokCorrectionNano) return false;
  return isWithin(day, counters) && counters.until >= startOfDay(day) + DAY_MS;
}

/** How many of a key's texts spent on a day, by analytics. */
export const countSpenders = (index: Index, { usage }: StoredDay, key: CoveredKey): number =>
  textsOf(index, key).filter(({ id }) => usage.has(id)).length;

interface Ledger {
  source: Source | null;
  money: Money | null;
  isWhole: boolean;
}

/** What the ledger says of a day, from which source, and whether that is certain. */
export function ledgerOf(index: Index, stored: StoredDay, key: CoveredKey): Ledger {
  const known = stored.ledgers.get(key.id) ?? judge(index, stored, key);
  stored.ledgers.set(key.id, known);
  return known;
}

/** The same choice as `chooseSources` makes. */
function judge(index: Index, stored: StoredDay, key: CoveredKey): Ledger {
  const { day } = stored;
  const entry = stored.counters.get(key.id) ?? null;
  const spent = sumUsage(stored, textsOf(index, key));
  const counted = countersOf(stored, key);
  const isSilent = !(counted?.costNano || counted?.byokCostNano) || (entry?.isEstimated && isAnalysed(day, key));
  const isRead = key.analytics !== null && isWithin(day, key.analytics);
  const isTold = spent ? !isOvertaken(day, key, entry, spent, countSpenders(index, stored, key)) : isRead && isSilent;
  return isTold
    ? { source: 'analytics', money: spent ?? NOTHING, isWhole: isAnalysed(day, key) }
    : { source: counted && 'counters', money: counted, isWhole: counted !== null && isCounted(stored, key) };
}
