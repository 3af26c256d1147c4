/** Asks for what is stored of a user's days, with everything around them. */

import { askTogether, type Question } from '../../db.ts';
import type { Deps } from '../../deps.ts';
import { refuseForeignKey } from '../../inventory/ownership.ts';
import { selectAccounts, selectKeys, selectManagements, selectReadings } from '../../inventory/store.ts';

import { utcDaysOf } from '../../lib/zone.ts';
import type { Range } from '../model.ts';
import { selectSums } from '../rollup/store.ts';
import { type Clock, type StoredSources, sourcesOf } from './ledger-items.ts';
import * as store from './store.ts';

const clockOf = ({ config, now }: Pick<Deps, 'config' | 'now'>): Clock => ({ now: now(), retentionDays: config.retentionDays });

/** Asks for everything around a user's days. */
const surroundings = ({ db }: Pick<Deps, 'db'>, userId: number) =>
  [
    selectKeys(db, userId),
    selectReadings(db, userId),
    selectAccounts(db, userId),
    selectManagements(db, userId),
    store.selectNames(db, userId),
  ] as const;

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
      ...surroundings(deps, userId),
      store.selectKeyDays(deps.db, userId, days),
      store.selectUsage(deps.db, userId, days),
      store.selectTotals(deps.db, userId, days),
      store.selectChecks(deps.db, userId, days),
      selectSums(deps.db, userId, days),
    ],
    also,
  );
  const [keyRows, upstreamKeys, accounts, managements, names, keyDays, usage, totals, checks, sums] = answers;
  if (keyId !== undefined && keyRows.every(({ id }) => id !== keyId)) await refuseForeignKey(deps, keyId);
  const stored = { keyRows, upstreamKeys, accounts, managements, names, keyDays, usage, totals, checks };
  return { ...sourcesOf(stored, clockOf(deps), keyId), sums, also: others };
}

/** The same in pieces of UTC days, three statements each. */
export async function* readPieces(deps: Deps, userId: number, pieces: readonly store.AskedDays[]): AsyncGenerator<StoredSources> {
  const [keyRows, upstreamKeys, accounts, managements, names] = await deps.db.batch([...surroundings(deps, userId)]);
  for (const days of pieces) {
    const [keyDays, usage, totals] = await deps.db.batch([
      store.selectKeyDays(deps.db, userId, days),
      store.selectUsage(deps.db, userId, days),
      store.selectTotals(deps.db, userId, days),
    ]);
    yield sourcesOf({ keyRows, upstreamKeys, accounts, managements, names, keyDays, usage, totals, checks: [] }, clockOf(deps));
  }
}

/** The UTC days that a range is made from. Local days that are not UTC days are built from hours. */
export const askedDays = ({ from, to, zone }: Range, hours: store.AskedDays['hours']): store.AskedDays => {
  const days = utcDaysOf(from, to, zone);
  return { spans: [[days.from, days.to]], hours: zone === 'UTC' ? hours : 'all' };
};
