/** What is not known: which keys, since when, in which days and hours; and how that is told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gapsText } from '../../src/explore/gaps.tsx';
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays, startOfDay } from '../../src/lib/day.ts';
import { createLocalHours, localDayOf, utcDaysOf } from '../../src/lib/zone.ts';
import { ALL_SPEND, createCompleteness, type Figure } from '../../src/usage/coverage/completeness.ts';
import type { CoveredKey } from '../../src/usage/coverage/coverage.ts';
import { type Gap, gapsOf } from '../../src/usage/coverage/gaps.ts';
import { type Known, mergeSpans } from '../../src/usage/coverage/spans.ts';
import { byEach, type Fact, factsBy, type Range } from '../../src/usage/model.ts';
import { UNKNOWN } from '../../src/usage/sums/measures.ts';
import { summarize } from '../../src/usage/sums/stats.ts';
import { FIRST, inDetail, inZone, key, known, ROWS, ZONE } from '../support/ledger-rows.ts';

const START = startOfDay(FIRST);
const QUARTER_MS = HOUR_MS / 4;
/** Instants within some days around the rows, to the quarter of an hour, and the ends of time. */
const INSTANT = fc.oneof(
  fc.integer({ min: -5 * 24 * 4, max: 25 * 24 * 4 }).map((quarters) => START + quarters * QUARTER_MS),
  fc.integer({ min: -5, max: 25 }).map((days) => START + days * DAY_MS),
  fc.constantFrom(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
);
const SPANS: fc.Arbitrary<Known[]> = fc
  .array(fc.tuple(INSTANT, INSTANT), { maxLength: 3 })
  .map((pairs) => mergeSpans(pairs.filter(([a, b]) => a !== b).map(([a, b]) => ({ since: Math.min(a, b), until: Math.max(a, b) }))));
const KEY = (id: number): fc.Arbitrary<CoveredKey> =>
  fc
    .record({ whole: SPANS, detailed: SPANS, isCounted: fc.boolean(), isAnalyzed: fc.boolean() })
    .map(({ whole, detailed, isCounted, isAnalyzed }) => ({
      ...key(id, isCounted ? '2026-10-20T00:00:00Z' : null, isCounted ? '2026-11-01T00:00:00Z' : null),
      analytics: isAnalyzed ? known('2026-10-20T00:00:00Z', '2026-11-01T00:00:00Z') : null,
      whole,
      detailed,
    }));
const RANGE: fc.Arbitrary<Range> = fc
  .tuple(fc.integer({ min: -3, max: 15 }), fc.integer({ min: 0, max: 6 }), ZONE)
  .map(([offset, days, zone]) => inZone(addDays(FIRST, offset), addDays(FIRST, offset + days), zone));

/** The quarters of an hour of a range, one after the other: the slow way to ask whether all of them are known. */
function quartersOf({ from, to, zone }: Pick<Range, 'from' | 'to' | 'zone'>): number[] {
  const days = utcDaysOf(from, to, zone);
  const quarters: number[] = [];
  for (let at = startOfDay(days.from) - DAY_MS; at < startOfDay(days.to) + 2 * DAY_MS; at += QUARTER_MS) {
    const date = localDayOf(at, zone);
    if (date >= from && date <= to) quarters.push(at);
  }
  return quarters;
}
const isIn = (spans: readonly Known[], at: number): boolean => spans.some(({ since, until }) => since <= at && until >= at + QUARTER_MS);

describe('the gaps of a range', () => {
  it('are those of the keys of which any time of it is not known, with the side on which it is missing', () => {
    fc.assert(
      fc.property(KEY(1), KEY(2), RANGE, fc.constantFrom('money' as const, 'detail' as const), (one, two, range, wanted) => {
        const gaps = gapsOf([one, two], range, wanted);
        const quarters = quartersOf(range);
        for (const item of [one, two]) {
          const spans = wanted === 'money' ? item.whole : item.detailed;
          const missing = quarters.filter((at) => !isIn(spans, at));
          const gap = gaps.find(({ keyId }) => keyId === item.id);
          expect([item.id, gap === undefined]).toEqual([item.id, missing.length === 0]);
          if (!gap) continue;
          expect(gap.isAdded).toBe(item.counters !== null && item.analytics === null);
          const [first = 0, last = 0] = [quarters[0], quarters.at(-1)];
          if (gap.why === 'never' || gap.why === 'counted') {
            expect([spans, gap.at]).toEqual([[], null]);
            expect(gap.why === 'counted').toBe(wanted === 'detail' && (item.counters ?? item.analytics) !== null);
          } else if (gap.why === 'before') {
            const end = spans.at(-1)?.until ?? 0;
            expect([gap.at, missing.includes(first)]).toEqual([spans[0]?.since, true]);
            expect(gap.until).toBe(missing.includes(last) && end < last + QUARTER_MS ? end : null);
          } else if (gap.why === 'after') expect([gap.at, missing.includes(last)]).toEqual([spans.at(-1)?.until, true]);
          else expect([gap.at, spans.length > 1, spans[0] && spans[0].since <= first]).toEqual([null, true, true]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is complete', () => {
  const NAMED = fc.subarray(['model', 'provider'] as const);
  const FIGURE: fc.Arbitrary<Figure> = fc.record({
    keyIds: fc.subarray([1, 2]),
    wanted: fc.constantFrom('money' as const, 'detail' as const),
    named: NAMED,
  });
  const spends = ({ measures: { costNano, byokCostNano } }: Fact): boolean => (costNano ?? 0) + (byokCostNano ?? 0) > 0;
  /** Facts of a figure's keys that leave it open. */
  const flaws = (facts: readonly Fact[], { keyIds, wanted, named }: Figure) =>
    facts.filter(
      (fact) =>
        (keyIds.length === 0 || keyIds.includes(fact.keyId)) &&
        (named.some((name) => fact[name] === null && spends(fact)) || (wanted === 'detail' && fact.measures.requests === null)),
    );

  it('is every day and hour of which all keys are known, and nothing that a name may lack', () => {
    fc.assert(
      fc.property(KEY(1), KEY(2), RANGE, ROWS, FIGURE, (one, two, range, rows, figure) => {
        const keys = [one, two];
        const facts = factsBy(inDetail(rows), range, true);
        const completeness = createCompleteness(keys, facts, range);
        const asked = keys.filter(({ id }) => figure.keyIds.length === 0 || figure.keyIds.includes(id));
        const isKnown = (at: number) => asked.every((item) => isIn(figure.wanted === 'money' ? item.whole : item.detailed, at));
        const flawed = flaws(facts.key, figure);
        const open = listDays(range.from, range.to).filter(
          (date) => flawed.some((fact) => fact.date === date) || !quartersOf({ ...range, from: date, to: date }).every(isKnown),
        );
        expect([...completeness.openDays(figure)].sort()).toEqual(open);
        expect(completeness.isComplete(figure)).toBe(open.length === 0);

        const place = createLocalHours(range.zone);
        const unplaced = facts.key.filter((fact) => fact.hour === null && spends(fact));
        const day = dayOf(startOfDay(range.from) + 2 * DAY_MS);
        for (let hour = 0; hour < 24; hour++) {
          const slot = place(day, hour);
          if (slot.date < range.from || slot.date > range.to) continue;
          const noon = localDayOf(startOfDay(day) + DAY_MS / 2, range.zone);
          const isOpen =
            [0, 1, 2, 3].some((quarter) => !isKnown(slot.at + quarter * QUARTER_MS)) ||
            flawed.some((fact) => fact.hourAt === slot.at) ||
            unplaced.some((fact) => fact.date === noon && (figure.keyIds.length === 0 || figure.keyIds.includes(fact.keyId)));
          expect([slot.hour, completeness.isHourComplete(figure, slot)]).toEqual([slot.hour, !isOpen]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is nothing where there is no key', () => {
    const range = inZone(FIRST, FIRST);
    const { isComplete, isHourComplete } = createCompleteness([], byEach([]), range);
    expect([isComplete(ALL_SPEND), isHourComplete(ALL_SPEND, { at: START, date: FIRST })]).toEqual([false, false]);
  });
});

describe('is_complete of statistics', () => {
  const always = [{ since: 0, until: Number.POSITIVE_INFINITY }];
  const NEW = '2026-11-28';
  const range = inZone('2026-11-27', '2026-11-29');
  const old: CoveredKey = { ...key(1, '2026-01-01T00:00:00Z', '2026-11-29T12:00:00Z'), whole: always, detailed: always };
  const added: CoveredKey = {
    ...key(2, `${NEW}T09:00:00Z`, '2026-11-29T12:00:00Z'),
    whole: [{ since: startOfDay(NEW), until: Number.POSITIVE_INFINITY }],
  };
  const factOf = (keyId: number, date: string, model: string | null): Fact => ({
    ...{ keyId, date, hour: null, hourAt: null, model, permaslug: model, provider: model },
    source: model === null ? 'counters' : 'analytics',
    measures: { ...UNKNOWN, costNano: 3e9, byokCostNano: 0, requests: model === null ? null : 1 },
  });
  const of = (keys: CoveredKey[], facts: Fact[], asked = range) => summarize(keys, { ...byEach(facts), marks: [] }, asked);
  const flags = (list: readonly { is_complete: boolean }[]) => list.map(({ is_complete }) => is_complete);

  it('is told of all, of each day, key, model and provider', () => {
    const facts = [factOf(1, '2026-11-27', 'a'), factOf(2, NEW, null)];
    const both = of([old, added], facts);
    expect(both.totals).toMatchObject({ is_complete: false, is_count_complete: false });
    expect([flags(both.by_day), flags(both.by_key)]).toEqual([
      [false, true, true],
      [true, false],
    ]);
    expect([flags(both.by_model), flags(both.by_provider)]).toEqual([
      [false, false],
      [false, false],
    ]);
    const since = of([old, added], facts, inZone(NEW, '2026-11-29'));
    // All is known, but the model of what the second key spent is not: the first one’s may be more than is told.
    expect(since.totals).toMatchObject({ is_complete: true, is_count_complete: false });
    expect(since.by_model.map(({ model, is_complete }) => [model, is_complete])).toEqual([
      [null, true],
      ['a', false],
    ]);
    const alone = of([old], facts.slice(0, 1));
    expect(alone.totals).toMatchObject({ is_complete: true, is_count_complete: true });
    expect([flags(alone.by_day), flags(alone.by_model)]).toEqual([[true, true, true], [true]]);
    expect(of([], []).totals).toMatchObject({ cost_usd: null, is_complete: false, is_count_complete: false });
  });

  it('follows local days: a key that is known since a UTC day is not known for all of the local one', () => {
    const kolkata = of([added], [factOf(2, NEW, null)], inZone(NEW, '2026-11-29', 'Asia/Kolkata'));
    expect(flags(kolkata.by_day)).toEqual([false, true]);
    const newYork = of([added], [factOf(2, NEW, null)], inZone(NEW, '2026-11-29', 'America/New_York'));
    expect(flags(newYork.by_day)).toEqual([true, true]);
  });
});

describe('gaps in words', () => {
  const gap = (name: string, why: Gap['why'], at: string | null = null, isAdded = true): Gap => ({
    ...{ keyId: 1, name, why, isAdded, until: null },
    at: at === null ? null : Date.parse(at),
  });
  const NOON = '2026-11-28T12:00:00Z';
  it.each([
    [[gap('a', 'before', NOON)], 1, 'since 28 Nov, when the key was added'],
    [[gap('a', 'before', NOON, false)], 1, 'since 28 Nov'],
    [[gap('a', 'before', NOON)], 2, 'at least: a has data since 28 Nov, when the key was added'],
    [
      [{ ...gap('a', 'before', NOON), until: Date.parse('2026-11-29T01:00:00Z') }],
      1,
      'since 28 Nov, when the key was added, not synced since 29 Nov',
    ],
    [[gap('a', 'after', NOON)], 1, 'at least: a not synced since 28 Nov'],
    [[gap('a', 'between')], 1, 'at least: a has gaps'],
    [[gap('a', 'never')], 1, 'at least: no data for a yet'],
    [[gap('a', 'counted')], 2, 'at least: a has spend only, no requests or tokens'],
    [
      ['a', 'b', 'c', 'd'].map((name) => gap(name, 'never')),
      4,
      'at least: no data for a yet; no data for b yet; no data for c yet; and 1 more key',
    ],
    [['a', 'b', 'c', 'd', 'e'].map((name) => gap(name, 'between')), 9, 'at least: a has gaps; b has gaps; c has gaps; and 2 more keys'],
  ])('%#', (gaps, keys, text) => {
    expect(gapsText(gaps, keys, 'UTC')).toBe(text);
  });

  it('name the day of the viewer’s zone', () => {
    expect(gapsText([gap('a', 'before', '2026-11-28T23:30:00Z')], 1, 'Asia/Tokyo')).toContain('since 29 Nov');
  });
});
