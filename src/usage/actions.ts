/** Verbs of the ledger: what people and programs ask of it. */
import { type Actor, authorize } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import { refuseForeignKey } from '../keys/actions.ts';
import * as keyStore from '../keys/store.ts';
import { addDays, dayOf, startOfDay } from '../lib/day.ts';
import { utcDaysOf } from '../lib/zone.ts';
import * as managementStore from '../management/store.ts';
import { type CoveredKey, coverageOf } from './coverage.ts';
import { decodeCursor, encodeCursor, pageOfRange } from './groups.ts';
import { chooseSources, type Fact, factsOf, type Range, rangeProblem, resolveRange, type StatsQuery, type UsageQuery } from './model.ts';
import { summarize } from './stats.ts';
import * as store from './store.ts';

type StoredRow = Parameters<typeof store.toLedgerRow>[0];

function checkedRange(deps: Deps, query: Pick<StatsQuery, 'from' | 'to' | 'tz'>): Range {
  const range = resolveRange(query, deps.now());
  const problem = rangeProblem(range);
  return problem ? failField('from', problem) : range;
}

/** The user's keys, or the one that was asked for, what is known of them, and their stored days in the range. */
async function readLedger(deps: Deps, userId: number, range: Range, keyId?: number): Promise<{ keys: CoveredKey[]; stored: StoredRow[] }> {
  const days = utcDaysOf(range.from, range.to, range.zone);
  const [keyRows, readings, managements, names, counters, usage] = await deps.db.batch([
    keyStore.selectCovered(deps.db, userId),
    managementStore.selectReadings(deps.db, userId),
    managementStore.selectManagements(deps.db, userId),
    store.selectNames(deps.db, userId),
    store.selectDays(deps.db, userId, days.from, days.to, keyId),
    store.selectUsage(deps.db, userId, days.from, days.to),
  ]);
  if (keyId !== undefined && keyRows.every(({ id }) => id !== keyId)) await refuseForeignKey(deps, keyId);
  const isAsked = (id: number) => keyId === undefined || id === keyId;
  const keptSince = startOfDay(addDays(dayOf(deps.now()), -deps.config.retentionDays));
  const listedAts = new Map(managements.map(({ apiKeyId, listedAt }) => [apiKeyId, listedAt]));
  const ids = new Set(keyRows.flatMap(({ id }) => (isAsked(id) ? id : [])));
  const named = store.nameUsage(usage, readings, names).filter((row) => ids.has(row.keyId));
  const known = counters.filter((row) => ids.has(row.apiKeyId));
  return {
    keys: coverageOf(keyRows, readings, listedAts, keptSince).filter(({ id }) => isAsked(id)),
    stored: [...chooseSources(known, named), ...named],
  };
}

/** Totals of a range, by day, model, provider and key, with what is known since when. */
export async function getStats(deps: Deps, actor: Actor, query: StatsQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const { keys, stored } = await readLedger(deps, userId, range, query.key_id);
  return summarize(keys, factsOf(stored.map(store.toLedgerRow), range, false), range);
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
  const { stored } = await readLedger(deps, userId, range, query.key_id);
  const page = pageOfRange({ stored, toRow: store.toLedgerRow, range, groups, isWanted: (fact) => isWanted(fact, query), limit, cursor });
  return { rows: page.rows, nextCursor: page.next && encodeCursor(page.next, groups) };
}
