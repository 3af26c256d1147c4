import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/alerts/evaluation/decide.ts';
import { forecastOf, monthOf, projectDays } from '../../src/alerts/evaluation/forecast.ts';
import type { EvaluationInput } from '../../src/alerts/evaluation/situation.ts';
import { createSpend } from '../../src/alerts/evaluation/spend.ts';
import { createRuleSchema, type Rule } from '../../src/alerts/model.ts';
import { budgetsOf, isUsedUp } from '../../src/alerts/rules/budgets.ts';
import { headlineOf } from '../../src/dashboard/figures.ts';
import { rangesOf } from '../../src/dashboard/model.ts';
import { type Key, limitUse } from '../../src/keys/advice.ts';
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays } from '../../src/lib/day.ts';
import { compareProducts } from '../../src/lib/money.ts';
import { createLocalHours } from '../../src/lib/zone.ts';
import type { CoveredKey } from '../../src/usage/coverage/coverage.ts';
import type { Fact } from '../../src/usage/model.ts';
import { key as covered, inZone } from '../support/ledger-rows.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const TODAY = '2026-11-25';
const CREDITS = { key_id: null, counts: 'credits' } as const;

const ruleOf = (input: object): Rule => ({
  ...createRuleSchema.parse(input),
  id: 1,
  version: 0,
  armedVersion: 0,
  actsFrom: null,
  createdAt: 0,
});

const BARE = {
  last_synced_at: null,
  last_error: null,
  expires_at: null,
  vanished_at: null,
  limit_usd: null,
  limit_remaining_usd: null,
  balance_usd: null,
  managed_by: null,
  backfill: null,
};

const keyOf = (id: number, rest: Partial<Key> = {}) =>
  ({
    id,
    name: `key ${id}`,
    kind: 'inference',
    status: 'active',
    is_active: true,
    created_at: '2026-01-01T00:00:00Z',
    ...BARE,
    ...rest,
  }) as Key;

const factOf = (keyId: number, date: string, usd: number, byok = 0, hourAt: number | null = null): Fact => ({
  keyId,
  date,
  hour: null,
  hourAt,
  source: 'counters',
  model: null,
  permaslug: null,
  provider: null,
  measures: {
    costNano: Math.round(usd * 1e9),
    byokCostNano: Math.round(byok * 1e9),
    requests: null,
    promptTokens: null,
    completionTokens: null,
    reasoningTokens: null,
    cachedTokens: null,
    correctionNano: null,
    byokCorrectionNano: null,
  },
});

/** A key that is read until now. */
const since = (id: number, day: string): CoveredKey => ({
  ...covered(id, `${day}T00:00:00Z`, new Date(NOW).toISOString()),
  whole: [{ since: Date.parse(`${day}T00:00:00Z`), until: Number.POSITIVE_INFINITY }],
});

const daily = (keyId: number, from: string, to: string, usd: number, byok = 0): Fact[] =>
  listDays(from, to).map((date) => factOf(keyId, date, usd, byok));

const situationOf = (keys: readonly CoveredKey[], facts: readonly Fact[], presented?: readonly Key[]): EvaluationInput => ({
  now: NOW,
  zone: 'UTC',
  keys: presented ?? keys.map(({ id }) => keyOf(id)),
  spend: createSpend(keys, facts, 'UTC'),
  facts,
});

const tell = (input: object, situation: EvaluationInput) => decide(ruleOf(input), situation).findings;

describe('money that decides', () => {
  it('is compared as people write it', () => {
    expect([compareProducts([0.3], [0.1, 3]), compareProducts([300_000_000], [3, 1e9, 0.1])]).toEqual([0, 0]);
    expect([compareProducts([1e-7], [1, 0.0000001]), compareProducts([-1.5], [2]), compareProducts([1e21], [1e20, 10])]).toEqual([
      0, -1, 0,
    ]);
    const cents = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(cents, cents, fc.integer({ min: 1, max: 1000 }), (a, b, percent) => {
        const exact = Math.sign(a * 100 - b * percent);
        expect(compareProducts([a / 100], [b / 100, percent / 100])).toBe(exact);
      }),
    );
  });

  it.each([
    [3, 0.1, 0.3],
    [7, 0.7, 4.9],
    [0.7, 0.1, 0.07],
    [19.99, 0.3, 5.997],
    [1e9, 0.000000001, 1],
    [1e-9, 1, 1e-9],
  ])('a budget of %d reaches %d with exactly %d, and not with less', (amount_usd, threshold, usd) => {
    const budget = { type: 'budget', amount_usd, period: 'month', thresholds: [threshold] };
    const of = (spent: Fact[]) => tell(budget, situationOf([since(1, '2026-11-01')], spent));
    expect(of([factOf(1, TODAY, usd)])).toHaveLength(1);
    expect(of([factOf(1, TODAY, usd - 1e-9)])).toHaveLength(0);
  });

  it('limits and balances are below an amount, and not at it', () => {
    const at = (key: Partial<Key>, input: object) => tell(input, situationOf([since(1, '2026-11-01')], [], [keyOf(1, key)]));
    const limit = (left: number) =>
      at({ limit_usd: 3, limit_remaining_usd: left, vanished_at: null }, { type: 'limit_remaining', below_ratio: 0.1 });
    expect([limit(0.3).length, limit(0.299999999).length]).toEqual([0, 1]);
    expect(limitUse({ limit_usd: 3, limit_remaining_usd: 0.6 })).toMatchObject({ used: 2.4, percent: 80 });
    expect(limitUse({ limit_usd: 1000, limit_remaining_usd: 1 })?.percent).toBe(99);
  });

  it('a spike is more than its factor, and a meter is full when all is used', () => {
    const days = listDays('2026-10-01', '2026-11-24').map((day) => factOf(1, day, 0.1));
    const spike = (usd: number) =>
      tell({ type: 'spike', min_usd: 0.3 }, situationOf([since(1, '2026-10-01')], [...days, factOf(1, TODAY, usd)])).length;
    expect([spike(0.3), spike(0.300000001)]).toEqual([0, 1]);
    const percent = (usd: number) =>
      budgetsOf([ruleOf({ type: 'budget', amount_usd: 0.3, period: 'day' })], [], {
        spend: createSpend([since(1, '2026-11-01')], [factOf(1, TODAY, usd)], 'UTC'),
        now: NOW,
        zone: 'UTC',
      })[0]?.percent;
    expect([percent(0.3), percent(0.2999), percent(0.087)]).toEqual([100, 99, 29]);
  });

  it.each([0.01, 3, 8_388_608, 8_388_609, 1e9])('a budget of $%d is not used up by less, and is by as much', (amount_usd) => {
    const isFull = (usd: number) => {
      const [budget] = budgetsOf([ruleOf({ type: 'budget', amount_usd, period: 'day' })], [], {
        spend: createSpend([since(1, '2026-11-01')], [factOf(1, TODAY, usd)], 'UTC'),
        now: NOW,
        zone: 'UTC',
      });
      return budget && isUsedUp(budget);
    };
    expect([isFull(amount_usd / 2), isFull(amount_usd)]).toEqual([false, true]);
  });
});

describe('BYOK', () => {
  const keys = [since(1, '2026-10-01')];
  const facts = [...daily(1, '2026-10-01', '2026-11-24', 0, 0.5), factOf(1, TODAY, 0, 3)];

  it.each([
    ['credits', []],
    ['byok', ['1']],
    ['both', ['1']],
  ])('counts for a budget that counts %s', (counts, reached) => {
    const found = tell({ type: 'budget', amount_usd: 3, period: 'day', thresholds: [0.5, 1], counts }, situationOf(keys, facts));
    expect(found.map(({ figures }) => String(figures['threshold']))).toEqual(reached);
    const [budget] = budgetsOf([ruleOf({ type: 'budget', amount_usd: 3, period: 'day', counts })], [], {
      spend: createSpend(keys, facts, 'UTC'),
      now: NOW,
      zone: 'UTC',
    });
    expect(budget?.percent).toBe(counts === 'credits' ? 0 : 100);
  });

  it('is not counted by a budget that was stored before, but by a spike', () => {
    expect([ruleOf({ type: 'budget', amount_usd: 3, period: 'day' }), ruleOf({ type: 'spike' })]).toMatchObject([
      { counts: 'credits' },
      { counts: 'both' },
    ]);
    const [spike] = tell({ type: 'spike' }, situationOf(keys, facts));
    expect(spike?.figures).toMatchObject({ spent_usd: 3, byok_usd: 3, median_usd: 0.5 });
    expect(tell({ type: 'spike', counts: 'credits' }, situationOf(keys, facts))).toEqual([]);
  });

  it('is counted by the hour too', () => {
    const hour = NOW - HOUR_MS;
    const hours = Array.from({ length: 28 }, (_, day) => hour - (day + 1) * DAY_MS).map((at) =>
      factOf(1, new Date(at).toISOString().slice(0, 10), 0, 0.5, at),
    );
    const found = tell({ type: 'spike', window: 'hour' }, situationOf(keys, [...hours, factOf(1, TODAY, 0, 3, hour)]));
    expect(found.map(({ figures }) => [figures['spent_usd'], figures['median_usd']])).toEqual([[3, 0.5]]);
  });

  it('is told by a digest beside credits', () => {
    const [digest] = tell({ type: 'digest' }, situationOf(keys, [...daily(1, '2026-11-01', '2026-11-24', 1, 2)]));
    expect(digest?.figures).toMatchObject({ spent_usd: 1, byok_usd: 2, month_usd: 24, byok_month_usd: 48 });
    expect(digest?.title).toContain('$1.00 + $2.00 BYOK on all keys');
  });
});

describe('one month', () => {
  const keys = [since(1, '2026-10-01')];
  /** A dollar a day for twelve days, then twelve. */
  const facts = [...daily(1, '2026-11-01', '2026-11-12', 1), ...daily(1, '2026-11-13', '2026-11-24', 12)];

  it('has one forecast: of the dashboard, of a budget, and of a digest', () => {
    const situation = situationOf(keys, facts);
    const figure = headlineOf(situation, rangesOf(inZone('2026-11-01', TODAY), NOW)).month.projectedUsd;
    expect(figure).toBe(228);
    const found = tell({ type: 'budget', amount_usd: 200, period: 'month', forecast: true, thresholds: [10] }, situation);
    expect(found.map(({ figures }) => figures['forecast_usd'])).toEqual([figure]);
    expect(tell({ type: 'digest' }, situation)[0]?.figures['projected_usd']).toBe(figure);
  });

  it('has one forecast where OpenRouter knows more of it than the ledger', () => {
    const known = keyOf(1, { usage_monthly_usd: 88.61, byok_usage_monthly_usd: 0, last_synced_at: new Date(NOW).toISOString() });
    const situation = situationOf([since(1, '2026-11-22')], daily(1, '2026-11-22', '2026-11-24', 2), [known]);
    const { month } = headlineOf(situation, rangesOf(inZone('2026-11-01', TODAY), NOW));
    expect(month).toMatchObject({ usd: 88.61, reportedUsd: 88.61, upstreamKeys: 1, isComplete: true, projectedUsd: 100.61 });
    const found = tell({ type: 'budget', amount_usd: 100, period: 'month', forecast: true }, situation);
    expect(found.map(({ figures }) => figures['forecast_usd'])).toEqual([100.61]);
    expect(tell({ type: 'digest' }, situation)[0]?.figures).toMatchObject({ month_usd: 88.61, projected_usd: 100.61, known: 'all' });
  });

  it('is a lower bound where neither knows a part of it', () => {
    const replaced = { ...since(1, '2026-11-22'), isReplaced: true };
    const reported = keyOf(1, { usage_monthly_usd: 9, last_synced_at: new Date(NOW).toISOString() });
    const of = (one: CoveredKey, presented: Key) => monthOf(situationOf([one], [factOf(1, TODAY, 5)], [presented]), CREDITS);
    expect(of(replaced, reported)).toMatchObject({ nano: 5e9, isComplete: false, partialKeys: 1, reported: null });
    expect(of(since(1, '2026-11-22'), keyOf(1, { usage_monthly_usd: null }))).toMatchObject({ isComplete: false });
    const ofOctober = keyOf(1, { usage_monthly_usd: 9, last_synced_at: '2026-10-31T23:00:00Z' });
    expect(of(since(1, '2026-11-22'), ofOctober)).toMatchObject({ nano: 5e9, isComplete: false });
    expect(of(since(1, '2026-11-01'), reported)).toMatchObject({ nano: 5e9, isComplete: true, reported: null });
  });

  it('is a lower bound where OpenRouter’s own figure is old: the key is paused, refused or not read', () => {
    const paused = covered(1, '2026-11-10T00:00:00Z', '2026-11-20T00:00:00Z', false);
    const reported = keyOf(1, { usage_monthly_usd: 9, last_synced_at: '2026-11-20T00:00:00Z' });
    const situation = situationOf([paused], [factOf(1, '2026-11-12', 5)], [reported]);
    expect(monthOf(situation, CREDITS)).toMatchObject({ nano: 9e9, isComplete: false, upstreamKeys: 1, partialKeys: 1 });
    expect(monthOf(situationOf([covered(1, '2026-08-01T00:00:00Z', '2026-09-01T00:00:00Z', false)], []), CREDITS)).toMatchObject({
      nano: null,
      isComplete: false,
      partialKeys: 1,
    });
    expect(monthOf(situationOf([], []), CREDITS)).toMatchObject({ nano: null, isComplete: false });
  });

  it('has a forecast that is a lower bound while a key is known for too few days', () => {
    const facts = [...daily(1, '2026-11-01', TODAY, 2), ...daily(2, '2026-11-24', TODAY, 20)];
    const reported = (id: number) => keyOf(id, { usage_monthly_usd: 50, last_synced_at: new Date(NOW).toISOString() });
    const of = (day: string) => situationOf([since(1, '2026-10-01'), since(2, day)], facts, [reported(1), reported(2)]);
    const figures = (day: string) => headlineOf(of(day), rangesOf(inZone('2026-11-01', TODAY), NOW)).month;
    expect(figures('2026-11-24')).toMatchObject({ isComplete: true, isProjectedComplete: false });
    expect(figures('2026-11-22')).toMatchObject({ isComplete: true, isProjectedComplete: true });
    const [digest] = tell({ type: 'digest' }, of('2026-11-24'));
    expect(digest?.figures).toMatchObject({ known: 'all', projected_known: 'part' });
    expect(digest?.text).toContain('projected ≥\u00a0$');
    expect(tell({ type: 'digest' }, of('2026-11-22'))[0]?.text).not.toContain('≥');
  });

  it('is told by a digest with lower bounds of keys and models of which not all is known', () => {
    const digest = (day: string, model: string | null) => {
      const facts = [...daily(1, '2026-11-20', TODAY, 2), ...daily(2, '2026-11-20', TODAY, 3)];
      const named = facts.map((fact) => (fact.keyId === 1 ? { ...fact, model: 'm' } : { ...fact, model }));
      return tell({ type: 'digest' }, situationOf([since(1, '2026-10-01'), since(2, day)], named))[0]?.figures;
    };
    expect(digest('2026-10-01', 'n')).toMatchObject({ top_keys: 'key 2 $3.00, key 1 $2.00', top_models: 'n $3.00, m $2.00' });
    expect(digest('2026-10-01', null)).toMatchObject({ known: 'all', top_models: 'm ≥\u00a0$2.00' });
    expect(digest(TODAY, 'n')).toMatchObject({ known: 'part', top_keys: 'key 2 ≥\u00a0$3.00, key 1 $2.00' });
  });

  it('goes on at the pace of each key’s own days', () => {
    const facts = [...daily(1, '2026-11-01', '2026-11-24', 2), factOf(2, '2026-11-24', 20)];
    const spend = createSpend([since(1, '2026-10-01'), since(2, '2026-11-24')], facts, 'UTC');
    expect([spend.paceOf(null, 'credits', TODAY), spend.paceOf([2], 'credits', TODAY)]).toEqual([22e9, null]);
    expect(projectDays(210, { day: '2026-11-22', spent: 5 }, 10, '2026-11-30')).toBe(295);
    expect(projectDays(300, { day: '2026-11-30', spent: 10 }, 10, '2026-11-30')).toBe(300);
  });

  it('of a day is told by its own hours', () => {
    const situation = situationOf(keys, [factOf(1, TODAY, 5)]);
    expect(forecastOf(situation, CREDITS, 'day')).toBe(10e9);
    expect(forecastOf({ ...situation, now: NOW - 7 * HOUR_MS }, CREDITS, 'day')).toBeNull();
    expect(forecastOf(situation, CREDITS, 'week')).not.toBeNull();
  });
});

describe('comparisons', () => {
  const old = daily(1, '2026-10-01', TODAY, 2);

  it('say nothing while a key that always spent is known for too few days', () => {
    const keys = [since(1, '2026-10-01'), since(2, '2026-11-24')];
    const facts = [...old, ...daily(2, '2026-11-24', TODAY, 20)];
    expect(tell({ type: 'spike' }, situationOf(keys, facts))).toEqual([]);
    expect(tell({ type: 'digest' }, situationOf(keys, facts))[0]?.figures).toMatchObject({ spent_usd: 22, change: null, before_usd: null });
    expect(tell({ type: 'spike', key_id: 1 }, situationOf(keys, [...facts, factOf(1, TODAY, 9)]))).toHaveLength(1);
    const { month } = headlineOf(situationOf(keys, facts), rangesOf(inZone('2026-11-01', TODAY), NOW));
    expect(month.change).toEqual({ share: null, isComplete: false });
  });

  it('go on where a key is new at OpenRouter, and where one was paused long ago', () => {
    // Its past is known: it spent nothing before it was made.
    const made: CoveredKey = { ...since(2, '2026-11-24'), whole: [{ since: 0, until: Number.POSITIVE_INFINITY }] };
    const paused = covered(3, '2026-08-01T00:00:00Z', '2026-09-01T00:00:00Z', false);
    const found = tell({ type: 'spike' }, situationOf([since(1, '2026-10-01'), made, paused], [...old, factOf(2, TODAY, 20)]));
    expect(found.map(({ figures }) => [figures['spent_usd'], figures['median_usd']])).toEqual([[22, 2]]);
  });

  it('leave out what a key that is not read any more spent before', () => {
    const paused = covered(2, '2026-08-01T00:00:00Z', '2026-11-20T00:00:00Z', false);
    const facts = [...old, ...daily(2, '2026-10-01', '2026-11-19', 50), factOf(1, TODAY, 10)];
    const [spike] = tell({ type: 'spike' }, situationOf([since(1, '2026-10-01'), paused], facts));
    expect(spike?.figures).toMatchObject({ spent_usd: 12, median_usd: 2 });
    const spend = createSpend([since(1, '2026-10-01'), paused], facts, 'UTC');
    const days = (from: string, to: string) => ({ from, to });
    expect(spend.daysBeside(CREDITS, days('2026-11-15', '2026-11-24'), days('2026-11-05', '2026-11-14'))).toBeNull();
    expect(spend.daysBeside(CREDITS, days('2026-11-23', '2026-11-24'), days('2026-11-21', '2026-11-22'))).toEqual({
      spent: 4e9,
      before: 4e9,
    });
  });

  it('take no hour for nothing of whose day some spend has no hour', () => {
    const hour = NOW - HOUR_MS;
    const whole = listDays('2026-10-01', addDays(TODAY, -1)).map((day) => factOf(1, day, 24));
    const spike = { type: 'spike', window: 'hour' };
    expect(tell(spike, situationOf([since(1, '2026-10-01')], [...whole, factOf(1, TODAY, 5, 0, hour)]))).toEqual([]);
    expect(tell(spike, situationOf([since(1, '2026-10-01')], [factOf(1, TODAY, 5, 0, hour)]))).toHaveLength(1);
  });
});

describe('the same hour of the day', () => {
  const spike = { type: 'spike', window: 'hour', factor: 3 };

  /** Somebody who spends by the clock of a zone, the same each day, until an instant; and what an hourly spike finds then. */
  function findSpikes(zone: string, now: number, ofClock: (clock: number) => number, extra: Record<string, number> = {}) {
    const place = createLocalHours(zone);
    const days = listDays(addDays(dayOf(now), -40), dayOf(now));
    const hours = days.flatMap((day) => Array.from({ length: 24 }, (_, hour) => place(day, hour))).filter(({ at }) => at < now);
    const facts = hours.map(({ at, date, clock }) => factOf(1, date, ofClock(clock) + (extra[new Date(at).toISOString()] ?? 0), 0, at));
    const keys = [since(1, '2025-01-01')];
    const situation = { now, zone, keys: [keyOf(1)], spend: createSpend(keys, facts, zone), facts };
    return tell(spike, situation).map(({ figures }) => [figures['at'], figures['spent_usd'], figures['median_usd']]);
  }

  // The clock that shows ten before and after it is changed, and the hour of UTC which that is then.
  it.each([
    ['Europe/Zurich', '2026-03-29T09:30:00Z', '2026-03-29T08:00:00.000Z'],
    ['Europe/Zurich', '2026-04-10T09:30:00Z', '2026-04-10T08:00:00.000Z'],
    ['Europe/Zurich', '2026-10-25T10:30:00Z', '2026-10-25T09:00:00.000Z'],
    ['Europe/Zurich', '2026-11-10T10:30:00Z', '2026-11-10T09:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-05T00:30:00Z', '2026-10-04T23:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-06T01:30:00Z', '2026-04-06T00:00:00.000Z'],
  ])('is that of the clock: in %s at %s', (zone, now, ten) => {
    const busyAtTen = (clock: number) => (clock === 10 ? 9 : 0.25);
    const quietAtTen = (clock: number) => (clock === 10 ? 0.25 : 9);
    expect(findSpikes(zone, Date.parse(now), busyAtTen)).toEqual([]);
    expect(findSpikes(zone, Date.parse(now), quietAtTen, { [ten]: 5 })).toEqual([[ten, 5.25, 0.25]]);
  });

  it('is never unusual of somebody who spends by the clock', () => {
    const zones = fc.constantFrom('Europe/Zurich', 'Australia/Lord_Howe', 'America/St_Johns', 'Antarctica/Troll', 'Asia/Kolkata', 'UTC');
    const changes = fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01').map(Date.parse);
    const halfHours = fc.integer({ min: -24, max: 48 * 20 });
    fc.assert(
      fc.property(
        zones,
        changes,
        halfHours,
        fc.array(fc.nat({ max: 50 }), { minLength: 24, maxLength: 24 }),
        (zone, change, halves, usd) => {
          expect(findSpikes(zone, change + (halves * HOUR_MS) / 2, (clock) => usd[clock] ?? 0)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('what is known of days', () => {
  it('is zero where a key was watched, and unknown in a gap', () => {
    const keys = [
      covered(1, '2026-11-01T00:00:00Z', '2026-11-03T00:00:00Z', false),
      covered(2, '2026-11-06T00:00:00Z', '2026-11-08T00:00:00Z'),
    ];
    const spend = createSpend(keys, [factOf(1, '2026-11-02', 2.5)], 'UTC');
    expect(listDays('2026-11-01', '2026-11-09').map((day) => spend.ofDays(CREDITS, day, day))).toEqual([
      0,
      2.5e9,
      null,
      null,
      null,
      0,
      0,
      null,
      null,
    ]);
    expect(spend.ofDays({ key_id: 2, counts: 'credits' }, '2026-11-01', '2026-11-05')).toBeNull();
    expect([spend.isComplete(1, '2026-11-01', '2026-11-02'), spend.isComplete(null, '2026-11-01', '2026-11-02')]).toEqual([true, false]);
    expect(createSpend([], [], 'UTC').isComplete(null, '2026-11-01', '2026-11-02')).toBe(false);
  });
});
