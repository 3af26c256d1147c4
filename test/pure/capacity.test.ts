import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { report } from '../../bench/capacity.ts';
import {
  BUSY_HOURS,
  type DailyUse,
  databasesFor,
  fitsOf,
  type KeyKind,
  monthlyCost,
  type Plan,
  tightest,
} from '../../bench/capacity-model.ts';
import { FREE, PAID } from '../../bench/capacity-plans.ts';
import { KINDS } from '../../bench/capacity-units.ts';

const day: DailyUse = { queueOperations: 10, requests: 4, rowsRead: 300, rowsWritten: 40, cpu: 6 };
const kind: KeyKind = { name: 'made up', keysAUser: 10, day: { 8: day, 24: day }, bytes: { 8: 50_000, 24: 100_000 } };

const use = fc.record({
  queueOperations: fc.integer({ min: 1, max: 1000 }),
  requests: fc.integer({ min: 1, max: 1000 }),
  rowsRead: fc.integer({ min: 1, max: 100_000 }),
  rowsWritten: fc.integer({ min: 1, max: 1000 }),
  cpu: fc.integer({ min: 1, max: 1000 }),
});
const kinds = fc
  .record({ use, bytes: fc.integer({ min: 1000, max: 1e7 }) })
  .map(({ use: some, bytes }): KeyKind => ({ ...kind, day: { 8: some, 24: some }, bytes: { 8: bytes, 24: bytes } }));

const total = (costs: Record<string, number>): number => Object.values(costs).reduce((sum, usd) => sum + usd, 0);

describe('docs/capacity.md', () => {
  it('shows what the script prints', () => {
    // The formatter pads tables.
    const plain = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');
    const page = plain(readFileSync('docs/capacity.md', 'utf8'));
    for (const part of report().split('\n\n')) expect(page).toContain(plain(part));
  });
});

describe('the capacity of a plan', () => {
  it('is what was worked out by hand', () => {
    expect(fitsOf(FREE, kind, 8)).toEqual([
      { limit: 'Queue operations', keys: 1000, isPriced: false },
      { limit: 'D1 rows written', keys: 2500, isPriced: false },
      { limit: 'D1 size', keys: 10_000, isPriced: false },
      { limit: 'D1 rows read', keys: 16_666, isPriced: false },
      { limit: 'Worker requests', keys: 25_000, isPriced: false },
    ]);
    // 10,000 keys: 3 M operations, 12 M rows written, 90 M rows read, 1.2 M requests, 1.8 M ms of CPU, 0.5 GB. Only operations cost.
    expect(monthlyCost(PAID, kind, 8, 10_000)).toMatchObject({ plan: 5, 'D1 rows written': 0, 'D1 size': 0 });
    expect(monthlyCost(PAID, kind, 8, 10_000)['Queue operations']).toBeCloseTo(0.8, 9);
    // 1,000,000 keys: 300 M operations, 1,200 M rows written, 9 billion read, 120 M requests, 180 M ms, 50 GB.
    const large = monthlyCost(PAID, kind, 8, 1_000_000);
    const [operations, written, requests, cpu, size] = ['Queue operations', 'D1 rows written', 'Worker requests', 'CPU', 'D1 size'];
    const wanted = {
      [operations as string]: 119.6,
      [written as string]: 1150,
      [requests as string]: 33,
      [cpu as string]: 3,
      [size as string]: 33.75,
    };
    for (const [name, usd] of Object.entries(wanted)) expect([name, large[name]]).toEqual([name, expect.closeTo(usd, 6)]);
    expect(databasesFor(PAID, kind, 8, 1_000_000)).toBe(5);
    expect(databasesFor(PAID, kind, 8, 1)).toBe(1);
  });

  it('is set by the tightest limit: with so many keys all limits are kept, with one more that one is not', () => {
    fc.assert(
      fc.property(kinds, fc.constantFrom<Plan>(FREE, PAID), fc.constantFrom(...BUSY_HOURS), (some, plan, busyHours) => {
        const { limit, keys } = tightest(fitsOf(plan, some, busyHours));
        for (const { name, use: what, daily } of plan.quotas) {
          expect(keys * some.day[busyHours][what]).toBeLessThanOrEqual(daily);
          if (name === limit) expect((keys + 1) * some.day[busyHours][what]).toBeGreaterThan(daily);
        }
        expect(keys * some.bytes[busyHours]).toBeLessThanOrEqual(plan.databaseBytes);
      }),
    );
  });

  it('costs no less with more keys', () => {
    fc.assert(
      fc.property(kinds, fc.nat(1e6), fc.nat(1e6), (some, a, b) => {
        const [fewer, more] = [Math.min(a, b), Math.max(a, b)];
        expect(total(monthlyCost(PAID, some, 8, fewer))).toBeLessThanOrEqual(total(monthlyCost(PAID, some, 8, more)));
        expect(databasesFor(PAID, some, 8, fewer)).toBeLessThanOrEqual(databasesFor(PAID, some, 8, more));
      }),
    );
  });

  it('is no larger where keys spend in more hours, and larger when it is paid for', () => {
    for (const measured of KINDS) {
      const of = (plan: Plan, busyHours: 8 | 24) => tightest(fitsOf(plan, measured, busyHours)).keys;
      for (const plan of [FREE, PAID]) expect(of(plan, 24)).toBeLessThanOrEqual(of(plan, 8));
      for (const busyHours of BUSY_HOURS) expect(of(PAID, busyHours)).toBeGreaterThan(of(FREE, busyHours));
    }
  });
});
