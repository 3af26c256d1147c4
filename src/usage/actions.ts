/** Verbs of the ledger: what people and programs ask of it. */
import { type Actor, authorize } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import { refuseForeignKey } from '../keys/actions.ts';
import * as keyStore from '../keys/store.ts';
import { utcDaysOf } from '../lib/zone.ts';
import { decodeCursor, encodeCursor, pageOf } from './groups.ts';
import { type Fact, factsOf, type Range, rangeProblem, resolveRange, type StatsQuery, type UsageQuery } from './model.ts';
import { summarize } from './stats.ts';
import * as store from './store.ts';

function checkedRange(deps: Deps, query: Pick<StatsQuery, 'from' | 'to' | 'tz'>): Range {
  const range = resolveRange(query, deps.now());
  const problem = rangeProblem(range);
  return problem ? failField('from', problem) : range;
}

async function readFacts(deps: Deps, userId: number, range: Range, withHours: boolean, keyId?: number) {
  const days = utcDaysOf(range.from, range.to, range.tz);
  const [keyRows, rows] = await deps.db.batch([
    keyStore.selectCovered(deps.db, userId, keyId),
    store.selectDays(deps.db, userId, days.from, days.to, keyId),
  ]);
  const keys = keyRows.map(({ isActive, health, ...key }) => ({ ...key, isRead: isActive && health !== 'invalid' }));
  if (keyId !== undefined && keys.length === 0) await refuseForeignKey(deps, keyId);
  const known = new Set(keys.map((key) => key.id));
  const facts = factsOf(
    rows.map(store.toLedgerRow).filter((row) => known.has(row.keyId)),
    range,
    withHours,
  );
  return { keys, facts };
}

/** Totals of a range, by day, model, provider and key, with what is known since when. */
export async function getStats(deps: Deps, actor: Actor, query: StatsQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const { keys, facts } = await readFacts(deps, userId, range, false, query.key_id);
  return summarize(keys, facts, range);
}

const isWanted = (fact: Fact, query: UsageQuery): boolean =>
  (query.model === undefined || fact.model === query.model) && (query.provider === undefined || fact.provider === query.provider);

/** A page of ledger rows by one or two groups. */
export async function listUsage(deps: Deps, actor: Actor, query: UsageQuery) {
  const userId = authorize(actor, 'read');
  const asked = checkedRange(deps, query);
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor, query.group_by);
  if (query.cursor !== undefined && cursor === null) failField('cursor', 'Is not the cursor of a page with this group_by');
  const isByTime = query.group_by.includes('hour') || query.group_by.includes('day');
  const start = isByTime && cursor ? String(cursor[0]) : asked.from;
  const range = { ...asked, from: start > asked.from ? start : asked.from };
  const { facts } = await readFacts(deps, userId, range, query.group_by.includes('hour'), query.key_id);
  const { rows, next } = pageOf(
    facts.filter((fact) => isWanted(fact, query)),
    query.group_by,
    query.limit,
    cursor,
  );
  return { rows, nextCursor: next && encodeCursor(next) };
}
