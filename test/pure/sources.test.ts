import type { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDb } from '../../src/db.ts';
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays, MINUTE_MS, startOfDay } from '../../src/lib/day.ts';
import { resolveDaysStatementAcrossUsers, resolveUserStatement } from '../../src/usage/booking/source-store.ts';
import { bindD1, createRunner, openMigrated, toResult } from '../support/sqlite-d1.ts';

const FIRST = '2026-11-10';
const DAYS = listDays(FIRST, addDays(FIRST, 4));
const START = startOfDay(FIRST);
const [ME, OTHER] = [2, 1];
const KEYS = [70, 71];
const MANAGER = { apiKeyId: 50, upstreamKeyId: 51 };
const ACCOUNT = 60;

type Source = 'counters' | 'analytics' | null;
type Money = readonly [nano: number, byokNano: number];
/** What the sources say of a day of an upstream key, and what was taken so far. */
interface Evidence {
  counted: Money | null;
  isEstimated: boolean;
  reported: Money | null;
  source: Source;
}
/** How far an upstream key is read and sampled. */
interface KeyState {
  isListed: boolean;
  doneFrom: string | null;
  readAt: number | null;
  isSettled: boolean;
  /** Did its counters move since the last reading? */
  isMoved: boolean;
  lastSampleAt: number | null;
}
const MANAGERS = ['active', 'paused', 'invalid', 'gone', 'elsewhere'] as const;
interface Readers {
  manager: (typeof MANAGERS)[number];
  listedAt: number | null;
}
interface World {
  readers: Readers;
  states: readonly KeyState[];
  /** Of each key, by day; null: there is no row. */
  days: readonly (readonly (Evidence | null)[])[];
}

/** The rule in plain words: until when analytics hold everything that a key spent. */
function reportedUntil({ doneFrom, readAt, isSettled, isMoved, isListed }: KeyState, { listedAt }: Readers): number | null {
  if (doneFrom === null || readAt === null || readAt <= startOfDay(doneFrom)) return null;
  return isSettled && !isMoved && isListed && listedAt !== null && listedAt > readAt ? listedAt : readAt;
}

const isManaged = ({ isListed }: KeyState, { manager }: Readers): boolean => isListed && manager === 'active';

/** The counters went on without analytics: for more than three hours, or, if nobody reads the key any more, at all. */
function isBehind(state: KeyState, readers: Readers): boolean {
  const until = reportedUntil(state, readers);
  const patienceMs = isManaged(state, readers) ? 3 * HOUR_MS : 0;
  return until !== null && state.lastSampleAt !== null && state.lastSampleAt - until > patienceMs;
}

function isReported(day: string, state: KeyState, readers: Readers): boolean {
  const until = reportedUntil(state, readers);
  return until !== null && state.doneFrom !== null && day >= state.doneFrom && until >= startOfDay(day) + DAY_MS + 15 * MINUTE_MS;
}

function knowMore(counted: Money, reported: Money): boolean {
  const isNeitherLess = counted[0] >= reported[0] && counted[1] >= reported[1];
  return isNeitherLess && (counted[0] > reported[0] || counted[1] > reported[1]);
}

function sourceOf(day: string, { counted, reported, isEstimated }: Evidence, state: KeyState, readers: Readers): Source {
  const isFinal = isReported(day, state, readers);
  const isOvertaken = counted && reported && !isFinal && isBehind(state, readers) && knowMore(counted, reported);
  if (reported && !isOvertaken) return 'analytics';
  return counted && !(isEstimated && isFinal) ? 'counters' : null;
}

/** What the ledger takes of each day and key. */
const modelOf = ({ states, days, readers }: World): Source[][] =>
  days.map((ofKey, key) =>
    ofKey.map((evidence, index) => evidence && sourceOf(DAYS[index] ?? '', evidence, states[key] as KeyState, readers)),
  );

const OFFSET = fc.constantFrom(-1, 0, 1, 15 * MINUTE_MS - 1, 15 * MINUTE_MS, 15 * MINUTE_MS + 1, 12 * HOUR_MS);
const INSTANT = fc.tuple(fc.integer({ min: 0, max: 5 }), OFFSET).map(([day, offset]) => START + day * DAY_MS + offset);
const DONE_FROM = fc.option(fc.constantFrom(...DAYS.slice(0, 3)));
const MONEY = fc.option(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })));
const EVIDENCE: fc.Arbitrary<Evidence> = fc.record({
  counted: MONEY,
  isEstimated: fc.boolean(),
  reported: MONEY,
  source: fc.constantFrom('counters' as const, 'analytics' as const, null),
});
const READERS: fc.Arbitrary<Readers> = fc.record({ manager: fc.constantFrom(...MANAGERS), listedAt: fc.option(INSTANT) });
const AHEAD = fc.constantFrom(-HOUR_MS, 0, 1, 3 * HOUR_MS, 3 * HOUR_MS + 1, 4 * DAY_MS);
/** A sample is often just as far ahead of analytics as it may be. */
const stateFor = (readers: Readers): fc.Arbitrary<KeyState> =>
  fc
    .record({
      isListed: fc.boolean(),
      doneFrom: DONE_FROM,
      readAt: fc.option(INSTANT),
      isSettled: fc.boolean(),
      isMoved: fc.boolean(),
      sampled: fc.option(fc.oneof(INSTANT, AHEAD)),
    })
    .map(({ sampled, ...state }) => {
      const until = reportedUntil({ ...state, lastSampleAt: null }, readers) ?? START;
      return { ...state, lastSampleAt: sampled === null || sampled >= START - 1 ? sampled : until + sampled };
    });
const daysFor = (evidence: fc.Arbitrary<Evidence>): fc.Arbitrary<(Evidence | null)[]> =>
  fc.array(fc.option(evidence), { minLength: DAYS.length, maxLength: DAYS.length });
const WORLD: fc.Arbitrary<World> = READERS.chain((readers) =>
  fc.record({
    readers: fc.constant(readers),
    states: fc.tuple(stateFor(readers), stateFor(readers)),
    days: fc.tuple(daysFor(EVIDENCE), daysFor(EVIDENCE)),
  }),
);

let database: DatabaseSync;
let run: ReturnType<typeof createRunner>;
let db: ReturnType<typeof createDb>;
beforeAll(() => {
  database = openMigrated();
  run = createRunner(database);
  db = createDb(bindD1(async (statements) => run(statements).map(toResult)));
});
afterAll(() => database.close());

const write = (text: string, ...values: (string | number | null)[]): void => void run([{ text, values }]);
const changes = (): number => Number(database.prepare('SELECT total_changes() AS count').get()?.['count']);

/** What happens to the stored world. */
function setReaders({ manager, listedAt }: Readers): void {
  write('DELETE FROM management');
  write('DELETE FROM api_key WHERE id = ?', MANAGER.apiKeyId);
  write('UPDATE account SET listed_at = ?, reader_id = ? WHERE id = ?', listedAt, manager === 'gone' ? null : MANAGER.apiKeyId, ACCOUNT);
  if (manager === 'gone') return;
  write(
    `INSERT INTO api_key (id, user_id, kind, name, hash, label, health, is_active, created_at) VALUES (?, ?, 'management', 'm', 'm', 'm', ?, ?, 0)`,
    MANAGER.apiKeyId,
    ME,
    manager === 'invalid' ? 'invalid' : 'active',
    manager === 'paused' ? 0 : 1,
  );
  const opened = manager === 'elsewhere' ? ACCOUNT + 1 : ACCOUNT;
  write('INSERT INTO management (api_key_id, user_id, account_id) VALUES (?, ?, ?)', MANAGER.apiKeyId, ME, opened);
}
const setSample = (id: number, { lastSampleAt }: KeyState): void =>
  write('UPDATE upstream_key SET last_sample_at = ? WHERE id = ?', lastSampleAt, id);
const setReading = (id: number, { isListed, doneFrom, readAt, isSettled, isMoved }: KeyState): void =>
  write(
    `UPDATE upstream_key SET account_id = ?, done_from = ?, read_at = ?, is_settled = ?, usage_nano = ?, byok_usage_nano = 0,
      read_usage_nano = 5, read_byok_usage_nano = 0 WHERE id = ?`,
    isListed ? ACCOUNT : null,
    doneFrom,
    readAt,
    Number(isSettled),
    isMoved ? 6 : 5,
    id,
  );
const setCounted = (user: number, id: number, day: string, { counted, isEstimated }: Evidence): void =>
  write(
    `INSERT INTO key_day (user_id, day, upstream_key_id, counted_nano, counted_byok_nano, is_estimated) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET counted_nano = excluded.counted_nano, counted_byok_nano = excluded.counted_byok_nano, is_estimated = excluded.is_estimated`,
    user,
    day,
    id,
    counted?.[0] ?? null,
    counted?.[1] ?? null,
    Number(isEstimated),
  );
const setReported = (user: number, id: number, day: string, { reported }: Evidence): void =>
  write(
    `INSERT INTO key_day (user_id, day, upstream_key_id, reported_nano, reported_byok_nano) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET reported_nano = excluded.reported_nano, reported_byok_nano = excluded.reported_byok_nano`,
    user,
    day,
    id,
    reported?.[0] ?? null,
    reported?.[1] ?? null,
  );
const setSource = (user: number, id: number, day: string, source: Source): void =>
  write('UPDATE key_day SET source = ? WHERE user_id = ? AND day = ? AND upstream_key_id = ?', source, user, day, id);

/** Of both users the keys and accounts alike, with nothing known of them. */
function clear(): void {
  for (const table of ['key_day', 'upstream_key', 'account', 'management', 'api_key']) write(`DELETE FROM ${table}`);
  for (const [user, ids, accountId] of [
    [ME, [...KEYS, MANAGER.upstreamKeyId], ACCOUNT],
    [OTHER, KEYS.map((id) => id + 100), ACCOUNT + 100],
  ] as const) {
    write('INSERT INTO account (id, user_id, anchor, reader_id) VALUES (?, ?, ?, ?)', accountId, user, 'w', null);
    for (const id of ids) {
      const hash = id === MANAGER.upstreamKeyId ? 'm' : `hash ${id % 100}`;
      const apiKeyId = id === MANAGER.upstreamKeyId ? MANAGER.apiKeyId : id + 10;
      write('INSERT INTO upstream_key (id, user_id, hash, api_key_id, created_at) VALUES (?, ?, ?, ?, 0)', id, user, hash, apiKeyId);
    }
  }
}

function store({ readers, states, days }: World): void {
  clear();
  setReaders(readers);
  for (const [index, id] of KEYS.entries()) {
    setReading(id, states[index] as KeyState);
    setSample(id, states[index] as KeyState);
    for (const [place, evidence] of (days[index] ?? []).entries()) {
      const day = DAYS[place] ?? '';
      if (evidence === null) continue;
      setCounted(ME, id, day, evidence);
      setReported(ME, id, day, evidence);
      setSource(ME, id, day, evidence.source);
    }
  }
}

const stored = (): Source[][] =>
  KEYS.map((id) => {
    const rows = database.prepare('SELECT day, source FROM key_day WHERE user_id = ? AND upstream_key_id = ?').all(ME, id);
    const sources = new Map(rows.map((row) => [row['day'], row['source'] as Source]));
    return DAYS.map((day) => sources.get(day) ?? null);
  });
const resolve = async (days: readonly string[] = DAYS, ids: readonly number[] = KEYS): Promise<void> =>
  void (await db.$client.batch([resolveDaysStatementAcrossUsers(db, ids, days)]));
const resolveAllOf = async (userId: number): Promise<void> => void (await db.$client.batch([resolveUserStatement(db, userId)]));

const UNREAD: KeyState = { isListed: true, doneFrom: null, readAt: null, isSettled: false, isMoved: false, lastSampleAt: null };

describe('the source of a day', () => {
  it('is analytics where there is any and counters otherwise, but for days that analytics left behind or shares of a gap', async () => {
    await fc.assert(
      fc.asyncProperty(WORLD, async (world) => {
        store(world);
        await resolve();
        expect(stored()).toEqual(modelOf(world));
      }),
      { numRuns: 1500 },
    );
  });

  it.each<[string, Source, Partial<Readers>, Partial<KeyState>, Partial<Evidence>]>([
    ['analytics, whatever the counters know, while they are not behind', 'analytics', {}, {}, {}],
    ['the counters’, three hours and a moment after the last reading', 'counters', {}, { lastSampleAt: START + 15 * HOUR_MS + 1 }, {}],
    ['analytics, three hours after the last reading', 'analytics', {}, { lastSampleAt: START + 15 * HOUR_MS }, {}],
    ['the counters’ at once where nobody reads the key any more', 'counters', { manager: 'paused' }, {}, {}],
    ['the counters’ at once where the management key opens another account', 'counters', { manager: 'elsewhere' }, {}, {}],
    ['analytics where they know as much', 'analytics', { manager: 'gone' }, {}, { reported: [5, 5] }],
    ['analytics where they know more of one kind of money', 'analytics', { manager: 'gone' }, {}, { reported: [1, 6] }],
    ['analytics where the day was read to its end', 'analytics', { manager: 'gone' }, { readAt: START + DAY_MS + 15 * MINUTE_MS }, {}],
    ['the counters’ a moment before that', 'counters', { manager: 'gone' }, { readAt: START + DAY_MS + 15 * MINUTE_MS - 1 }, {}],
    ['nobody’s where a gap was shared out and analytics have nothing', null, {}, { readAt: START + 2 * DAY_MS }, { reported: null }],
    ['the counters’ where a gap was shared out and the day is not read', 'counters', {}, {}, { reported: null }],
    [
      'the counters’ before the first day that was read',
      'counters',
      {},
      { doneFrom: DAYS[1] as string, readAt: START + 4 * DAY_MS },
      { reported: null },
    ],
  ])('is %s', async (_, source, readers, state, evidence) => {
    const read: KeyState = {
      ...UNREAD,
      doneFrom: FIRST,
      readAt: START + 12 * HOUR_MS,
      isMoved: true,
      lastSampleAt: START + 12 * HOUR_MS + 1,
    };
    const lastSampleAt = state.lastSampleAt ?? (state.readAt ?? read.readAt ?? 0) + 1;
    const day: Evidence = { counted: [5, 5], isEstimated: true, reported: [1, 5], source: null, ...evidence };
    store({
      readers: { manager: 'active', listedAt: null, ...readers },
      states: [{ ...read, ...state, lastSampleAt }, UNREAD],
      days: [[day], []],
    });
    await resolve();
    expect(stored()[0]?.[0]).toBe(source);
  });

  it('stays as it is when it is decided once more, and nothing is written', async () => {
    await fc.assert(
      fc.asyncProperty(WORLD, async (world) => {
        store(world);
        await resolve();
        const [before, rows] = [changes(), stored()];
        await resolve();
        await resolveAllOf(ME);
        expect([changes() - before, stored()]).toEqual([0, rows]);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same in whatever order what is known came, if it is decided with each part', async () => {
    const ORDER = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 40, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(WORLD, ORDER, async (world, order) => {
        clear();
        const ofDays = KEYS.flatMap((id, index) =>
          DAYS.flatMap((day, place) => {
            const evidence = world.days[index]?.[place];
            return evidence ? [() => setCounted(ME, id, day, evidence), () => setReported(ME, id, day, evidence)] : [];
          }),
        );
        const ofKeys = KEYS.flatMap((id, index) => {
          const state = world.states[index] as KeyState;
          return [() => setReading(id, state), () => setSample(id, state)];
        });
        const parts = [() => setReaders(world.readers), ...ofKeys, ...ofDays];
        const shuffled = parts.map((part, index) => ({ part, at: order[index % order.length] ?? 0 })).sort((a, b) => a.at - b.at);
        for (const { part } of shuffled) {
          part();
          await resolve();
        }
        expect(stored()).toEqual(modelOf(world));
      }),
      { numRuns: 150 },
    );
  });
});

describe('what is known of how far a key is read', () => {
  it('is until when analytics hold everything, whether somebody reads it, and whether analytics are behind', () => {
    fc.assert(
      fc.property(WORLD, ({ readers, states }) => {
        store({ readers, states, days: [] });
        const rows = database.prepare('SELECT reported_until, is_managed, is_behind FROM reading WHERE id IN (70, 71) ORDER BY id').all();
        expect(rows.map((row) => Object.values(row))).toEqual(
          states.map((state) => [reportedUntil(state, readers), Number(isManaged(state, readers)), Number(isBehind(state, readers))]),
        );
      }),
      { numRuns: 500 },
    );
  });
});

/** Nothing is reported of days before those that were read, or after the reading. */
const plausible = ({ states, days, ...world }: World): World => ({
  ...world,
  states,
  days: days.map((ofKey, key) =>
    ofKey.map((evidence, index) => {
      const { doneFrom, readAt } = states[key] as KeyState;
      const isRead = doneFrom !== null && readAt !== null && readAt > startOfDay(doneFrom);
      const day = DAYS[index] ?? '';
      return evidence && isRead && day >= doneFrom && day <= dayOf(readAt) ? evidence : evidence && { ...evidence, reported: null };
    }),
  ),
});

describe('days that are not named', () => {
  const settle = async (world: World): Promise<void> => {
    store(world);
    await resolve();
    expect(stored()).toEqual(modelOf(world));
  };

  it('need no decision when another management key reads a key, or none', async () => {
    await fc.assert(
      fc.asyncProperty(WORLD.map(plausible), fc.constantFrom(...MANAGERS), async (world, manager) => {
        await settle(world);
        const next = { ...world, readers: { ...world.readers, manager } };
        setReaders(next.readers);
        await resolveAllOf(ME);
        expect(stored()).toEqual(modelOf(next));
      }),
      { numRuns: 500 },
    );
  });

  it('need none when a key is sampled, but for those of the sample', async () => {
    await fc.assert(
      fc.asyncProperty(WORLD.map(plausible), INSTANT, daysFor(EVIDENCE), async (world, at, posted) => {
        await settle(world);
        const [state, days] = [world.states[0] as KeyState, world.days[0] ?? []];
        const sampled = { ...state, lastSampleAt: Math.max(at, state.lastSampleAt ?? 0) };
        const added = days.map((evidence, index) => {
          const fresh = posted[index];
          return fresh ? { reported: null, source: null, ...evidence, counted: fresh.counted, isEstimated: fresh.isEstimated } : evidence;
        });
        for (const [index, evidence] of added.entries()) if (posted[index] && evidence) setCounted(ME, 70, DAYS[index] ?? '', evidence);
        setSample(70, sampled);
        await resolve(
          DAYS.filter((_, index) => posted[index]),
          [70],
        );
        const next = { ...world, states: [sampled, world.states[1] as KeyState], days: [added, world.days[1] ?? []] };
        expect(stored()).toEqual(modelOf(next));
      }),
      { numRuns: 500 },
    );
  });

  it('need none when the account is listed, but for those since the listing before', async () => {
    await fc.assert(
      fc.asyncProperty(WORLD.map(plausible), INSTANT, async (world, at) => {
        const before = world.readers.listedAt ?? START;
        const readers: Readers = { manager: 'active', listedAt: before };
        await settle({ ...world, readers });
        const next = { ...world, readers: { ...readers, listedAt: Math.max(at, before) } };
        setReaders(next.readers);
        await resolve(listDays(dayOf(before - 15 * MINUTE_MS), dayOf(Math.max(at, before))), [MANAGER.upstreamKeyId]);
        expect(stored()).toEqual(modelOf(next));
      }),
      { numRuns: 500 },
    );
  });

  it('are not decided, even where what is stored would be decided otherwise', async () => {
    const read: KeyState = { ...UNREAD, doneFrom: FIRST, readAt: START + 3.5 * DAY_MS, isMoved: true };
    const wrong: Evidence = { counted: null, isEstimated: false, reported: [1, 1], source: 'counters' };
    const right = { ...wrong, source: 'analytics' as const };
    const sourcesOf = (evidence: Evidence[]) => evidence.map(({ source }) => source);
    store({ readers: { manager: 'active', listedAt: null }, states: [read, UNREAD], days: [DAYS.map(() => wrong), []] });
    await resolve([DAYS[1] as string]);
    expect(stored()[0]).toEqual(sourcesOf([wrong, right, wrong, right, wrong]));
    await resolve([DAYS[0] as string], [71]);
    expect(stored()[0]).toEqual(sourcesOf([wrong, right, wrong, right, wrong]));
  });
});

describe('the days of others', () => {
  it('are not touched, though they look alike, whoever is named', async () => {
    await fc.assert(
      fc.asyncProperty(WORLD, fc.boolean(), async (world, isOfUser) => {
        store(world);
        for (const [key, ofKey] of world.days.entries())
          for (const [place, evidence] of ofKey.entries()) {
            // Of their own key, and, as nothing would let them, of mine.
            for (const id of evidence ? [(KEYS[key] ?? 0) + 100, KEYS[key] ?? 0] : []) {
              setCounted(OTHER, id, DAYS[place] ?? '', evidence as Evidence);
              setReported(OTHER, id, DAYS[place] ?? '', evidence as Evidence);
              setSource(OTHER, id, DAYS[place] ?? '', evidence?.source ?? null);
            }
          }
        const rowsOfOther = () => database.prepare('SELECT * FROM key_day WHERE user_id = ? ORDER BY day, upstream_key_id').all(OTHER);
        const before = rowsOfOther();
        await (isOfUser ? resolveAllOf(ME) : resolve(DAYS, [...KEYS, MANAGER.upstreamKeyId]));
        expect(rowsOfOther()).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });

  it('are decided when they are named', async () => {
    store({ readers: { manager: 'active', listedAt: null }, states: [UNREAD, UNREAD], days: [] });
    setCounted(OTHER, 170, FIRST, { counted: [1, 0], isEstimated: false, reported: null, source: null });
    await resolve(DAYS, [170]);
    expect(database.prepare('SELECT source FROM key_day').all()).toEqual([{ source: 'counters' }]);
  });
});
