/** `Retry-After`: how long a server asks to wait. Pure. */
import { DAY_MS, SECOND_MS } from '../lib/day.ts';

/** A longer wait would stop a key's sync because of one answer. */
const MAX_RETRY_AFTER_S = DAY_MS / SECOND_MS;

const TIME = String.raw`\d{2}:\d{2}:\d{2}`;
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
/** The three forms of an HTTP date; the last has no zone and means GMT. Source: RFC 9110, 5.6.7 */
const DATES = [
  new RegExp(String.raw`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} ${MONTH} \d{4} ${TIME} GMT$`),
  new RegExp(String.raw`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{2}-${MONTH}-\d{2} ${TIME} GMT$`),
  new RegExp(String.raw`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} [ \d]\d ${TIME} \d{4}$`),
];

/** NaN: not an HTTP date. `Date.parse` alone would accept more (`1.5` is January 5). */
function parseHttpDate(text: string): number {
  if (!DATES.some((form) => form.test(text))) return Number.NaN;
  return Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`);
}

/** Seconds; 0 if the date is over; null: not understood, the caller backs off by itself. Source: RFC 9110, 10.2.3 */
export function parseRetryAfter(value: string | null, now: number): number | null {
  const text = value?.trim() ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((parseHttpDate(text) - now) / SECOND_MS);
  return Number.isNaN(seconds) ? null : Math.min(Math.max(0, seconds), MAX_RETRY_AFTER_S);
}
