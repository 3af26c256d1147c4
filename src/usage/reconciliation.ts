/**
 * What the ledger says of a day and key beside what the other sources say. Pure. Zero is only said where zero was measured, and the
 * sources are compared only where both know the whole day.
 */
import { listDays } from '../lib/day.ts';
import { usdFromNanoOrNull } from '../lib/money.ts';
import { addMoney, type Money, NOTHING } from './amounts.ts';
import type { CoveredKey } from './coverage.ts';
import type { Source } from './model.ts';
import { type CoveredSecret, isAnalysed } from './secrets.ts';
import {
  correctionOf,
  countersOf,
  type Index,
  isCounted,
  ledgerOf,
  ledgerOfKey,
  minus,
  type StoredDay,
  storedOn,
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
  /** By how much the counters shrank, 0 or less; null: they did not. */
  correction: Money | null;
  activity: Money | null;
  /** What the ledger has more (or, negative, less) than the source that differs most from it. */
  driftNano: number | null;
  byokDriftNano: number | null;
  coverage: 'exact' | 'partial' | 'none';
}

const larger = (a: number | null, b: number): number => (a === null || Math.abs(b) > Math.abs(a) ? b : a);

/** Is everything of an account listed and read back, so that its total can be compared with its keys? */
const isAccountKnown = (index: Index, managementId: number): boolean =>
  (index.completeAts.get(managementId) ?? null) !== null && (index.accounts.get(managementId) ?? []).every(({ isReadBack }) => isReadBack);

/** What all that is known says; null where nothing is. */
const sumOf = (amounts: readonly (Money | null)[]): Money | null =>
  amounts.reduce((sum, money) => (sum && money ? addMoney(sum, money) : (sum ?? money)), null);

/** What `/activity` says of a secret; of what an account spent without a key, its total less that of its keys, if all of them are told. */
function activityOf(index: Index, stored: StoredDay, { keyId, hash, upstreamKeyId }: CoveredSecret): Money | null {
  const told = toldByActivity(stored, upstreamKeyId);
  if (hash !== null || told === null) return told;
  if (!isAccountKnown(index, keyId)) return null;
  const isSpender = (key: UpstreamEntry) => key.hash !== null && (key.usageNano ?? 0) + (key.byokUsageNano ?? 0) > 0;
  const ofKeys = (index.accounts.get(keyId) ?? []).filter(isSpender).map(({ id }) => toldByActivity(stored, id));
  return ofKeys.includes(null) ? null : ofKeys.reduce<Money>((rest, entry) => minus(rest, entry ?? NOTHING), told);
}

/** Everything that the ledger has of an account, less what analytics say of it as a whole; null if that is not known. */
function accountDrift(index: Index, stored: StoredDay, { id }: CoveredKey): Money | null {
  const account = index.accounts.get(id) ?? [];
  const outside = account.find(({ hash }) => hash === null);
  const check = outside && stored.checks.get(outside.id);
  if (!isAccountKnown(index, id) || check?.accountCostNano == null || check.accountByokCostNano === null) return null;
  const secrets = account.flatMap((key) => index.secrets.listed(key.id) ?? []);
  const sum = sumOf(secrets.map((secret) => ledgerOf(stored, secret).money)) ?? NOTHING;
  return minus(sum, { costNano: check.accountCostNano, byokCostNano: check.accountByokCostNano });
}

/** By how much a source differs from what the ledger says; null where the two cannot be compared. */
type Drifts = readonly (Money | null)[];
const NO_DRIFTS: Drifts = [];

/** By how much the sources of a secret's completed day differ from what the ledger says. */
function driftsOfSecret(index: Index, stored: StoredDay, secret: CoveredSecret): Drifts {
  const { source, money, isWhole } = ledgerOf(stored, secret);
  if (money === null) return NO_DRIFTS;
  const counters = isWhole && source === 'analytics' && isCounted(stored, secret) ? countersOf(stored, secret) : null;
  const activity = isWhole ? activityOf(index, stored, secret) : null;
  // Analytics were read and have nothing of the day, so the counters speak.
  const isUntold = source === 'counters' && isAnalysed(stored.day, secret);
  return [counters && minus(money, counters), activity && minus(money, activity), isUntold ? money : null];
}

/** The same of a key: of each of its secrets by itself, and, of a management key, of its account as a whole. */
function driftsOf(index: Index, stored: StoredDay, key: CoveredKey): Drifts {
  if (stored.day >= index.today) return NO_DRIFTS;
  const ofAccount = key.isOutside ? [accountDrift(index, stored, key)] : NO_DRIFTS;
  return [...key.secrets.flatMap((secret) => driftsOfSecret(index, stored, secret)), ...ofAccount];
}

function reconcileDay(index: Index, stored: StoredDay, key: CoveredKey, drifts = driftsOf(index, stored, key)): Reconciled {
  const { source, money, isWhole } = ledgerOfKey(stored, key);
  return {
    date: stored.day,
    keyId: key.id,
    name: key.name,
    source,
    ledger: money,
    counters: sumOf(key.secrets.map((secret) => countersOf(stored, secret))),
    correction: sumOf(key.secrets.map((secret) => correctionOf(stored, secret))),
    activity: sumOf(key.secrets.map((secret) => activityOf(index, stored, secret))),
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
const isOn = ({ counters, usage, checks }: StoredDay, { secrets }: CoveredKey): boolean =>
  secrets.some(
    ({ hash, upstreamKeyId: id }) => (hash !== null && counters.has(hash)) || (id !== null && (usage.has(id) || checks.has(id))),
  );

/** Completed days of the range on which the sources differ by more than a cent. Only days of which something is stored are looked at. */
export function findDrift(index: Index, from: string, to: string): Reconciled[] {
  const drifts: Reconciled[] = [];
  for (const stored of index.days.values()) {
    if (stored.day < from || stored.day > to || stored.day >= index.today) continue;
    for (const key of index.keys) {
      if (!isOn(stored, key)) continue;
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
  correction_usd: usdFromNanoOrNull(row.correction?.costNano || null),
  byok_correction_usd: usdFromNanoOrNull(row.correction?.byokCostNano || null),
  activity_cost_usd: usdFromNanoOrNull(row.activity?.costNano ?? null),
  activity_byok_cost_usd: usdFromNanoOrNull(row.activity?.byokCostNano ?? null),
  drift_usd: usdFromNanoOrNull(row.driftNano),
  byok_drift_usd: usdFromNanoOrNull(row.byokDriftNano),
  coverage: row.coverage,
});
