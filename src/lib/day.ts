/**
 * UTC days as `YYYY-MM-DD` strings and instants as epoch milliseconds. UTC has no daylight saving, so a day is always 24 hours.
 */
import { remember } from './remember.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const dayOfNumber = remember((days: number): string => new Date(days * DAY_MS).toISOString().slice(0, 10));

/** The UTC day that contains the instant. */
export const dayOf = (at: number): string => dayOfNumber(Math.floor(at / DAY_MS));

/** The hour of the UTC day, 0 to 23, that contains the instant. */
export const hourOf = (at: number): number => Math.floor(at / HOUR_MS) - 24 * Math.floor(at / DAY_MS);

/** The first instant of a UTC day. */
export const startOfDay = remember((day: string): number => Date.parse(`${day}T00:00:00.000Z`));

/** The day that lies `count` days after `day` (before it, if negative). */
export const addDays = (day: string, count: number): string => dayOf(startOfDay(day) + count * DAY_MS);

/** How many days the inclusive range has; 0 or less if it runs backwards. */
export const countDays = (from: string, to: string): number => (startOfDay(to) - startOfDay(from)) / DAY_MS + 1;

/** The later of two days. */
export const later = (a: string, b: string): string => (a > b ? a : b);
/** The earlier of two days. */
export const earlier = (a: string, b: string): string => (a < b ? a : b);

/** All days from `from` to `to`, both included. */
export function listDays(from: string, to: string): string[] {
  const [days, last]: [string[], number] = [[], startOfDay(to)];
  for (let at = startOfDay(from); at <= last; at += DAY_MS) days.push(dayOf(at));
  return days;
}

/** Is this `YYYY-MM-DD` a day of the calendar (so not 2026-02-30), from the year 1000 to 2999? */
export function isDay(text: string): boolean {
  const at = /^[12]\d{3}-\d{2}-\d{2}$/.test(text) ? startOfDay(text) : Number.NaN;
  return !Number.isNaN(at) && dayOf(at) === text;
}

/** The weekday of a day, from 0 (Monday) to 6. */
export const weekdayOf = (day: string): number => (((startOfDay(day) / DAY_MS + 3) % 7) + 7) % 7;

/** The first day of a day's month. */
export const startOfMonth = (day: string): string => `${day.slice(0, 7)}-01`;

/** The days, both inclusive, of the day itself, the week (from Monday) or the month that contains it. */
export function periodOf(period: 'day' | 'week' | 'month', day: string): { from: string; to: string } {
  if (period === 'day') return { from: day, to: day };
  if (period === 'week') {
    const from = addDays(day, -weekdayOf(day));
    return { from, to: addDays(from, 6) };
  }
  const from = startOfMonth(day);
  return { from, to: addDays(startOfMonth(addDays(from, 31)), -1) };
}

/** ISO 8601 in UTC, or null. */
export const isoOrNull = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/**
 * An instant in one of the shapes that OpenRouter uses (`2026-07-31 18:00:00`, `2026-06-07`, ISO 8601 with or without an offset)
 * as epoch milliseconds, or null. Without an offset it is UTC.
 */
export function parseInstant(text: string): number | null {
  const [, day, time = '00:00:00', offset = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/i.exec(text.trim()) ?? [];
  const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(at) ? null : at;
}
