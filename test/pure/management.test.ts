import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Account, UpstreamKey } from '../../src/inventory/model.ts';
import {
  DAILY_REACH_DAYS,
  HOURLY_REACH_DAYS,
  historyRead,
  progressOf,
  type Read,
  type ReadState,
  wantedFrom,
} from '../../src/inventory/progress.ts';
import { addDays, countDays, DAY_MS, HOUR_MS, listDays, startOfDay } from '../../src/lib/day.ts';
import { checksOf, dueChecks, namesOf } from '../../src/sync/checks.ts';
import { findVanished } from '../../src/sync/listing.ts';
import { type AccountProgress, accountRead, afterAccountRead, afterGivingUp, afterRead, narrow, recentRead } from '../../src/sync/model.ts';
import { cellsOf, diffCells, preferHourly, retainMissingDays, type UsageCell } from '../../src/usage/booking/cells.ts';
import { cellsIn } from '../support/ledger-rows.ts';

const TODAY = '2026-11-15';
const NOON = startOfDay(TODAY) + 12 * HOUR_MS;
const NEW: ReadState = {
  createdAt: 0,
  vanishedAt: null,
  countedAt: NOON - HOUR_MS,
  usageNano: 5,
  usageDailyNano: 0,
  byokUsageNano: 0,
  byokUsageDailyNano: 0,
  doneFrom: null,
  openFrom: null,
  readAt: null,
  readUsageNano: null,
  readByokUsageNano: null,
  isSettled: false,
  isAtRest: false,
};
const SETTLED: ReadState = {
  ...NEW,
  doneFrom: addDays(TODAY, -364),
  openFrom: addDays(TODAY, -1),
  readAt: NOON,
  readUsageNano: 5,
  readByokUsageNano: 0,
  isSettled: true,
  isAtRest: true,
};
/** A key that was at rest, and of which something moved. */
const moved = (change: Partial<ReadState>): ReadState => ({ ...SETTLED, ...change, isAtRest: false });
const cell = (day: string, cost: number, place: Partial<UsageCell> = {}): UsageCell => ({
  day,
  model: 'm',
  provider: 'p',
  total: [cost, 0, 1, 2, 3, 4, 5],
  hours: null,
  ...place,
});

/** Reads until nothing is left; a query is too wide with some chance. Answers the reads that succeeded. */
function readAll(
  start: ReadState,
  today: string,
  retention: number,
  isTooWide: (read: Read) => boolean,
): { state: ReadState; reads: Read[] } {
  let state = start;
  const reads: Read[] = [];
  for (let rounds = 0; rounds < 50; rounds++) {
    const isDone = state.readAt === NOON;
    const next = (isDone ? null : recentRead(state, today, retention)) ?? historyRead(state, today, retention);
    if (!next) return { state, reads };
    const waiting = [next];
    for (let read = waiting.shift(); read; read = waiting.shift()) {
      if (isTooWide(read) && countDays(read.from, read.to) > 1) waiting.unshift(...(narrow(read, null) ?? []));
      else {
        reads.push(read);
        state = { ...state, ...afterRead(state, read, [], NOON, today) };
      }
    }
  }
  throw new Error('there is always something left to read');
}

describe('what is to be read of a key', () => {
  it('is in the end every wanted day, once, within the reach of each kind of query, however it is cut', () => {
    const AGE = fc.integer({ min: 0, max: 500 });
    fc.assert(
      fc.property(AGE, fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 }), (age, retention, width) => {
        const key = { ...NEW, createdAt: startOfDay(addDays(TODAY, -age)) };
        const { state, reads } = readAll(key, TODAY, retention, ({ from, to }) => countDays(from, to) > width);
        const oldest = wantedFrom(key, TODAY, retention);
        expect(reads.flatMap(({ from, to }) => listDays(from, to)).sort()).toEqual(listDays(oldest, TODAY));
        for (const { from, to, granularity } of reads) {
          const reach = granularity === 'hour' ? HOURLY_REACH_DAYS : DAILY_REACH_DAYS;
          expect(countDays(from, TODAY)).toBeLessThanOrEqual(reach);
          expect(countDays(from, to)).toBeLessThanOrEqual(reach);
        }
        const hourlyFrom = addDays(TODAY, 1 - HOURLY_REACH_DAYS);
        expect(reads.every(({ granularity, from }) => (granularity === 'hour') === from >= hourlyFrom)).toBe(true);
        expect(progressOf(state, TODAY, retention)).toEqual({ done: countDays(oldest, TODAY), total: countDays(oldest, TODAY) });
      }),
      { numRuns: 300 },
    );
  });

  it('is nothing while the counters stand still, and today and yesterday when they move', () => {
    expect(recentRead(SETTLED, TODAY, 365)).toBeNull();
    expect(recentRead(SETTLED, addDays(TODAY, 3), 365)).toBeNull();
    expect(recentRead(moved({}), TODAY, 365)).toMatchObject({ from: addDays(TODAY, -1), to: TODAY, granularity: 'hour' });
    expect(recentRead(moved({}), addDays(TODAY, 4), 365)).toMatchObject({
      from: addDays(TODAY, -1),
      to: addDays(TODAY, 4),
    });
    const late = recentRead(moved({}), addDays(TODAY, 40), 365);
    expect(late).toMatchObject({ from: addDays(TODAY, -1), to: addDays(TODAY, 9), granularity: 'day' });
  });

  it('goes on further into the past when the retention grows', () => {
    const { state } = readAll(NEW, TODAY, 60, () => false);
    expect(historyRead(state, TODAY, 60)).toBeNull();
    expect(historyRead(state, TODAY, 90)).toMatchObject({ from: addDays(TODAY, -90), to: addDays(TODAY, -61) });
  });

  it('is nothing more of a key that OpenRouter has forgotten', () => {
    const given = afterGivingUp(NEW, NOON, TODAY, 365);
    expect(given).toMatchObject({ isSettled: true, readUsageNano: NEW.usageNano, readByokUsageNano: NEW.byokUsageNano });
    expect(historyRead({ ...NEW, ...given }, TODAY, 365)).toBeNull();
  });
});

describe('a reading', () => {
  const today: Read = { part: 'recent', from: addDays(TODAY, -1), to: TODAY, granularity: 'hour', withProvider: true };
  const busy = moved({ usageNano: 9, usageDailyNano: 4 });
  const isSettled = (key: ReadState, cost: number, at = NOON) => afterRead(key, today, [cell(TODAY, cost)], at, TODAY).isSettled;

  it('is complete if it holds all that the counters say of today, or if they have not moved for three hours', () => {
    expect([isSettled(busy, 3), isSettled(busy, 4), isSettled(busy, 5)]).toEqual([false, true, true]);
    expect(isSettled({ ...busy, byokUsageDailyNano: 1 }, 4)).toBe(false);
    const still = (hours: number) => isSettled({ ...busy, countedAt: NOON - hours * HOUR_MS }, 3);
    expect([still(2.9), still(3)]).toEqual([false, true]);
  });

  it('is not complete in the first hours of a day, when the end of yesterday may be missing', () => {
    const key = { ...busy, usageDailyNano: 0, countedAt: startOfDay(TODAY) };
    expect(isSettled({ ...key, countedAt: null }, 0, startOfDay(TODAY) + HOUR_MS)).toBe(false);
    expect([isSettled(key, 0, startOfDay(TODAY) + 2.9 * HOUR_MS), isSettled(key, 0, startOfDay(TODAY) + 3 * HOUR_MS)]).toEqual([
      false,
      true,
    ]);
  });

  it('that was cut leaves the rest open', () => {
    const [first, second] = narrow({ ...today, from: addDays(TODAY, -9) }, null) ?? [];
    const key = moved({ openFrom: addDays(TODAY, -9), usageNano: 9 });
    const after = { ...key, ...afterRead(key, first as Read, [], NOON, TODAY) };
    expect(after).toMatchObject({ openFrom: second?.from, readAt: SETTLED.readAt, readUsageNano: 5 });
    expect(recentRead(after, TODAY, 365)).toEqual(second);
  });

  it('is cut to the maximum that OpenRouter names, then by hours, then by providers, and no further', () => {
    const range: Read = { ...today, from: addDays(TODAY, -29) };
    expect(narrow(range, 7)?.map(({ from, to }) => countDays(from, to))).toEqual([7, 23]);
    expect(narrow({ ...range, part: 'history' }, 7)?.map(({ from, to }) => [countDays(from, to), to])).toEqual([
      [7, TODAY],
      [23, addDays(TODAY, -7)],
    ]);
    let read: Read | undefined = { ...today, from: TODAY };
    const kinds: [string, boolean][] = [];
    for (; read; read = narrow(read, 31)?.[0]) kinds.push([read.granularity, read.withProvider]);
    expect(kinds).toEqual([
      ['hour', true],
      ['day', true],
      ['day', false],
    ]);
  });
});

describe('the account as a whole', () => {
  const unread: AccountProgress = { doneFrom: null, openFrom: null };
  const next = (account: AccountProgress, keys: ReadState[], today = TODAY, listedAt: number | null = NOON) =>
    accountRead({ ...account, listedAt }, keys, today, 365, 365);

  it('is read up to yesterday when all its keys are, then its past, then each new day twice', () => {
    const recent = next(unread, [SETTLED]);
    expect(recent).toMatchObject({ from: addDays(TODAY, -30), to: addDays(TODAY, -1), granularity: 'hour' });
    const after = afterAccountRead(unread, recent as Read);
    const history = next(after, [SETTLED]);
    expect(history).toMatchObject({ from: addDays(TODAY, -364), to: addDays(TODAY, -31), granularity: 'day' });
    const all = afterAccountRead(after, history as Read);
    expect(all).toEqual({ doneFrom: addDays(TODAY, -364), openFrom: TODAY });
    expect(next(all, [SETTLED])).toBeNull();
    expect(next(all, [SETTLED], addDays(TODAY, 1), NOON + DAY_MS)).toMatchObject({ from: addDays(TODAY, -1), to: TODAY });
  });

  it('waits for keys that are not read so far, and for a listing of all of them after the day', () => {
    expect(next(unread, [SETTLED, NEW])).toBeNull();
    expect(next(unread, [SETTLED, moved({ readAt: startOfDay(TODAY) + 14 * 60_000 })])).toBeNull();
    expect(next(unread, [SETTLED, moved({})])).not.toBeNull();
    expect(next(unread, [{ ...SETTLED, doneFrom: addDays(TODAY, -10) }])).toBeNull();
    for (const at of [null, startOfDay(TODAY) + 14 * 60_000]) expect(next(unread, [SETTLED], TODAY, at)).toBeNull();
  });
});

const CELLS = cellsIn(listDays('2026-11-10', '2026-11-12'));
const sorted = (cells: readonly UsageCell[]) =>
  cells.map(({ day, model, provider, total, hours }) => JSON.stringify([day, model, provider, total, hours])).sort();
describe('cells', () => {
  it('that are set and dropped make what was stored what is fresh; the same again is nothing', () => {
    fc.assert(
      fc.property(CELLS, CELLS, (stored, fresh) => {
        const { set, drop } = diffCells(stored, fresh);
        const places = new Set([...set, ...drop].map(({ day, model, provider }) => `${day} ${model} ${provider}`));
        const kept = stored.filter(({ day, model, provider }) => !places.has(`${day} ${model} ${provider}`));
        expect(sorted([...kept, ...set])).toEqual(sorted(fresh));
        expect(diffCells(fresh, fresh)).toEqual({ set: [], drop: [] });
      }),
    );
  });

  it('by the hour are kept where a reading knows only the day, unless it has more money', () => {
    const fine = [cell(TODAY, 5, { hours: { 3: [5, 0, 1, 2, 3, 4, 5] } })];
    expect(preferHourly(fine, [cell(TODAY, 5, { provider: '' })])).toEqual(fine);
    expect(preferHourly(fine, [cell(TODAY, 6, { provider: '' })])).toEqual([cell(TODAY, 6, { provider: '' })]);
    expect(preferHourly([cell(TODAY, 5)], fine)).toEqual(fine);
    expect(preferHourly([], [cell(TODAY, 5)])).toEqual([cell(TODAY, 5)]);
    expect(preferHourly(fine, [])).toEqual([]);
  });

  it('stay where a reading has nothing of their day, and give way where it has anything', () => {
    const stored = [cell(TODAY, 5), cell(addDays(TODAY, -1), 7)];
    expect(retainMissingDays(stored, [])).toEqual(stored);
    expect(retainMissingDays(stored, [cell(TODAY, 3)])).toEqual([cell(TODAY, 3), cell(addDays(TODAY, -1), 7)]);
    expect(retainMissingDays([], stored)).toEqual(stored);
  });

  it('add up rows of one place, and leave out what is nothing', () => {
    const at = startOfDay(TODAY) + 9 * HOUR_MS;
    const row = {
      at,
      model: 'm',
      provider: 'p',
      costNano: 1,
      byokCostNano: 0,
      requests: 1,
      promptTokens: 2,
      completionTokens: 3,
      reasoningTokens: 0,
      cachedTokens: 0,
    };
    const nothing = { ...row, costNano: 0, requests: 0, promptTokens: 0, completionTokens: 0 };
    expect(cellsOf([row, row, { ...nothing, model: 'n' }], 'hour')).toEqual([
      { day: TODAY, model: 'm', provider: 'p', total: [2, 0, 2, 4, 6, 0, 0], hours: { 9: [2, 0, 2, 4, 6, 0, 0] } },
    ]);
    expect(cellsOf([row], 'day')).toMatchObject([{ hours: null }]);
  });
});

describe('checks', () => {
  const row = {
    day: addDays(TODAY, -1),
    slug: 's',
    permaslug: 'p',
    provider: 'x',
    costNano: 3,
    byokCostNano: 1,
    requests: 1,
    promptTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
    cachedTokens: null,
  };

  it('say zero of every completed day of the window that was told without spend', () => {
    const checks = checksOf([row, row, { ...row, day: TODAY }], TODAY, TODAY);
    expect(checks).toHaveLength(30);
    expect([checks[0], checks.at(-1)]).toEqual([
      { day: addDays(TODAY, -30), costNano: 0, byokCostNano: 0 },
      { day: addDays(TODAY, -1), costNano: 6, byokCostNano: 2 },
    ]);
  });

  it('do not say zero of a day that left the window while they were asked for', () => {
    expect(checksOf([], TODAY, addDays(TODAY, 1)).map(({ day }) => day)).toEqual(listDays(addDays(TODAY, -29), addDays(TODAY, -1)));
  });

  it('are due once a day, not shortly after midnight, and not for keys that never spent or are gone', () => {
    const key = { ...SETTLED, id: 5, hash: 'h', checkedTo: null } as UpstreamKey;
    const isDue = (change: Partial<UpstreamKey>, now = NOON) => dueChecks([{ ...key, ...change }], null, now).length === 1;
    expect([isDue({}), isDue({ checkedTo: addDays(TODAY, -2) }), isDue({ checkedTo: addDays(TODAY, -1) })]).toEqual([true, true, false]);
    expect([isDue({}, startOfDay(TODAY) + HOUR_MS), isDue({ usageNano: 0 }), isDue({ vanishedAt: 1 }), isDue({ doneFrom: null })]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(isDue({ usageNano: 0, byokUsageNano: 1 })).toBe(true);
  });

  it('are due of an account as a whole, which has no hash, by the same clock', () => {
    const account = { id: 5, doneFrom: addDays(TODAY, -9), checkedTo: null } as Account;
    const due = (change: Partial<Account>, now = NOON) => dueChecks([], { ...account, ...change }, now).map(({ id, hash }) => [id, hash]);
    expect([due({}), due({ checkedTo: addDays(TODAY, -2) })]).toEqual([[[5, null]], [[5, null]]]);
    expect([due({ checkedTo: addDays(TODAY, -1) }), due({ doneFrom: null }), due({}, startOfDay(TODAY) + HOUR_MS)]).toEqual([[], [], []]);
  });

  it('name each model once, by its shortest slug', () => {
    const names = [
      { permaslug: 'p', slug: 'a/b:free' },
      { permaslug: 'p', slug: 'a/b' },
      { permaslug: 'q', slug: 'c/e' },
      { permaslug: 'q', slug: 'c/d' },
    ];
    expect(namesOf(names)).toEqual([
      { permaslug: 'p', slug: 'a/b' },
      { permaslug: 'q', slug: 'c/d' },
    ]);
  });
});

describe('keys that vanished', () => {
  it('are known only from a listing of everything', () => {
    const known = [
      { id: 1, hash: 'a', vanishedAt: null },
      { id: 2, hash: 'b', vanishedAt: null },
      { id: 3, hash: 'c', vanishedAt: 5 },
    ];
    const records = [{ hash: 'a' }] as Parameters<typeof findVanished>[1]['records'];
    expect(findVanished(known, { records, gap: null })).toEqual([2]);
    expect(findVanished(known, { records, gap: 'a workspace' })).toEqual([]);
  });
});
