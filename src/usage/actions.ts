/** Verbs of the ledger: what people and programs ask of it. */

import { type Actor, authorize } from '../actor.ts';
import { askTogether, type Question } from '../db.ts';
import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import { refuseForeignKey } from '../keys/actions.ts';
import * as keyStore from '../keys/store.ts';
import { addDays, dayOf, startOfDay } from '../lib/day.ts';
import { utcDaysOf } from '../lib/zone.ts';
import { historyRead, type Management, type UpstreamKey } from '../management/model.ts';
import * as managementStore from '../management/store.ts';
import { chooseSources } from './choose.ts';
import { coverageOf } from './coverage.ts';
import { comparePlaces, decodeCursor, encodeCursor, pageOfRange } from './groups.ts';
import { measuresOf, presentMeasures } from './measures.ts';
import {
  type Fact,
  factsOf,
  type Group,
  type LedgerRow,
  type Range,
  type ReconciliationQuery,
  rangeProblem,
  resolveRange,
  type StatsQuery,
  type UsageQuery,
} from './model.ts';
import { findDrift, presentReconciled, reconcile } from './reconciliation.ts';
import type { CheckEntry } from './sources.ts';
import { summarize } from './stats.ts';
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

/** In what order compared days come. */
const RECONCILED_BY: readonly Group[] = ['day', 'key'];

/**
 * The range, if it can be asked for.
 * @throws AppFailure `invalid` with the path `from`
 */
export function checkRange(range: Range): Range {
  const problem = rangeProblem(range);
  return problem ? failField('from', problem) : range;
}

const checkedRange = (deps: Deps, query: Pick<StatsQuery, 'from' | 'to' | 'tz'>): Range => checkRange(resolveRange(query, deps.now()));

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
  const storedKeys = keyRows.map((row) => ({ ...row, formerTexts: JSON.parse(row.formerTexts) as string[] }));
  const allKeys = coverageOf(storedKeys, upstreamKeys, completeAts, keptSince);
  const keys = allKeys.filter(({ id }) => keyId === undefined || id === keyId);
  return { ...stored, keys, allKeys, upstreamKeys: upstreamKeys.map(withProgress), completeAts };
}

type StoredSources = ReturnType<typeof sourcesOf>;

/** Everything stored about the user's spend in some UTC days, or about that of the key that was asked for. */
async function readSources<T = undefined>(
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
      store.selectChecks(deps.db, userId, days.detailFrom ?? days.from, days.to),
    ],
    also,
  );
  const [keyRows, upstreamKeys, managements, names, counters, usage, checks] = answers;
  if (keyId !== undefined && keyRows.every(({ id }) => id !== keyId)) await refuseForeignKey(deps, keyId);
  const stored = { keyRows, upstreamKeys, managements, names, counters: toCounters(counters), usage, checks };
  return { ...sourcesOf(deps, stored, keyId), also: others };
}

/** The stored ledger rows of the keys, of one source for each key and day. */
function chooseRows({ keys, upstreamKeys, names, counters, usage }: StoredSources): (StoredCounters | NamedUsage)[] {
  const chosen = chooseSources(keys, counters, nameUsage(usage, upstreamKeys, names));
  return [...chosen.counters, ...chosen.usage];
}

/** The ledger of sources. */
export const ledgerRowsOf = (sources: StoredSources): StoredRow[] => chooseRows(sources).map(toLedgerRow);

/** How finely a range is needed: its hours, and since which day more than the sums of keys. */
type Fineness = Pick<store.AskedDays, 'hours' | 'detailFrom'>;

/** The UTC days that a range is made from. Local days that are not UTC days are built from hours. */
export const askedDays = ({ from, to, zone }: Range, fineness: Fineness): store.AskedDays =>
  zone === 'UTC' ? { from, to, ...fineness } : { ...utcDaysOf(from, to, zone), hours: 'all' };

/**
 * The ledger of local days, with everything around it that its answers need.
 * @param besides the key that is asked about, and another question that is asked in the same round trip
 */
export async function readLedger<T = undefined>(
  deps: Deps,
  userId: number,
  range: Range,
  fineness: Fineness,
  besides: { keyId?: number | undefined; also?: Question<T> } = {},
) {
  const sources = await readSources(deps, userId, askedDays(range, fineness), besides);
  return { sources, rows: ledgerRowsOf(sources) };
}

export interface Ledger {
  sources: StoredSources;
  rows: StoredRow[];
}

/**
 * Totals of a range, by day, model, provider and key, with what is known since when, and where the sources differ.
 * @param facts the ledger's facts of the range, without hours
 */
export function statsOf({ sources }: Pick<Ledger, 'sources'>, facts: readonly Fact[], range: Range, today: string) {
  const drift = findDrift(sources, range.from, range.to, today).map(presentReconciled);
  return { ...summarize(sources.keys, facts, range), drift };
}

/** The answer of `GET /api/v1/stats`. */
export async function getStats(deps: Deps, actor: Actor, query: StatsQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const ledger = await readLedger(deps, userId, range, { hours: 'none' }, { keyId: query.key_id });
  return statsOf(ledger, factsOf(ledger.rows, range, false), range, dayOf(deps.now()));
}

/** A page of UTC days and keys with what each source says of them. */
export async function listReconciliation(deps: Deps, actor: Actor, query: ReconciliationQuery) {
  const userId = authorize(actor, 'read');
  const { from, to } = checkedRange(deps, { ...query, tz: 'UTC' });
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor, RECONCILED_BY);
  if (query.cursor !== undefined && cursor === null) failField('cursor', 'Is not the cursor of a page of this list');
  const sources = await readSources(deps, userId, { from, to, hours: 'none' }, { keyId: query.key_id });
  const placeOf = ({ date, keyId }: { date: string; keyId: number }) => [date, keyId];
  const rows = reconcile(sources, from, to, dayOf(deps.now())).filter((row) => cursor === null || comparePlaces(placeOf(row), cursor) > 0);
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    data: page.map(presentReconciled),
    next_cursor: last && rows.length > page.length ? encodeCursor(placeOf(last), RECONCILED_BY) : null,
  };
}

const isWanted = (fact: Fact, query: UsageQuery): boolean =>
  (query.model === undefined || fact.model === query.model || fact.permaslug === query.model) &&
  (query.provider === undefined || fact.provider === query.provider);

/** A page of ledger rows by one or two groups. */
export async function listUsage(deps: Deps, actor: Actor, query: UsageQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const { group_by: groups, limit } = query;
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor, groups);
  if (query.cursor !== undefined && cursor === null) failField('cursor', 'Is not the cursor of a page with this group_by');
  const days = askedDays(range, { hours: groups.includes('hour') ? 'all' : 'none' });
  const stored = chooseRows(await readSources(deps, userId, days, { keyId: query.key_id }));
  const page = pageOfRange({ stored, toRow: toLedgerRow, range, groups, isWanted: (fact) => isWanted(fact, query), limit, cursor });
  return { rows: page.rows, nextCursor: page.next && encodeCursor(page.next, groups) };
}

const measuresOfHours = (hours: LedgerRow['hours']) =>
  Object.fromEntries(Object.entries(hours).map(([hour, amounts]) => [hour, presentMeasures(measuresOf(amounts))]));

const presentRow = ({ total, hours, isEstimated, keyId, ...row }: LedgerRow) => ({
  ...row,
  key_id: keyId,
  ...presentMeasures(measuresOf(total)),
  is_estimated: isEstimated,
  hours: measuresOfHours(hours),
});

/**
 * Everything stored of the user's days, in pieces of `pieceDays` UTC days: what each source says of each day, key, model and provider,
 * with its hours (UTC). Two statements a piece, and three before them.
 */
export async function* exportLedger(deps: Deps, actor: Actor, pieceDays: number) {
  const userId = authorize(actor, 'manage');
  const [keyRows, upstreamKeys, names] = await deps.db.batch([
    keyStore.selectKeys(deps.db, userId),
    managementStore.selectReadings(deps.db, userId),
    store.selectNames(deps.db, userId),
  ]);
  const keyIds = new Set(keyRows.map(({ id }) => id));
  const today = dayOf(deps.now());
  for (let from = addDays(today, -deps.config.retentionDays - 1); from <= today; from = addDays(from, pieceDays)) {
    const to = addDays(from, pieceDays - 1);
    const [counters, usage] = await deps.db.batch([
      store.selectDays(deps.db, userId, { from, to, hours: 'all' }),
      store.selectUsage(deps.db, userId, { from, to, hours: 'all' }),
    ]);
    const rows = [...toCounters(counters), ...nameUsage(usage, upstreamKeys, names)].map(toLedgerRow);
    yield rows.filter(({ keyId }) => keyIds.has(keyId)).map(presentRow);
  }
}
