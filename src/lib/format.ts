/** Numbers, money and time for people, in English, by `Intl`. Unknown is a dash, never a zero. */

import { remember } from './remember.ts';

/** What stands where nothing is known. */
export const UNKNOWN_TEXT = '–';

/** Amounts below this (USD) are shown with three significant digits. */
const SMALL_USD = 0.01;

/** Formatters are dear to make, so each is made once, when it is first needed. */
function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const usdFormat = (options: Intl.NumberFormatOptions = {}) =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', ...options });

const dollars = lazy(() => usdFormat());
const smallDollars = lazy(() => usdFormat({ minimumFractionDigits: 2, maximumSignificantDigits: 3 }));
const prices = lazy(() => usdFormat({ minimumSignificantDigits: 3, maximumSignificantDigits: 3 }));
const compactDollars = lazy(() => usdFormat({ notation: 'compact', maximumSignificantDigits: 3 }));
const dollarsWith = remember((digits: number) => usdFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }));
/** From here on an axis tells thousands, millions, and so on. */
const COMPACT_USD = 1000;
const whole = lazy(() => new Intl.NumberFormat('en-US'));
const compact = lazy(() => new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 }));
const percent = lazy(() => new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 0 }));
const change = lazy(() => new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' }));

/** USD: cents, and below a cent three digits that count. */
export function formatUsd(usd: number | null): string {
  if (usd === null) return UNKNOWN_TEXT;
  return usd !== 0 && Math.abs(usd) < SMALL_USD ? smallDollars().format(usd) : dollars().format(usd);
}

/** A figure in words: a lower bound, where a part of it is not known. */
export const asKnown = (text: string, isComplete: boolean): string => (isComplete || text === UNKNOWN_TEXT ? text : `≥\u00a0${text}`);

/** USD of which a part may not be known. */
export const formatKnownUsd = (usd: number | null, isComplete: boolean): string => asKnown(formatUsd(usd), isComplete);

/** BYOK spend beside credits: `+ $3.00 BYOK`; null where there is none. */
export const formatByok = (usd: number | null, isComplete: boolean): string | null =>
  usd ? `+ ${formatKnownUsd(usd, isComplete)} BYOK` : null;

/** USD of prices, which differ in their third digit. */
export function formatUsdFine(usd: number | null): string {
  if (usd === null) return UNKNOWN_TEXT;
  return usd !== 0 && Math.abs(usd) < 1 ? prices().format(usd) : dollars().format(usd);
}

/** USD at the ticks of an axis, from the least: as short as tells them apart, and with equally many digits of a dollar. */
export function formatUsdAxis(ticks: readonly number[]): string[] {
  const [first = 0, second = 0] = ticks;
  if ((ticks.at(-1) ?? 0) >= COMPACT_USD) return ticks.map((usd) => compactDollars().format(usd));
  const isWhole = ticks.every((usd) => Number.isInteger(usd));
  const digits = isWhole ? 0 : Math.max(2, Math.ceil(-Math.log10(second - first) - 1e-9));
  return ticks.map((usd) => dollarsWith(digits).format(usd));
}

export const formatCount = (count: number | null): string => (count === null ? UNKNOWN_TEXT : whole().format(count));
/** Counts at the ticks of an axis. */
export const formatCountAxis = (ticks: readonly number[]): string[] => ticks.map((count) => compact().format(count));
export const formatCompact = (count: number | null): string => (count === null ? UNKNOWN_TEXT : compact().format(count));

/** A share of one. */
export const formatPercent = (share: number | null): string => (share === null ? UNKNOWN_TEXT : percent().format(share));

/** A share of a whole: a part of it is neither nothing nor all. */
export function formatShare(share: number | null): string {
  if (share !== null && share > 0 && share < 0.005) return '<1%';
  return share !== null && share < 1 && share >= 0.995 ? '>99%' : formatPercent(share);
}

/** A change as a share of what was before, with its sign. */
export const formatChange = (share: number): string => change().format(share).replace('-', '−');

const instants = new Map<string, Intl.DateTimeFormat>();

/** A zone is one of those that the runtime spells itself, so there are never more formatters than zones. */
function instantFormat(zone: string): Intl.DateTimeFormat {
  const known =
    instants.get(zone) ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });
  instants.set(zone, known);
  return known;
}

/** An instant (ISO 8601) in a zone: `22 Nov 2026, 14:05`. */
export const formatInstant = (iso: string | null, zone: string): string =>
  iso === null ? UNKNOWN_TEXT : instantFormat(zone).format(new Date(iso));

const days = lazy(
  () => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
);
const shortDays = lazy(() => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' }));
const months = lazy(() => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long', year: 'numeric' }));
const shortMonths = lazy(() => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short', year: 'numeric' }));

/** A day (`YYYY-MM-DD`): `Sun, 22 Nov 2026`. */
export const formatDay = remember((day: string): string => days().format(new Date(day)));
/** A day without its year: `22 Nov`. */
export const formatDayShort = remember((day: string): string => shortDays().format(new Date(day)));
/** The month of a day: `November 2026`. */
export const formatMonth = (day: string): string => months().format(new Date(day));
export const formatMonthShort = (day: string): string => shortMonths().format(new Date(day));

const ago = lazy(() => new Intl.RelativeTimeFormat('en', { numeric: 'auto' }));

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** How long ago an instant (ISO 8601) was: `3 hours ago`. */
export function formatAgo(iso: string | null, now: number): string {
  if (iso === null) return 'never';
  const passed = Date.parse(iso) - now;
  const [unit, length] = UNITS.find(([, ms]) => Math.abs(passed) >= ms) ?? ['minute', 60_000];
  return Math.abs(passed) < 60_000 ? 'just now' : ago().format(Math.trunc(passed / length), unit);
}
