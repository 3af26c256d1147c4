/** English formats for people. Unknown is a dash, never a zero. */
import { remember } from './remember.ts';

export const UNKNOWN_TEXT = '–';

/** Amounts below this (USD) are shown with three significant digits. */
const SMALL_USD = 0.01;

/** Creating formatters is slow, so each is created on first use. */
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
/** Axes show thousands, millions and so on from here. */
const COMPACT_USD = 1000;
const whole = lazy(() => new Intl.NumberFormat('en-US'));
const compact = lazy(() => new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 }));
const percent = lazy(() => new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 0 }));
const change = lazy(() => new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' }));

/** Two decimals; below a cent three significant digits. */
export function formatUsd(usd: number | null): string {
  if (usd === null) return UNKNOWN_TEXT;
  return usd !== 0 && Math.abs(usd) < SMALL_USD ? smallDollars().format(usd) : dollars().format(usd);
}

export const asKnown = (text: string, isComplete: boolean): string => (isComplete || text === UNKNOWN_TEXT ? text : `≥\u00a0${text}`);

export const formatKnownUsd = (usd: number | null, isComplete: boolean): string => asKnown(formatUsd(usd), isComplete);

/** `+ $3.00 BYOK`; null where there is none. */
export const formatByok = (usd: number | null, isComplete: boolean): string | null =>
  usd ? `+ ${formatKnownUsd(usd, isComplete)} BYOK` : null;

/** For prices, which differ in the third digit. */
export function formatUsdFine(usd: number | null): string {
  if (usd === null) return UNKNOWN_TEXT;
  return usd !== 0 && Math.abs(usd) < 1 ? prices().format(usd) : dollars().format(usd);
}

/** Ascending ticks: as short as possible but distinct, with equal decimals. */
export function formatUsdAxis(ticks: readonly number[]): string[] {
  const [first = 0, second = 0] = ticks;
  if ((ticks.at(-1) ?? 0) >= COMPACT_USD) return ticks.map((usd) => compactDollars().format(usd));
  const isWhole = ticks.every((usd) => Number.isInteger(usd));
  const digits = isWhole ? 0 : Math.max(2, Math.ceil(-Math.log10(second - first) - 1e-9));
  return ticks.map((usd) => dollarsWith(digits).format(usd));
}

export const formatCount = (count: number | null): string => (count === null ? UNKNOWN_TEXT : whole().format(count));
export const formatCountAxis = (ticks: readonly number[]): string[] => ticks.map((count) => compact().format(count));
export const formatCompact = (count: number | null): string => (count === null ? UNKNOWN_TEXT : compact().format(count));

export const formatPercent = (share: number | null): string => (share === null ? UNKNOWN_TEXT : percent().format(share));

/** A share that is neither nothing nor all never shows as 0% or 100%. */
export function formatShare(share: number | null): string {
  if (share !== null && share > 0 && share < 0.005) return '<1%';
  return share !== null && share < 1 && share >= 0.995 ? '>99%' : formatPercent(share);
}

export const formatChange = (share: number): string => change().format(share).replace('-', '−');

const instants = new Map<string, Intl.DateTimeFormat>();

/** Zones come normalized, so there are never more formatters than zones. */
function instantFormat(zone: string): Intl.DateTimeFormat {
  const known =
    instants.get(zone) ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });
  instants.set(zone, known);
  return known;
}

/** `22 Nov 2026, 14:05` */
export const formatInstant = (iso: string | null, zone: string): string =>
  iso === null ? UNKNOWN_TEXT : instantFormat(zone).format(new Date(iso));

const days = lazy(
  () => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
);
const shortDays = lazy(() => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' }));
const months = lazy(() => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long', year: 'numeric' }));
const shortMonths = lazy(() => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short', year: 'numeric' }));

/** `Sun, 22 Nov 2026` */
export const formatDay = remember((day: string): string => days().format(new Date(day)));
export const formatDayShort = remember((day: string): string => shortDays().format(new Date(day)));
/** `November 2026` */
export const formatMonth = (day: string): string => months().format(new Date(day));
export const formatMonthShort = (day: string): string => shortMonths().format(new Date(day));

const ago = lazy(() => new Intl.RelativeTimeFormat('en', { numeric: 'auto' }));

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `3 hours ago` */
export function formatAgo(iso: string | null, now: number): string {
  if (iso === null) return 'never';
  const passed = Date.parse(iso) - now;
  const [unit, length] = UNITS.find(([, ms]) => Math.abs(passed) >= ms) ?? ['minute', 60_000];
  return Math.abs(passed) < 60_000 ? 'just now' : ago().format(Math.trunc(passed / length), unit);
}
