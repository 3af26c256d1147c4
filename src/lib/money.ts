/**
 * Money is an integer number of nano-dollars (1e-9 USD) inside and a JSON number of USD outside.
 */

/** Above this amount (2^23 USD) neighbouring doubles lie further apart than a nano-dollar. */
export const MAX_EXACT_USD = 8_388_608;

/**
 * Nano-dollars of an amount in USD that came as a JSON number, rounded to the nearest nano-dollar. `toFixed` works on the
 * exact value of the double, so nine decimals survive whole, where a product with 1e9 would be rounded twice.
 * @throws RangeError if the amount is not finite or too large to be told to the nano-dollar
 */
export function nanoFromUsd(usd: number): number {
  if (!Number.isFinite(usd) || Math.abs(usd) > MAX_EXACT_USD) {
    throw new RangeError('amount is not finite or too large to be exact');
  }
  return Number(usd.toFixed(9).replace('.', '')) + 0;
}

/** USD of an integer number of nano-dollars: the double whose shortest decimal form has those nine decimals. */
export const usdFromNano = (nano: number): number => nano / 1e9;

/** The same for an amount that may be unknown. */
export const usdFromNanoOrNull = (nano: number | null): number | null => (nano === null ? null : usdFromNano(nano));

/** USD as a plain decimal without exponent or trailing zeros (`0.000000001`), for files that people open. */
export function decimalFromNano(nano: number): string {
  const digits = String(Math.abs(nano)).padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${nano < 0 ? '-' : ''}${digits.slice(0, -9)}${fraction && `.${fraction}`}`;
}

/** A number as people write it: `digits` with so many of them behind the point. */
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

/**
 * Which of two products is greater, of numbers as people write them: a tenth of 3 is 0.3, which binary fractions do not say. Whatever is
 * decided by an amount is decided by this.
 * @returns negative, zero or positive, like a comparison for sorting
 */
export function compareProducts(a: readonly number[], b: readonly number[]): number {
  const [left, right] = [productOf(a), productOf(b)];
  const difference = left.digits * 10n ** BigInt(right.places) - right.digits * 10n ** BigInt(left.places);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Nano-dollars in a dollar. */
export const NANO = 1e9;
