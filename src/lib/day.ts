/** UTC days are `YYYY-MM-DD` strings, times are epoch milliseconds. A UTC day always has 24 hours. */
import { remember } from './remember.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const dayOfNumber = remember((days: number): string => new Date(days * DAY_MS).toISOString().slice(0, 10));

export const dayOf = (at: number): string => dayOfNumber(Math.floor(at / DAY_MS));

export const hourOf = (at: number): number => Math.floor(at / HOUR_MS) - 24 * Math.floor(at / DAY_MS);

export const startOfDay = remember((day: string): number => Date.parse(`${day}T00:00:00.000Z`));

export const addDays = (day: string, count: number): string => dayOf(startOfDay(day) + count * DAY_MS);

/** Days of an inclusive range; 0 or less if it runs backwards. */
export const countDays = (from: string, to: string): number => (startOfDay(to) - startOfDay(from)) / DAY_MS + 1;

export const later = (a: string, b: string): string => (a > b ? a : b);
export const earlier = (a: string, b: string): string => (a < b ? a : b);

export function listDays(from: string, to: string): string[] {
  const [days, last]: [string[], number] = [[], startOfDay(to)];
  for (let at = startOfDay(from); at <= last; at += DAY_MS) days.push(dayOf(at));
  return days;
}

/** A real calendar day (not 2026-02-30) from the year 1000 to 2999. */
export function isDay(text: string): boolean {
  const at = /^[12]\d{3}-\d{2}-\d{2}$/.test(text) ? startOfDay(text) : Number.NaN;
  return !Number.isNaN(at) && dayOf(at) === text;
}

export const weekdayOf = (day: string): number => (((startOfDay(day) / DAY_MS + 3) % 7) + 7) % 7;

export const startOfMonth = (day: string): string => `${day.slice(0, 7)}-01`;

/** The day itself, its week (from Monday) or its month; inclusive. */
export function periodOf(period: 'day' | 'week' | 'month', day: string): { from: string; to: string } {
  if (period === 'day') return { from: day, to: day };
  if (period === 'week') {
    const from = addDays(day, -weekdayOf(day));
    return { from, to: addDays(from, 6) };
  }
  const from = startOfMonth(day);
  return { from, to: addDays(startOfMonth(addDays(from, 31)), -1) };
}

export const isoOrNull = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** Epoch milliseconds of `2026-07-31 18:00:00`, `2026-06-07` or ISO 8601, as OpenRouter writes them, or null. UTC without an offset. */
export function parseInstant(text: string): number | null {
  const [, day, time = '00:00:00', offset = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/i.exec(text.trim()) ?? [];
  const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(at) ? null : at;
}
