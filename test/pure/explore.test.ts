import { csvParse } from 'd3-dsv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnTotals, ticksOf } from '../../src/charts/model.ts';
import { answerOf } from '../../src/explore/answer.ts';
import { bucketsOf, slotsOf } from '../../src/explore/buckets.ts';
import { answerCsv, answerJson } from '../../src/explore/export.ts';
import { bucketLabel, bucketLabels, keyNamesOf, seriesLabel } from '../../src/explore/labels.ts';
import {
  isWanted,
  METRICS,
  type MetricName,
  metricOf,
  type Question,
  questionSchema,
  ROLLUPS,
  type Rollup,
  UNKNOWN_NAME,
} from '../../src/explore/model.ts';
import { addDays } from '../../src/lib/day.ts';
import { byEach, DIMENSIONS, factsOf, type Range } from '../../src/usage/model.ts';
import { periodBefore, queryOf, resolvePeriod } from '../../src/usage/periods.ts';
import { UNKNOWN } from '../../src/usage/sums/measures.ts';
import { FIRST, inZone, key, ROWS, ZONE } from '../support/ledger-rows.ts';

const KEYS = [1, 2, 3].map((id) => key(id, `${FIRST}T00:00:00Z`, `${addDays(FIRST, 30)}T00:00:00Z`));
const QUESTION: fc.Arbitrary<Question> = fc
  .record({
    metric: fc.constantFrom(...(Object.keys(METRICS) as MetricName[])),
    by: fc.constantFrom(...DIMENSIONS),
    by2: fc.constantFrom(undefined, ...DIMENSIONS),
    rollup: fc.constantFrom(...ROLLUPS),
    top: fc.integer({ min: 1, max: 6 }),
    cumulative: fc.constantFrom(undefined, '1' as const),
    key: fc.subarray([1, 2, 3]),
    model: fc.subarray(['anthropic/claude', UNKNOWN_NAME], { minLength: 0, maxLength: 1 }),
  })
  .map((fields) => questionSchema.parse({ ...fields, key: fields.key.map(String) }));
const units = (value: number | null, metric: MetricName) => Math.round((value ?? 0) * (metricOf(metric).unit === 'usd' ? 1e9 : 1));
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** A question and its answer over made-up rows. */
const ASKED = fc.tuple(ROWS, ZONE, QUESTION).map(([rows, zone, question]) => {
  const range = inZone(addDays(FIRST, 3), addDays(FIRST, 15), zone);
  const facts = factsOf(rows, range, question.rollup === 'hour');
  return { question, range, facts, answer: answerOf(KEYS, byEach(facts), range, question) };
});

describe('an answer', () => {
  it('adds up: series to totals, buckets to sums, everything to the facts', () => {
    fc.assert(
      fc.property(ASKED, ({ question, facts, answer }) => {
        const { metric } = question;
        const wanted = facts.filter((fact) => isWanted(fact, question));
        if (metricOf(metric).over) return;
        const told = sum(wanted.map(({ measures }) => metricOf(metric).amount(measures) ?? 0));
        const total = units(answer.total, metric);
        expect(total).toBe(told);
        expect(sum(answer.series.map((one) => units(one.total, metric)))).toBe(total);
        const inBuckets = total - units(answer.unplaced, metric);
        if (question.cumulative === undefined) {
          expect(sum(answer.totals.map((value) => units(value, metric)))).toBe(inBuckets);
          const columns = columnTotals(answer.series, answer.buckets.length);
          for (const [index, column] of columns.entries())
            expect(Math.abs(units(column, metric) - units(answer.totals[index] ?? null, metric))).toBeLessThanOrEqual(1);
        } else if (inBuckets > 0) {
          expect(units(answer.totals.findLast((value) => value !== null) ?? null, metric)).toBe(inBuckets);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('ranks its series, keeps to the top, and names each one once', () => {
    fc.assert(
      fc.property(ASKED, ({ question, answer }) => {
        const named = answer.series.filter(({ isOther }) => !isOther);
        expect(named.length).toBeLessThanOrEqual(question.top + (named.length < answer.series.length ? 0 : 1));
        expect(answer.series.findIndex(({ isOther }) => isOther)).toBe(named.length < answer.series.length ? named.length : -1);
        if (!metricOf(question.metric).over) {
          const totals = named.map(({ total }) => total ?? 0);
          expect(totals).toEqual(totals.toSorted((a, b) => b - a));
        }
        const labels = answer.series.map((one) => seriesLabel(one, answer.dimensions, keyNamesOf(KEYS)));
        expect(new Set(labels).size).toBe(labels.length);
        for (const { values } of answer.series) expect(values).toHaveLength(answer.buckets.length);
      }),
    );
  });

  it('never runs backwards when it is cumulative', () => {
    fc.assert(
      fc.property(ASKED, ({ question, answer }) => {
        if (question.cumulative === undefined || metricOf(question.metric).over) return;
        const known = answer.totals.filter((value) => value !== null);
        expect(known).toEqual(known.toSorted((a, b) => a - b));
      }),
    );
  });

  it('is the same as CSV and as JSON', () => {
    fc.assert(
      fc.property(ASKED, ({ question, range, answer }) => {
        const rows = csvParse(answerCsv(answer, question, keyNamesOf(KEYS)));
        const json = answerJson(answer, question, range, keyNamesOf(KEYS));
        if (question.rollup === 'none') {
          expect(rows.map((row) => units(Number(row[question.metric]), question.metric))).toEqual(
            answer.series.map(({ total }) => units(total, question.metric)),
          );
        } else {
          expect(rows.map((row) => row[question.rollup])).toEqual(answer.buckets);
          expect(rows.map(({ total }) => total === '')).toEqual(answer.totals.map((total) => total === null));
          expect(rows.map((row) => row['is_complete'] === 'false')).toEqual(answer.isOpen);
          expect(json.are_complete).toEqual(answer.isOpen.map((isOpen) => !isOpen));
          expect(json.series.map(({ values }) => values)).toEqual(answer.series.map(({ values }) => values));
        }
        expect(json.total).toBe(answer.total);
      }),
    );
  });

  it('leaves out of a ratio what only one side of it is known of', () => {
    const range = inZone(FIRST, FIRST, 'UTC');
    const place = { date: FIRST, hour: null, hourAt: null, model: 'a', permaslug: 'a', provider: null };
    const facts = [
      { ...place, keyId: 1, source: 'analytics' as const, measures: { ...UNKNOWN, costNano: 6e9, byokCostNano: 0, requests: 3 } },
      { ...place, keyId: 2, source: 'counters' as const, measures: { ...UNKNOWN, costNano: 100e9, byokCostNano: 0 } },
    ];
    const ask = (metric: MetricName) => answerOf(KEYS, byEach(facts), range, questionSchema.parse({ metric }));
    expect(ask('cost_per_request')).toMatchObject({ total: 2, totals: [2] });
    expect(ask('cost_per_million_tokens').total).toBeNull();
    expect(ask('cost').total).toBe(106);
  });

  it('says zero where a key was watched, and nothing where none was', () => {
    const range = inZone(addDays(FIRST, -2), addDays(FIRST, 1), 'UTC');
    const answer = answerOf(KEYS, byEach([]), range, questionSchema.parse({}));
    expect(answer.totals).toEqual([null, null, 0, 0]);
    expect(answer.total).toBe(0);
    expect(answerOf(KEYS, byEach([]), range, questionSchema.parse({ metric: 'requests' })).total).toBeNull();
  });
});

describe('a file of an answer', () => {
  it('keeps columns apart that have the same name, and runs no formula', () => {
    const range = inZone(FIRST, FIRST, 'UTC');
    const names = ['total', 'day', 'Other', '=1+1', '@SUM(A1)', '__proto__'];
    const facts = names.map((model, index) => ({
      ...{
        date: FIRST,
        hour: null,
        hourAt: null,
        keyId: 1,
        source: 'analytics' as const,
        permaslug: model,
        provider: null,
      },
      model,
      measures: { ...UNKNOWN, costNano: (names.length - index) * 1e9, byokCostNano: 0 },
    }));
    const question = questionSchema.parse({ top: '20' });
    const csv = answerCsv(answerOf(KEYS, byEach(facts), range, question), question, keyNamesOf(KEYS));
    expect(csv).toBe(`day,total,total,day,Other,'=1+1,'@SUM(A1),__proto__,is_complete\n${FIRST},21,6,5,4,3,2,1,true\n`);
  });
});

describe('what is not known', () => {
  it('is not zero: of a model on days of counters, and of a key after its last reading', () => {
    const range = inZone(FIRST, addDays(FIRST, 1), 'UTC');
    const ask = (question: object) => answerOf(KEYS, byEach([]), range, questionSchema.parse(question));
    expect(ask({ model: 'openai/gpt' }).total).toBeNull();
    expect(ask({}).totals).toEqual([0, 0]);
    const early = [
      key(1, `${FIRST}T00:00:00Z`, `${FIRST}T05:30:00Z`, false),
      key(2, `${FIRST}T00:00:00Z`, `${addDays(FIRST, 1)}T00:00:00Z`),
    ];
    const hours = (id: number) =>
      answerOf(early, byEach([]), inZone(FIRST, FIRST, 'UTC'), questionSchema.parse({ rollup: 'hour', key: String(id) })).totals;
    expect(hours(1).filter((total) => total === 0)).toHaveLength(6);
    expect(hours(2).filter((total) => total === 0)).toHaveLength(24);
  });
});

describe('buckets', () => {
  it('hold each local date once, in order, over the change of the clocks', () => {
    fc.assert(
      fc.property(ZONE, fc.constantFrom(...ROLLUPS), (zone, rollup) => {
        const range = inZone('2026-10-20', '2026-11-05', zone);
        const slots = slotsOf(range, rollup);
        const buckets = bucketsOf(slots);
        expect(new Set(slots.map(({ date }) => date)).size).toBe(17);
        expect(new Set(buckets).size).toBe(buckets.length);
        if (rollup === 'hour') {
          expect(buckets).toHaveLength(slots.length);
          // Troll Station moves its clocks by two hours, others by one.
          expect(Math.abs(buckets.length - 17 * 24)).toBeLessThanOrEqual(2);
        }
        for (const bucket of buckets) expect(bucketLabel(bucket, rollup).label).not.toBe('');
      }),
    );
    const hoursOf = (range: Range) => bucketLabels(bucketsOf(slotsOf(range, 'hour')), 'hour', range, '2026-11-22');
    const again = hoursOf(inZone('2026-11-01', '2026-11-01', 'America/New_York')).map(({ label }) => label);
    expect([again.length, new Set(again).size]).toEqual([25, 25]);
    const week = hoursOf(inZone('2026-11-02', '2026-11-08', 'Asia/Kolkata'));
    expect(week.flatMap(({ tick }) => tick || [])).toEqual(['2 Nov', '3 Nov', '4 Nov', '5 Nov', '6 Nov', '7 Nov', '8 Nov']);
    expect(bucketsOf(slotsOf(inZone('2026-10-20', '2026-11-05'), 'week'))).toEqual(['2026-10-19', '2026-10-26', '2026-11-02']);
    expect(bucketsOf(slotsOf(inZone('2026-10-20', '2026-11-05'), 'month'))).toEqual(['2026-10-01', '2026-11-01']);
  });

  it('say so where a part of them is told', () => {
    const labelsOf = (rollup: Rollup, from: string, to: string, today: string) =>
      bucketLabels(bucketsOf(slotsOf(inZone(from, to), rollup)), rollup, { from, to }, today).map(({ label }) => label);
    expect(labelsOf('week', '2026-11-04', '2026-11-20', '2026-11-22')).toEqual([
      'Week of Mon, 2 Nov 2026, from 4 Nov',
      'Week of Mon, 9 Nov 2026',
      'Week of Mon, 16 Nov 2026, to 20 Nov',
    ]);
    expect(labelsOf('week', '2026-11-10', '2026-11-22', '2026-11-22').at(-1)).toBe('Week of Mon, 16 Nov 2026, so far');
    expect(labelsOf('month', '2026-10-05', '2026-11-30', '2026-11-22')).toEqual(['October 2026, from 5 Oct', 'November 2026, so far']);
    expect(labelsOf('month', '2026-10-01', '2026-10-31', '2026-11-22')).toEqual(['October 2026']);
    expect(labelsOf('day', '2026-11-21', '2026-11-22', '2026-11-22')).toEqual(['Sat, 21 Nov 2026', 'Sun, 22 Nov 2026, so far']);
  });

  it('are named on the axis at even distances, and not too often', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 800 }), fc.integer({ min: 1, max: 9 }), (buckets, count) => {
        const ticks = ticksOf(
          Array.from({ length: buckets }, () => ({ tick: 'x' })),
          count,
        );
        expect(ticks.length).toBeLessThanOrEqual(count);
        expect(ticks[0]).toBe(0);
        expect(ticks.every((tick) => tick < buckets)).toBe(true);
      }),
    );
  });
});

describe('periods', () => {
  const now = Date.parse('2026-11-22T23:30:00Z');
  const resolve = (query: object, zone = 'UTC') => resolvePeriod(questionSchema.parse(query), now, zone);

  it('are days of the viewer’s zone unless the address names another', () => {
    expect(resolve({ range: 'today' })).toMatchObject({ from: '2026-11-22', to: '2026-11-22' });
    expect(resolve({ range: 'today' }, 'Asia/Tokyo')).toMatchObject({ from: '2026-11-23', to: '2026-11-23' });
    expect(resolve({ range: 'today', tz: 'UTC' }, 'Asia/Tokyo')).toMatchObject({ from: '2026-11-22' });
    expect(resolve({ range: 'month' })).toMatchObject({ from: '2026-11-01', to: '2026-11-22' });
    expect(resolve({})).toMatchObject({ from: '2026-10-24', to: '2026-11-22' });
    expect(resolve({ range: 'custom', to: '2026-11-10' })).toMatchObject({ from: '2026-10-12', to: '2026-11-10' });
    expect(resolve({ from: '2020-01-01', to: '2020-01-02' })).toMatchObject({ from: '2026-10-24' });
  });

  it('have a time before them that is as long and ends where they begin', () => {
    expect(periodBefore(inZone('2026-11-08', '2026-11-14'))).toMatchObject({ from: '2026-11-01', to: '2026-11-07' });
  });

  it('survive the way through an address', () => {
    fc.assert(
      fc.property(QUESTION, (question) => {
        const parameters: Record<string, string | string[]> = {};
        const query = new URLSearchParams(queryOf(question));
        for (const name of query.keys()) parameters[name] = query.getAll(name);
        const single = Object.fromEntries(
          Object.entries(parameters).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
        );
        expect(questionSchema.parse(single)).toEqual(question);
      }),
    );
  });
});
