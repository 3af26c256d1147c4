/** `Retry-After`: how long a server asks to wait. Pure. */
import { DAY_MS, SECOND_MS } from '../lib/day.ts';

/** A longer wait would take a key out of the monitor's sight on the word of one answer. */
const MAX_RETRY_AFTER_S = DAY_MS / SECOND_MS;

const TIME = String.raw`\d{2}:\d{2}:\d{2}`;
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
/** The three forms of a date in HTTP; the last one does not name its zone, which is GMT as well. Source: RFC 9110, 5.6.7 */
const DATES = [
  new RegExp(String.raw`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} ${MONTH} \d{4} ${TIME} GMT$`),
  new RegExp(String.raw`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{2}-${MONTH}-\d{2} ${TIME} GMT$`),
  new RegExp(String.raw`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} [ \d]\d ${TIME} \d{4}$`),
];

/** The instant of an HTTP date, or NaN. What else a runtime would take for a date (`1.5` is the fifth of January) is none. */
function parseHttpDate(text: string): number {
  if (!DATES.some((form) => form.test(text))) return Number.NaN;
  return Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`);
}

/**
 * Seconds of a `Retry-After` header, which holds whole seconds or an HTTP date; a date that is over is 0. Null where it says nothing that
 * can be understood: then the caller backs off by itself. Source: RFC 9110, 10.2.3
 */
export function parseRetryAfter(value: string | null, now: number): number | null {
  const text = value?.trim() ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((parseHttpDate(text) - now) / SECOND_MS);
  return Number.isNaN(seconds) ? null : Math.min(Math.max(0, seconds), MAX_RETRY_AFTER_S);
}
