/** Reading the ledger: what is stored of a user's days, and the rows of it that count. */
import { askTogether, type Question } from '../db.ts';
import type { Deps } from '../deps.ts';
import { refuseForeignKey } from '../keys/actions.ts';
import * as keyStore from '../keys/store.ts';
import { addDays, dayOf, startOfDay } from '../lib/day.ts';
import { utcDaysOf } from '../lib/zone.ts';
import { historyRead, type Management, type UpstreamKey } from '../management/model.ts';
import * as managementStore from '../management/store.ts';
import { chooseSources } from './choose.ts';
import { coverageOf } from './coverage.ts';
import type { Range } from './model.ts';
import type { FormerText } from './readings.ts';
import type { CheckEntry } from './sources.ts';
import * as store from './store.ts';
import {
  type NamedUsage,
  nameUsage,
  type StoredCounters,
  type StoredRow,
  type StoredUsage,
  toCounters,
  toLedgerRow,
} from './stored-row.ts';
import { selectSums } from './sum-store.ts';

/** What is stored of a user's keys and of their spend in some days. */
interface Stored {
  keyRows: readonly keyStore.KeyWithTexts[];
  upstreamKeys: readonly UpstreamKey[];
  managements: readonly Management[];
  names: Parameters<typeof nameUsage>[2];
  counters: readonly StoredCounters[];
  usage: readonly StoredUsage[];
  checks: readonly CheckEntry[];
}

/** The sources of a user's answers, from what is stored, with what is known of which key; of all keys or of one. */
export function sourcesOf({ config, now }: Pick<Deps, 'config' | 'now'>, stored: Stored, keyId?: number) {
  const { keyRows, upstreamKeys, managements } = stored;
  const today = dayOf(now());
  const keptSince = startOfDay(addDays(today, -config.retentionDays));
  const completeAts = new Map(managements.map(({ apiKeyId, completeAt }) => [apiKeyId, completeAt]));
  const withProgress = (key: UpstreamKey) => ({
    ...key,
    isReadBack: key.doneFrom !== null && historyRead(key, today, config.retentionDays) === null,
  });
  const storedKeys = keyRows.map((row) => ({ ...row, formerTexts: JSON.parse(row.formerTexts) as FormerText[] }));
  const allKeys = coverageOf(storedKeys, upstreamKeys, completeAts, keptSince, now());
  const keys = allKeys.filter(({ id }) => keyId === undefined || id === keyId);
  return { ...stored, keys, allKeys, upstreamKeys: upstreamKeys.map(withProgress), completeAts };
}

export type StoredSources = ReturnType<typeof sourcesOf>;

/** Everything stored about the user's spend in some UTC days, or about that of the key that was asked for. */
export async function readSources<T = undefined>(
  deps: Deps,
  userId: number,
  days: store.AskedDays,
  { keyId, also }: { keyId?: number | undefined; also?: Question<T> } = {},
) {
  const [answers, others] = await askTogether(
    deps.db,
    [
      keyStore.selectKeysWithTexts(deps.db, userId),
      managementStore.selectReadings(deps.db, userId),
      managementStore.selectManagements(deps.db, userId),
      store.selectNames(deps.db, userId),
      store.selectDays(deps.db, userId, days),
      store.selectUsage(deps.db, userId, days),
      store.selectChecks(deps.db, userId, days),
      selectSums(deps.db, userId, days),
    ],
    also,
  );
  const [keyRows, upstreamKeys, managements, names, counters, usage, checks, sums] = answers;
  if (keyId !== undefined && keyRows.every(({ id }) => id !== keyId)) await refuseForeignKey(deps, keyId);
  const stored = { keyRows, upstreamKeys, managements, names, counters: toCounters(counters), usage, checks };
  return { ...sourcesOf(deps, stored, keyId), sums, also: others };
}

/** The stored ledger rows of the keys, of one source for each key and day. */
export function chooseRows({ keys, upstreamKeys, names, counters, usage }: StoredSources): (StoredCounters | NamedUsage)[] {
  const chosen = chooseSources(keys, counters, nameUsage(usage, upstreamKeys, names));
  return [...chosen.counters, ...chosen.usage];
}

/** The ledger of sources. */
export const ledgerRowsOf = (sources: StoredSources): StoredRow[] => chooseRows(sources).map(toLedgerRow);

/** The UTC days that a range is made from. Local days that are not UTC days are built from hours. */
export const askedDays = ({ from, to, zone }: Range, hours: store.AskedDays['hours']): store.AskedDays => {
  const days = utcDaysOf(from, to, zone);
  return { spans: [[days.from, days.to]], hours: zone === 'UTC' ? hours : 'all' };
};

/**
 * The ledger of local days, with everything around it that its answers need.
 * @param hours what of them is needed in UTC
 * @param keyId the key that is asked about
 */
export async function readLedger(deps: Deps, userId: number, range: Range, hours: store.AskedDays['hours'], keyId?: number) {
  const sources = await readSources(deps, userId, askedDays(range, hours), { keyId });
  return { sources, rows: ledgerRowsOf(sources) };
}
