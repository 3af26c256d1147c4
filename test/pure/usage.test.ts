import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyRow, UpstreamKey } from '../../src/inventory/model.ts';
import { addDays, DAY_MS, dayOf, HOUR_MS } from '../../src/lib/day.ts';
import { localDayOf } from '../../src/lib/zone.ts';
import { type CoveredKey, coverageOf, describeCoverage, knownUntil } from '../../src/usage/coverage/coverage.ts';
import type { StoredKey, StoredUpstreamKey } from '../../src/usage/coverage/stored.ts';
import {
  approximateDays,
  factsBy,
  factsOf,
  GROUPS,
  type Group,
  type LedgerRow,
  rangeProblem,
  resolveRange,
} from '../../src/usage/model.ts';
import { ledgerRowsOf, sourceRowsOf, sourcesOf } from '../../src/usage/sources/ledger-items.ts';
import type { SettledAccount } from '../../src/usage/sources/unattributed.ts';
import { decodeCursor, encodeCursor, type GroupedRow, groupFacts, type Position, pageOfRange } from '../../src/usage/sums/groups.ts';
import { addMeasures, type Measures, moneyOnly, UNKNOWN } from '../../src/usage/sums/measures.ts';
import { summarize } from '../../src/usage/sums/stats.ts';
import { FIRST, inDetail, inZone, key, known, NO_KEY_DAY, NO_USAGE, ROWS, wide, ZONE } from '../support/ledger-rows.ts';

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

describe('what the ledger takes', () => {
  const SOURCE = fc.constantFrom('counters' as const, 'analytics' as const, null);
  /** A day of one of four upstream keys, the last of which belongs to no key, and how many rows analytics have of it. */
  const PLACE = fc.record({
    upstreamKeyId: fc.integer({ min: 1, max: 4 }),
    day: fc.integer({ min: 0, max: 2 }).map((offset) => addDays(FIRST, offset)),
    source: SOURCE,
    isCounted: fc.boolean(),
    models: fc.subarray(['m', 'n']),
  });
  const PLACES = fc.uniqueArray(PLACE, { selector: ({ upstreamKeyId, day }) => `${upstreamKeyId} ${day}` });
  const keyIdOf = (upstreamKeyId: number) => (upstreamKeyId === 3 ? 2 : 1);
  const keyRows = [1, 2].map((id) => ({ id, name: 'k', kind: 'inference', hash: `${id}`, isActive: true, health: 'active' })) as KeyRow[];
  const unread = { accountId: null, countedAt: null, seriesStartedAt: null, lastSampleAt: null, doneFrom: null, reportedUntil: null };
  const upstreamKeys = [1, 2, 3].map((id) => ({ id, apiKeyId: keyIdOf(id), hash: `${id}`, ...unread })) as UpstreamKey[];
  const sourcesFor = (places: readonly (typeof PLACE extends fc.Arbitrary<infer P> ? P : never)[], keyId?: number) => {
    const keyDays = places.map(({ upstreamKeyId, day, source, isCounted }) => ({
      ...NO_KEY_DAY,
      upstreamKeyId,
      day,
      source,
      ...(isCounted && { countedNano: upstreamKeyId, countedByokNano: 0 }),
    }));
    const usage = places.flatMap(({ upstreamKeyId, day, models }) =>
      models.map((model) => ({ ...NO_USAGE, upstreamKeyId, day, model, costNano: upstreamKeyId * 10 })),
    );
    const stored = { keyRows, upstreamKeys, accounts: [], managements: [], names: [], keyDays, usage, totals: [], checks: [] };
    return sourcesOf(stored, { now: Date.parse(FIRST), retentionDays: 365 }, keyId);
  };
  const told = (rows: readonly LedgerRow[]) =>
    rows.map(({ keyId, day, source, permaslug, total }) => `${keyId} ${day} ${source} ${permaslug} ${total[0]}`).sort();
  const counters = ({ upstreamKeyId: id, day }: { upstreamKeyId: number; day: string }) => `${keyIdOf(id)} ${day} counters null ${id}`;
  const analytics = ({ upstreamKeyId: id, day, models }: { upstreamKeyId: number; day: string; models: string[] }) =>
    models.map((model) => `${keyIdOf(id)} ${day} analytics ${model} ${id * 10}`);

  it('of a day of an upstream key is all that its source says, and nothing of the other one or of keys that are gone', () => {
    fc.assert(
      fc.property(PLACES, fc.constantFrom(undefined, 1, 2), (places, keyId) => {
        const asked = places.filter(({ upstreamKeyId: id }) => id < 4 && (keyId === undefined || keyIdOf(id) === keyId));
        const expected = asked.flatMap((place) => {
          if (place.source === 'analytics') return analytics(place);
          return place.source === 'counters' && place.isCounted ? counters(place) : [];
        });
        expect(told(ledgerRowsOf(sourcesFor(places, keyId)))).toEqual(expected.sort());
      }),
    );
  });

  it('is not all that is stored: both sources can be asked for', () => {
    fc.assert(
      fc.property(PLACES, (places) => {
        const present = places.filter(({ upstreamKeyId }) => upstreamKeyId < 4);
        const expected = present.flatMap((place) => [...(place.isCounted ? [counters(place)] : []), ...analytics(place)]);
        expect(told(sourceRowsOf(sourcesFor(places)))).toEqual(expected.sort());
      }),
    );
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
    expect(problem('2026-11-16', '2026-11-15')).toContain('not be after');
    expect(problem('2025-11-14', '2026-11-15')).toContain('366');
  });
});

describe('coverage', () => {
  const stored: StoredKey = { id: 1, name: 'k', kind: 'inference', hash: 'h', isActive: true, health: 'active', refusedAt: null };
  const listedAt = Date.parse('2026-11-15T12:00:00Z');
  const reading: StoredUpstreamKey = {
    id: 5,
    apiKeyId: 1,
    accountId: 3,
    hash: 'h',
    createdAt: 0,
    countedAt: 1,
    seriesStartedAt: null,
    lastSampleAt: null,
    doneFrom: '2026-10-01',
    readAt: Date.parse('2026-11-15T10:00:00Z'),
    isAtRest: true,
    isManaged: true,
    isBehind: false,
    reportedUntil: listedAt,
    vanishedAt: null,
  };
  /** A secret that no account ever listed. */
  const sampled: StoredUpstreamKey = {
    ...reading,
    accountId: null,
    countedAt: null,
    seriesStartedAt: 100,
    lastSampleAt: 200,
    doneFrom: null,
    readAt: null,
    isAtRest: false,
    isManaged: false,
    reportedUntil: null,
  };
  const unmanaged = { ...reading, isManaged: false };
  const manager: StoredKey = { ...stored, id: 9, kind: 'management', hash: 'm' };
  const one = (key: StoredKey, readings: StoredUpstreamKey[] = [], keptSince = 0, accounts: SettledAccount[] = []) =>
    coverageOf([key], readings, accounts, keptSince, listedAt)[0] as CoveredKey;

  it('begins at the retention’s edge at the earliest, and ends with it', () => {
    for (const counters of [(edge: number) => one(stored, [sampled], edge), (edge: number) => one(stored, [sampled], edge).secrets[0]])
      expect([50, 150, 200, 201].map((edge) => counters(edge)?.counters?.since ?? null)).toEqual([100, 150, 200, null]);
    const ends = Date.parse('2026-11-15');
    expect([ends, listedAt + 1].map((edge) => one(stored, [reading], edge).analytics)).toEqual([{ since: ends, until: listedAt }, null]);
    expect(one(stored)).toMatchObject({ id: 1, name: 'k', isRead: true, counters: null });
  });

  it('is kept by secret: those that were sampled here, and those that an account lists', () => {
    const covered = one(stored, [
      { ...reading, seriesStartedAt: 100, lastSampleAt: 180 },
      { ...unmanaged, id: 6, hash: 'before', doneFrom: '2026-10-05', seriesStartedAt: 20, lastSampleAt: 90 },
      { ...sampled, id: 7, hash: 'other', seriesStartedAt: 1, lastSampleAt: 9 },
    ]);
    expect(
      covered.secrets.map(({ upstreamKeyId, isListed, isPresent, isManaged }) => [upstreamKeyId, isListed, isPresent, isManaged]),
    ).toEqual([
      [5, true, true, true],
      [6, true, false, false],
      [7, false, false, false],
    ]);
    expect(covered.secrets.map(({ counters, analytics }) => [counters?.until, analytics?.since])).toEqual([
      [180, Date.parse('2026-10-01')],
      [90, Date.parse('2026-10-05')],
      [9, undefined],
    ]);
    expect(covered).toMatchObject({ counters: { since: 1, until: 180 }, isReplaced: true });
    expect(one(stored, [{ ...reading, seriesStartedAt: 100, lastSampleAt: 180 }]).isReplaced).toBe(false);
    expect(one(stored, [reading]).secrets.map(({ counters }) => counters)).toEqual([null]);
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
    expect([[reading], [unmanaged], []].map((readings) => one(discovered, readings).isRead)).toEqual([true, false, false]);
    expect([[reading], [unmanaged], []].map((readings) => one(stored, readings).isRead)).toEqual([true, true, true]);
    expect(one(manager).isRead).toBe(false);
  });

  it('is whole up to now of what is read, and of what is gone and read to its end', () => {
    const now = Number.POSITIVE_INFINITY;
    const discovered: StoredKey = { ...stored, kind: 'discovered', health: 'invalid' };
    const lastOf = (covered: CoveredKey) => covered.whole.at(-1)?.until;
    expect(lastOf(one({ ...discovered, health: 'active' }, [reading]))).toBe(now);
    // Disabled: refused, but listed.
    expect(lastOf(one(discovered, [reading]))).toBe(now);
    const gone = { vanishedAt: listedAt };
    expect([reading, unmanaged].map((state) => lastOf(one(discovered, [{ ...state, ...gone }])))).toEqual([now, now]);
    expect(lastOf(one({ ...discovered, isActive: false }, [reading]))).toBe(listedAt);
    expect(lastOf(one(discovered, [unmanaged]))).toBe(listedAt);
    const unread = { ...gone, isAtRest: false, reportedUntil: reading.readAt };
    expect(lastOf(one(discovered, [{ ...reading, ...unread }]))).not.toBe(listedAt);
    expect(lastOf(one(discovered, [{ ...unmanaged, ...unread }]))).toBe(reading.readAt);
    // Refused: between its last sample and the first refusal it may have spent something, and after it nothing.
    const counted = { ...sampled, seriesStartedAt: listedAt - DAY_MS, lastSampleAt: listedAt };
    const refusedKey = { ...stored, health: 'invalid', refusedAt: listedAt + 5 };
    expect(one(refusedKey, [counted]).whole).toMatchObject([{ until: listedAt }, { since: listedAt + 5, until: now }]);
    expect(one({ ...refusedKey, health: 'active' }, [counted]).whole).toHaveLength(1);
    // Counters alone know no requests.
    expect(one(stored, [counted])).toMatchObject({ whole: [{ until: now }], detailed: [] });
    const both = { ...reading, seriesStartedAt: listedAt - DAY_MS, lastSampleAt: listedAt };
    expect(one(stored, [both]).detailed).toHaveLength(1);
  });

  it('of analytics lasts from the first day that was read until they hold everything', () => {
    const counted = { ...reading, seriesStartedAt: 100, lastSampleAt: 200 };
    expect(one(stored, [counted])).toMatchObject({ analytics: { since: Date.parse('2026-10-01'), until: listedAt } });
    expect(one(stored, [{ ...counted, reportedUntil: reading.readAt }]).analytics?.until).toBe(reading.readAt);
    expect(one(stored, [{ ...counted, doneFrom: null, reportedUntil: null }]).analytics).toBeNull();
    expect(describeCoverage(one(stored, [counted]))).toEqual({ knownSince: 100, source: 'analytics' });
  });

  it('ends with the counters where analytics are behind them or never began', () => {
    const counted = { ...reading, seriesStartedAt: 100, lastSampleAt: listedAt + HOUR_MS };
    expect(knownUntil(one(stored, [counted]))).toBe(listedAt);
    expect(knownUntil(one(stored, [{ ...counted, isBehind: true }]))).toBe(listedAt + HOUR_MS);
    expect(one(stored, [sampled])).toMatchObject({ isBehind: true });
    expect(knownUntil(one(stored, [sampled]))).toBe(200);
    expect(one(stored, [{ ...sampled, seriesStartedAt: null, lastSampleAt: null }])).toMatchObject({ isBehind: false });
    // Those of a former secret have ended.
    expect(one(stored, [reading, { ...sampled, id: 6, hash: 'former' }])).toMatchObject({ isBehind: false });
  });

  it('of a key with several secrets is what is known of all of them', () => {
    const until = Date.parse('2026-11-15T09:00:00Z');
    const former = { ...reading, id: 6, hash: 'former', doneFrom: '2026-10-05', isAtRest: false, reportedUntil: until };
    expect(one(stored, [reading, former]).analytics).toEqual({ since: Date.parse('2026-10-05'), until });
    const made = { ...former, createdAt: Date.parse('2026-10-05T12:00:00Z') };
    expect(one(stored, [reading, made]).analytics?.since).toBe(Date.parse('2026-10-01'));
  });

  it('of a key whose present secret no account lists ends when that secret began', () => {
    const since = Date.parse('2026-11-15T08:00:00Z');
    const present = { ...sampled, id: 6, hash: 'other', seriesStartedAt: since, lastSampleAt: listedAt };
    expect(one({ ...stored, hash: 'other' }, [reading, present])).toMatchObject({ analytics: { until: since }, isManaged: false });
  });

  it('of what an account spent without a key is what of it is settled, of each account that is read', () => {
    const account: SettledAccount = {
      id: 3,
      readerId: 9,
      doneFrom: '2026-10-01',
      openFrom: '2026-11-15',
      isRead: true,
      settled: known('2026-10-01', '2026-11-15'),
    };
    const left = { ...account, id: 4, isRead: false, settled: known('2026-10-01', '2026-10-05') };
    const of = (...accounts: SettledAccount[]) => one(manager, [], 0, accounts);
    expect(of(account)).toMatchObject({
      isRead: false,
      isUnattributed: true,
      counters: null,
      analytics: { since: Date.parse('2026-10-01'), until: Date.parse('2026-11-15') },
    });
    expect(of(account, left).analytics).toEqual(account.settled);
    expect(of(left).analytics).toEqual(left.settled);
    expect(of({ ...account, settled: null })).toMatchObject({ analytics: null, whole: [] });
    // Another one reads its account: a management key runs no model.
    expect(of().whole).toEqual([{ since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }]);
    // Its own secret is sampled to see whether it lives.
    expect(one(manager, [{ ...sampled, apiKeyId: 9, hash: 'm' }]).secrets.map(({ counters }) => counters)).toEqual([null]);
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
        const query = { stored: rows, toRows: (stored: LedgerRow) => [stored], range: wide(tz), groups, isWanted: () => true, limit };
        let cursor: Position | null = null;
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
