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
/** Names a day of something with an id. */
export const place = (day: string, id: number): string => `${day}/${id}`;

/** The sources, found by day and key. */
export interface Index {
  counters: Map<string, CounterEntry>;
  /** By upstream key, models and providers added up. */
  usage: Map<string, Money>;
  checks: Map<string, CheckEntry>;
  /** The texts of each key. */
  texts: Map<number, UpstreamEntry[]>;
  /** Everything that is read through each management key. */
  accounts: Map<number | null, UpstreamEntry[]>;
  keys: Map<number, CoveredKey>;
  completeAts: ReadonlyMap<number, number | null>;
  today: string;
}

/** Finds sources by day and key. */
export function createIndex({ allKeys, completeAts, upstreamKeys, counters, usage, checks }: Sources, today: string): Index {
  const byUsage = new Map<string, Money>();
  for (const entry of usage) {
    const key = place(entry.day, entry.upstreamKeyId);
    byUsage.set(key, addMoney(byUsage.get(key) ?? NOTHING, entry));
  }
  return {
    counters: new Map(counters.map((entry) => [place(entry.day, entry.apiKeyId), entry])),
    usage: byUsage,
    checks: new Map(checks.map((entry) => [place(entry.day, entry.upstreamKeyId), entry])),
    texts: Map.groupBy(upstreamKeys, ({ apiKeyId }) => apiKeyId),
    accounts: Map.groupBy(upstreamKeys, ({ managementId }) => managementId),
    keys: new Map(allKeys.map((key) => [key.id, key])),
    completeAts,
    today,
  };
}

/** The texts of a key; of a management key, what its account spent outside of its keys. */
export const textsOf = (index: Index, { id }: CoveredKey): UpstreamEntry[] => index.texts.get(id) ?? [];

/** What analytics have of texts on a day; null: nothing. */
export function sumUsage(index: Index, day: string, texts: readonly UpstreamEntry[]): Money | null {
  return texts.reduce<Money | null>((sum, { id }) => {
    const entry = index.usage.get(place(day, id));
    return entry ? addMoney(sum ?? NOTHING, entry) : sum;
  }, null);
}

/** What `/activity` says of a text's day. */
export function toldByActivity(index: Index, day: string, { id }: UpstreamEntry): Money | null {
  const check = index.checks.get(place(day, id));
  const [cost, byok] = [check?.activityCostNano ?? null, check?.activityByokCostNano ?? null];
  return cost === null || byok === null ? null : { costNano: cost, byokCostNano: byok };
}

/** What the counters say of a day; zero where they were watched and have nothing. */
export function countersOf(index: Index, day: string, { id, counters }: CoveredKey): Money | null {
  const entry = index.counters.get(place(day, id));
  if (entry) return { costNano: entry.costNano, byokCostNano: entry.byokCostNano };
  return counters && isWithin(day, counters) ? NOTHING : null;
}

/** Do the counters know the whole day for certain? The first sample tells what its day held before it. */
export function isCounted(index: Index, day: string, { id, counters }: CoveredKey): boolean {
  const entry = index.counters.get(place(day, id));
  if (counters === null || entry?.isEstimated || entry?.correctionNano || entry?.byokCorrectionNano) return false;
  return isWithin(day, counters) && counters.until >= startOfDay(day) + DAY_MS;
}

/** How many of a key's texts spent on a day, by analytics. */
export const countSpenders = (index: Index, day: string, key: CoveredKey): number =>
  textsOf(index, key).filter(({ id }) => index.usage.has(place(day, id))).length;

interface Ledger {
  source: Source | null;
  money: Money | null;
  isWhole: boolean;
}

/** What the ledger says of a day, from which source, and whether that is certain. The same choice as `chooseSources` makes. */
export function ledgerOf(index: Index, day: string, key: CoveredKey): Ledger {
  const counted = countersOf(index, day, key);
  const byCounters: Ledger = { source: counted && 'counters', money: counted, isWhole: counted !== null && isCounted(index, day, key) };
  const entry = index.counters.get(place(day, key.id)) ?? null;
  const spent = sumUsage(index, day, textsOf(index, key));
  if (spent && isOvertaken(day, key, entry, spent, countSpenders(index, day, key))) return byCounters;
  const isSilent = !(counted?.costNano || counted?.byokCostNano) || (isAnalysed(day, key) && entry?.isEstimated);
  const isRead = key.analytics !== null && isWithin(day, key.analytics);
  return spent || (isRead && isSilent) ? { source: 'analytics', money: spent ?? NOTHING, isWhole: isAnalysed(day, key) } : byCounters;
}
