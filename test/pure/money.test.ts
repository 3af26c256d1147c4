import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalFromNano, MAX_EXACT_USD, nanoFromUsd, nearestNano, usdFromNano, usdFromNanoOrNull } from '../../src/lib/money.ts';

const NANO = fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: -MAX_EXACT_USD * 1e9, max: MAX_EXACT_USD * 1e9 }));

describe('money', () => {
  it('reads what OpenRouter sends to the nano-dollar', () => {
    expect(nanoFromUsd(0.000004158)).toBe(4_158);
    expect(nanoFromUsd(74.078437781)).toBe(74_078_437_781);
    expect(nanoFromUsd(29.9999982)).toBe(29_999_998_200);
    expect(nanoFromUsd(0.1 + 0.2)).toBe(300_000_000);
    expect(nanoFromUsd(1e-9)).toBe(1);
    expect(Object.is(nanoFromUsd(-0), 0)).toBe(true);
    expect(nanoFromUsd(-0.5)).toBe(-500_000_000);
  });

  it('survives the way out as JSON and back in, for every amount', () => {
    fc.assert(
      fc.property(NANO, (nano) => {
        expect(nanoFromUsd(JSON.parse(JSON.stringify(usdFromNano(nano))))).toBe(nano);
        expect(nanoFromUsd(Number(decimalFromNano(nano)))).toBe(nano);
      }),
      { numRuns: 5000 },
    );
  });

  it('shows at most nine decimals', () => {
    fc.assert(fc.property(NANO, (nano) => /^-?\d+(\.\d{1,9})?$/.test(decimalFromNano(nano))));
    expect(decimalFromNano(1)).toBe('0.000000001');
    expect(decimalFromNano(1_500_000_000)).toBe('1.5');
    expect(decimalFromNano(-20_000_000_000)).toBe('-20');
    expect(decimalFromNano(0)).toBe('0');
  });

  it('refuses amounts that it could not tell exactly', () => {
    for (const usd of [Number.NaN, Number.POSITIVE_INFINITY, MAX_EXACT_USD * 1.01, -MAX_EXACT_USD * 1.01]) {
      expect(() => nanoFromUsd(usd)).toThrow(RangeError);
    }
  });

  it('is near for amounts beyond, in their order', () => {
    const beyond = fc.double({ min: MAX_EXACT_USD, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(beyond, beyond, (a, b) => {
        expect(Math.abs(nearestNano(a) / 1e9 - a)).toBeLessThanOrEqual(a * Number.EPSILON);
        if (a < b) expect(nearestNano(a)).toBeLessThanOrEqual(nearestNano(b));
      }),
    );
    expect(nearestNano(1e9)).toBe(1e18);
  });

  it('keeps unknown unknown', () => {
    expect(usdFromNanoOrNull(null)).toBeNull();
    expect(usdFromNanoOrNull(0)).toBe(0);
  });
});
