/** Verbs of the ledger: what people and programs ask of it. */

import { type Actor, authorize } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import * as keyStore from '../keys/store.ts';
import { addDays, dayOf } from '../lib/day.ts';
import { remember } from '../lib/remember.ts';
import * as managementStore from '../management/store.ts';
import { ALL_SPEND, createCompleteness } from './completeness.ts';
import type { CoveredKey } from './coverage.ts';
import { comparePlaces, decodeCursor, encodeCursor, type GroupedRow, type Page, pageOfRange } from './groups.ts';
import { measuresOf, presentMeasures } from './measures.ts';
import {
  byEach,
  type Fact,
  type FactsBy,
  factsBy,
  type Group,
  inDetail,
  type LedgerRow,
  type Range,
  type ReconciliationQuery,
  rangeProblem,
  resolveRange,
  type StatsQuery,
  type UsageQuery,
} from './model.ts';
import { askedDays, chooseRows, readLedger, readSources } from './reading.ts';
import { findDrift, presentReconciled, reconcile } from './reconciliation.ts';
import { createIndex, type Index } from './sources.ts';
import { summarize } from './stats.ts';
import * as store from './store.ts';
import { nameUsage, toCounters, toLedgerRow } from './stored-row.ts';
import { readSummary } from './summary.ts';

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

/** Totals of a range, by day, model, provider and key, with what is known since when, and where the sources differ. */
const statsOf = (index: Index, facts: FactsBy, range: Range) => ({
  ...summarize(index.keys, facts, range),
  drift: findDrift(index, range.from, range.to).map(presentReconciled),
});

/** The rows of a range: of all keys from the sums of days, of one from its own rows. */
async function readStats(deps: Deps, userId: number, range: Range, keyId: number | undefined) {
  const { from } = range;
  const since = { keys: from, models: from, providers: from, said: from, checks: from };
  if (keyId === undefined) return readSummary(deps, userId, range, { hours: 'none', since });
  const { sources, rows } = await readLedger(deps, userId, range, 'none', keyId);
  return { index: createIndex(sources, dayOf(deps.now())), ledger: inDetail(rows) };
}

/** The answer of `GET /api/v1/stats`. */
export async function getStats(deps: Deps, actor: Actor, query: StatsQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const { index, ledger } = await readStats(deps, userId, range, query.key_id);
  return statsOf(index, factsBy(ledger, range, false), range);
}

/** A page of UTC days and keys with what each source says of them. */
export async function listReconciliation(deps: Deps, actor: Actor, query: ReconciliationQuery) {
  const userId = authorize(actor, 'read');
  const { from, to } = checkedRange(deps, { ...query, tz: 'UTC' });
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor, RECONCILED_BY);
  if (query.cursor !== undefined && cursor === null) failField('cursor', 'Is not the cursor of a page of this list');
  const sources = await readSources(deps, userId, { spans: [[from, to]], hours: 'none' }, { keyId: query.key_id });
  const placeOf = ({ date, keyId }: { date: string; keyId: number }) => [date, keyId];
  const rows = reconcile(createIndex(sources, dayOf(deps.now())), from, to).filter(
    (row) => cursor === null || comparePlaces(placeOf(row), cursor) > 0,
  );
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

/** Tells of rows whether they are all of what was spent: by their key, time, model and provider, and by what the question leaves out. */
function rowCompleteness(keys: readonly CoveredKey[], { facts }: Page, range: Range, query: UsageQuery) {
  const completeness = createCompleteness(keys, byEach(facts), range);
  const openDays = remember((figure: string) => completeness.openDays(JSON.parse(figure)));
  return ({ fields, place }: GroupedRow): boolean => {
    const named = (['model', 'provider'] as const).filter((name) => (fields[name] ?? query[name] ?? null) !== null);
    const figure = { ...ALL_SPEND, keyIds: typeof fields['key_id'] === 'number' ? [fields['key_id']] : [], named };
    const [date, at] = [fields['date'], query.group_by.includes('hour') ? place[1] : null];
    if (typeof date === 'string' && typeof at === 'number') return completeness.isHourComplete(figure, { at, date });
    const open = openDays(JSON.stringify(figure));
    return typeof date === 'string' ? !open.has(date) : open.size === 0;
  };
}

/** A page of ledger rows by one or two groups. */
export async function listUsage(deps: Deps, actor: Actor, query: UsageQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const { group_by: groups, limit } = query;
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor, groups);
  if (query.cursor !== undefined && cursor === null) failField('cursor', 'Is not the cursor of a page with this group_by');
  const days = askedDays(range, groups.includes('hour') ? 'all' : 'none');
  const sources = await readSources(deps, userId, days, { keyId: query.key_id });
  const stored = chooseRows(sources);
  const page = pageOfRange({ stored, toRow: toLedgerRow, range, groups, isWanted: (fact) => isWanted(fact, query), limit, cursor });
  const isComplete = rowCompleteness(sources.keys, page, range, query);
  const rows = page.rows.map((row) => ({ ...row, isComplete: isComplete(row) }));
  return { rows, nextCursor: page.next && encodeCursor(page.next, groups) };
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
    const days = { spans: [[from, addDays(from, pieceDays - 1)]], hours: 'all' } as const;
    const [counters, usage] = await deps.db.batch([store.selectDays(deps.db, userId, days), store.selectUsage(deps.db, userId, days)]);
    const rows = [...toCounters(counters), ...nameUsage(usage, upstreamKeys, names)].map(toLedgerRow);
    yield rows.filter(({ keyId }) => keyIds.has(keyId)).map(presentRow);
  }
}
