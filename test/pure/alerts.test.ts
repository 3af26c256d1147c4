import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowedUrl, presentChannel } from '../../src/alerts/channels/model.ts';
import { compareWith, decide, type KnownEvent, reachOf } from '../../src/alerts/evaluation/decide.ts';
import { digestPeriod } from '../../src/alerts/evaluation/digest.ts';
import { medianOf } from '../../src/alerts/evaluation/one-time.ts';
import type { EvaluationInput } from '../../src/alerts/evaluation/situation.ts';
import { type Days, PACE_DAYS, type Spend } from '../../src/alerts/evaluation/spend.ts';
import { describeRule } from '../../src/alerts/events/describe.ts';
import { BUDGET_PERIODS, createRuleSchema, DEFAULT_RULES, parametersOf, type Rule, type RuleOf, toRule } from '../../src/alerts/model.ts';
import { formOf, ruleFromForm } from '../../src/alerts/rules/form-model.ts';
import type { Key } from '../../src/keys/advice.ts';
import { addDays, countDays, DAY_MS, dayOf, HOUR_MS, listDays, periodOf } from '../../src/lib/day.ts';
import { instantOfLocalHour, localDayOf, startOfLocalDay } from '../../src/lib/zone.ts';

const ZONES = ['UTC', 'Europe/Rome', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia', 'America/Sao_Paulo', 'Africa/Cairo'];
const NOW = Date.parse('2026-10-25T10:30:00.000Z');
const zoneArb = fc.constantFrom(...ZONES);
/** Over a change of the clock in many zones, and ends of months. */
const instantArb = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2026-12-31') });

const ruleOf = (input: object, rest: Partial<Rule> = {}): Rule =>
  ({ ...createRuleSchema.parse(input), id: 1, version: 0, armedVersion: 0, actsFrom: null, createdAt: 0, ...rest }) as Rule;

const keyOf = (rest: Partial<Key> = {}): Key =>
  ({
    id: 1,
    name: 'backend',
    kind: 'inference',
    status: 'active',
    is_active: true,
    limit_usd: null,
    limit_remaining_usd: null,
    limit_reset: null,
    expires_at: null,
    free_requests_limit: null,
    free_requests_remaining: null,
    free_requests_used: null,
    is_expired: false,
    last_used_at: null,
    balance_usd: null,
    managed_by: null,
    vanished_at: null,
    last_error: null,
    last_synced_at: new Date(NOW).toISOString(),
    created_at: '2026-01-01T00:00:00.000Z',
    ...rest,
  }) as Key;

const nanoOf = (usd: number | null): number | null => (usd === null ? null : Math.round(usd * 1e9));
const isKnown = (nano: number | null): nano is number => nano !== null;

type OfDays = (keyId: number | null, from: string, to: string) => number | null;
type OfHour = (keyId: number | null, at: number) => number | null;

/** Spend as the given functions tell it, in USD. */
const spendOf = (ofDays: OfDays, ofHour: OfHour = () => null): Spend => {
  const days = (keyId: number | null, { from, to }: Days) => nanoOf(ofDays(keyId, from, to));
  const beside = <T>(of: (at: T) => number | null, at: T, others: readonly T[]) => {
    const spent = of(at);
    return spent === null ? null : { spent, before: others.map(of).filter(isKnown) };
  };
  return {
    ofDays: ({ key_id, counts }, from, to) => (counts === 'byok' ? 0 : days(key_id, { from, to })),
    isComplete: () => true,
    isCurrent: () => true,
    isPaceComplete: () => true,
    dayBeside: ({ key_id }, ...at) => beside((day) => days(key_id, { from: day, to: day }), ...at),
    hourBeside: ({ key_id }, ...at) => beside((hour) => nanoOf(ofHour(key_id, hour)), ...at),
    daysBeside({ key_id, counts }, now, before) {
      if (counts === 'byok') return null;
      const [spent, spentBefore] = [days(key_id, now), days(key_id, before)];
      return spent === null || spentBefore === null ? null : { spent, before: spentBefore };
    },
    isReplaced: () => false,
    paceOf(keyIds, _, today) {
      const last = Array.from({ length: PACE_DAYS }, (_, index) => addDays(today, -1 - index));
      const known = last.map((day) => days(keyIds?.[0] ?? null, { from: day, to: day })).filter(isKnown);
      return known.length < 3 ? null : known.reduce((sum, nano) => sum + nano, 0) / known.length;
    },
  };
};

/** Spend by UTC hour, cut off at an instant, as rules ask for it. */
function spendUntil(hourly: ReadonlyMap<number, number>, until: number, zone: string): Spend {
  const facts = [...hourly].filter(([at]) => at < until);
  return spendOf(
    (_, from, to) => facts.reduce((sum, [at, usd]) => (localDayOf(at, zone) >= from && localDayOf(at, zone) <= to ? sum + usd : sum), 0),
    (_, at) => hourly.get(at) ?? 0,
  );
}

/** What holds of a rule. */
const say = (rule: Rule, situation: EvaluationInput) => decide(rule, situation).findings;

/** Everything that is told when a rule is evaluated at some instants, in this order, each compared with what was told before. */
function run(rule: Rule, hourly: ReadonlyMap<number, number>, zone: string, instants: readonly number[]): KnownEvent[] {
  const known: KnownEvent[] = [];
  for (const now of instants) {
    const found = decide(rule, { now, zone, keys: [keyOf()], spend: spendUntil(hourly, now, zone), facts: [] });
    for (const { subject, dedupeKey } of compareWith(known, rule, found).fired) {
      known.push({ id: known.length + 1, ruleId: rule.id, subject, dedupeKey });
    }
  }
  return known;
}

describe('periods of budgets', () => {
  it('hold their day, and follow each other without gaps', () => {
    fc.assert(
      fc.property(fc.constantFrom(...BUDGET_PERIODS), instantArb, zoneArb, (period, at, zone) => {
        const day = localDayOf(at, zone);
        const { from, to } = periodOf(period, day);
        expect(from <= day && day <= to).toBe(true);
        expect(periodOf(period, addDays(to, 1)).from).toBe(addDays(to, 1));
        expect(listDays(from, to).every((other) => periodOf(period, other).from === from)).toBe(true);
        if (period === 'week') expect([countDays(from, to), new Date(from).getUTCDay()]).toEqual([7, 1]);
        if (period === 'month') expect(from.slice(8)).toBe('01');
      }),
    );
  });

  it('begin with the first instant of the local day, also where a change of the clock leaves out midnight', () => {
    fc.assert(
      fc.property(instantArb, zoneArb, (at, zone) => {
        const day = localDayOf(at, zone);
        const start = startOfLocalDay(day, zone);
        expect([localDayOf(start, zone), localDayOf(start - 1, zone) < day]).toEqual([day, true]);
      }),
    );
    // Cairo's clocks go from 24:00 to 1:00.
    expect(new Date(startOfLocalDay('2026-04-24', 'Africa/Cairo')).toISOString()).toBe('2026-04-23T22:00:00.000Z');
  });
});

describe('budgets', () => {
  const spendArb = fc.array(fc.tuple(fc.integer({ min: 0, max: 24 * 70 }), fc.integer({ min: 1, max: 40 })), { maxLength: 60 });
  const start = Date.parse('2026-09-20T00:00:00.000Z');
  const hourlyOf = (spent: readonly (readonly [number, number])[]) => new Map(spent.map(([hour, usd]) => [start + hour * HOUR_MS, usd]));

  it('tell each threshold at most once a period, whatever the number and order of evaluations, and none below one that was told', () => {
    fc.assert(
      fc.property(
        spendArb,
        zoneArb,
        fc.constantFrom(...BUDGET_PERIODS),
        fc.array(fc.nat({ max: 24 * 70 }), { maxLength: 60 }),
        (spent, zone, period, hours) => {
          const rule = ruleOf({ type: 'budget', amount_usd: 50, period, thresholds: [0.2, 1, 2] });
          const hourly = hourlyOf(spent);
          const instants = hours.map((hour) => start + hour * HOUR_MS);
          const told = run(rule, hourly, zone, instants).map(({ dedupeKey }) => dedupeKey);
          expect(new Set(told).size).toBe(told.length);
          const periodsOf = Map.groupBy(told, (dedupeKey) => dedupeKey.slice(0, dedupeKey.lastIndexOf(' ')));
          for (const occasions of periodsOf.values()) {
            const levels = occasions.map((dedupeKey) => Number(dedupeKey.split(' ').at(-1)));
            expect(levels).toEqual(levels.toSorted((a, b) => a - b));
          }
          expect(run(rule, hourly, zone, [...instants, ...instants]).map(({ dedupeKey }) => dedupeKey)).toEqual(told);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('told every hour, are told of exactly what the periods reached', () => {
    fc.assert(
      fc.property(spendArb, zoneArb, fc.constantFrom(...BUDGET_PERIODS), (spent, zone, period) => {
        const rule = ruleOf({ type: 'budget', amount_usd: 50, period, thresholds: [0.2, 1] });
        // No hour reaches both.
        const hourly = hourlyOf(spent.map(([hour, usd]) => [hour, Math.min(usd, 39)] as const));
        const instants = Array.from({ length: 24 * 71 }, (_, hour) => start + hour * HOUR_MS + HOUR_MS - 1);
        const sums = new Map<string, number>();
        for (const [at, usd] of hourly) {
          const { from } = periodOf(period, localDayOf(at, zone));
          sums.set(from, (sums.get(from) ?? 0) + usd);
        }
        const expected = [...sums].flatMap(([from, sum]) =>
          [0.2, 1].filter((share) => sum >= 50 * share).map((share) => `${period} ${from} 50 ${share}`),
        );
        expect(
          run(rule, hourly, zone, instants)
            .map(({ dedupeKey }) => dedupeKey)
            .sort(),
        ).toEqual(expected.sort());
      }),
      { numRuns: 8 },
    );
  });

  it('of a period that is just over are still told, but not by a rule that is younger than its end', () => {
    const at = Date.parse('2026-11-01T05:00:00.000Z');
    const spend = spendOf((_, from) => (from === '2026-10-01' ? 12 : 1));
    const rule = ruleOf({ type: 'budget', amount_usd: 10, period: 'month', thresholds: [1], forecast: true });
    const told = (now: number, createdAt: number) =>
      say({ ...rule, createdAt }, { now, zone: 'UTC', keys: [], spend, facts: [] }).map(({ dedupeKey }) => dedupeKey);
    expect(told(at, 0)).toEqual(['month 2026-10-01 10 1']);
    expect(told(at + 2 * HOUR_MS, 0)).toEqual([]);
    expect(told(at, at - HOUR_MS)).toEqual([]);
  });

  it('say so once when they will be passed, and tell their figures', () => {
    const rule = ruleOf({ type: 'budget', amount_usd: 100, period: 'month', thresholds: [1], forecast: true, name: 'Team' });
    const now = Date.parse('2026-10-11T00:00:00.000Z');
    const spend = spendOf((_, from, to) => (from === to ? 5 : 50));
    const [found, ...others] = say(rule, { now, zone: 'UTC', keys: [keyOf()], spend, facts: [] });
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      dedupeKey: 'month 2026-10-01 100 forecast',
      title: 'Team: Budget for all keys: on track to exceed',
      text: 'All keys spent $50.00 of $100.00 in October 2026. At this pace it will reach $150.00.',
      path: '/explore?range=custom&from=2026-10-01&to=2026-10-31&by=model',
    });
    expect(say(rule, { now, zone: 'UTC', keys: [], spend: spendOf(() => null), facts: [] })).toEqual([]);
  });
});

describe('requests to free models', () => {
  const told = (left: number, rest: Partial<Key> = {}) =>
    keyOf({ free_requests_limit: 50, free_requests_remaining: left, free_requests_used: 50 - left, ...rest });
  const holds = (keys: Key[], input: object = {}, now = NOW) =>
    decide(ruleOf({ type: 'limit_remaining', ...input }), { now, zone: 'Asia/Tokyo', keys, spend: spendOf(() => 0), facts: [] }).findings;

  it('are a limit of the whole account, told once a UTC day', () => {
    expect(holds([told(10)])).toEqual([]);
    const [found] = holds([told(9)]);
    expect(found).toMatchObject({ subject: 'key:1', dedupeKey: `free ${dayOf(NOW)}`, figures: { free_left: 9, free_limit: 50 } });
    expect([found?.title, found?.text]).toEqual([
      'Free requests of backend nearly used up',
      '9 of 50 free-model requests left for the whole account today (UTC).',
    ]);
    expect(holds([told(0)])[0]?.dedupeKey).toBe(found?.dedupeKey);
    const next = NOW + DAY_MS;
    expect(holds([told(3, { last_synced_at: new Date(next).toISOString() })], {}, next)[0]?.dedupeKey).toBe(`free ${dayOf(next)}`);
    expect(holds([told(9)], { below_ratio: 0.1 })).toEqual([]);
  });

  it('are told beside the limit of the key itself', () => {
    expect(holds([told(9, { limit_usd: 10, limit_remaining_usd: 1 })]).map(({ dedupeKey }) => dedupeKey)).toEqual([
      '',
      `free ${dayOf(NOW)}`,
    ]);
  });

  it('are told by the management key for its keys, but for a rule about one of them', () => {
    const [manager, own] = [told(9, { id: 1, kind: 'management' }), told(9, { id: 2, managed_by: 1 })];
    expect(holds([manager, own]).map(({ keyId }) => keyId)).toEqual([1]);
    expect(holds([manager, own], { key_id: 2 }).map(({ keyId }) => keyId)).toEqual([2]);
  });

  it('say nothing where they are not known, of another day, or of a key that is not in use', () => {
    const yesterday = new Date(NOW - DAY_MS).toISOString();
    const silent = [{ last_synced_at: yesterday }, { last_synced_at: null }, { status: 'invalid' as const }, { status: 'paused' as const }];
    for (const rest of [...silent, { free_requests_limit: null }, { free_requests_limit: 0 }, { free_requests_remaining: null }])
      expect([rest, holds([told(9, rest)])]).toEqual([rest, []]);
    expect(holds([keyOf()])).toEqual([]);
  });
});

describe('states', () => {
  const situation = (
    key: Partial<Key>,
    spend = spendOf(
      () => 0,
      () => 0,
    ),
  ): EvaluationInput => ({
    now: NOW,
    zone: 'UTC',
    keys: [keyOf(key)],
    spend,
    facts: [],
  });
  const CASES: [string, object, Partial<Key>, Partial<Key>][] = [
    ['limit', { type: 'limit_remaining' }, { limit_usd: 10, limit_remaining_usd: 1.99 }, { limit_usd: 10, limit_remaining_usd: 2 }],
    ['balance', { type: 'balance', below_usd: 5 }, { kind: 'management', balance_usd: 4.99 }, { kind: 'management', balance_usd: 5 }],
    ['invalid', { type: 'key_invalid' }, { status: 'invalid' }, { status: 'unverified' }],
    [
      'expiring',
      { type: 'key_expiring' },
      { expires_at: new Date(NOW + 7 * DAY_MS).toISOString() },
      { expires_at: new Date(NOW + 7 * DAY_MS + 1).toISOString() },
    ],
    ['discovered', { type: 'key_discovered' }, { kind: 'discovered', created_at: '2026-10-20T00:00:00.000Z' }, { kind: 'discovered' }],
    [
      'overdue, give or take the five minutes of a ring',
      { type: 'sync_overdue' },
      { last_synced_at: new Date(NOW - 6 * HOUR_MS + 299_999).toISOString() },
      { last_synced_at: new Date(NOW - 6 * HOUR_MS + 300_000).toISOString() },
    ],
    ['never read', { type: 'sync_overdue' }, { last_synced_at: null }, { last_synced_at: null, is_active: false, status: 'paused' }],
  ];

  it.each(CASES)('%s: holds, and does not', (_, input, holding, healthy) => {
    const rule = ruleOf(input);
    const found = say(rule, situation(holding));
    expect(found).toHaveLength(1);
    expect(found[0]?.title).toContain('backend');
    expect(found[0]?.path).toBe('/keys/1');
    expect(say(rule, situation(healthy))).toEqual([]);
    expect(say({ ...rule, key_id: 2 }, situation(holding))).toEqual([]);
  });

  it('say nothing of a key that had expired before it was found', () => {
    const rule = ruleOf({ type: 'key_invalid' });
    const expired = { status: 'invalid', is_expired: true, created_at: '2026-10-01T00:00:00.000Z' } as const;
    expect(say(rule, situation({ ...expired, expires_at: '2026-09-30T00:00:00.000Z' }))).toEqual([]);
    expect(say(rule, situation({ ...expired, expires_at: '2026-10-02T00:00:00.000Z' }))).toHaveLength(1);
  });

  it('are told once until they are over, and then once more', () => {
    const rule = ruleOf({ type: 'key_invalid' });
    const found = decide(rule, situation({ status: 'invalid' }));
    const first = compareWith([], rule, found);
    expect([first.fired.length, first.over.length]).toEqual([1, 0]);
    const open: KnownEvent = { id: 7, ruleId: 1, subject: 'key:1', dedupeKey: '' };
    expect(compareWith([open], rule, found)).toEqual({ fired: [], over: [], notApplicable: [] });
    expect(compareWith([open], rule, decide(rule, situation({ status: 'active' })))).toMatchObject({
      fired: [],
      over: [{ ...open, text: 'OpenRouter accepts the key again.' }],
      notApplicable: [],
    });
    expect(compareWith([{ ...open, dedupeKey: 'until 5' }], rule, found).fired).toHaveLength(1);
    expect(compareWith([{ ...open, ruleId: 2 }], rule, decide(rule, situation({})))).toEqual({ fired: [], over: [], notApplicable: [] });
  });

  it.each([
    ['a key that is paused', { type: 'key_invalid' }, { is_active: false, status: 'paused' }, 'notApplicable'],
    ['a key that could not be asked about', { type: 'key_invalid' }, { status: 'unverified' }, 'open'],
    ['a key that the rule is not about any more', { type: 'key_invalid', key_id: 2 }, { status: 'invalid' }, 'notApplicable'],
    ['a limit of a key that is refused', { type: 'limit_remaining' }, { limit_usd: 10, limit_remaining_usd: 9, status: 'invalid' }, 'open'],
    ['a limit that is gone', { type: 'limit_remaining' }, {}, 'notApplicable'],
    ['a key that is refused and so not read', { type: 'sync_overdue' }, { status: 'invalid' }, 'notApplicable'],
    [
      'a balance of an account that cannot be asked',
      { type: 'balance', below_usd: 5 },
      { kind: 'management', balance_usd: 99, status: 'invalid' },
      'open',
    ],
  ] as const)('a state of %s is not told as over', (_, input, key, expected) => {
    const open: KnownEvent = { id: 7, ruleId: 1, subject: 'key:1', dedupeKey: '' };
    const { fired, over, notApplicable } = compareWith([open], ruleOf(input), decide(ruleOf(input), situation(key as Partial<Key>)));
    expect([fired, over, notApplicable]).toEqual([[], [], expected === 'notApplicable' ? [open] : []]);
  });

  it('a balance is measured against the pace of the account, if enough days are known', () => {
    const rule = ruleOf({ type: 'balance', days: 10 });
    const spend = (known: number): Spend => spendOf((_, day) => (countDays(day, '2026-10-24') <= known ? 2 : null));
    expect(say(rule, situation({ kind: 'management', balance_usd: 19 }, spend(7)))[0]?.figures).toMatchObject({
      lasts_days: 9.5,
      pace_usd: 2,
    });
    expect(say(rule, situation({ kind: 'management', balance_usd: 21 }, spend(7)))).toEqual([]);
    expect(say(rule, situation({ kind: 'management', balance_usd: 19 }, spend(2)))).toEqual([]);
    expect(say(rule, situation({ kind: 'management', balance_usd: 19, managed_by: 3 }, spend(7)))).toEqual([]);
  });

  it('spikes are measured against the median of the same weekdays or hours', () => {
    const day = ruleOf({ type: 'spike', factor: 3, min_usd: 2 });
    const usual = (today: number, before: number | null): Spend => spendOf((_, date) => (date === '2026-10-25' ? today : before));
    expect(say(day, situation({}, usual(10, 3))).map(({ dedupeKey }) => dedupeKey)).toEqual(['day 2026-10-25']);
    expect(say(day, situation({}, usual(9, 3)))).toEqual([]);
    expect(say(day, situation({}, usual(1.9, 0)))).toEqual([]);
    expect(say(day, situation({}, usual(100, null)))).toEqual([]);
    const hour = ruleOf({ type: 'spike', window: 'hour' });
    const at = Date.parse('2026-10-25T09:00:00.000Z');
    const byHour = spendOf(
      () => null,
      (_, when) => (when === at ? 7 : 2),
    );
    expect(say(hour, situation({}, byHour)).map(({ dedupeKey }) => dedupeKey)).toEqual(['hour 2026-10-25T09:00:00.000Z']);
  });
});

describe('digests', () => {
  const digest = (input: object = {}) => ruleOf({ type: 'digest', ...input }) as RuleOf<'digest'>;

  it('tell of the last period that is over, each once, at its hour', () => {
    fc.assert(
      fc.property(instantArb, zoneArb, fc.constantFrom('day', 'week'), fc.nat({ max: 23 }), (at, zone, every, hour) => {
        const rule = digest({ every, hour });
        const period = digestPeriod(rule, at, zone);
        const wanted = instantOfLocalHour(addDays(period.to, 1), hour, zone);
        const next = instantOfLocalHour(addDays(period.to, every === 'day' ? 2 : 8), hour, zone);
        expect([wanted <= at, at < next]).toEqual([true, true]);
        expect(countDays(period.from, period.to)).toBe(every === 'day' ? 1 : 7);
        if (every === 'week') expect(new Date(period.from).getUTCDay()).toBe(1);
      }),
    );
  });

  it('tell the spend, its change, the dearest keys and models, the month, and what needs attention', () => {
    const fact = (keyId: number, model: string, usd: number) =>
      ({ keyId, date: '2026-10-24', model, measures: { costNano: usd * 1e9 } }) as never;
    const facts = [fact(1, 'a/one', 3), fact(2, 'b/two', 5), fact(1, 'b/two', 1)];
    const spend = spendOf((id, from, to) => (from === to ? (from === '2026-10-24' ? 9 : 6) : id === 2 ? 0 : 100));
    const keys = [keyOf(), keyOf({ id: 2, name: 'batch', status: 'invalid', last_error: 'Refused.' })];
    const at: EvaluationInput = { now: NOW, zone: 'UTC', keys, spend, facts };
    const [found, ...others] = say(digest(), at);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      dedupeKey: 'digest day 2026-10-24',
      title: '$9.00 on all keys, Sat, 24 Oct 2026',
      path: expect.stringContaining('from=2026-10-24&to=2026-10-24'),
    });
    expect(found?.text).toMatch(
      /^\+50% vs the day before\.\nKeys: batch \$5\.00, backend \$4\.00\.\nModels: b\/two \$6\.00, a\/one \$3\.00\.\nThis month: \$100\.00, projected \$139\.00\.\nNeeds attention: batch: Refused\.$/,
    );
    expect(say(digest({ key_id: 1 }), at)[0]?.text).toContain('Models: a/one $3.00, b/two $1.00.');
    expect(say({ ...digest({ every: 'week' }), createdAt: NOW }, at)).toEqual([]);
    expect(say({ ...digest(), createdAt: NOW }, at)).toHaveLength(1);
    expect(say(digest(), { ...at, spend: spendOf(() => null) })).toEqual([]);
  });
});

describe('what rules look at', () => {
  it('a median', () => {
    expect([medianOf([]), medianOf([3]), medianOf([4, 1]), medianOf([9, 1, 2])]).toEqual([null, 3, 2.5, 2]);
  });

  it('reaches back as far as the rules need', () => {
    const reach = (...inputs: object[]) =>
      reachOf(
        inputs.map((input) => ruleOf(input)),
        '2026-10-25',
      );
    expect(reach({ type: 'key_invalid' })).toEqual({ from: '2026-10-25', hours: 'none' });
    expect(reach({ type: 'budget', amount_usd: 1, period: 'month' }, { type: 'balance', days: 3 })).toEqual({
      from: '2026-10-01',
      hours: 'none',
    });
    expect(reach({ type: 'spike', window: 'hour' })).toEqual({ from: '2026-09-26', hours: 'all' });
    expect(reach({ type: 'spike', window: 'hour', counts: 'credits' }).hours).toBe('credits');
    expect(reach({ type: 'budget', amount_usd: 1, period: 'day', forecast: true }).from).toBe('2026-10-18');
  });
});

describe('rules', () => {
  const INPUTS = [
    [
      { type: 'budget', amount_usd: 20, period: 'day', thresholds: [1, 0.5, 1] },
      'Notify when the spend of all keys reaches 50% and 100% of $20.00 per day.',
    ],
    [{ type: 'limit_remaining' }, 'Notify when less than 20% remains of the limit of a key, or of an account’s daily free-model requests.'],
    [
      { type: 'limit_remaining', key_id: 1, below_ratio: 0.15 },
      'Notify when less than 15% remains of the limit of backend, or of its account’s daily free-model requests.',
    ],
    [{ type: 'balance', below_usd: 5, days: 1 }, 'Notify when the balance of an account falls below $5.00 or lasts less than 1 day.'],
    [{ type: 'spike' }, 'Notify when the spend of all keys in a day is more than 3 times the usual and at least $1.00.'],
    [{ type: 'digest', every: 'week', hour: 7 }, 'Send a weekly digest of all keys on Monday at 7:00.'],
    [{ type: 'key_invalid' }, 'Notify when OpenRouter rejects a key.'],
    [{ type: 'key_expiring' }, 'Notify when a key expires within 7 days.'],
    [{ type: 'key_discovered' }, 'Notify when a new key appears in an account.'],
    [{ type: 'sync_overdue', key_id: 9 }, 'Notify when a deleted key has not synced for 6 hours.'],
  ] as const;

  it.each(INPUTS)('%j is a sentence, and comes back from the database as it was', (input, sentence) => {
    const rule = createRuleSchema.parse(input);
    expect(describeRule(rule, [keyOf()])).toBe(sentence);
    const row = {
      id: 3,
      userId: 1,
      version: 2,
      armedVersion: 1,
      actsFrom: 7,
      createdAt: 5,
      type: rule.type,
      name: rule.name,
      keyId: rule.key_id,
      channelIds: JSON.stringify(rule.channel_ids),
      parameters: parametersOf(rule),
    };
    expect(toRule(row)).toEqual({ ...rule, id: 3, version: 2, armedVersion: 1, actsFrom: 7, createdAt: 5 });
  });

  it.each([
    [{ type: 'nothing' }, 'type'],
    [{ type: 'budget', amount_usd: 0, period: 'day' }, 'amount_usd'],
    [{ type: 'budget', amount_usd: 1, period: 'year' }, 'period'],
    [{ type: 'budget', amount_usd: 1, period: 'day', thresholds: [0.5, 10.1] }, 'thresholds.1'],
    [{ type: 'budget', amount_usd: 1, period: 'day', thresholds: [0] }, 'thresholds.0'],
    [{ type: 'budget', amount_usd: 1, period: 'day', days: 3 }, ''],
    [{ type: 'balance' }, 'below_usd'],
    [{ type: 'spike', factor: 1 }, 'factor'],
    [{ type: 'key_invalid', channel_ids: [0] }, 'channel_ids.0'],
    [{ type: 'key_invalid', channel_ids: 'every' }, 'channel_ids'],
    [{ type: 'sync_overdue', hours: 0 }, 'hours'],
  ])('%j is refused at %s', (input, path) => {
    expect(createRuleSchema.safeParse(input).error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
  });

  it('there are two by default', () => {
    expect(DEFAULT_RULES.map(({ type }) => type)).toEqual(['key_invalid', 'sync_overdue']);
  });
});

describe('the breaker', () => {
  it('is part of the rule in words', () => {
    const words = (rest: object) =>
      describeRule(createRuleSchema.parse({ type: 'budget', amount_usd: 1, period: 'day', key_id: 1, ...rest }), [keyOf()]);
    expect(words({ action: 'limit' })).toMatch(/limit at OpenRouter \(in UTC days, weeks or months\), until you change it there\.$/);
    expect(words({ action: 'disable', restore: true })).toMatch(/disabled at OpenRouter, until the next period begins\.$/);
    expect(words({ action: 'dry_run' })).toMatch(/only report what would be done to the key \(dry run\)\.$/);
  });
});

describe('forms of rules', () => {
  it.each([
    {
      type: 'budget',
      amount_usd: 12.5,
      period: 'week',
      thresholds: [0.25, 1],
      forecast: true,
      key_id: 3,
      action: 'dry_run',
      restore: true,
      channel_ids: [2, 7],
    },
    { type: 'limit_remaining', below_ratio: 0.15, name: 'near' },
    { type: 'balance', days: 4 },
    { type: 'spike', window: 'hour', factor: 2.5, min_usd: 0.5 },
    { type: 'key_invalid' },
    { type: 'key_expiring', days: 30, channel_ids: 'all' },
    { type: 'key_discovered' },
    { type: 'sync_overdue', hours: 3 },
    { type: 'digest', every: 'week', hour: 6 },
  ])('%j comes back from its form as it was', (input) => {
    const rule = createRuleSchema.parse(input);
    const form = formOf({ ...rule, id: 1, version: 0, armedVersion: 0, actsFrom: null, createdAt: 0 });
    const made = ruleFromForm(Object.fromEntries(Object.entries(form).filter(([, value]) => value !== '')));
    expect(made).toEqual({ rule });
  });

  it('say what is wrong beside its field', () => {
    const paths = (values: Record<string, string>) => {
      const made = ruleFromForm(values);
      return 'errors' in made ? made.errors.map(({ path, message }) => `${path}: ${message}`) : [];
    };
    expect(paths({ type: 'nothing' })).toEqual(['type: Unknown type of rule']);
    expect(paths({ type: 'budget', amount_usd: 'x', period: 'day' })).toEqual(['amount_usd: Must be a number']);
    expect(paths({ type: 'limit_remaining', below_ratio: '101' })).toEqual(['below_ratio: Must be at most 100%']);
    expect(paths({ type: 'budget', amount_usd: '1', period: 'day', thresholds: '0, 2000' })).toEqual([
      'thresholds: Must be more than 0%',
      'thresholds: Must be at most 1000%',
    ]);
    expect(paths({ type: 'balance' })).toEqual(['below_usd: below_usd or days must be given']);
  });
});

describe('channels', () => {
  it('take plain http only on one machine', () => {
    const allowed = (url: string, origin: string) => isAllowedUrl(url, origin);
    expect(allowed('https://a.example/x', 'https://monitor.example')).toBe(true);
    expect(allowed('http://127.0.0.1:9/x', 'http://localhost:8787')).toBe(true);
    expect(allowed('http://127.0.0.1:9/x', 'https://monitor.example')).toBe(false);
    expect(allowed('http://a.example/x', 'http://localhost:8787')).toBe(false);
  });

  it('are working, or failing after almost a day without success', () => {
    const row = {
      id: 1,
      userId: 1,
      type: 'slack',
      name: 'x',
      ciphertext: '',
      hash: '',
      kid: '',
      label: '',
      origin: '',
      createdAt: 0,
      lastAttemptAt: null,
      lastSuccessAt: null,
      failingSince: null,
      lastError: null,
    } as const;
    const status = (rest: object) => presentChannel({ ...row, ...rest }).status;
    expect([status({}), status({ lastSuccessAt: 1 })]).toEqual(['new', 'working']);
    expect(status({ failingSince: 0, lastAttemptAt: 23 * HOUR_MS })).toBe('failing');
    expect(status({ failingSince: 0, lastAttemptAt: 22 * HOUR_MS, lastSuccessAt: 1 })).toBe('working');
  });
});
