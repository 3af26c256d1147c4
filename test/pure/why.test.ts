/** The explanation of a change adds up, and names the cause that a person would name. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAUSES, explainChange, type Spent, totalParts } from '../../src/dashboard/why.ts';

const spent = fc.record({
  cost: fc.integer({ min: 0, max: 1e14 }),
  requests: fc.option(fc.integer({ min: 0, max: 1e6 })),
  tokens: fc.option(fc.integer({ min: 0, max: 1e9 })),
});
const groups = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), spent).map((all) => new Map(Object.entries(all)));
const sumOf = (all: ReadonlyMap<string, Spent>): number => [...all.values()].reduce((sum, { cost }) => sum + cost, 0);

/** The only cause of a change of one group, in nano-dollars. */
const causesOf = (before: Record<string, Spent>, now: Record<string, Spent>) =>
  explainChange(new Map(Object.entries(before)), new Map(Object.entries(now))).map(({ name, parts }) => [
    name,
    Object.fromEntries(CAUSES.filter((cause) => parts[cause] !== 0).map((cause) => [cause, parts[cause]])),
  ]);

describe('the explanation of a change', () => {
  it('adds up to the change, to the nano-dollar, of each group and of all', () => {
    fc.assert(
      fc.property(groups, groups, (before, now) => {
        const changes = explainChange(before, now);
        const total = totalParts(changes);
        for (const { change, parts } of changes) expect(CAUSES.reduce((sum, cause) => sum + parts[cause], 0)).toBe(change);
        expect(CAUSES.reduce((sum, cause) => sum + total[cause], 0)).toBe(sumOf(now) - sumOf(before));
        for (const { parts } of changes) expect(Object.values(parts).every(Number.isSafeInteger)).toBe(true);
      }),
    );
  });

  it('explains nothing where nothing changed, and mirrors no order of groups', () => {
    fc.assert(
      fc.property(groups, groups, (before, now) => {
        expect(explainChange(before, before)).toEqual([]);
        const reversed = new Map([...before].reverse());
        const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
        expect(explainChange(reversed, now).sort(byName)).toEqual(explainChange(before, now).sort(byName));
      }),
    );
  });

  it.each([
    ['twice the requests', { a: [100, 10, 50] }, { a: [200, 20, 100] }, [['a', { requests: 100 }]]],
    ['twice the tokens a request', { a: [100, 10, 50] }, { a: [200, 10, 100] }, [['a', { tokens: 100 }]]],
    ['twice the price', { a: [100, 10, 50] }, { a: [200, 10, 50] }, [['a', { price: 100 }]]],
    ['a new group', { a: [100, 10, 50] }, { a: [100, 10, 50], b: [30, 0, 0] }, [['b', { mix: 30 }]]],
    [
      'requests that moved to a dearer group',
      { cheap: [100, 10, 10], dear: [1000, 10, 10] },
      { cheap: [50, 5, 5], dear: [1500, 15, 15] },
      [
        ['dear', { mix: 500 }],
        ['cheap', { mix: -50 }],
      ],
    ],
    ['requests that nobody counted', { a: [100, null, null] }, { a: [250, 10, 50] }, [['a', { unknown: 150 }]]],
    ['tokens that nobody counted', { a: [100, 10, null] }, { a: [200, 10, null] }, [['a', { price: 100 }]]],
    [
      'a group that ended',
      { a: [100, 10, 50], b: [60, 10, 9] },
      { a: [100, 10, 50] },
      [
        ['b', { mix: -60 }],
        ['a', { requests: -69, mix: 69 }],
      ],
    ],
  ] as const)('of %s', (_, before, now, expected) => {
    const toSpent = (all: Record<string, readonly [number, number | null, number | null]>) =>
      Object.fromEntries(Object.entries(all).map(([name, [cost, requests, tokens]]) => [name, { cost, requests, tokens }]));
    expect(causesOf(toSpent(before), toSpent(now))).toEqual(expected);
  });
});
