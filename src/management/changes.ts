/** Writes what was read of keys: whole days, and how far each key is read then. */
import { CHARACTERS_A_SLICE, type Db, runBatch } from '../db.ts';
import { slicesOf } from '../lib/slices.ts';
import { diffCells, keepFiner, keepForgotten, type UsageCell } from '../usage/cells.ts';
import {
  dropUsageStatementAcrossUsers,
  listUsageOfDaysAcrossUsers,
  noteModelsStatement,
  setUsageStatementAcrossUsers,
} from '../usage/usage-store.ts';
import type { ReadProgress, UpstreamKey } from './model.ts';
import { moveReadingsStatement } from './store.ts';

/** What a step changes of a key: days that were read, and where the key stands then. */
export interface KeyChange {
  key: UpstreamKey;
  days: string[];
  cells: UsageCell[];
  state: ReadProgress;
}

async function applySlice(db: Db, userId: number, changes: readonly KeyChange[]): Promise<number[]> {
  const days = changes.flatMap(({ key, days: read }) => read.map((day) => ({ userId, upstreamKeyId: key.id, day })));
  const stored = await listUsageOfDaysAcrossUsers(db, days);
  const diffs = changes.map(({ key, cells }) => {
    const known = stored.get(key.id) ?? [];
    // What an account spent outside of its keys may become nothing, when a key is found that spent it.
    const kept = key.hash === null ? cells : keepForgotten(known, cells);
    return { base: { upstreamKeyId: key.id, readVersion: key.readVersion }, ...diffCells(known, keepFiner(known, kept)) };
  });
  const set = diffs.flatMap(({ base, set: cells }) => cells.map((cell) => ({ ...base, ...cell })));
  const drop = diffs.flatMap(({ base, drop: cells }) => cells.map((cell) => ({ ...base, ...cell })));
  const models = [...new Set(set.flatMap(({ model }) => (model === '' ? [] : model)))];
  const results = await runBatch(db, [
    ...(drop.length > 0 ? [dropUsageStatementAcrossUsers(db, drop)] : []),
    ...(set.length > 0 ? [setUsageStatementAcrossUsers(db, set), noteModelsStatement(db, userId, models)] : []),
    moveReadingsStatement(
      db,
      userId,
      changes.map(({ key, state }) => ({ upstreamKeyId: key.id, readVersion: key.readVersion, ...state })),
    ),
  ]);
  return (results.at(-1) ?? []).map((row) => Number(row['id']));
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
