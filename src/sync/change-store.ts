/** Writes what was read: whole days of upstream keys or of an account, and how far it is read then. */
import { CHARACTERS_A_SLICE, type Db, runBatch } from '../db.ts';
import type { Account, UpstreamKey } from '../inventory/model.ts';
import { slicesOf } from '../lib/slices.ts';
import { diffCells, preferHourly, retainMissingDays, type UsageCell } from '../usage/booking/cells.ts';
import { resolveAccountStatement, resolveDaysStatementAcrossUsers } from '../usage/booking/source-store.ts';
import {
  dropDaysStatementAcrossUsers,
  listDaysAcrossUsers,
  noteModelsStatement,
  type Owner,
  setDaysStatementAcrossUsers,
  setReportedStatementAcrossUsers,
} from '../usage/booking/usage-store.ts';
import type { AccountProgress, ReadProgress } from './model.ts';
import { moveAccountStatement, moveReadingsStatement, reopenAccountsStatement } from './store.ts';

interface Change<Of extends { id: number; readVersion: number }, State> {
  of: Of;
  days: string[];
  cells: UsageCell[];
  state: State;
}
/** What a step changes of a key: days that were read, and where the key stands then. */
export type KeyChange = Change<UpstreamKey, ReadProgress>;
type AccountChange = Change<Account, AccountProgress>;

const daysOf = (changes: readonly Change<{ id: number; readVersion: number }, unknown>[]): string[] => [
  ...new Set(changes.flatMap(({ days }) => days)),
];

/** What must be written so that the days hold what was read of them. */
async function planWrites(
  db: Db,
  userId: number,
  owner: Owner,
  changes: readonly Change<{ id: number; readVersion: number }, unknown>[],
): Promise<{ statements: D1PreparedStatement[]; changed: { id: number; day: string }[] }> {
  const names = changes.flatMap(({ of, days }) => days.map((day) => ({ userId, id: of.id, day })));
  const stored = await listDaysAcrossUsers(db, owner, names);
  const diffs = changes.map(({ of, cells }) => {
    const known = stored.get(of.id) ?? [];
    const kept = owner === 'account' ? cells : retainMissingDays(known, cells);
    return { base: { id: of.id, readVersion: of.readVersion }, ...diffCells(known, preferHourly(known, kept)) };
  });
  const set = diffs.flatMap(({ base, set: cells }) => cells.map((cell) => ({ ...base, ...cell })));
  const drop = diffs.flatMap(({ base, drop: cells }) => cells.map((cell) => ({ ...base, ...cell })));
  const models = [...new Set(set.flatMap(({ model }) => (model === '' ? [] : model)))];
  const changed = Map.groupBy([...set, ...drop], ({ id, day }) => `${id}/${day}`);
  return {
    statements: [
      ...(drop.length > 0 ? [dropDaysStatementAcrossUsers(db, owner, drop)] : []),
      ...(set.length > 0 ? [setDaysStatementAcrossUsers(db, owner, set), noteModelsStatement(db, userId, models)] : []),
    ],
    changed: [...changed.values()].flatMap(([first]) => (first ? [{ id: first.id, day: first.day }] : [])),
  };
}

async function applySlice(db: Db, userId: number, changes: readonly KeyChange[]): Promise<number[]> {
  const { statements, changed } = await planWrites(db, userId, 'upstream_key', changes);
  const isRecent = ({ of, days }: KeyChange) => days.every((day) => of.doneFrom !== null && day >= of.doneFrom);
  const recent = new Set(changes.filter(isRecent).map(({ of }) => of.id));
  const late = changed.filter(({ id }) => recent.has(id));
  const moves = changes.map(({ of, state }) => ({ id: of.id, readVersion: of.readVersion, ...state }));
  const results = await runBatch(db, [
    ...statements,
    ...(changed.length > 0 ? [setReportedStatementAcrossUsers(db, changed)] : []),
    ...(late.length > 0 ? [reopenAccountsStatement(db, userId, late)] : []),
    moveReadingsStatement(db, userId, moves),
    resolveDaysStatementAcrossUsers(
      db,
      changes.map(({ of }) => of.id),
      daysOf(changes),
    ),
  ]);
  return (results.at(-2) ?? []).map((row) => Number(row['id']));
}

/**
 * Writes changes: days and state together, only for keys that nobody read meanwhile. One answer, which is not cut, has some 1.5 million characters. A day that is the same is not written.
 * @returns the ids of the upstream keys whose change was written
 */
export async function applyChanges(db: Db, userId: number, changes: readonly KeyChange[]): Promise<Set<number>> {
  const moved = new Set<number>();
  for (const slice of slicesOf(changes, CHARACTERS_A_SLICE, ({ cells }) => JSON.stringify(cells).length)) {
    for (const id of await applySlice(db, userId, slice)) moved.add(id);
  }
  return moved;
}

/** The same of an account's total; tells whether nobody read it meanwhile. */
export async function applyAccountChange(db: Db, userId: number, change: AccountChange): Promise<boolean> {
  const { statements } = await planWrites(db, userId, 'account', [change]);
  const { of, state } = change;
  const results = await runBatch(db, [
    ...statements,
    moveAccountStatement(db, userId, of, state),
    resolveAccountStatement(db, userId, of.id, change.days),
  ]);
  return (results.at(-2) ?? []).length > 0;
}
