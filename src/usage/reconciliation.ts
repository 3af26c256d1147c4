/**
 * What the ledger says of a day and key beside what the other sources say. Pure. Zero is only said where zero was measured, and the
 * sources are compared only where both know the whole day.
 */
import { listDays } from '../lib/day.ts';
import { usdFromNanoOrNull } from '../lib/money.ts';
import { addMoney, type CoveredKey, isAnalysed, type Money, NOTHING } from './coverage.ts';
import type { Source } from './model.ts';
import {
  countersOf,
  countSpenders,
  type Index,
  isCounted,
  ledgerOf,
  minus,
  type StoredDay,
  storedOn,
  sumUsage,
  textsOf,
  toldByActivity,
  type UpstreamEntry,
} from './sources.ts';

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

const larger = (a: number | null, b: number): number => (a === null || Math.abs(b) > Math.abs(a) ? b : a);

/** Is everything of an account listed and read back, so that its total can be compared with its keys? */
const isAccountKnown = (index: Index, managementId: number): boolean =>
  (index.completeAts.get(managementId) ?? null) !== null &&
  (index.accounts.get(managementId)?.texts ?? []).every(({ isReadBack }) => isReadBack);

/** What `/activity` says of a key's texts; of what an account spent outside of its keys, its total less theirs, if all are told. */
function activityOf(index: Index, stored: StoredDay, key: CoveredKey): Money | null {
  let sum: Money | null = null;
  for (const text of textsOf(index, key)) {
    const told = toldByActivity(stored, text);
    if (told) sum = sum ? addMoney(sum, told) : told;
  }
  if (!key.isOutside || sum === null) return sum;
  if (!isAccountKnown(index, key.id)) return null;
  const isSpender = ({ hash, usageNano, byokUsageNano }: UpstreamEntry) => hash !== null && (usageNano ?? 0) + (byokUsageNano ?? 0) > 0;
  const ofKeys = (index.accounts.get(key.id)?.texts ?? []).filter(isSpender).map((text) => toldByActivity(stored, text));
  return ofKeys.includes(null) ? null : ofKeys.reduce<Money>((rest, entry) => minus(rest, entry ?? NOTHING), sum);
}

/** What the ledger has of a key's texts that belong to an account: the counters' figure only if they count such a text. */
function moneyInAccount(index: Index, stored: StoredDay, owner: CoveredKey, texts: readonly UpstreamEntry[]): Money {
  const { source, money } = ledgerOf(index, stored, owner);
  const isCounted = source === 'counters' && texts.some(({ hash }) => hash === owner.hash);
  return (isCounted ? money : sumUsage(stored, texts)) ?? NOTHING;
}

/** Everything that the ledger has of an account, less what analytics say of it as a whole; null if that is not known. */
function accountDrift(index: Index, stored: StoredDay, key: CoveredKey): Money | null {
  const account = index.accounts.get(key.id);
  const outside = account?.texts.find(({ hash }) => hash === null);
  const check = outside && stored.checks.get(outside.id);
  if (!isAccountKnown(index, key.id) || check?.accountCostNano == null || check.accountByokCostNano === null) return null;
  const sum = (account?.owners ?? []).reduce<Money>(
    (total, [owner, texts]) => addMoney(total, moneyInAccount(index, stored, owner, texts)),
    NOTHING,
  );
  return minus(sum, { costNano: check.accountCostNano, byokCostNano: check.accountByokCostNano });
}

/** By how much a source differs from what the ledger says; null where the two cannot be compared. */
type Drifts = readonly (Money | null)[];
const NO_DRIFTS: Drifts = [];

/** By how much the sources of a completed day differ from what the ledger says. */
function driftsOf(index: Index, stored: StoredDay, key: CoveredKey): Drifts {
  const { day } = stored;
  if (day >= index.today) return NO_DRIFTS;
  const { source, money, isWhole } = ledgerOf(index, stored, key);
  const ofAccount = key.isOutside ? accountDrift(index, stored, key) : null;
  if (money === null || key.hasForeignText) return [ofAccount];
  const isComparable = isWhole && source === 'analytics' && isCounted(stored, key) && countSpenders(index, stored, key) <= 1;
  const counters = isComparable ? countersOf(stored, key) : null;
  const activity = isWhole ? activityOf(index, stored, key) : null;
  // Analytics were read and have nothing of the day, so the counters speak.
  const isUntold = source === 'counters' && isAnalysed(day, key);
  return [counters && minus(money, counters), activity && minus(money, activity), isUntold ? money : null, ofAccount];
}

function reconcileDay(index: Index, stored: StoredDay, key: CoveredKey, drifts = driftsOf(index, stored, key)): Reconciled {
  const { source, money, isWhole } = ledgerOf(index, stored, key);
  return {
    date: stored.day,
    keyId: key.id,
    name: key.name,
    source,
    ledger: money,
    counters: countersOf(stored, key),
    activity: activityOf(index, stored, key),
    driftNano: drifts.reduce<number | null>((most, drift) => (drift ? larger(most, drift.costNano) : most), null),
    byokDriftNano: drifts.reduce<number | null>((most, drift) => (drift ? larger(most, drift.byokCostNano) : most), null),
    coverage: money === null ? 'none' : isWhole && stored.day < index.today ? 'exact' : 'partial',
  };
}

/** All days of a range and all keys, by day, then key. */
export function reconcile(index: Index, from: string, to: string): Reconciled[] {
  return listDays(from, to).flatMap((day) => {
    const stored = storedOn(index, day);
    return index.keys.map((key) => reconcileDay(index, stored, key));
  });
}

/** More than a cent is worth telling. */
const DRIFT_NANO = 10_000_000;
const isWorthTelling = (drift: Money | null): boolean =>
  drift !== null && Math.max(Math.abs(drift.costNano), Math.abs(drift.byokCostNano)) > DRIFT_NANO;

/** Is anything of a key stored of a day? */
const isOn = (index: Index, { counters, usage, checks }: StoredDay, key: CoveredKey): boolean =>
  counters.has(key.id) || textsOf(index, key).some(({ id }) => usage.has(id) || checks.has(id));

/** Completed days of the range on which the sources differ by more than a cent. Only days of which something is stored are looked at. */
export function findDrift(index: Index, from: string, to: string): Reconciled[] {
  const drifts: Reconciled[] = [];
  for (const stored of index.days.values()) {
    if (stored.day < from || stored.day > to || stored.day >= index.today) continue;
    for (const key of index.keys) {
      if (!isOn(index, stored, key)) continue;
      const ofDay = driftsOf(index, stored, key);
      if (ofDay.some(isWorthTelling)) drifts.push(reconcileDay(index, stored, key, ofDay));
    }
  }
  return drifts.sort((a, b) => (a.date === b.date ? a.keyId - b.keyId : a.date < b.date ? -1 : 1));
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
