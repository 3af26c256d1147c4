/**
 * What the ledger says of a day and key beside what the other sources say. Pure. Zero is only said where zero was measured, and the
 * sources are compared only where both know the whole day.
 */
import { DAY_MS, dayOf, listDays, MINUTE_MS, startOfDay } from '../lib/day.ts';
import { usdFromNanoOrNull } from '../lib/money.ts';
import type { CoveredKey } from './coverage.ts';
import type { Source } from './model.ts';

/** Credits and BYOK spend in nano-dollars. */
export interface Money {
  costNano: number;
  byokCostNano: number;
}

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
}

export interface Sources {
  keys: readonly CoveredKey[];
  upstreamKeys: readonly UpstreamEntry[];
  counters: readonly CounterEntry[];
  usage: readonly UsageEntry[];
  checks: readonly CheckEntry[];
}

export interface Reconciled {
  date: string;
  keyId: number;
  name: string;
  source: Source | null;
  ledger: Money | null;
  counters: Money | null;
  activity: Money | null;
  /** What the ledger has more (or, negative, less) than the source that differs most from it. */
  driftNano: number | null;
  byokDriftNano: number | null;
  coverage: 'exact' | 'partial' | 'none';
}

const ZERO: Money = { costNano: 0, byokCostNano: 0 };
/** Yesterday's spend may show so late. */
const LATE_MS = 15 * MINUTE_MS;

const plus = (a: Money | null, b: Money): Money => ({
  costNano: (a?.costNano ?? 0) + b.costNano,
  byokCostNano: (a?.byokCostNano ?? 0) + b.byokCostNano,
});
const minus = (a: Money, b: Money): Money => ({ costNano: a.costNano - b.costNano, byokCostNano: a.byokCostNano - b.byokCostNano });
const larger = (a: number | null, b: number): number => (a === null || Math.abs(b) > Math.abs(a) ? b : a);

/** Places of a day and something with an id. */
const place = (day: string, id: number): string => `${day}/${id}`;

function index<T extends { day: string }>(entries: readonly T[], idOf: (entry: T) => number): Map<string, T> {
  return new Map(entries.map((entry) => [place(entry.day, idOf(entry)), entry]));
}

/** A function that compares the sources for a day and key. */
export function createReconciler({ upstreamKeys, counters, usage, checks }: Sources, today: string) {
  const byCounters = index(counters, ({ apiKeyId }) => apiKeyId);
  const byCheck = index(checks, ({ upstreamKeyId }) => upstreamKeyId);
  const byUsage = new Map<string, Money>();
  for (const entry of usage) {
    const key = place(entry.day, entry.upstreamKeyId);
    byUsage.set(key, plus(byUsage.get(key) ?? null, entry));
  }
  const textsOf = Map.groupBy(upstreamKeys, ({ apiKeyId }) => apiKeyId);
  const accounts = Map.groupBy(upstreamKeys, ({ managementId }) => managementId);

  const sumUsage = (day: string, texts: readonly UpstreamEntry[]): Money | null =>
    texts.reduce<Money | null>((sum, { id }) => {
      const entry = byUsage.get(place(day, id));
      return entry ? plus(sum, entry) : sum;
    }, null);

  const activityOf = (day: string, id: number): Money | null => {
    const check = byCheck.get(place(day, id));
    const [cost, byok] = [check?.activityCostNano ?? null, check?.activityByokCostNano ?? null];
    return cost === null || byok === null ? null : { costNano: cost, byokCostNano: byok };
  };

  /** What `/activity` says of a key's texts; of what an account spent outside of its keys, its total less theirs, if all are told. */
  function activity(day: string, key: CoveredKey): Money | null {
    const texts = (textsOf.get(key.id) ?? []).filter(({ hash }) => (hash === null) === key.isOutside);
    const told = texts.map(({ id }) => activityOf(day, id));
    const sum = told.reduce<Money | null>((total, entry) => (entry ? plus(total, entry) : total), null);
    if (!key.isOutside || sum === null) return sum;
    const own = (accounts.get(key.id) ?? []).filter(
      ({ hash, usageNano, byokUsageNano }) => hash !== null && (usageNano ?? 0) + (byokUsageNano ?? 0) > 0,
    );
    const ofKeys = own.map(({ id }) => activityOf(day, id));
    return ofKeys.includes(null) ? null : ofKeys.reduce<Money>((rest, entry) => minus(rest, entry ?? ZERO), sum);
  }

  /** What analytics say of the whole account, less everything that the ledger has of it: the drift of an account. */
  function accountDrift(day: string, key: CoveredKey): Money | null {
    const all = accounts.get(key.id) ?? [];
    const check = all.flatMap(({ id, hash }) => (hash === null ? (byCheck.get(place(day, id)) ?? []) : []))[0];
    if (check?.accountCostNano == null || check.accountByokCostNano === null) return null;
    return minus(sumUsage(day, all) ?? ZERO, { costNano: check.accountCostNano, byokCostNano: check.accountByokCostNano });
  }

  function countersOf(day: string, key: CoveredKey): Money | null {
    const entry = byCounters.get(place(day, key.id));
    if (key.isOutside) return null;
    const isWatched = key.counters !== null && dayOf(key.counters.since) <= day && dayOf(key.counters.until) >= day;
    return entry ?? (isWatched ? ZERO : null);
  }

  /** Do the counters know the whole day for certain? The first sample tells what its day held before it. */
  function isCounted(day: string, key: CoveredKey): boolean {
    const entry = byCounters.get(place(day, key.id));
    if (key.counters === null || entry?.isEstimated || entry?.correctionNano || entry?.byokCorrectionNano) return false;
    return dayOf(key.counters.since) <= day && key.counters.until >= startOfDay(day) + DAY_MS;
  }

  const isAnalysed = (day: string, { analytics, isOutside }: CoveredKey): boolean =>
    analytics !== null && dayOf(analytics.since) <= day && analytics.until >= startOfDay(day) + DAY_MS + (isOutside ? 0 : LATE_MS);

  return (day: string, key: CoveredKey): Reconciled => {
    const texts = (textsOf.get(key.id) ?? []).filter(({ hash }) => (hash === null) === key.isOutside);
    const spent = sumUsage(day, texts);
    const counted = countersOf(day, key);
    const isRead = key.analytics !== null && dayOf(key.analytics.since) <= day && key.analytics.until > startOfDay(day);
    const isByCounters = spent === null && (counted?.costNano || counted?.byokCostNano || !isRead);
    const source = isByCounters ? (counted ? 'counters' : null) : 'analytics';
    const ledger = isByCounters ? counted : (spent ?? ZERO);
    const told = activity(day, key);
    const isWhole = source === 'analytics' ? isAnalysed(day, key) : source === 'counters' && isCounted(day, key);
    const spendingTexts = texts.filter(({ id }) => byUsage.has(place(day, id))).length;
    const drifts: Money[] = [];
    if (ledger && day < today && isWhole) {
      if (source === 'analytics' && counted && isCounted(day, key) && spendingTexts <= 1) drifts.push(minus(ledger, counted));
      if (told) drifts.push(minus(ledger, told));
    }
    const ofAccount = key.isOutside && day < today ? accountDrift(day, key) : null;
    if (ofAccount) drifts.push(ofAccount);
    return {
      date: day,
      keyId: key.id,
      name: key.name,
      source,
      ledger,
      counters: counted && { costNano: counted.costNano, byokCostNano: counted.byokCostNano },
      activity: told,
      driftNano: drifts.reduce<number | null>((most, { costNano }) => larger(most, costNano), null),
      byokDriftNano: drifts.reduce<number | null>((most, { byokCostNano }) => larger(most, byokCostNano), null),
      coverage: ledger === null ? 'none' : isWhole && day < today ? 'exact' : 'partial',
    };
  };
}

/** All days of a range and all keys, by day, then key. */
export function reconcile(sources: Sources, from: string, to: string, today: string): Reconciled[] {
  const ofDay = createReconciler(sources, today);
  return listDays(from, to).flatMap((day) => sources.keys.map((key) => ofDay(day, key)));
}

/** More than a cent is worth telling. */
export const DRIFT_NANO = 10_000_000;

/** Completed days of the range on which the sources differ by more than a cent. Only days that two of them speak of are looked at. */
export function findDrift(sources: Sources, from: string, to: string, today: string): Reconciled[] {
  const ofDay = createReconciler(sources, today);
  const owners = new Map(sources.upstreamKeys.map(({ id, apiKeyId }) => [id, apiKeyId]));
  const byId = new Map(sources.keys.map((key) => [key.id, key]));
  const places = new Map<string, [string, CoveredKey]>();
  for (const { day, upstreamKeyId } of [...sources.checks, ...sources.usage]) {
    const key = byId.get(owners.get(upstreamKeyId) ?? 0);
    if (key && day >= from && day <= to && day < today) places.set(place(day, key.id), [day, key]);
  }
  return [...places.values()]
    .map(([day, key]) => ofDay(day, key))
    .filter(({ driftNano, byokDriftNano }) => Math.max(Math.abs(driftNano ?? 0), Math.abs(byokDriftNano ?? 0)) > DRIFT_NANO)
    .sort((a, b) => (a.date === b.date ? a.keyId - b.keyId : a.date < b.date ? -1 : 1));
}

/** A compared day as users and programs see it. */
export const presentReconciled = (row: Reconciled) => ({
  date: row.date,
  key_id: row.keyId,
  name: row.name,
  source: row.source,
  cost_usd: usdFromNanoOrNull(row.ledger?.costNano ?? null),
  byok_cost_usd: usdFromNanoOrNull(row.ledger?.byokCostNano ?? null),
  counters_cost_usd: usdFromNanoOrNull(row.counters?.costNano ?? null),
  counters_byok_cost_usd: usdFromNanoOrNull(row.counters?.byokCostNano ?? null),
  activity_cost_usd: usdFromNanoOrNull(row.activity?.costNano ?? null),
  activity_byok_cost_usd: usdFromNanoOrNull(row.activity?.byokCostNano ?? null),
  drift_usd: usdFromNanoOrNull(row.driftNano),
  byok_drift_usd: usdFromNanoOrNull(row.byokDriftNano),
  coverage: row.coverage,
});
