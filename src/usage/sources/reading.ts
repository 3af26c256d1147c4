/** Reads the stored days of a user, with keys and accounts. */
import { type Query, readTogether } from '../../db.ts';
import type { Deps } from '../../deps.ts';
import { refuseForeignKey } from '../../inventory/ownership.ts';
import { selectAccounts, selectKeys, selectManagements, selectReadings } from '../../inventory/store.ts';
import { utcDaysOf } from '../../lib/zone.ts';
import type { Range } from '../model.ts';
import { selectSums } from '../rollup/store.ts';
import { type Clock, type StoredSources, sourcesOf } from './ledger-items.ts';
import * as store from './store.ts';

const clockOf = ({ config, now }: Pick<Deps, 'config' | 'now'>): Clock => ({ now: now(), retentionDays: config.retentionDays });

const surroundings = ({ db }: Pick<Deps, 'db'>, userId: number) =>
  [
    selectKeys(db, userId),
    selectReadings(db, userId),
    selectAccounts(db, userId),
    selectManagements(db, userId),
    store.selectNames(db, userId),
  ] as const;

export async function readSources<T = undefined>(
  deps: Deps,
  userId: number,
  days: store.AskedDays,
  { keyId, also }: { keyId?: number | undefined; also?: Query<T> } = {},
) {
  const answers = await readTogether(deps.db, [
    ...surroundings(deps, userId),
    store.selectKeyDays(deps.db, userId, days),
    store.selectUsage(deps.db, userId, days),
    store.selectTotals(deps.db, userId, days),
    store.selectChecks(deps.db, userId, days),
    selectSums(deps.db, userId, days),
    ...(also ? [also] : []),
  ]);
  const [keyRows, upstreamKeys, accounts, managements, names, keyDays, usage, totals, checks, sums, others = []] = answers;
  if (keyId !== undefined && keyRows.every(({ id }) => id !== keyId)) await refuseForeignKey(deps, keyId);
  const stored = { keyRows, upstreamKeys, accounts, managements, names, keyDays, usage, totals, checks };
  return { ...sourcesOf(stored, clockOf(deps), keyId), sums, also: others };
}

/** Three statements a piece. */
export async function* readPieces(deps: Deps, userId: number, pieces: readonly store.AskedDays[]): AsyncGenerator<StoredSources> {
  const [keyRows, upstreamKeys, accounts, managements, names] = await readTogether(deps.db, surroundings(deps, userId));
  for (const days of pieces) {
    const [keyDays, usage, totals] = await readTogether(deps.db, [
      store.selectKeyDays(deps.db, userId, days),
      store.selectUsage(deps.db, userId, days),
      store.selectTotals(deps.db, userId, days),
    ]);
    yield sourcesOf({ keyRows, upstreamKeys, accounts, managements, names, keyDays, usage, totals, checks: [] }, clockOf(deps));
  }
}

/** Local days are built from hours, unless they are UTC days. */
export const askedDays = ({ from, to, zone }: Range, hours: store.AskedDays['hours']): store.AskedDays => {
  const days = utcDaysOf(from, to, zone);
  return { spans: [[days.from, days.to]], hours: zone === 'UTC' ? hours : 'all' };
};
