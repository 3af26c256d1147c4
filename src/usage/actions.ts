import { type Actor, authorize } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import { remember } from '../lib/remember.ts';
import { ALL_SPEND, createCompleteness } from './coverage/completeness.ts';
import type { CoveredKey } from './coverage/coverage.ts';
import { readAll, readLedger } from './ledger.ts';
import {
  byEach,
  type Fact,
  factsBy,
  type Group,
  type LedgerRow,
  type Range,
  type ReconciliationQuery,
  rangeProblem,
  resolveRange,
  type StatsQuery,
  type UsageQuery,
} from './model.ts';
import { comparePositions, decodeCursor, encodeCursor, type GroupedRow, type Page, pageOfRange } from './sums/groups.ts';
import { measuresOf, presentMeasures } from './sums/measures.ts';
import { presentReconciled } from './sums/reconciliation.ts';
import { summarize } from './sums/stats.ts';

const RECONCILED_BY: readonly Group[] = ['day', 'key'];

/** @throws AppFailure `invalid` with the path `from` */
export function checkRange(range: Range): Range {
  const problem = rangeProblem(range);
  return problem ? failField('from', problem) : range;
}

const checkedRange = (deps: Deps, query: Pick<StatsQuery, 'from' | 'to' | 'tz'>): Range => checkRange(resolveRange(query, deps.now()));

/** All keys from rollups, one key from its own rows. */
function askedOf({ from }: Range, keyId: number | undefined) {
  return keyId === undefined
    ? ({ hours: 'none', since: { keys: from, models: from, providers: from, drift: from } } as const)
    : ({ inRows: 'none', keyId } as const);
}

export async function getStats(deps: Deps, actor: Actor, query: StatsQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const { keys, rows, findDrift } = await readLedger(deps, userId, range, askedOf(range, query.key_id));
  return {
    ...summarize(keys, factsBy(rows(), range, false), range),
    drift: findDrift(range.from, range.to).map((row) => presentReconciled(row, keys)),
  };
}

export async function listReconciliation(deps: Deps, actor: Actor, query: ReconciliationQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, { ...query, tz: 'UTC' });
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor, RECONCILED_BY);
  if (query.cursor !== undefined && cursor === null) failField('cursor', 'Is not a cursor of this list');
  const { keys, reconcile } = await readLedger(deps, userId, range, { inRows: 'none', keyId: query.key_id });
  const positionOf = ({ date, keyId }: { date: string; keyId: number }) => [date, keyId];
  const rows = reconcile(range.from, range.to).filter((row) => cursor === null || comparePositions(positionOf(row), cursor) > 0);
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    data: page.map((row) => presentReconciled(row, keys)),
    next_cursor: last && rows.length > page.length ? encodeCursor(positionOf(last), RECONCILED_BY) : null,
  };
}

const isWanted = (fact: Fact, query: UsageQuery): boolean =>
  (query.model === undefined || fact.model === query.model || fact.permaslug === query.model) &&
  (query.provider === undefined || fact.provider === query.provider);

/** Is a row complete? It depends on its key, time and names, and on the filters. */
function rowCompleteness(keys: readonly CoveredKey[], { facts }: Page, range: Range, query: UsageQuery) {
  const completeness = createCompleteness(keys, byEach(facts), range);
  const openDays = remember((figure: string) => completeness.openDays(JSON.parse(figure)));
  return ({ fields, position }: GroupedRow): boolean => {
    const named = (['model', 'provider'] as const).filter((name) => (fields[name] ?? query[name] ?? null) !== null);
    const figure = { ...ALL_SPEND, keyIds: typeof fields['key_id'] === 'number' ? [fields['key_id']] : [], named };
    const [date, at] = [fields['date'], query.group_by.includes('hour') ? position[1] : null];
    if (typeof date === 'string' && typeof at === 'number') return completeness.isHourComplete(figure, { at, date });
    const open = openDays(JSON.stringify(figure));
    return typeof date === 'string' ? !open.has(date) : open.size === 0;
  };
}

export async function listUsage(deps: Deps, actor: Actor, query: UsageQuery) {
  const userId = authorize(actor, 'read');
  const range = checkedRange(deps, query);
  const { group_by: groups, limit } = query;
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor, groups);
  if (query.cursor !== undefined && cursor === null) failField('cursor', 'Is not a cursor for this group_by');
  const { keys, items } = await readLedger(deps, userId, range, { inRows: groups.includes('hour') ? 'all' : 'none', keyId: query.key_id });
  const page = pageOfRange({ ...items(), range, groups, isWanted: (fact) => isWanted(fact, query), limit, cursor });
  const isComplete = rowCompleteness(keys, page, range, query);
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

/** In pieces of `pieceDays` UTC days, with UTC hours. */
export async function* exportLedger(deps: Deps, actor: Actor, pieceDays: number) {
  for await (const rows of readAll(deps, authorize(actor, 'manage'), pieceDays)) yield rows.map(presentRow);
}
