import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Account, KeyRow, Management, UpstreamKey } from '../../src/inventory/model.ts';
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays, MINUTE_MS, startOfDay } from '../../src/lib/day.ts';
import { addAmounts, dropDimensions, moneyOfDay, type UsageCell } from '../../src/usage/booking/cells.ts';
import type { StoredAccount, StoredUpstreamKey } from '../../src/usage/coverage/stored.ts';
import { ledgerRowsOf, sourcesOf } from '../../src/usage/sources/ledger-items.ts';
import type { CountedDay, NamedUsage } from '../../src/usage/sources/stored-row.ts';
import { isSettledDay, restOfCells, settledSpan, unattributedRows } from '../../src/usage/sources/unattributed.ts';
import type { Amounts } from '../../src/usage/sums/measures.ts';
import { cellsIn, NO_KEY_DAY, NO_USAGE } from '../support/ledger-rows.ts';

const DAY = '2026-11-10';
const CELLS = cellsIn([DAY]);
const cell = (cost: number, place: Partial<UsageCell> = {}): UsageCell => ({
  day: DAY,
  model: 'm',
  provider: 'p',
  total: [cost, 0, 1, 2, 3, 4, 5],
  hours: null,
  ...place,
});
/** Cells of which some know no hours, or no cached tokens. */
const ANY_CELLS: fc.Arbitrary<UsageCell[]> = fc
  .tuple(CELLS, fc.infiniteStream(fc.constantFrom('all', 'no hours', 'no cached tokens')))
  .map(([cells, known]) =>
    cells.map((one) => {
      const what = known.next().value;
      if (what === 'all') return one;
      return { ...one, hours: null, total: what === 'no hours' ? one.total : [...one.total.slice(0, 6), null] };
    }),
  );
const isSomething = ({ total }: UsageCell) => total.some((amount) => amount !== null && amount !== 0);
const sorted = (cells: readonly UsageCell[]) =>
  cells.map(({ day, model, provider, total, hours }) => JSON.stringify([day, model, provider, total, hours])).sort();
/** All cells of both, those of one place added up. */
const merge = (a: readonly UsageCell[], b: readonly UsageCell[]) =>
  dropDimensions([...a, ...b], { model: true, provider: true, hours: true });
const sumOf = (amounts: readonly Amounts[]): Amounts => amounts.reduce<Amounts>((sum, one) => addAmounts(sum, one), []);

/** An hour in which nothing was spent is not told. */
function withoutEmptyHours(entry: UsageCell): UsageCell {
  const hours = Object.entries(entry.hours ?? {}).filter(([, amounts]) => amounts.some((amount) => amount !== 0));
  return { ...entry, hours: Object.fromEntries(hours) };
}

describe('what an account spent without a key', () => {
  it('is the total less its keys, by model, provider and hour', () => {
    fc.assert(
      fc.property(CELLS, CELLS, (chatroom, keys) => {
        const rest = restOfCells(merge(chatroom, keys), keys);
        expect(sorted(rest)).toEqual(sorted(chatroom.filter(isSomething).map(withoutEmptyHours)));
      }),
      { numRuns: 300 },
    );
  });

  it('has no count that a key does not tell', () => {
    const [rest] = restOfCells([cell(9)], [cell(2, { total: [2, 0, 1, 1, 1, 1, null] })]);
    expect(rest?.total).toEqual([7, 0, 0, 1, 2, 3, null]);
  });

  it('is the same money where the keys are known without providers or hours', () => {
    fc.assert(
      fc.property(CELLS, CELLS, fc.boolean(), fc.boolean(), (chatroom, keys, keepProvider, keepHours) => {
        const rest = restOfCells(merge(chatroom, keys), dropDimensions(keys, { model: true, provider: keepProvider, hours: keepHours }));
        expect(moneyOfDay(rest, DAY)).toEqual(moneyOfDay(chatroom, DAY));
      }),
    );
  });

  it('makes up the total with the keys, unless they spent more of any money than there was: then there is none', () => {
    const SOME = fc.oneof(
      fc.tuple(ANY_CELLS, ANY_CELLS),
      fc.tuple(CELLS, ANY_CELLS).map(([rest, keys]) => [merge(rest, keys), keys] as const),
    );
    fc.assert(
      fc.property(SOME, ([totals, keys]) => {
        const [[cost, byok], [ofKeys, byokOfKeys]] = [moneyOfDay(totals, DAY), moneyOfDay(keys, DAY)];
        const [rest, byokRest] = moneyOfDay(restOfCells(totals, keys), DAY);
        if (cost < ofKeys || byok < byokOfKeys) expect(restOfCells(totals, keys)).toEqual([]);
        else expect([rest + ofKeys, byokRest + byokOfKeys]).toEqual([cost, byok]);
      }),
      { numRuns: 1000 },
    );
  });

  it('is never less than nothing, in any amount, of any day or hour', () => {
    fc.assert(
      fc.property(ANY_CELLS, ANY_CELLS, (totals, keys) => {
        for (const { total, hours } of restOfCells(totals, keys))
          for (const amounts of [total, ...Object.values(hours ?? {})])
            expect(amounts.filter((amount) => amount !== null && amount < 0)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('has hours that add up to its day, or none', () => {
    fc.assert(
      fc.property(ANY_CELLS, CELLS, fc.infiniteStream(fc.boolean()), (rest, keys, isKnown) => {
        const toldOfKeys = keys.map((key) => (isKnown.next().value ? key : { ...key, hours: null }));
        const told = restOfCells(merge(rest, keys), toldOfKeys).filter(({ hours }) => hours !== null);
        for (const { total, hours } of told) expect(sumOf(Object.values(hours ?? {}))).toEqual(total);
      }),
      { numRuns: 1000 },
    );
  });

  it('has no hours where a key spent in one in which the total has nothing', () => {
    const total = cell(9, { hours: { 3: [9, 0, 1, 2, 3, 4, 5] } });
    const elsewhere = cell(2, { total: [2, 0, 0, 0, 0, 0, 0], hours: { 4: [2, 0, 0, 0, 0, 0, 0] } });
    expect(restOfCells([total], [elsewhere])).toMatchObject([{ total: [7, 0, 1, 2, 3, 4, 5], hours: null }]);
    const empty = cell(0, { total: [0, 0, 0, 0, 0, 0, 0], hours: { 4: [0, 0, 0, 0, 0, 0, 0] } });
    expect(restOfCells([total], [empty])).toMatchObject([{ hours: { 3: [9, 0, 1, 2, 3, 4, 5] } }]);
  });

  it('has no hours where a key spent more in one of them than there was', () => {
    const total = cell(9, { hours: { 3: [4, 0, 1, 2, 3, 4, 5], 4: [5, 0, 0, 0, 0, 0, 0] } });
    const more = cell(6, { total: [6, 0, 0, 0, 0, 0, 0], hours: { 3: [6, 0, 0, 0, 0, 0, 0] } });
    expect(restOfCells([total], [more])).toMatchObject([{ total: [3, 0, 1, 2, 3, 4, 5], hours: null }]);
  });

  it('is told by model where it does not come out by provider', () => {
    const totals = [cell(5), cell(5, { provider: 'q' }), cell(3, { model: 'n' })];
    expect(restOfCells(totals, [cell(4, { provider: '' })])).toMatchObject([
      { model: 'm', provider: '', total: [6, 0, 1, 2, 3, 4, 5] },
      { model: 'n', provider: '', total: [3, 0, 1, 2, 3, 4, 5] },
    ]);
  });

  it('is nothing where it came out negative, and one sum where only a model did', () => {
    expect(restOfCells([cell(5)], [cell(6)])).toEqual([]);
    expect(restOfCells([cell(5)], [cell(2), cell(4, { provider: 'q' })])).toEqual([]);
    const totals = [cell(9), cell(1, { model: 'n' })];
    expect(restOfCells(totals, [cell(2), cell(3, { model: 'n' })])).toMatchObject([
      { model: '', provider: '', total: [5, 0, 0, 0, 0, 0, 0] },
    ]);
    expect(restOfCells([], [])).toEqual([]);
  });
});

describe('unattributed spend in the ledger', () => {
  const total: NamedUsage = {
    ...NO_USAGE,
    keyId: 9,
    day: DAY,
    model: 'm-1',
    slug: 'm',
    provider: 'p',
    costNano: 9,
    requests: 4,
    hours: '{"3":[9,0,4]}',
  };
  const read: NamedUsage = { ...total, costNano: 2, requests: 1, hours: '{"3":[2,0,1]}', keyId: 1 };
  const counted: CountedDay = {
    ...NO_KEY_DAY,
    day: DAY,
    keyId: 1,
    upstreamKeyId: 70,
    countedNano: 2,
    countedByokNano: 0,
    source: 'counters',
  };
  const rowsOf = (totals: NamedUsage[], keys: (NamedUsage | CountedDay)[]) => unattributedRows({ day: DAY, keyId: 9, totals, keys });

  it('is told of the key that reads the account, by the names of its models and by the hour', () => {
    const [row, ...others] = rowsOf([total], [read, { ...read, keyId: 2, costNano: 1, requests: 0, hours: '{"3":[1,0,0]}' }]);
    expect(row).toMatchObject({ keyId: 9, day: DAY, source: 'analytics', model: 'm', permaslug: 'm-1', provider: 'p', isEstimated: false });
    expect([row?.total.slice(0, 3), row?.hours[3]?.slice(0, 3), others]).toEqual([[6, 0, 3], [6, 0, 3], []]);
  });

  it('is one sum, without names and hours, where a key is told by its counters', () => {
    const [row, ...others] = rowsOf([total], [counted]);
    expect(row).toMatchObject({ model: null, permaslug: null, provider: null, hasHours: false });
    expect([row?.total.slice(0, 2), others]).toEqual([[7, 0], []]);
  });

  it('has no requests or tokens where a key is told by its counters, which know none', () => {
    expect(rowsOf([total], [counted])[0]?.total.slice(2)).toEqual([null, null, null, null, null]);
    expect(rowsOf([total], [counted, read])[0]?.total.slice(2)).toEqual([null, null, null, null, null]);
  });

  it('has no hours where the counters placed only a part of their day on hours', () => {
    const nameless = { ...total, model: '', slug: null, provider: '' };
    const [row] = rowsOf([nameless], [{ ...counted, hours: '{"3":[1,0]}' }]);
    expect([row?.total.slice(0, 2), row?.hasHours]).toEqual([[7, 0], false]);
  });
});

const NOW = startOfDay(DAY) + 3.5 * DAY_MS;
const DAYS = listDays(addDays(DAY, -3), addDays(DAY, 3));
const reading = (change: Partial<StoredUpstreamKey> = {}): StoredUpstreamKey => ({
  id: 70,
  apiKeyId: 1,
  accountId: 60,
  hash: 'h',
  createdAt: 0,
  countedAt: 1,
  seriesStartedAt: null,
  lastSampleAt: null,
  doneFrom: DAYS[0] as string,
  readAt: NOW,
  isAtRest: false,
  isManaged: true,
  isBehind: false,
  reportedUntil: NOW,
  vanishedAt: null,
  ...change,
});

describe('the days of an account that are settled', () => {
  const settledDays = (account: StoredAccount, keys: readonly StoredUpstreamKey[]) => {
    const settled = settledSpan(account, keys);
    return DAYS.filter((day) => isSettledDay({ settled }, day));
  };
  /** Is all that a key spent on a day read for good? */
  const isReadThrough = ({ doneFrom, reportedUntil, isAtRest }: StoredUpstreamKey, day: string): boolean =>
    doneFrom !== null &&
    doneFrom <= day &&
    (isAtRest || (reportedUntil !== null && reportedUntil >= startOfDay(day) + DAY_MS + 15 * MINUTE_MS));
  const isMadeLater = ({ createdAt }: StoredUpstreamKey, day: string): boolean => dayOf(createdAt) > day;
  const expected = ({ doneFrom, openFrom }: StoredAccount, keys: readonly StoredUpstreamKey[]) =>
    DAYS.filter(
      (day) =>
        doneFrom !== null &&
        openFrom !== null &&
        day >= doneFrom &&
        day < openFrom &&
        keys.every((key) => isMadeLater(key, day) || isReadThrough(key, day)),
    );

  const ANY_DAY = fc.constantFrom(...DAYS);
  const INSTANT = fc
    .tuple(ANY_DAY, fc.constantFrom(-1, 0, 5 * MINUTE_MS, 10 * MINUTE_MS, 15 * MINUTE_MS - 1, 15 * MINUTE_MS, 12 * HOUR_MS))
    .map(([day, offset]) => startOfDay(day) + offset);
  const ACCOUNT: fc.Arbitrary<StoredAccount> = fc.record({
    id: fc.constant(60),
    readerId: fc.constant(9),
    doneFrom: fc.option(ANY_DAY),
    openFrom: fc.option(ANY_DAY),
  });
  const KEY = fc
    .record({ createdAt: fc.oneof(fc.constant(0), INSTANT), doneFrom: fc.option(ANY_DAY), readAt: INSTANT, isAtRest: fc.boolean() })
    .map(({ readAt, ...change }) => {
      const isBegun = change.doneFrom !== null && readAt > startOfDay(change.doneFrom);
      return reading({ ...change, reportedUntil: isBegun ? readAt : null, isAtRest: change.isAtRest && isBegun });
    });
  /** Reads a key back to the day on which it was made, if at all. */
  const readBack = (key: StoredUpstreamKey): StoredUpstreamKey => {
    const born = key.createdAt === 0 ? (DAYS[0] as string) : dayOf(key.createdAt);
    const reportedUntil =
      key.doneFrom === null ? null : Math.max(startOfDay(born) + 15 * MINUTE_MS, key.createdAt + 1, key.reportedUntil ?? 0);
    return { ...key, doneFrom: key.doneFrom === null ? null : born, reportedUntil };
  };

  it('are read of the account and of every key that was made by then', () => {
    fc.assert(
      fc.property(ACCOUNT, fc.array(KEY, { maxLength: 3 }), (account, keys) => {
        const allowed = expected(account, keys);
        expect(settledDays(account, keys).filter((day) => !allowed.includes(day))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('are all of those, once each key is read back to the day on which it was made, or not read at all', () => {
    fc.assert(
      fc.property(ACCOUNT, fc.array(KEY.map(readBack), { maxLength: 3 }), (account, keys) => {
        expect(settledDays(account, keys)).toEqual(expected(account, keys));
      }),
      { numRuns: 2000 },
    );
  });

  const account: StoredAccount = { id: 60, readerId: 9, doneFrom: DAYS[0] as string, openFrom: DAYS[6] as string };

  it('are not held back by a key that was made later, and all since it was made by one that is not read', () => {
    const unread = { doneFrom: null, readAt: null, reportedUntil: null };
    expect(settledDays(account, [reading()])).toEqual(DAYS.slice(0, 6));
    const made = startOfDay(DAYS[2] as string) + 12 * HOUR_MS;
    expect(settledDays(account, [reading(), reading({ ...unread, createdAt: made })])).toEqual(DAYS.slice(0, 2));
    expect(settledDays(account, [reading(), reading({ ...unread, createdAt: 0 })])).toEqual([]);
    const readOnce = { createdAt: made, doneFrom: DAYS[2] as string, reportedUntil: made + HOUR_MS };
    expect(settledDays(account, [reading(), reading(readOnce)])).toEqual(DAYS.slice(0, 2));
    expect(settledDays(account, [reading(), reading({ ...readOnce, isAtRest: true })])).toEqual(DAYS.slice(0, 6));
  });

  it('are not held back by a key that was made and read in the first quarter of an hour of a later day', () => {
    const made = startOfDay(DAYS[2] as string) + 5 * MINUTE_MS;
    const fresh = reading({ createdAt: made, doneFrom: DAYS[2] as string, reportedUntil: made + 5 * MINUTE_MS });
    expect(settledDays(account, [fresh])).toEqual(DAYS.slice(0, 2));
  });

  it('end with the last one through which a key is read, a quarter of an hour after it', () => {
    const end = startOfDay(DAYS[3] as string) + 15 * MINUTE_MS;
    expect(settledDays(account, [reading({ reportedUntil: end })])).toEqual(DAYS.slice(0, 3));
    expect(settledDays(account, [reading({ reportedUntil: end - 1 })])).toEqual(DAYS.slice(0, 2));
    expect(settledDays(account, [reading({ doneFrom: DAYS[2] as string })])).toEqual(DAYS.slice(2, 6));
  });

  it('are none of an account that was not read', () => {
    expect(settledDays({ ...account, doneFrom: null }, [])).toEqual([]);
    expect(settledDays({ ...account, openFrom: null }, [])).toEqual([]);
    expect(settledDays(account, [])).toEqual(DAYS.slice(0, 6));
  });
});

describe('unattributed spend', () => {
  const keyRow = { name: 'k', kind: 'inference', isActive: true, health: 'active', refusedAt: null };
  const stored = (change: { key?: object; upstream?: Partial<StoredUpstreamKey>; account?: Partial<Account> }) => ({
    keyRows: [
      { ...keyRow, id: 1, hash: 'h', ...change.key },
      { ...keyRow, id: 9, hash: 'm', kind: 'management' },
    ] as KeyRow[],
    upstreamKeys: [reading(change.upstream)] as unknown as UpstreamKey[],
    accounts: [{ id: 60, readerId: 9, doneFrom: DAYS[0], openFrom: DAYS[6], ...change.account }] as Account[],
    managements: [{ apiKeyId: 9, accountId: 60 }] as Management[],
    names: [],
    keyDays: [{ ...NO_KEY_DAY, upstreamKeyId: 70, day: DAY, reportedNano: 2, reportedByokNano: 0, source: 'analytics' as const }],
    usage: [{ ...NO_USAGE, upstreamKeyId: 70, day: DAY, model: 'm', costNano: 2 }],
    totals: [DAY, DAYS[6] as string].map((day) => ({ ...NO_USAGE, accountId: 60, day, model: 'm', costNano: 9 })),
    checks: [],
  });
  const told = (change: Parameters<typeof stored>[0], keyId?: number) =>
    ledgerRowsOf(sourcesOf(stored(change), { now: NOW + HOUR_MS, retentionDays: 365 }, keyId)).map((row) => [
      row.keyId,
      row.day,
      row.total[0],
    ]);

  it('is pending until its keys have settled the day, but for paused ones', () => {
    const own = [1, DAY, 2];
    expect(told({})).toEqual([own, [9, DAY, 7]]);
    const unread = { reportedUntil: startOfDay(DAY) + HOUR_MS };
    expect(told({ upstream: unread })).toEqual([own]);
    expect(told({ upstream: unread, key: { isActive: false } })).toEqual([own, [9, DAY, 7]]);
    expect(told({ account: { openFrom: DAY } })).toEqual([own]);
    // A key of another account.
    expect(told({ upstream: { ...unread, accountId: 61 } })).toEqual([own, [9, DAY, 9]]);
  });

  it('is told of the key that reads its account, and of no other', () => {
    expect(told({}, 9)).toEqual([[9, DAY, 7]]);
    expect(told({}, 1)).toEqual([[1, DAY, 2]]);
    expect(told({ account: { readerId: null } })).toEqual([[1, DAY, 2]]);
  });
});
