import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, dayOf, HOUR_MS } from '../../src/lib/day.ts';
import { localDayOf } from '../../src/lib/zone.ts';
import { chooseSources } from '../../src/usage/choose.ts';
import { type CoveredKey, coverageOf, describeCoverage, knownUntil } from '../../src/usage/coverage.ts';
import { decodeCursor, encodeCursor, type GroupedRow, groupFacts, type Place, pageOfRange } from '../../src/usage/groups.ts';
import { addMeasures, type Measures, moneyOnly, UNKNOWN } from '../../src/usage/measures.ts';
import {
  approximateDays,
  factsBy,
  factsOf,
  GROUPS,
  type Group,
  inDetail,
  type LedgerRow,
  rangeProblem,
  resolveRange,
} from '../../src/usage/model.ts';
import type { StoredKey, StoredReading } from '../../src/usage/readings.ts';
import { summarize } from '../../src/usage/stats.ts';
import { FIRST, inZone, key, known, ROWS, secretOf, wide, ZONE } from '../support/ledger-rows.ts';

const MEASURES = Object.keys(UNKNOWN) as (keyof Measures)[];
const row = (day: string, costNano: number, hours: LedgerRow['hours'] = {}, isEstimated = false): LedgerRow => ({
  keyId: 1,
  day,
  source: 'counters',
  model: null,
  permaslug: null,
  provider: null,
  total: [costNano, 0],
  isEstimated,
  hours,
});

describe('facts', () => {
  it('lose nothing, whatever the zone and whether by day or by hour', () => {
    fc.assert(
      fc.property(ROWS, ZONE, fc.boolean(), (rows, tz, withHours) => {
        const facts = factsOf(rows, wide(tz), withHours);
        const sum = (values: (number | null)[]) => values.reduce<number>((total, value) => total + (value ?? 0), 0);
        for (const [index, measure] of MEASURES.entries())
          expect([measure, sum(facts.map(({ measures }) => measures[measure]))]).toEqual([
            measure,
            sum(rows.map(({ total }) => total[index] ?? 0)),
          ]);
        const keys = [1, 2, 3].map((id) => key(id, `${FIRST}T00:00:00Z`, `${wide('UTC').to}T00:00:00Z`));
        const stats = summarize(keys, factsBy(inDetail(rows), wide(tz), withHours), wide(tz));
        const nano = (usd: number | null) => Math.round((usd ?? 0) * 1e9);
        for (const list of [stats.by_day, stats.by_key, stats.by_model, stats.by_provider]) {
          expect(list.reduce((total, entry) => total + nano(entry.cost_usd), 0)).toBe(nano(stats.totals.cost_usd));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('put an hour on the local day in which it starts, and the unplaced rest on the one that contains noon in UTC', () => {
    const rows = [row('2026-11-10', 100, { 0: [10, 0], 23: [60, 0] })];
    const facts = factsOf(rows, inZone('2026-11-09', '2026-11-11', 'America/New_York'), true);
    expect(facts.map(({ date, hour, measures }) => [date, hour, measures.costNano])).toEqual([
      ['2026-11-09', '2026-11-09T19:00:00-05:00', 10],
      ['2026-11-10', '2026-11-10T18:00:00-05:00', 60],
      ['2026-11-10', null, 30],
    ]);
    expect(approximateDays(factsBy(inDetail(rows), inZone('2026-11-09', '2026-11-11', 'America/New_York'), true).marks)).toEqual([
      '2026-11-10',
    ]);
    const apia = factsOf(rows, inZone('2026-11-09', '2026-11-12', 'Pacific/Apia'), false);
    expect(apia.map(({ date, measures }) => [date, measures.costNano])).toEqual([
      ['2026-11-10', 10],
      ['2026-11-11', 90],
    ]);
  });

  it('tell by how much a counter shrank, in any zone, and by the hour', () => {
    const corrected = [{ ...row('2026-11-10', 0), total: [10, 0, null, null, null, null, null, -4, null] }];
    for (const tz of ['UTC', 'Europe/Rome'])
      for (const withHours of [true, false]) {
        const facts = factsOf(corrected, inZone('2026-11-09', '2026-11-11', tz), withHours);
        expect(facts.map(({ measures }) => [measures.costNano, measures.correctionNano, measures.byokCorrectionNano])).toEqual([
          [10, -4, null],
        ]);
      }
  });

  it.each([
    // 18:30, 18:15, 11:15 and 3:30 in UTC are midnight there; Lord Howe's clock goes half an hour in summer; New York's midnight is on an hour.
    ['Asia/Kolkata', 18],
    ['Asia/Kathmandu', 18],
    ['Pacific/Chatham', 10],
    ['America/St_Johns', 3],
    ['America/New_York', null],
  ])('of %s are not certain on both days that share the hour of midnight', (zone, shared) => {
    const all = inZone('2026-11-08', '2026-11-12', zone);
    const marked = (hour: number, range = all) =>
      [true, false].map((withHours) =>
        approximateDays(factsBy(inDetail([row('2026-11-10', 7, { [hour]: [7, 0] })]), range, withHours).marks),
      );
    for (let hour = 0; hour < 24; hour++) {
      const at = Date.parse('2026-11-10T00:00:00Z') + hour * HOUR_MS;
      const days = hour === shared ? [localDayOf(at, zone), localDayOf(at + HOUR_MS - 1, zone)] : [];
      expect([hour, marked(hour)]).toEqual([hour, [days, days]]);
      for (const day of days) expect(marked(hour, inZone(day, day, zone))).toEqual([[day], [day]]);
    }
    // The hour holds spend of another key, or none.
    expect(marked(shared ?? 0, inZone('2026-11-01', '2026-11-02', zone))).toEqual([[], []]);
  });

  it('are none of a day that holds nothing, in any zone', () => {
    const corrected = [row('2026-11-10', 0)];
    for (const tz of ['UTC', 'Europe/Rome'])
      for (const withHours of [true, false]) expect(factsOf(corrected, inZone('2026-11-09', '2026-11-11', tz), withHours)).toEqual([]);
  });

  it('are certain for UTC days that were not shared out, and no longer than the range', () => {
    const rows = [row('2026-11-10', 100), row('2026-11-11', 50, {}, true), row('2026-11-12', 7)];
    const facts = factsOf(rows, inZone('2026-11-10', '2026-11-11', 'UTC'), false);
    expect(facts).toHaveLength(2);
    expect(approximateDays(factsBy(inDetail(rows), inZone('2026-11-10', '2026-11-11', 'UTC'), false).marks)).toEqual(['2026-11-11']);
  });
});

describe('sources', () => {
  const counted = (apiKeyId: number, day: string, isEstimated = false, costNano = 9) => ({
    apiKeyId,
    hash: `hash ${apiKeyId}`,
    day,
    isEstimated,
    costNano,
    byokCostNano: 0,
  });
  const usage = (keyId: number, day: string, upstreamKeyId = keyId * 10, costNano = 5) => ({
    keyId,
    day,
    upstreamKeyId,
    costNano,
    byokCostNano: 0,
  });
  const read = (until: string, isManaged = true): CoveredKey => {
    const covered = key(1, '2026-11-08T10:00:00Z', '2026-11-12T12:00:00Z');
    const analytics = known('2026-11-01T00:00:00Z', until);
    return { ...covered, analytics, isManaged, secrets: [secretOf(1, { counters: covered.counters, analytics, isManaged })] };
  };
  const chosen = (keys: CoveredKey[], counters: ReturnType<typeof counted>[], rows: ReturnType<typeof usage>[]) => {
    const { counters: left, usage: spoken } = chooseSources(keys, counters, rows);
    return [left.map(({ apiKeyId, day }) => `${apiKeyId} ${day}`), spoken.map(({ keyId, day }) => `${keyId} ${day}`)];
  };

  it('are one for each key and day: analytics where there are any', () => {
    const counters = [counted(1, '2026-11-10'), counted(1, '2026-11-11'), counted(2, '2026-11-10'), counted(3, '2026-11-10')];
    const keys = [read('2026-11-12T12:00:00Z'), key(2, null, null)];
    expect(chosen(keys, counters, [usage(1, '2026-11-10')])).toEqual([['1 2026-11-11', '2 2026-11-10'], ['1 2026-11-10']]);
  });

  it('are not the counters where they shared out a gap and analytics were read', () => {
    const counters = [counted(1, '2026-11-10', true), counted(1, '2026-11-12', true)];
    expect(chosen([read('2026-11-12T12:00:00Z')], counters, [])).toEqual([['1 2026-11-12'], []]);
  });

  it('are chosen for each secret by itself: of one that no account lists the counters stand beside analytics of another', () => {
    const rotated = read('2026-11-12T12:00:00Z');
    const former = secretOf(1, { hash: 'former', upstreamKeyId: null, counters: rotated.counters, isPresent: false });
    const counters = [counted(1, '2026-11-10'), { ...counted(1, '2026-11-10', true), hash: 'former' }];
    const keys = [{ ...rotated, secrets: [...rotated.secrets, former] }];
    expect(chooseSources(keys, counters, [usage(1, '2026-11-10')]).counters.map(({ hash }) => hash)).toEqual(['former']);
    expect(chosen(keys, counters, [usage(1, '2026-11-10')])[1]).toEqual(['1 2026-11-10']);
  });

  it('are the counters of a secret that nothing else is known of, if its key is there', () => {
    const rows = [
      { ...counted(1, '2026-11-10'), hash: 'unknown' },
      { ...counted(7, '2026-11-10'), hash: 'gone' },
    ];
    expect(chosen([read('2026-11-12T12:00:00Z')], rows, [])).toEqual([['1 2026-11-10'], []]);
  });

  it('are the counters on days that analytics left unfinished, when nobody reads them any more or they failed for hours', () => {
    const rows = [usage(1, '2026-11-12'), usage(1, '2026-11-11')];
    const ask = (covered: CoveredKey) => chosen([covered], [counted(1, '2026-11-12'), counted(1, '2026-11-11')], rows);
    const byAnalytics = [[], ['1 2026-11-12', '1 2026-11-11']];
    const byCounters = [['1 2026-11-12'], ['1 2026-11-11']];
    expect(ask(read('2026-11-12T09:00:00Z'))).toEqual(byAnalytics);
    expect(ask(read('2026-11-12T08:59:59Z'))).toEqual(byCounters);
    expect(ask(read('2026-11-12T11:59:59Z', false))).toEqual(byCounters);
    expect(ask(read('2026-11-12T12:00:00Z', false))).toEqual(byAnalytics);
    const stopped = read('2026-11-12T08:00:00Z');
    expect(chosen([stopped], [counted(1, '2026-11-12', false, 5)], [usage(1, '2026-11-12')])).toEqual([[], ['1 2026-11-12']]);
    expect(knownUntil(stopped)).toBe(Date.parse('2026-11-12T12:00:00Z'));
  });
});

describe('ranges', () => {
  const now = Date.parse('2026-11-15T23:30:00Z');

  it('are the last 30 days in the zone, unless said otherwise', () => {
    expect(resolveRange({ tz: 'UTC' }, now)).toEqual(inZone('2026-10-17', '2026-11-15', 'UTC'));
    expect(resolveRange({ tz: 'Europe/Rome' }, now)).toEqual(inZone('2026-10-18', '2026-11-16', 'Europe/Rome'));
    expect(resolveRange({ tz: 'UTC', to: '2026-01-31' }, now).from).toBe('2026-01-02');
    expect(resolveRange({ tz: 'UTC', from: '2026-11-01' }, now)).toEqual(inZone('2026-11-01', '2026-11-15', 'UTC'));
  });

  it('have 1 to 366 days', () => {
    const problem = (from: string, to: string) => rangeProblem({ from, to });
    expect([problem('2026-11-15', '2026-11-15'), problem('2025-11-15', '2026-11-15')]).toEqual([null, null]);
    expect(problem('2026-11-16', '2026-11-15')).toContain('later');
    expect(problem('2025-11-14', '2026-11-15')).toContain('366');
  });
});

describe('coverage', () => {
  const stored: StoredKey = {
    id: 1,
    name: 'k',
    kind: 'inference',
    hash: 'h',
    formerTexts: [],
    seriesStartedAt: 100,
    lastSampleAt: 180,
    isActive: true,
    health: 'active',
    refusedAt: null,
    knownSince: 100,
    knownUntil: 200,
  };
  const reading: StoredReading = {
    id: 5,
    apiKeyId: 1,
    managementId: 9,
    hash: 'h',
    createdAt: 0,
    doneFrom: '2026-10-01',
    openFrom: '2026-11-14',
    readAt: Date.parse('2026-11-15T10:00:00Z'),
    usageNano: 5,
    byokUsageNano: 0,
    readUsageNano: 5,
    readByokUsageNano: 0,
    isSettled: true,
    vanishedAt: null,
  };
  const manager: StoredKey = { ...stored, id: 9, kind: 'management' };
  const listedAt = Date.parse('2026-11-15T12:00:00Z');
  const one = (key: StoredKey, readings: StoredReading[] = [], keptSince = 0, managerChange: Partial<StoredKey> = {}) =>
    coverageOf([key, { ...manager, ...managerChange }], readings, new Map([[9, listedAt]]), keptSince, listedAt)[0] as CoveredKey;

  it('begins at the retention’s edge at the earliest, and ends with it', () => {
    expect([50, 150, 200, 201].map((edge) => one(stored, [], edge).counters?.since ?? null)).toEqual([100, 150, 200, null]);
    expect(one({ ...stored, knownSince: null, knownUntil: null })).toMatchObject({ id: 1, name: 'k', isRead: true, counters: null });
  });

  it('is kept by secret: those that were sampled here, and those that an account lists', () => {
    const former = { ...reading, id: 6, hash: 'before', doneFrom: '2026-10-05', managementId: null };
    const covered = one(
      {
        ...stored,
        formerTexts: [
          { hash: 'before', since: 20, until: 90 },
          { hash: 'other', since: 1, until: 9 },
        ],
      },
      [reading, former],
    );
    expect(covered.secrets.map(({ hash, upstreamKeyId, isPresent, isManaged }) => [hash, upstreamKeyId, isPresent, isManaged])).toEqual([
      ['h', 5, true, true],
      ['before', 6, false, false],
      ['other', null, false, false],
    ]);
    expect(covered.secrets.map(({ counters, analytics }) => [counters?.until, analytics?.since])).toEqual([
      [180, Date.parse('2026-10-01')],
      [90, Date.parse('2026-10-05')],
      [9, undefined],
    ]);
    expect(one({ ...stored, seriesStartedAt: null, lastSampleAt: null }).secrets.map(({ counters }) => counters)).toEqual([null]);
  });

  it('goes on for keys that are neither paused nor invalid, and whose management key is read', () => {
    const isRead = (change: object) => one({ ...stored, ...change }).isRead;
    expect([isRead({}), isRead({ health: 'unverified' }), isRead({ isActive: false }), isRead({ health: 'invalid' })]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const discovered: StoredKey = { ...stored, kind: 'discovered' };
    expect([{}, { isActive: false }, { health: 'invalid' }].map((change) => one(discovered, [reading], 0, change).isRead)).toEqual([
      true,
      false,
      false,
    ]);
    expect(one(discovered).isRead).toBe(false);
    expect(one(stored).isRead).toBe(true);
  });

  it('is whole up to now of what is read, and of what is gone and read to its end', () => {
    const now = Number.POSITIVE_INFINITY;
    const discovered: StoredKey = { ...stored, kind: 'discovered', health: 'invalid', knownSince: null, knownUntil: null };
    const lastOf = (covered: CoveredKey) => covered.whole.at(-1)?.until;
    expect(lastOf(one({ ...discovered, health: 'active' }, [reading]))).toBe(now);
    // Disabled: refused, but listed.
    expect(lastOf(one(discovered, [reading]))).toBe(now);
    const gone = { ...reading, vanishedAt: listedAt };
    expect([{}, { isActive: false }, { health: 'invalid' }].map((change) => lastOf(one(discovered, [gone], 0, change)))).toEqual([
      now,
      now,
      now,
    ]);
    expect(lastOf(one({ ...discovered, isActive: false }, [reading]))).toBe(listedAt);
    expect(lastOf(one(discovered, [reading], 0, { isActive: false }))).toBe(listedAt);
    expect(lastOf(one(discovered, [{ ...gone, isSettled: false }]))).not.toBe(listedAt);
    expect(lastOf(one(discovered, [{ ...gone, isSettled: false }], 0, { isActive: false }))).toBe(reading.readAt);
    // Refused: between its last sample and the first refusal it may have spent something, and after it nothing.
    const refusedKey = { ...stored, knownSince: listedAt - DAY_MS, knownUntil: listedAt, health: 'invalid', refusedAt: listedAt + 5 };
    expect(one(refusedKey).whole).toMatchObject([{ until: listedAt }, { since: listedAt + 5, until: now }]);
    expect(one({ ...refusedKey, health: 'active' }).whole).toHaveLength(1);
    // Counters alone know no requests.
    const counted = { ...stored, knownSince: listedAt - DAY_MS, knownUntil: listedAt };
    expect(one(counted)).toMatchObject({ whole: [{ until: now }], detailed: [] });
    expect(one(counted, [reading]).detailed).toHaveLength(1);
  });

  it('of analytics lasts until the last listing while the counters stand still, and else until the last reading', () => {
    expect(one(stored, [reading])).toMatchObject({
      analytics: { since: Date.parse('2026-10-01'), until: listedAt },
    });
    for (const change of [{ usageNano: 6 }, { byokUsageNano: 1 }, { isSettled: false }])
      expect([change, one(stored, [{ ...reading, ...change }]).analytics?.until]).toEqual([change, reading.readAt]);
    expect(one(stored, [{ ...reading, doneFrom: null, readAt: null }]).analytics).toBeNull();
    expect(describeCoverage(one(stored, [reading]))).toEqual({ knownSince: 100, source: 'analytics' });
  });

  it('of a key with several texts is what is known of all of them', () => {
    const former = { ...reading, hash: 'former', doneFrom: '2026-10-05', isSettled: false, readAt: Date.parse('2026-11-15T09:00:00Z') };
    expect(one(stored, [reading, former]).analytics).toEqual({ since: Date.parse('2026-10-05'), until: former.readAt });
    const made = { ...former, createdAt: Date.parse('2026-10-05T12:00:00Z') };
    expect(one(stored, [reading, made]).analytics?.since).toBe(Date.parse('2026-10-01'));
  });

  it('of a key whose present text no account lists ends when that text began', () => {
    const since = Date.parse('2026-11-15T08:00:00Z');
    expect(one({ ...stored, hash: 'other', seriesStartedAt: since }, [reading])).toMatchObject({
      analytics: { until: since },
      isManaged: false,
    });
  });

  it('of what an account spent outside of its keys ends with the last completed day that was booked', () => {
    const outside = { ...reading, apiKeyId: 9, hash: null, openFrom: '2026-11-15' };
    const [covered] = coverageOf([manager], [outside], new Map(), 0, listedAt);
    expect(covered).toMatchObject({ isRead: false, counters: null, analytics: { until: Date.parse('2026-11-15') } });
  });
});

describe('the summary', () => {
  const range = inZone('2026-11-10', '2026-11-13', 'UTC');

  it('says zero where zero was measured, and null where nothing is known', () => {
    const keys = [key(1, '2026-11-11T10:00:00Z', '2026-11-12T10:00:00Z'), key(2, null, null)];
    const stats = summarize(keys, factsBy(inDetail([row('2026-11-11', 5)]), range, false), range);
    expect(stats.by_day.map(({ date, cost_usd }) => [date, cost_usd])).toEqual([
      ['2026-11-10', null],
      ['2026-11-11', 5e-9],
      ['2026-11-12', 0],
      ['2026-11-13', null],
    ]);
    expect(stats.by_key.map(({ key_id, cost_usd, requests }) => [key_id, cost_usd, requests])).toEqual([
      [1, 5e-9, null],
      [2, null, null],
    ]);
    expect(stats.coverage).toEqual([
      { key_id: 1, known_since: '2026-11-11T10:00:00.000Z', source: 'counters' },
      { key_id: 2, known_since: null, source: null },
    ]);
    expect(stats.by_model).toMatchObject([{ model: null, cost_usd: 5e-9 }]);
    const nothing = summarize([], factsBy(inDetail([]), range, false), range);
    expect([nothing.totals.cost_usd, nothing.totals.requests, nothing.as_of, nothing.by_model]).toEqual([null, null, null, []]);
    const before = summarize([key(1, '2026-12-01T00:00:00Z', '2026-12-02T00:00:00Z')], factsBy(inDetail([]), range, false), range);
    expect(before.totals.cost_usd).toBeNull();
  });

  it('says zero of everything where analytics were read, unless the counters speak for the day', () => {
    const covered = {
      ...key(1, '2026-11-09T00:00:00Z', '2026-11-13T10:00:00Z'),
      analytics: known('2026-11-11T00:00:00Z', '2026-11-13T10:00:00Z'),
    };
    const stats = summarize([covered], factsBy(inDetail([row('2026-11-12', 5)]), range, false), range);
    expect(stats.by_day.map(({ date, cost_usd, requests }) => [date, cost_usd, requests])).toEqual([
      ['2026-11-10', 0, null],
      ['2026-11-11', 0, 0],
      ['2026-11-12', 5e-9, null],
      ['2026-11-13', 0, 0],
    ]);
  });

  it('names each model once, with all its versions', () => {
    const of = (permaslug: string, costNano: number): LedgerRow => ({
      ...row('2026-11-11', costNano),
      source: 'analytics',
      model: 'm',
      permaslug,
    });
    const stats = summarize([], factsBy(inDetail([of('m-2', 1), of('m-1', 2), row('2026-11-12', 9)]), range, false), range);
    expect(stats.by_model).toMatchObject([
      { model: null, permaslugs: [], cost_usd: 9e-9 },
      { model: 'm', permaslugs: ['m-1', 'm-2'], cost_usd: 3e-9 },
    ]);
  });

  it('is as fresh as the key that was read longest ago, of those that are still read', () => {
    const old = '2026-11-11T00:00:00Z';
    const [fresh, stale, paused] = [
      key(1, old, '2026-11-13T10:00:00Z'),
      key(2, old, '2026-11-13T09:00:00Z'),
      key(3, old, '2026-11-12T00:00:00Z', false),
    ];
    const asOf = (...keys: CoveredKey[]) => summarize(keys, factsBy(inDetail([]), range, false), range).as_of;
    expect(asOf(fresh, stale, paused)).toBe('2026-11-13T09:00:00.000Z');
    expect(asOf(paused)).toBe('2026-11-12T00:00:00.000Z');
  });
});

describe('measures', () => {
  const ANY: fc.Arbitrary<Measures> = fc.record(
    Object.fromEntries(Object.keys(UNKNOWN).map((name) => [name, fc.option(fc.integer({ min: 0, max: 1e9 }))])) as {
      [K in keyof Measures]: fc.Arbitrary<number | null>;
    },
  );

  it('add up in any order, and unknown adds nothing', () => {
    fc.assert(
      fc.property(ANY, ANY, ANY, (a, b, c) => {
        expect(addMeasures(a, b)).toEqual(addMeasures(b, a));
        expect(addMeasures(addMeasures(a, b), c)).toEqual(addMeasures(a, addMeasures(b, c)));
        expect(addMeasures(a, UNKNOWN)).toEqual(a);
      }),
    );
    expect(addMeasures(moneyOnly(1, 2), UNKNOWN)).toEqual(moneyOnly(1, 2));
  });
});

describe('pages of grouped rows', () => {
  const GROUP_BY = fc.uniqueArray(fc.constantFrom(...GROUPS), { minLength: 1, maxLength: 2 });

  it('walked by their cursors are all rows, once, in order', () => {
    fc.assert(
      fc.property(ROWS, ZONE, GROUP_BY, fc.integer({ min: 1, max: 7 }), (rows, tz, groups: Group[], limit) => {
        const facts = factsOf(rows, wide(tz), groups.includes('hour'));
        const all = groupFacts(facts, groups);
        const walked: GroupedRow[] = [];
        const query = { stored: rows, toRow: (stored: LedgerRow) => stored, range: wide(tz), groups, isWanted: () => true, limit };
        let cursor: Place | null = null;
        for (let pages = 0; pages <= all.length; pages++) {
          const page = pageOfRange({ ...query, cursor });
          walked.push(...page.rows);
          if (!page.next) break;
          cursor = decodeCursor(encodeCursor(page.next, groups), groups);
          expect(cursor).toEqual(page.next);
        }
        expect(walked).toEqual(all);
      }),
      { numRuns: 300 },
    );
  });

  it('keep the order of time when the clocks go back', () => {
    const rows = [row('2026-10-25', 30, { 0: [10, 0], 1: [20, 0] })];
    const facts = factsOf(rows, inZone('2026-10-25', '2026-10-25', 'Europe/Rome'), true);
    expect(groupFacts(facts, ['hour']).map(({ measures }) => measures.costNano)).toEqual([10, 20]);
  });

  it('refuse every cursor that is not theirs, and never throw', () => {
    fc.assert(fc.property(fc.string(), GROUP_BY, (text, groups) => decodeCursor(text, groups) === null || text.length > 0));
    expect(decodeCursor(encodeCursor(['2026-11-01'], ['day']), ['day'])).toEqual(['2026-11-01']);
    expect(decodeCursor(encodeCursor(['2026-11-01'], ['day']), ['key'])).toBeNull();
    expect(decodeCursor(encodeCursor(['2026-11-01', 3], ['day']), ['day'])).toBeNull();
    expect(decodeCursor(encodeCursor([dayOf(3 * DAY_MS), 3], ['key', 'day']), ['key', 'day'])).toEqual(['1970-01-04', 3]);
  });
});
