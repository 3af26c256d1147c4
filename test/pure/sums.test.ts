import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { weekOf } from '../../src/dashboard/model.ts';
import { createDb } from '../../src/db.ts';
import { answerOf } from '../../src/explore/answer.ts';
import { questionSchema } from '../../src/explore/model.ts';
import { addDays } from '../../src/lib/day.ts';
import { createLocalHours } from '../../src/lib/zone.ts';
import { chooseSources } from '../../src/usage/choose.ts';
import type { CoveredKey } from '../../src/usage/coverage.ts';
import { DIMENSIONS, type FactsBy, factsBy, factsOf, inDetail, type LedgerRow } from '../../src/usage/model.ts';
import { findDrift, reconcile } from '../../src/usage/reconciliation.ts';
import { findOutdated } from '../../src/usage/said.ts';
import { createSecrets } from '../../src/usage/secrets.ts';
import { type CheckEntry, createIndex } from '../../src/usage/sources.ts';
import { sumBy, summarize } from '../../src/usage/stats.ts';
import { type NamedUsage, nameUsage, type StoredCounters, toLedgerRow } from '../../src/usage/stored-row.ts';
import { daysToSum, isPartedFor, planDays, spansOfDays } from '../../src/usage/sum-plan.ts';
import { insertSums } from '../../src/usage/sum-store.ts';
import { creditsOfSums, indexSums, rowsOfSums, type SummedDay } from '../../src/usage/summed.ts';
import { cutOf, sumDay } from '../../src/usage/sums.ts';
import { FIRST, inZone, key, known, ROWS, secretOf, wide, ZONE } from '../support/ledger-rows.ts';
import { bindD1, createRunner, openMigrated, toResult } from '../support/sqlite-d1.ts';

const NAMES = [{ permaslug: 'openai/gpt', slug: 'gpt' }];
const KEYS = [1, 2, 3];
const TEXTS = KEYS.flatMap((id) => [
  { id: id * 10, apiKeyId: id },
  { id: id * 10 + 1, apiKeyId: id },
]);
const DAY = fc.integer({ min: 0, max: 3000 }).map((days) => addDays('2019-01-01', days));

const toStoredCounters = ({ keyId, day, total, isEstimated, hours }: LedgerRow): StoredCounters => ({
  apiKeyId: keyId,
  hash: `hash ${keyId}`,
  day,
  costNano: total[0] ?? 0,
  byokCostNano: total[1] ?? 0,
  correctionNano: 0,
  byokCorrectionNano: 0,
  isEstimated,
  hours: JSON.stringify(hours),
});

const toNamedUsage = ({ keyId, day, model, provider, total, hours }: LedgerRow, text = keyId * 10): NamedUsage => {
  const [costNano = 0, byokCostNano = 0, requests = 0, promptTokens = 0, completionTokens = 0, reasoningTokens = 0, cachedTokens = 0] =
    total as number[];
  const amounts = { costNano, byokCostNano, requests, promptTokens, completionTokens, reasoningTokens, cachedTokens };
  const row = { upstreamKeyId: text, day, model: model ?? '', provider: provider ?? '', ...amounts, hours: JSON.stringify(hours) };
  return nameUsage([row], TEXTS, NAMES)[0] as NamedUsage;
};

interface Stored {
  counters: StoredCounters[];
  usage: NamedUsage[];
}

/** Stored rows like those of a ledger, in which a key may have a day from both sources. */
const STORED: fc.Arbitrary<Stored> = fc.tuple(ROWS, fc.infiniteStream(fc.boolean())).map(([rows, isSecond]) => ({
  counters: rows.filter(({ source }) => source === 'counters').map(toStoredCounters),
  usage: rows.flatMap((row) => (row.source === 'counters' ? [] : toNamedUsage(row, row.keyId * 10 + (isSecond.next().value ? 1 : 0)))),
}));

/** What is known of a key: whose days analytics speak for depends on it. */
const COVERED = (id: number): fc.Arbitrary<CoveredKey> =>
  fc.tuple(fc.option(fc.integer({ min: 0, max: 22 })), fc.boolean()).map(([until, isManaged]) => {
    // No account lists the secret of the third one.
    const isListed = id < 3;
    const covered = key(id, `${FIRST}T00:00:00Z`, `${addDays(FIRST, 23)}T12:00:00Z`);
    const analytics = until === null ? null : known(`${addDays(FIRST, -1)}T00:00:00Z`, `${addDays(FIRST, until)}T08:00:00Z`);
    const { counters } = covered;
    const present = secretOf(id, { counters, isManaged, ...(isListed ? { analytics } : { upstreamKeyId: null }) });
    const former = secretOf(id, { hash: `former ${id}`, upstreamKeyId: id * 10 + 1, analytics, isManaged, isPresent: false });
    return { ...covered, analytics, isManaged, secrets: [present, former] };
  });
const COVERAGE = fc.tuple(...KEYS.map((id) => fc.option(COVERED(id)))).map((keys) => keys.filter((one) => one !== null));

const CHECKS: fc.Arbitrary<CheckEntry[]> = fc.uniqueArray(
  fc.record({
    upstreamKeyId: fc.constantFrom(...TEXTS.map(({ id }) => id)),
    day: fc.integer({ min: 0, max: 20 }).map((offset) => addDays(FIRST, offset)),
    activityCostNano: fc.option(fc.integer({ min: 0, max: 1e11 })),
    activityByokCostNano: fc.option(fc.integer({ min: 0, max: 1e11 })),
    accountCostNano: fc.constant(null),
    accountByokCostNano: fc.constant(null),
  }),
  { selector: ({ upstreamKeyId, day }) => `${upstreamKeyId} ${day}` },
);

const indexOf = (keys: readonly CoveredKey[], stored: Partial<Stored> & { checks?: CheckEntry[] } = {}, texts = TEXTS) => {
  const upstreamKeys = texts.map((text) => ({
    ...text,
    managementId: null,
    hash: text.id % 10 === 0 ? `hash ${text.apiKeyId}` : `former ${text.apiKeyId}`,
    usageNano: 0,
    byokUsageNano: 0,
    isReadBack: true,
  }));
  const { counters = [], usage = [], checks = [] } = stored;
  return createIndex({ keys, allKeys: keys, completeAts: new Map(), upstreamKeys, counters, usage, checks }, addDays(FIRST, 23));
};

const rowsOf = (keys: readonly CoveredKey[], { counters, usage }: Stored) => {
  const chosen = chooseSources(keys, counters, usage);
  return [...chosen.counters, ...chosen.usage].map(toLedgerRow);
};

/** The stored rows in sums, as they come back from the database. */
function summed(keys: readonly CoveredKey[], stored: Stored & { checks?: CheckEntry[] }, zone: string): SummedDay[] {
  const [rows, secrets] = [rowsOf(keys, stored), createSecrets(keys)];
  const days = new Set([...stored.counters, ...stored.usage, ...(stored.checks ?? [])].map(({ day }) => day));
  return [...days].sort().map((day) => {
    const of = <R extends { day: string }>(all: readonly R[]) => all.filter((row) => row.day === day);
    const cut = cutOf(day, zone);
    const { counters, usage, checks = [] } = stored;
    const sum = sumDay({ day, secrets, rows: of(rows), counters: of(counters), usage: of(usage), checks: of(checks) }, cut);
    return { day, cut, ...JSON.parse(JSON.stringify(sum)) };
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
        expect(cutOf(day, zone)).toBe(zone === 'UTC' ? 0 : next === -1 ? 24 : next);
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
        const sums = { detailed: [], summed: rowsOfSums(summed(keys, stored, zone), NAMES, zone !== 'UTC') };
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
        const told = factsBy({ detailed: [], summed: rowsOfSums(summed(keys, stored, zone), NAMES, false) }, wide('UTC'), false);
        const facts = factsBy(inDetail(rowsOf(keys, stored)), wide('UTC'), false);
        expect(summarize(keys, told, wide('UTC'))).toEqual(summarize(keys, facts, wide('UTC')));
      }),
    );
  });

  it('have the credits of each hour, whatever the zone', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, ZONE, ZONE, (stored, keys, zone, other) => {
        const credits = creditsOfSums(summed(keys, stored, other));
        const watched = [{ since: 0, until: Date.parse(`${addDays(FIRST, 5)}T00:00:00Z`) }];
        const rows = rowsOf(keys, stored).map(({ day, total, credits }) => ({ day, isSpent: Boolean(total[0]), credits }));
        expect(weekOf(credits, wide(zone), watched)).toEqual(weekOf(rows, wide(zone), watched));
      }),
    );
  });

  it('of which no more is asked for tell what days cost', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, ZONE, (stored, keys, zone) => {
        const { spent } = rowsOfSums(summed(keys, stored, zone), NAMES, zone !== 'UTC');
        const [told, facts] = [spent, rowsOf(keys, stored)].map((rows) => sumBy(factsOf(rows, wide(zone), false), ({ date }) => date));
        expect(told).toEqual(facts);
      }),
    );
  });

  it('have what each source said: the same differs', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, CHECKS, ZONE, (stored, keys, checks, zone) => {
        const index = indexOf(keys);
        indexSums(index, summed(keys, { ...stored, checks }, zone));
        const whole = indexOf(keys, { ...stored, checks });
        const { from, to } = wide('UTC');
        expect(reconcile(index, from, to)).toEqual(reconcile(whole, from, to));
        expect(findDrift(index, from, to).sort((a, b) => (a.date < b.date ? -1 : 1))).toEqual(
          findDrift(whole, from, to).sort((a, b) => (a.date < b.date ? -1 : 1)),
        );
      }),
    );
  });
});

describe('rows that must not be added', () => {
  const analysed = (text: number, total: (number | null)[], more: Partial<LedgerRow> = {}) =>
    toNamedUsage({ ...ROW, keyId: Math.floor(text / 10), model: '', provider: '', total, hours: {}, ...more }, text);
  const counted = (keyId: number, costNano: number) => toStoredCounters({ ...ROW, keyId, total: [costNano, 0], hours: {} });
  const keys = KEYS.map((id) => key(id, null, null));

  function expectSame(stored: Stored, zone = 'UTC'): void {
    const range = inZone(FIRST, addDays(FIRST, 1), zone);
    const sums = { detailed: [], summed: rowsOfSums(summed(keys, stored, zone), NAMES, zone !== 'UTC') };
    const [facts, told] = [inDetail(rowsOf(keys, stored)), sums].map((ledger) => factsBy(ledger, range, false)) as [FactsBy, FactsBy];
    expect(summarize(keys, told, range)).toEqual(summarize(keys, facts, range));
    for (const by of DIMENSIONS) {
      for (const metric of ['cost', 'cost_per_request', 'cost_per_million_tokens']) {
        const question = questionSchema.parse({ by, metric });
        expect(answerOf(keys, told, range, question)).toEqual(answerOf(keys, facts, range, question));
      }
    }
  }

  it('are those that know other amounts: a ratio leaves out what only one side is known of', () => {
    expectSame({ counters: [counted(1, 6e9)], usage: [analysed(20, [2e9, 0, 2, 100, 10, 0, 0])] });
  });

  it('are those of which something unknown is not placed on an hour', () => {
    const placed = analysed(20, [1e9, 0, 1, 10, 1, 0, 5], { hours: { 1: [1e9, 0, 1, 10, 1, 0, 5] } });
    expectSame({ counters: [], usage: [{ ...analysed(10, [1e9, 0, 1, 10, 1, 0, 0]), cachedTokens: null }, placed] }, 'America/New_York');
    expectSame({ counters: [counted(1, 6e9)], usage: [placed] }, 'America/New_York');
  });

  it('are those that have more in hours than in all', () => {
    const more = analysed(10, [4e9, 0, 0, 0, 0, 0, 0], { model: 'm', hours: { 5: [6e9, 0, 0, 0, 0, 0, 0] } });
    expectSame({ counters: [], usage: [more, analysed(10, [2e9, 0, 0, 0, 0, 0, 0], { model: 'n' })] }, 'America/New_York');
  });

  it('are those of which one takes back what another spent', () => {
    const at = (hour: number, nano: number, model: string) =>
      analysed(10, [nano, 0, 0, 0, 0, 0, 0], { model, hours: { [hour]: [nano, 0, 0, 0, 0, 0, 0] } });
    for (const zone of ['UTC', 'America/New_York']) {
      const usage = [at(2, 5e9, 'm'), { ...at(20, -5e9, 'm'), provider: 'p' }];
      expectSame({ counters: [], usage }, zone);
      const [told] = creditsOfSums(summed(keys, { counters: [], usage: usage.map((row) => ({ ...row, hours: null })) }, zone));
      expect(told?.isSpent).toBe(true);
    }
  });

  it('come in one order where they spent the same', () => {
    const later = { ...counted(1, 1e9), day: addDays(FIRST, 1) };
    expectSame({ counters: [later], usage: [analysed(20, [1e9, 0, 1, 1, 1, 0, 0], { model: 'm' })] });
    const same = [10, 20].map((text) => analysed(text, [1e9, 0, 1, 1, 1, 0, 0]));
    expectSame({ counters: [counted(2, 1)], usage: same });
  });
});

describe('a sum', () => {
  /** Of each day of which something is stored: which source speaks for each key. */
  function sources(keys: readonly CoveredKey[], { counters, usage }: Stored): Map<string, string> {
    const chosen = chooseSources(keys, counters, usage);
    const ofDay = (day: string) => [
      ...chosen.counters.filter((row) => row.day === day).map(({ apiKeyId }) => `${apiKeyId} counters`),
      ...chosen.usage.filter((row) => row.day === day).map(({ keyId }) => `${keyId} analytics`),
    ];
    const days = new Set([...counters, ...usage].map(({ day }) => day));
    return new Map([...days].map((day) => [day, [...new Set(ofDay(day))].sort().join()]));
  }

  it('is outdated where another source would speak for a key now, and only there', () => {
    fc.assert(
      fc.property(STORED, COVERAGE, fc.tuple(...KEYS.map(COVERED)), (stored, before, all) => {
        // Keys neither come back nor go: with one that goes its user's sums go.
        const now = all.filter(({ id }) => before.some((key) => key.id === id));
        const [then, today] = [sources(before, stored), sources(now, stored)];
        const changed = [...then.keys()].filter((day) => then.get(day) !== today.get(day)).sort();
        expect(findOutdated(indexOf(now), summed(before, stored, 'UTC'))).toEqual(changed);
        expect(findOutdated(indexOf(before), summed(before, stored, 'UTC'))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('is not asked about keys of which nothing else can be known', () => {
    const usage = [toNamedUsage(ROW, 10), toNamedUsage({ ...ROW, keyId: 2 }, 20)];
    const keys = KEYS.map((id) => key(id, `${FIRST}T00:00:00Z`, `${addDays(FIRST, 3)}T00:00:00Z`));
    const counted = (keyId: number, costNano: number) => toStoredCounters({ ...ROW, keyId, total: [costNano, 0], hours: {} });
    const unsure = (counters: StoredCounters[]) => summed(keys, { counters, usage }, 'UTC')[0]?.unsure.map(([, [id]]) => id);
    expect(unsure([counted(1, 5), counted(2, 4), counted(3, 9)])).toEqual([]);
    expect(unsure([counted(1, 6), { ...counted(3, 9), isEstimated: true }])).toEqual([1, 3]);
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
    const secrets = createSecrets(Array.from({ length: 1500 }, (_, id) => key(id * 1e9, null, null)));
    const sums = Array.from({ length: 9 }, (_, index) => {
      const rows = Array.from({ length: 1500 }, (_, key) => ({ ...ROW, keyId: key * 1e9, total: [index + 1, 0] }));
      const counters = rows.map(toStoredCounters);
      const sum = sumDay({ day: FIRST, secrets, rows: counters.map(toLedgerRow), counters, usage: [], checks: [] }, 0);
      return { day: addDays(FIRST, index), cut: 0, sum };
    });
    const count = () => Object.values(database.prepare('SELECT count(*) FROM day_sum').get() ?? {});
    await insertSums(createDb(binding), 1, sums, 6);
    expect(count()).toEqual([0]);
    await insertSums(createDb(binding), 1, sums, 7);
    expect(count()).toEqual([9]);
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
    const { cuts, inRows, span } = planDays(inZone('2026-11-10', '2026-11-15'), null, NOW, KEPT);
    expect([[...cuts.keys()], [...inRows], span]).toEqual([
      ['2026-11-10', '2026-11-11', '2026-11-12', '2026-11-13'],
      ['2026-11-13', '2026-11-14', '2026-11-15'],
      ['2026-11-10', '2026-11-15'],
    ]);
  });

  it('reads days as rows whose hours are wanted, and parts days where the zone does', () => {
    const day = inZone('2026-11-05', '2026-11-05', 'America/New_York');
    const { cuts, inRows } = planDays(inZone('2026-11-01', '2026-11-05', 'America/New_York'), day, NOW, KEPT);
    expect([...inRows]).toEqual(['2026-11-04', '2026-11-05', '2026-11-06']);
    expect([...cuts]).toEqual([
      ['2026-10-31', 4],
      ['2026-11-01', 4],
      ['2026-11-02', 5],
      ['2026-11-03', 5],
    ]);
  });

  it('lists only days of which something can be stored, however far the others are', () => {
    const { cuts, inRows, beyond } = planDays(inZone('1000-01-01', '2999-12-31'), null, NOW, KEPT);
    expect([[...cuts.keys()][0], [...inRows].at(-1), cuts.size]).toEqual([KEPT, '2026-11-16', 364]);
    expect(beyond).toEqual([
      ['1000-01-01', '2025-11-14'],
      ['2026-11-17', '2999-12-31'],
    ]);
    for (const year of ['1000', '2999']) {
      const far = planDays(inZone(`${year}-05-01`, `${year}-05-02`), null, NOW, KEPT);
      expect([far.cuts.size, far.inRows.size, far.beyond]).toEqual([0, 0, [[`${year}-05-01`, `${year}-05-02`]]]);
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
    const inRows = new Set(plan.cuts.keys());
    const ofDays = [...plan.cuts.keys()].flatMap((day) => Array.from({ length: rows }, () => ({ day })));
    return daysToSum(plan, { stored: new Map([['2026-01-01', 0]]), outdated: new Set(), inRows, isOwnZone: false, rows: ofDays, ...known });
  };

  it('sums up as many days as one answer bears, the last ones first, and one at least', () => {
    expect(days('UTC')).toEqual(['2026-11-12', '2026-11-11', '2026-11-10']);
    expect(days('UTC', {}, 500)).toEqual(['2026-11-12', '2026-11-11']);
    expect(days('UTC', {}, 5000)).toEqual(['2026-11-12']);
    expect(days('UTC', {}, 1000, '2026-10-04')).toHaveLength(10);
  });

  it('begins to sum up where there are more than ten rows a day', () => {
    expect(days('UTC', { stored: new Map() }, 10)).toEqual([]);
    expect(days('UTC', { stored: new Map() }, 11)).toHaveLength(3);
  });

  it('sums up again what does not hold, or is parted for nobody, or, in the user’s own zone, for another one', () => {
    const stored = new Map([
      ['2026-11-10', 15],
      ['2026-11-11', 0],
      ['2026-11-12', 5],
    ]);
    expect(days('UTC', { stored })).toEqual([]);
    expect(days('UTC', { stored, outdated: new Set(['2026-11-10']) })).toEqual(['2026-11-10']);
    expect(days('America/New_York', { stored })).toEqual(['2026-11-13', '2026-11-11', '2026-11-09']);
    expect(days('America/New_York', { stored, isOwnZone: true })).toEqual(['2026-11-13', '2026-11-11', '2026-11-10', '2026-11-09']);
    expect([isPartedFor(0, 5), isPartedFor(5, 0), isPartedFor(5, 5), isPartedFor(5, 15)]).toEqual([true, false, true, false]);
  });
});
