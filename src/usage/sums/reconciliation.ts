/** Compares the ledger with the other sources. Zero only where it was measured; only days that both know in full are compared. Pure. */
import { DAY_MS, listDays, startOfDay } from '../../lib/day.ts';
import { usdFromNanoOrNull } from '../../lib/money.ts';
import type { CoveredKey } from '../coverage/coverage.ts';
import { type CoveredSecret, isAnalyzed } from '../coverage/secrets.ts';
import { isWithin } from '../coverage/spans.ts';
import type { Source } from '../model.ts';
import type { StoredCheck, StoredKeyDay, StoredTotal } from '../sources/stored-row.ts';
import { isSettledDay, type SettledAccount } from '../sources/unattributed.ts';
import { addMoney, type Money, NOTHING, subtractMoney } from './amounts.ts';

export interface Reconciled {
  date: string;
  keyId: number;
  source: Source | null;
  ledger: Money | null;
  counters: Money | null;
  correction: Money | null;
  activity: Money | null;
  /** The ledger minus the source that differs most. */
  driftNano: number | null;
  byokDriftNano: number | null;
  coverage: 'exact' | 'partial' | 'none';
}

export interface ComparisonInput {
  keys: readonly CoveredKey[];
  allKeys: readonly CoveredKey[];
  upstreamKeys: readonly { id: number; accountId: number | null; usageNano: number | null; byokUsageNano: number | null }[];
  /** `listedAt`: last complete listing; `isReadBack`: all history of the account and its keys is read. */
  accounts: readonly (SettledAccount & { listedAt: number | null; isReadBack: boolean })[];
  keyDays: readonly StoredKeyDay[];
  totals: readonly StoredTotal[];
  checks: readonly StoredCheck[];
}

interface ComparedDay extends Pick<Reconciled, 'source' | 'ledger' | 'counters' | 'correction' | 'activity'> {
  isWhole: boolean;
  /** The ledger minus each source; null: not comparable. */
  drifts: readonly (Money | null)[];
}

const sumOf = (amounts: readonly (Money | null)[]): Money | null =>
  amounts.reduce((sum, money) => (sum && money ? addMoney(sum, money) : (sum ?? money)), null);

const moneyOf = (costNano: number | null, byokCostNano: number | null): Money | null =>
  costNano === null || byokCostNano === null ? null : { costNano, byokCostNano };

const byName = <R extends { day: string }>(rows: readonly R[], ownerOf: (row: R) => number): ReadonlyMap<string, R[]> =>
  Map.groupBy(rows, (row) => `${row.day}/${ownerOf(row)}`);

function countedOf(day: string, { counters }: CoveredSecret, row: StoredKeyDay | undefined): Money | null {
  const counted = row ? moneyOf(row.countedNano, row.countedByokNano) : null;
  return counted ?? (counters && isWithin(day, counters) ? NOTHING : null);
}

const correctionOf = (row: StoredKeyDay | undefined): Money | null =>
  row && (row.correctionNano !== 0 || row.correctionByokNano !== 0) ? moneyOf(row.correctionNano, row.correctionByokNano) : null;

/** The first sample also reports what its day held before. */
function areCertain(day: string, { counters }: CoveredSecret, row: StoredKeyDay | undefined): boolean {
  return !row?.isEstimated && correctionOf(row) === null && counters !== null && isWithin(day, counters);
}

/** Spend after a replacement is not part of the key, so the counters of that day are whole. */
function compareSecretDay(day: string, secret: CoveredSecret, row: StoredKeyDay | undefined): ComparedDay {
  const counters = countedOf(day, secret, row);
  const activity = row ? moneyOf(row.activityNano, row.activityByokNano) : null;
  const isCertain = areCertain(day, secret, row);
  const isCounted = isCertain && (secret.counters?.until ?? 0) >= startOfDay(day) + DAY_MS;
  const isRead = secret.analytics !== null && isWithin(day, secret.analytics);
  const source = row?.source ?? null;
  const hasNoCountedSpend = source === null || (source === 'counters' && !(counters?.costNano || counters?.byokCostNano));
  const facts = { counters, correction: correctionOf(row), activity };
  if (source === null && row?.countedNano != null && !isRead) {
    // The account's total has it on its true day.
    return { ...facts, source, ledger: null, isWhole: false, drifts: [] };
  }
  if (source !== 'analytics' && !(isRead && hasNoCountedSpend)) {
    // Analytics were read and have nothing, so the ledger takes the counters.
    const isMissingInAnalytics = source === 'counters' && isAnalyzed(day, secret);
    const isWhole = secret.isPresent ? isCounted : isCertain;
    const drifts = counters ? [isWhole && activity ? subtractMoney(counters, activity) : null, isMissingInAnalytics ? counters : null] : [];
    return { ...facts, source: counters && 'counters', ledger: counters, isWhole, drifts };
  }
  const ledger = (source === 'analytics' && row ? moneyOf(row.reportedNano, row.reportedByokNano) : null) ?? NOTHING;
  const isWhole = isAnalyzed(day, secret);
  const drifts = [
    isWhole && isCounted && counters ? subtractMoney(ledger, counters) : null,
    isWhole && activity ? subtractMoney(ledger, activity) : null,
  ];
  return { ...facts, source: 'analytics', ledger, isWhole, drifts };
}

export function createComparison({ keys, allKeys, upstreamKeys, accounts, keyDays, totals, checks }: ComparisonInput, today: string) {
  const rows = byName(keyDays, ({ upstreamKeyId }) => upstreamKeyId);
  const totalsBy = byName(totals, ({ accountId }) => accountId);
  const checksBy = byName(checks, ({ accountId }) => accountId);
  const secrets = new Map(allKeys.flatMap((key) => key.secrets.map((secret) => [secret.upstreamKeyId, secret])));
  const rowOf = (day: string, id: number): StoredKeyDay | undefined => rows.get(`${day}/${id}`)?.[0];
  const ownOf = (accountId: number) => upstreamKeys.filter((key) => key.accountId === accountId);

  /** The account's `/activity` minus that of its keys; null: one is missing. */
  function activityOfAccount(day: string, { id, listedAt, isReadBack }: ComparisonInput['accounts'][number]): Money | null {
    const check = checksBy.get(`${day}/${id}`)?.[0];
    if (!check || listedAt === null || !isReadBack) return null;
    const spenders = ownOf(id).filter(({ usageNano, byokUsageNano }) => (usageNano ?? 0) + (byokUsageNano ?? 0) > 0);
    const reported = spenders.map((key) => rowOf(day, key.id)).map((row) => (row ? moneyOf(row.activityNano, row.activityByokNano) : null));
    const total: Money = { costNano: check.activityNano, byokCostNano: check.activityByokNano };
    return reported.includes(null) ? null : reported.reduce<Money>((rest, one) => subtractMoney(rest, one ?? NOTHING), total);
  }

  /** Drift, if the keys spent more than the account. */
  function compareAccountDay(day: string, account: ComparisonInput['accounts'][number]): ComparedDay {
    const activity = activityOfAccount(day, account);
    const facts = { counters: null, correction: null, activity };
    if (!isSettledDay(account, day)) return { ...facts, source: null, ledger: null, isWhole: false, drifts: [] };
    const ofKeys = ownOf(account.id).flatMap(({ id }) => secrets.get(id) ?? []);
    const spent = sumOf(ofKeys.map((secret) => compareSecretDay(day, secret, rowOf(day, secret.upstreamKeyId)).ledger)) ?? NOTHING;
    const rest = subtractMoney(sumOf(totalsBy.get(`${day}/${account.id}`) ?? []) ?? NOTHING, spent);
    const isNegative = rest.costNano < 0 || rest.byokCostNano < 0;
    const ledger = isNegative ? NOTHING : rest;
    const isComparable = account.listedAt !== null && account.isReadBack;
    const drifts = [activity && subtractMoney(ledger, activity), isComparable ? subtractMoney(ledger, rest) : null];
    return { ...facts, source: 'analytics', ledger, isWhole: true, drifts };
  }

  const isOn = (day: string, key: CoveredKey): boolean =>
    key.secrets.some(({ upstreamKeyId }) => rows.has(`${day}/${upstreamKeyId}`)) ||
    accounts.some(({ id, readerId }) => readerId === key.id && (totalsBy.has(`${day}/${id}`) || checksBy.has(`${day}/${id}`)));

  const larger = (a: number | null, b: number): number => (a === null || Math.abs(b) > Math.abs(a) ? b : a);

  function reconcileDay(day: string, key: CoveredKey): Reconciled {
    const compared = [
      ...key.secrets.map((secret) => compareSecretDay(day, secret, rowOf(day, secret.upstreamKeyId))),
      ...accounts.filter(({ readerId }) => readerId === key.id).map((account) => compareAccountDay(day, account)),
    ];
    const known = compared.filter(({ ledger }) => ledger !== null);
    const sources = known.map(({ source }) => source);
    const drifts = day < today ? known.flatMap((one) => one.drifts.filter((drift) => drift !== null)) : [];
    const ledger = sumOf(known.map((one) => one.ledger));
    const isWhole = known.every((one) => one.isWhole) && day < today;
    return {
      date: day,
      keyId: key.id,
      source: sources.includes('analytics') ? 'analytics' : (sources[0] ?? null),
      ledger,
      counters: sumOf(compared.map(({ counters }) => counters)),
      correction: sumOf(compared.map(({ correction }) => correction)),
      activity: sumOf(compared.map(({ activity }) => activity)),
      driftNano: drifts.reduce<number | null>((most, { costNano }) => larger(most, costNano), null),
      byokDriftNano: drifts.reduce<number | null>((most, { byokCostNano }) => larger(most, byokCostNano), null),
      coverage: ledger === null ? 'none' : isWhole ? 'exact' : 'partial',
    };
  }

  return {
    reconcile: (from: string, to: string): Reconciled[] => listDays(from, to).flatMap((day) => keys.map((key) => reconcileDay(day, key))),
    findDrift(from: string, to: string): Reconciled[] {
      const days = new Set([...keyDays, ...totals, ...checks].map(({ day }) => day));
      const asked = [...days].filter((day) => day >= from && day <= to && day < today).sort();
      return asked.flatMap((day) =>
        keys
          .filter((key) => isOn(day, key))
          .map((key) => reconcileDay(day, key))
          .filter(isDrift),
      );
    },
  };
}

const DRIFT_NANO = 10_000_000;
const isDrift = ({ driftNano, byokDriftNano }: Reconciled): boolean =>
  Math.max(Math.abs(driftNano ?? 0), Math.abs(byokDriftNano ?? 0)) > DRIFT_NANO;

export const presentReconciled = (row: Reconciled, keys: readonly Pick<CoveredKey, 'id' | 'name'>[]) => ({
  date: row.date,
  key_id: row.keyId,
  name: keys.find(({ id }) => id === row.keyId)?.name ?? '',
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
