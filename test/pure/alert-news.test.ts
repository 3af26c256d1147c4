/** What is told of what happened, and when it is told again. */
import { describe, expect, it } from 'vitest';
import { plannedAction } from '../../src/alerts/breaker/model.ts';
import { compareWith, decide, type KnownEvent } from '../../src/alerts/evaluation/decide.ts';
import { digestPeriod } from '../../src/alerts/evaluation/digest.ts';
import type { EvaluationInput } from '../../src/alerts/evaluation/situation.ts';
import type { Spend } from '../../src/alerts/evaluation/spend.ts';
import { type DeliveryRow, type ListedEvent, presentEvents } from '../../src/alerts/events/model.ts';
import { createRuleSchema, type Rule } from '../../src/alerts/model.ts';
import type { Key } from '../../src/keys/advice.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/lib/day.ts';
import { instantOfLocalHour, localDayOf } from '../../src/lib/zone.ts';

const NOW = Date.parse('2026-10-25T10:30:00.000Z');

const ruleOf = (input: object): Rule =>
  ({ ...createRuleSchema.parse(input), id: 1, version: 0, armedVersion: 0, actsFrom: null, createdAt: 0 }) as Rule;

const keyOf = (rest: Partial<Key> = {}): Key =>
  ({ id: 1, name: 'backend', kind: 'inference', hash: 'h', is_active: true, status: 'active', vanished_at: null, ...rest }) as Key;

const spendOf = (usd: number): Spend =>
  ({
    ofDays: () => usd * 1e9,
    paceOf: () => usd * 1e9,
    isComplete: () => true,
    isReplaced: () => false,
    isCurrent: () => true,
    isPaceComplete: () => true,
  }) as unknown as Spend;

const situationOf = (rest: Partial<EvaluationInput> = {}): EvaluationInput => ({
  now: NOW,
  zone: 'UTC',
  keys: [keyOf()],
  spend: spendOf(0),
  facts: [],
  ...rest,
});

/** What is new at each of these situations, compared with what was told before. */
function follow(rule: Rule, situations: readonly EvaluationInput[]) {
  let known: KnownEvent[] = [];
  return situations.map((situation, index) => {
    const { fired, over, notApplicable } = compareWith(known, rule, decide(rule, situation));
    const gone = new Set([...over, ...notApplicable].map(({ id }) => id));
    known = known.filter(({ id }) => !gone.has(id));
    known.push(...fired.map(({ subject, dedupeKey }, place) => ({ id: 1 + index * 1000 + place, ruleId: rule.id, subject, dedupeKey })));
    return { fired, over };
  });
}

describe('thresholds of a budget', () => {
  const tell = (rule: Rule, spent: readonly number[]) =>
    follow(
      rule,
      spent.map((usd) => situationOf({ spend: spendOf(usd) })),
    ).map(({ fired }) => fired.map(({ figures }) => figures['threshold']));
  const budget = (rest: object = {}) => ruleOf({ type: 'budget', amount_usd: 10, period: 'month', ...rest });

  it('that are passed at once are told as one, the highest', () => {
    expect(tell(budget(), [66.2])).toEqual([[1]]);
    expect(tell(budget(), [8.5])).toEqual([[0.8]]);
  });

  it('that were passed by are never told later, also if the spend is corrected downwards', () => {
    expect(tell(budget(), [6, 20, 9, 6, 20])).toEqual([[0.5], [1], [], [], []]);
    expect(tell(budget({ thresholds: [0.5, 1, 2] }), [6, 12, 25, 12])).toEqual([[0.5], [1], [2], []]);
  });

  it('above the whole amount still trip the breaker', () => {
    const rule = budget({ thresholds: [1, 2], key_id: 1, action: 'dry_run' });
    const situation = situationOf({ spend: spendOf(25), keys: [keyOf({ managed_by: 7 })] });
    const { fired } = compareWith([], rule, decide(rule, situation));
    expect(fired.map(({ figures }) => figures['threshold'])).toEqual([2]);
    expect(plannedAction(rule, situation)).toMatchObject({ keyId: 1, kind: 'dry_run' });
  });

  it('trip nothing without an action, nor for a key that no management key reads', () => {
    const planned = (action: string, managed_by: number | null) =>
      plannedAction(budget({ key_id: 1, action }), situationOf({ spend: spendOf(25), keys: [keyOf({ managed_by })] }));
    expect(planned('disable', 7)).toMatchObject({ keyId: 1, kind: 'disable' });
    expect([planned('none', 7), planned('disable', null)]).toEqual([null, null]);
  });
});

describe('states', () => {
  const limit = ruleOf({ type: 'limit_remaining', below_ratio: 0.2 });
  const leftOf = (left: number) => situationOf({ keys: [keyOf({ limit_usd: 100, limit_remaining_usd: left })] });
  const balance = (rest: object) => ruleOf({ type: 'balance', ...rest });
  const account = (usd: number, pace = 0) =>
    situationOf({ keys: [keyOf({ kind: 'management', balance_usd: usd, managed_by: null })], spend: spendOf(pace) });
  const news = (rule: Rule, situations: readonly EvaluationInput[]) =>
    follow(rule, situations).map(({ fired, over }) => [fired.length, over.length]);

  it('of a figure that goes to and fro around its mark are told once', () => {
    expect(news(limit, [19.999, 20.001, 19.999, 20.001, 21.999].map(leftOf))).toEqual([
      [1, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const balances = [19.999, 20.001, 19.999, 20.001, 21.999].map((usd) => account(usd));
    expect(news(balance({ below_usd: 20 }), balances)).toEqual([
      [1, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const lasting = [19, 21, 19, 21].map((usd) => account(usd, 2));
    expect(news(balance({ days: 10 }), lasting)).toEqual([
      [1, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it('are over where a figure is well above its mark, or all that there can be is there', () => {
    expect(news(limit, [19, 22, 19].map(leftOf))).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
    const near = ruleOf({ type: 'limit_remaining', below_ratio: 0.98 });
    expect(news(near, [97, 99, 100].map(leftOf))).toEqual([
      [1, 0],
      [0, 0],
      [0, 1],
    ]);
    expect(news(balance({ below_usd: 20 }), [account(-0.31), account(30)])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('that are over say how it is now, and nothing of what was the matter', () => {
    const texts = (rule: Rule, situations: readonly EvaluationInput[]) =>
      follow(rule, situations).flatMap(({ over }) => over.map(({ text }) => text));
    expect(texts(limit, [19, 50].map(leftOf))).toEqual(['$50.00 of $100.00 left again.']);
    expect(texts(balance({ below_usd: 20 }), [account(1), account(42)])).toEqual(['$42.00 left again.']);
    const reason = 'Could not reach OpenRouter.';
    const invalid = [keyOf({ status: 'invalid', last_error: reason }), keyOf({ last_error: reason })];
    expect(
      texts(
        ruleOf({ type: 'key_invalid' }),
        invalid.map((key) => situationOf({ keys: [key] })),
      ),
    ).toEqual(['OpenRouter accepts the key again.']);
    const read = ['2026-10-25T00:00:00.000Z', '2026-10-25T10:00:00.000Z'].map((at) =>
      situationOf({ keys: [keyOf({ last_synced_at: at, last_error: reason })] }),
    );
    const unread = situationOf({ keys: [keyOf({ last_synced_at: null, created_at: new Date(NOW).toISOString() })] });
    expect(follow(ruleOf({ type: 'sync_overdue' }), [unread])).toEqual([{ fired: [], over: [] }]);
    expect(texts(ruleOf({ type: 'sync_overdue' }), read)).toEqual([expect.stringMatching(/^Synced again on .* UTC\.$/)]);
  });
});

describe('an hour of the local clock', () => {
  const at = (day: string, hour: number, zone: string) => new Date(instantOfLocalHour(day, hour, zone)).toISOString();

  it('is that of the clock on days when it changes', () => {
    expect(at('2026-03-29', 8, 'Europe/Rome')).toBe('2026-03-29T06:00:00.000Z');
    expect(at('2026-10-25', 8, 'Europe/Rome')).toBe('2026-10-25T07:00:00.000Z');
    expect(at('2026-03-08', 8, 'America/New_York')).toBe('2026-03-08T12:00:00.000Z');
    expect(at('2026-11-01', 8, 'America/New_York')).toBe('2026-11-01T13:00:00.000Z');
    expect(at('2026-04-05', 8, 'Australia/Lord_Howe')).toBe('2026-04-04T21:30:00.000Z');
  });

  it('that the clock leaves out is when it goes on; of one that comes twice it is the first', () => {
    expect(at('2026-03-29', 2, 'Europe/Rome')).toBe('2026-03-29T01:00:00.000Z');
    expect(at('2026-10-25', 2, 'Europe/Rome')).toBe('2026-10-25T00:00:00.000Z');
    expect(at('2026-04-24', 0, 'Africa/Cairo')).toBe('2026-04-23T22:00:00.000Z');
  });

  it('is the first instant at which a clock shows it or later, in any zone on any day', () => {
    for (const zone of [
      'UTC',
      'Europe/Rome',
      'America/New_York',
      'Africa/Cairo',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'America/Havana',
    ]) {
      const clockOf = (instant: number) =>
        new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }).format(instant);
      for (let day = Date.parse('2026-01-01'); day < Date.parse('2027-01-01'); day += DAY_MS) {
        const name = localDayOf(day, zone);
        const hour = (day / DAY_MS) % 24;
        const wanted = `${name} ${String(hour).padStart(2, '0')}:00`;
        const found = instantOfLocalHour(name, hour, zone);
        expect([zone, clockOf(found) >= wanted, clockOf(found - MINUTE_MS) < wanted]).toEqual([zone, true, true]);
      }
    }
  });

  it('decides when a digest comes', () => {
    const rule = { every: 'day', hour: 8 } as const;
    for (const [zone, eight] of [
      ['Europe/Rome', '2026-10-25T07:00:00.000Z'],
      ['Europe/Rome', '2026-03-29T06:00:00.000Z'],
    ] as const) {
      const now = Date.parse(eight);
      const before = digestPeriod(rule, now - 1, zone).to;
      expect(before < digestPeriod(rule, now, zone).to).toBe(true);
      expect(digestPeriod(rule, now - HOUR_MS, zone).to).toBe(before);
    }
  });
});

describe('events', () => {
  it('have the deliveries of their own, found without looking at all of them for each', () => {
    const event = (id: number) => ({
      id,
      kind: 'fired',
      figures: '{}',
      bundle: '',
      createdAt: 0,
      recoveredAt: null,
      acknowledgedAt: null,
      snoozedUntil: null,
    });
    let looks = 0;
    const delivery = (eventId: number) => ({
      get eventId() {
        looks += 1;
        return eventId;
      },
      channelId: eventId * 2,
      state: 'sent',
      log: '[]',
    });
    const ids = Array.from({ length: 2000 }, (_, index) => index + 1);
    const shown = presentEvents(ids.map(event) as ListedEvent[], ids.map(delivery) as unknown as DeliveryRow[]);
    expect(shown.every(({ id, deliveries }) => deliveries.length === 1 && deliveries[0]?.channel_id === id * 2)).toBe(true);
    expect(looks).toBeLessThan(10 * ids.length);
  });
});
