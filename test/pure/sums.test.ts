import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { weekOf } from '../../src/dashboard/model.ts';
import { createDb } from '../../src/db.ts';
import { answerOf } from '../../src/explore/answer.ts';
import { questionSchema } from '../../src/explore/model.ts';
import { addDays, listDays } from '../../src/lib/day.ts';
import { createLocalHours } from '../../src/lib/zone.ts';
import type { CoveredKey } from '../../src/usage/coverage/coverage.ts';
import { DIMENSIONS, type FactsBy, factsBy, factsOf, type LedgerRow } from '../../src/usage/model.ts';
import { type DaySum, localDaySplitHour, sumDay } from '../../src/usage/rollup/build.ts';
import { creditsOfSums, rowsOfSums, type SummedDay } from '../../src/usage/rollup/decode.ts';
import { daysToSum, isSplitFor, planDays, spansOfDays } from '../../src/usage/rollup/plan.ts';
import { insertSums } from '../../src/usage/rollup/store.ts';
import { type StoredRow, slugsOf, toLedgerRow } from '../../src/usage/sources/stored-row.ts';
import { createComparison } from '../../src/usage/sums/reconciliation.ts';
import { sumBy, summarize } from '../../src/usage/sums/stats.ts';
import { FIRST, inDetail, inZone, key, known, NO_KEY_DAY, ROWS, secretOf, wide, ZONE } from '../support/ledger-rows.ts';
import { bindD1, createRunner, openMigrated, toResult } from '../support/sqlite-d1.ts';

const NAMES = [{ permaslug: 'openai/gpt', slug: 'gpt' }];
const KEYS = [1, 2, 3];
const TODAY = addDays(FIRST, 23);
const DAY = fc.integer({ min: 0, max: 3000 }).map((days) => addDays('2019-01-01', days));

const counted = ({ keyId, day, total, isEstimated, hours }: LedgerRow): StoredRow =>
  toLedgerRow({
    ...NO_KEY_DAY,
    keyId,
    upstreamKeyId: keyId * 10,
    day,
    countedNano: total[0] ?? 0,
    countedByokNano: total[1] ?? 0,
    isEstimated,
    hours: JSON.stringify(hours),
  });

const reported = ({ keyId, day, model, provider, total, hours }: LedgerRow): StoredRow => {
  const [costNano = 0, byokCostNano = 0, requests = 0, promptTokens = 0, completionTokens = 0, reasoningTokens = 0] = total as number[];
  const amounts = { costNano, byokCostNano, requests, promptTokens, completionTokens, reasoningTokens, cachedTokens: total[6] ?? null };
  const names = { model: model ?? '', provider: provider ?? '', slug: slugsOf(NAMES)(model ?? '') };
  return toLedgerRow({ keyId, day, ...names, ...amounts, hours: JSON.stringify(hours) });
};

/** Rows as they come from the database. The secrets of a key may have different sources. */
const STORED: fc.Arbitrary<StoredRow[]> = ROWS.map((rows) => rows.map((row) => (row.source === 'counters' ? counted(row) : reported(row))));

/** What is known of a key. */
const COVERED = (id: number): fc.Arbitrary<CoveredKey> =>
  fc.tuple(fc.option(fc.integer({ min: 0, max: 22 })), fc.boolean(), fc.boolean()).map(([until, isManaged, isBehind]) => {
    const covered = key(id, `${FIRST}T00:00:00Z`, `${TODAY}T12:00:00Z`);
    const analytics = until === null ? null : known(`${addDays(FIRST, -1)}T00:00:00Z`, `${addDays(FIRST, until)}T08:00:00Z`);
    const { counters } = covered;
    const secrets = [
      secretOf(id, { counters, analytics, isManaged, isBehind }),
      secretOf(id, { upstreamKeyId: id * 10 + 1, analytics, isManaged, isPresent: false }),
    ];
    return { ...covered, analytics, isManaged, isBehind, secrets };
  });
const COVERAGE = fc.tuple(...KEYS.map((id) => fc.option(COVERED(id)))).map((keys) => keys.filter((one) => one !== null));

/** The rows of keys that are there. */
const rowsOf = (keys: readonly CoveredKey[], stored: readonly StoredRow[]): StoredRow[] =>
  stored.filter(({ keyId }) => keys.some(({ id }) => id === keyId));

/** Rows in sums, as they come back from the database. */
function summed(rows: readonly StoredRow[], zone: string): SummedDay[] {
  return [...Map.groupBy(rows, ({ day }) => day)].sort().map(([day, ofDay]) => {
    const splitHour = localDaySplitHour(day, zone);
    return { day, splitHour, ...JSON.parse(JSON.stringify(sumDay(ofDay, [], splitHour))) };
  });
}

const ROW: LedgerRow = {
  keyId: 1,
  day: FIRST,
  source: 'analytics',
  model: 'openai/gpt',
  permaslug: 'openai/gpt',
  provider: null,
  total: [5, 0, 1, 1, 1, 0, 0],
  hours: {},
  isEstimated: false,
};

describe('the hour that parts a day', () => {
  it('is the first one of the next local day, in every zone', () => {
    fc.assert(
      fc.property(ZONE, DAY, (zone, day) => {
        const localHours = createLocalHours(zone);
        const dates = Array.from({ length: 24 }, (_, hour) => localHours(day, hour).date);
        const next = dates.findIndex((date) => date !== dates[0]);
        expect(new Set(dates).size).toBeLessThanOrEqual(2);
        expect(localDaySplitHour(day, zone)).toBe(zone === 'UTC' ? 0 : next === -1 ? 24 : next);
        if (next !== -1) expect(dates.lastIndexOf(dates[0] ?? '')).toBe(next - 1);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('days in sums', () => {
  it('tell the same as their rows by each dimension, in the zone for which they were parted', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, ZONE, (stored, keys, zone) => {
        const sums = { detailed: [], summed: rowsOfSums(summed(rowsOf(keys, stored), zone), NAMES, zone !== 'UTC') };
        const [facts, told] = [inDetail(rowsOf(keys, stored)), sums].map((ledger) => factsBy(ledger, wide(zone), false)) as [
          FactsBy,
          FactsBy,
        ];
        expect(summarize(keys, told, wide(zone))).toEqual(summarize(keys, facts, wide(zone)));
        for (const by of DIMENSIONS) {
          const question = questionSchema.parse({ by, top: '20' });
          expect(answerOf(keys, told, wide(zone), question)).toEqual(answerOf(keys, facts, wide(zone), question));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('tell the same of UTC days, for whatever zone they were parted', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, ZONE, (stored, keys, zone) => {
        const told = factsBy({ detailed: [], summed: rowsOfSums(summed(rowsOf(keys, stored), zone), NAMES, false) }, wide('UTC'), false);
        const facts = factsBy(inDetail(rowsOf(keys, stored)), wide('UTC'), false);
        expect(summarize(keys, told, wide('UTC'))).toEqual(summarize(keys, facts, wide('UTC')));
      }),
    );
  });

  it('have the credits of each hour, whatever the zone', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, ZONE, ZONE, (stored, keys, zone, other) => {
        const credits = creditsOfSums(summed(rowsOf(keys, stored), other));
        const watched = [{ since: 0, until: Date.parse(`${addDays(FIRST, 5)}T00:00:00Z`) }];
        const rows = rowsOf(keys, stored).map(({ day, total, credits }) => ({ day, isSpent: Boolean(total[0]), credits }));
        expect(weekOf(credits, wide(zone), watched)).toEqual(weekOf(rows, wide(zone), watched));
      }),
    );
  });

  it('of which no more is asked for tell what days cost', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, ZONE, (stored, keys, zone) => {
        const { spent } = rowsOfSums(summed(rowsOf(keys, stored), zone), NAMES, zone !== 'UTC');
        const [told, facts] = [spent, rowsOf(keys, stored)].map((rows) => sumBy(factsOf(rows, wide(zone), false), ({ date }) => date));
        expect(told).toEqual(facts);
      }),
    );
  });

  it('keep how the sources differ as it was when they were made', () => {
    const AMOUNT = fc.option(fc.integer({ min: 0, max: 1e11 }));
    const PLACE = { upstreamKeyId: fc.constantFrom(...KEYS.flatMap((id) => [id * 10, id * 10 + 1])), day: fc.integer({ min: 0, max: 20 }) };
    const said = {
      countedNano: AMOUNT,
      reportedNano: AMOUNT,
      activityNano: AMOUNT,
      source: fc.constantFrom('counters', 'analytics', null),
    };
    const KEY_DAYS = fc.uniqueArray(fc.record({ ...PLACE, ...said }), { selector: ({ upstreamKeyId, day }) => `${upstreamKeyId} ${day}` });
    fc.assert(
      fc.property(KEY_DAYS, COVERAGE, ZONE, (entries, keys, zone) => {
        const byok = (nano: number | null) => nano && 0;
        const keyDays = entries.map((entry) => ({
          ...NO_KEY_DAY,
          ...entry,
          day: addDays(FIRST, entry.day),
          countedByokNano: byok(entry.countedNano),
          reportedByokNano: byok(entry.reportedNano),
          activityByokNano: byok(entry.activityNano),
        }));
        const compared = { keys, allKeys: keys, upstreamKeys: [], accounts: [], keyDays, totals: [], checks: [] };
        const { findDrift } = createComparison(compared, TODAY);
        const { from, to } = wide('UTC');
        const told = findDrift(from, to);
        const kept = listDays(from, to).map(
          (day) => JSON.parse(JSON.stringify(sumDay([], findDrift(day, day), localDaySplitHour(day, zone)))) as DaySum,
        );
        expect(kept.flatMap(({ drift }) => drift)).toEqual(told);
      }),
    );
  });
});

describe('rows that must not be added', () => {
  const analyzed = (keyId: number, total: (number | null)[], more: Partial<LedgerRow> = {}) =>
    reported({ ...ROW, keyId, model: '', provider: '', total, hours: {}, ...more });
  const spent = (keyId: number, costNano: number, day = FIRST) => counted({ ...ROW, keyId, day, total: [costNano, 0], hours: {} });
  const keys = KEYS.map((id) => key(id, null, null));

  function expectSame(rows: readonly StoredRow[], zone = 'UTC'): void {
    const range = inZone(FIRST, addDays(FIRST, 1), zone);
    const sums = { detailed: [], summed: rowsOfSums(summed(rows, zone), NAMES, zone !== 'UTC') };
    const [facts, told] = [inDetail(rows), sums].map((ledger) => factsBy(ledger, range, false)) as [FactsBy, FactsBy];
    expect(summarize(keys, told, range)).toEqual(summarize(keys, facts, range));
    for (const by of DIMENSIONS) {
      for (const metric of ['cost', 'cost_per_request', 'cost_per_million_tokens']) {
        const question = questionSchema.parse({ by, metric });
        expect(answerOf(keys, told, range, question)).toEqual(answerOf(keys, facts, range, question));
      }
    }
  }

  it('are those that know other amounts: a ratio leaves out what only one side is known of', () => {
    expectSame([spent(1, 6e9), analyzed(2, [2e9, 0, 2, 100, 10, 0, 0])]);
  });

  it('are those of which something unknown is not placed on an hour', () => {
    const placed = analyzed(2, [1e9, 0, 1, 10, 1, 0, 5], { hours: { 1: [1e9, 0, 1, 10, 1, 0, 5] } });
    expectSame([analyzed(1, [1e9, 0, 1, 10, 1, 0, null]), placed], 'America/New_York');
    expectSame([spent(1, 6e9), placed], 'America/New_York');
  });

  it('are those that have more in hours than in all', () => {
    const more = analyzed(1, [4e9, 0, 0, 0, 0, 0, 0], { model: 'm', hours: { 5: [6e9, 0, 0, 0, 0, 0, 0] } });
    expectSame([more, analyzed(1, [2e9, 0, 0, 0, 0, 0, 0], { model: 'n' })], 'America/New_York');
  });

  it('are those of which one takes back what another spent', () => {
    const at = (hour: number, nano: number, provider: string, isPlaced: boolean) =>
      analyzed(1, [nano, 0, 0, 0, 0, 0, 0], { model: 'm', provider, hours: isPlaced ? { [hour]: [nano, 0, 0, 0, 0, 0, 0] } : {} });
    const rows = (isPlaced: boolean) => [at(2, 5e9, '', isPlaced), at(20, -5e9, 'p', isPlaced)];
    for (const zone of ['UTC', 'America/New_York']) {
      expectSame(rows(true), zone);
      const [told] = creditsOfSums(summed(rows(false), zone));
      expect(told?.isSpent).toBe(true);
    }
  });

  it('come in one order where they spent the same', () => {
    expectSame([spent(1, 1e9, addDays(FIRST, 1)), analyzed(2, [1e9, 0, 1, 1, 1, 0, 0], { model: 'm' })]);
    expectSame([spent(2, 1), ...[1, 2].map((keyId) => analyzed(keyId, [1e9, 0, 1, 1, 1, 0, 0]))]);
  });
});

describe('kept sums', () => {
  it('of any size are written in parameters that D1 takes, together or not at all', async () => {
    const database = openMigrated();
    database.exec("INSERT INTO user (id, email, password_hash, created_at, stats_version) VALUES (1, 'a', 'b', 0, 7)");
    const run = createRunner(database);
    const batches: number[][] = [];
    const binding = bindD1(async (statements) => {
      batches.push(statements.map(({ values }) => Math.max(...values.map((value) => String(value).length))));
      return run(statements).map(toResult);
    });
    const sums = Array.from({ length: 30 }, (_, index) => {
      const rows = Array.from({ length: 1500 }, (_, id) => counted({ ...ROW, keyId: id * 1e9, total: [index + 1, 0], hours: {} }));
      return { day: addDays(FIRST, index), cut: 0, sum: sumDay(rows, [], 0) };
    });
    const count = () => Object.values(database.prepare('SELECT count(*) FROM day_sum').get() ?? {});
    await insertSums(createDb(binding), 1, sums, 6);
    expect(count()).toEqual([0]);
    await insertSums(createDb(binding), 1, sums, 7);
    expect(count()).toEqual([30]);
    expect(batches).toHaveLength(2);
    expect(batches[1]?.length).toBeGreaterThan(1);
    expect(Math.max(...batches.flat())).toBeLessThan(1e6);
    database.close();
  });
});

describe('a plan', () => {
  const NOW = Date.parse('2026-11-15T12:00:00Z');
  const KEPT = '2025-11-15';

  it('reads the last three days as rows, sums up those before yesterday, and looks for the sums of older ones', () => {
    const { splitHours, inRows, span } = planDays(inZone('2026-11-10', '2026-11-15'), null, NOW, KEPT);
    expect([[...splitHours.keys()], [...inRows], span]).toEqual([
      ['2026-11-10', '2026-11-11', '2026-11-12', '2026-11-13'],
      ['2026-11-13', '2026-11-14', '2026-11-15'],
      ['2026-11-10', '2026-11-15'],
    ]);
  });

  it('reads days as rows whose hours are wanted, and parts days where the zone does', () => {
    const day = inZone('2026-11-05', '2026-11-05', 'America/New_York');
    const { splitHours, inRows } = planDays(inZone('2026-11-01', '2026-11-05', 'America/New_York'), day, NOW, KEPT);
    expect([...inRows]).toEqual(['2026-11-04', '2026-11-05', '2026-11-06']);
    expect([...splitHours]).toEqual([
      ['2026-10-31', 4],
      ['2026-11-01', 4],
      ['2026-11-02', 5],
      ['2026-11-03', 5],
    ]);
  });

  it('lists only days of which something can be stored, however far the others are', () => {
    const { splitHours, inRows, beyond } = planDays(inZone('1000-01-01', '2999-12-31'), null, NOW, KEPT);
    expect([[...splitHours.keys()][0], [...inRows].at(-1), splitHours.size]).toEqual([KEPT, '2026-11-16', 364]);
    expect(beyond).toEqual([
      ['1000-01-01', '2025-11-14'],
      ['2026-11-17', '2999-12-31'],
    ]);
    for (const year of ['1000', '2999']) {
      const far = planDays(inZone(`${year}-05-01`, `${year}-05-02`), null, NOW, KEPT);
      expect([far.splitHours.size, far.inRows.size, far.beyond]).toEqual([0, 0, [[`${year}-05-01`, `${year}-05-02`]]]);
    }
    expect(planDays(inZone('2026-11-10', '2026-11-15', 'America/New_York'), null, NOW, KEPT).beyond).toEqual([]);
  });

  it('has each day in one span', () => {
    fc.assert(
      fc.property(fc.uniqueArray(DAY), (days) => {
        const spans = spansOfDays(days);
        const covered = spans.flatMap(([from, to]) => {
          const listed = [from];
          for (let day = from; day < to; listed.push(day)) day = addDays(day, 1);
          return listed;
        });
        expect(covered).toEqual([...days].sort());
        for (const [index, [from]] of spans.entries()) expect(addDays(spans[index - 1]?.[1] ?? '2000-01-01', 1) < from).toBe(true);
      }),
    );
  });

  const days = (zone: string, known: Partial<Parameters<typeof daysToSum>[1]> = {}, rows = 1, from = '2026-11-10') => {
    const plan = planDays(inZone(from, '2026-11-12', zone), null, NOW, KEPT);
    const inRows = new Set(plan.splitHours.keys());
    const ofDays = [...plan.splitHours.keys()].flatMap((day) => Array.from({ length: rows }, () => ({ day })));
    return daysToSum(plan, { stored: new Map([['2026-01-01', 0]]), inRows, isOwnZone: false, rows: ofDays, ...known });
  };

  it('sums up as many days as one answer bears, the last ones first, and one at least', () => {
    expect(days('UTC')).toEqual(['2026-11-12', '2026-11-11', '2026-11-10']);
    expect(days('UTC', {}, 750)).toEqual(['2026-11-12', '2026-11-11']);
    expect(days('UTC', {}, 5000)).toEqual(['2026-11-12']);
    expect(days('UTC', {}, 1000, '2026-10-04')).toHaveLength(10);
  });

  it('begins to sum up where there are more than ten rows a day', () => {
    expect(days('UTC', { stored: new Map() }, 10)).toEqual([]);
    expect(days('UTC', { stored: new Map() }, 11)).toHaveLength(3);
  });

  it('sums up again what is parted for nobody, or, in the user’s own zone, for another one', () => {
    const stored = new Map([
      ['2026-11-10', 15],
      ['2026-11-11', 0],
      ['2026-11-12', 5],
    ]);
    expect(days('UTC', { stored })).toEqual([]);
    expect(days('America/New_York', { stored })).toEqual(['2026-11-13', '2026-11-11', '2026-11-09']);
    expect(days('America/New_York', { stored, isOwnZone: true })).toEqual(['2026-11-13', '2026-11-11', '2026-11-10', '2026-11-09']);
    expect([isSplitFor(0, 5), isSplitFor(5, 0), isSplitFor(5, 5), isSplitFor(5, 15)]).toEqual([true, false, true, false]);
  });
});
