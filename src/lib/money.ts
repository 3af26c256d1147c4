/** Integer nano-dollars (1e-9 USD) inside, JSON numbers of USD outside. */

/** 2^23 USD: above it, neighboring doubles are more than a nano-dollar apart. */
export const MAX_EXACT_USD = 8_388_608;

/**
 * Rounds to the nearest nano-dollar; beyond `MAX_EXACT_USD` to the nearest double. `toFixed` works on the exact value of the double; a product with
 * 1e9 would round twice.
 */
export const nearestNano = (usd: number): number => Number(usd.toFixed(9).replace('.', '')) + 0;

/** @throws RangeError if the amount is not finite or too large to be exact */
export function nanoFromUsd(usd: number): number {
  if (!Number.isFinite(usd) || Math.abs(usd) > MAX_EXACT_USD) {
    throw new RangeError('amount is not finite or too large to be exact');
  }
  return nearestNano(usd);
}

/** The double whose shortest decimal form has exactly those nine decimals. */
export const usdFromNano = (nano: number): number => nano / 1e9;

export const usdFromNanoOrNull = (nano: number | null): number | null => (nano === null ? null : usdFromNano(nano));

export function decimalFromNano(nano: number): string {
  const digits = String(Math.abs(nano)).padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${nano < 0 ? '-' : ''}${digits.slice(0, -9)}${fraction && `.${fraction}`}`;
}

/** `digits` with this many of them after the decimal point. */
interface Decimal {
  digits: bigint;
  places: number;
}

function decimalOf(value: number): Decimal {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const places = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return places < 0 ? { digits: digits * 10n ** BigInt(-places), places: 0 } : { digits, places };
}

const productOf = (factors: readonly number[]): Decimal =>
  factors.map(decimalOf).reduce((a, b) => ({ digits: a.digits * b.digits, places: a.places + b.places }));

/** Compares products exactly (0.1 × 3 is 0.3), for sorting too. Everything that depends on an amount uses it. */
export function compareProducts(a: readonly number[], b: readonly number[]): number {
  const [left, right] = [productOf(a), productOf(b)];
  const difference = left.digits * 10n ** BigInt(right.places) - right.digits * 10n ** BigInt(left.places);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export const NANO = 1e9;
