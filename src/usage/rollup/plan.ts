/** Which days are read by their sums, which as rows, and which are to be summed up. Pure. */
import { addDays, dayOf, earlier, later, listDays } from '../../lib/day.ts';
import { createLocalHours, utcDaysOf } from '../../lib/zone.ts';
import type { Range } from '../model.ts';
import { localDaySplitHour } from './build.ts';

/** UTC days, both inclusive. */
export type Span = readonly [from: string, to: string];
/** Days that are read as rows unless the first and the last settled day of the question have sums, each parted at its hour. */
export type SettledSpan = readonly [...Span, first: string, firstSplitHour: number, last: string, lastSplitHour: number];

/** So many days ago a day is summed up, a day before its sum is looked for: who looks every day does not wait for rows. */
const SUMMED_AFTER_DAYS = 2;
/** The last days change by the hour: they are always read as rows. */
const UNSETTLED_DAYS = 3;
/** With fewer rows a day, as ten own keys have or two with three models behind a management key, a sum is hardly less to read. */
const ROWS_WORTH_A_SUM = 10;
/** So many rows may be summed up after any answer (some milliseconds of CPU), and this share of those that it took after a large one. */
const SUMMED_ROWS = 1500;
const SUMMED_SHARE = 1 / 4;

/** The UTC days of a question. */
export interface Plan {
  span: Span;
  /** Those that may have a sum, with the hour at which it is to be parted. */
  splitHours: ReadonlyMap<string, number>;
  /** Those that are read as rows. */
  inRows: ReadonlySet<string>;
  /** Those of which hardly anything can be stored, read as rows too: before the retention's edge, and in the future. */
  beyond: readonly Span[];
}

/**
 * @param keptSince the retention's edge: nothing of earlier days is kept for long
 * @param byHour days of which hours are needed: sums have none
 */
export function planDays(range: Range, byHour: Range | null, now: number, keptSince: string): Plan {
  const { from, to } = utcDaysOf(range.from, range.to, range.zone);
  const today = dayOf(now);
  const [lastSummed, lastSettled] = [addDays(today, -SUMMED_AFTER_DAYS), addDays(today, -UNSETTLED_DAYS)];
  const needed = byHour && utcDaysOf(byHour.from, byHour.to, byHour.zone);
  const localHours = createLocalHours(range.zone);
  const splitHours = new Map<string, number>();
  const inRows = new Set<string>();
  const [before, after] = [addDays(keptSince, -1), addDays(today, 2)];
  for (const day of listDays(later(from, keptSince), earlier(to, addDays(today, 1)))) {
    const isOpen = needed !== null && day >= needed.from && day <= needed.to;
    if (day <= lastSummed && !isOpen) splitHours.set(day, localDaySplitHour(day, range.zone, localHours));
    if (day > lastSettled || isOpen) inRows.add(day);
  }
  const beyond = [[from, earlier(to, before)] as const, [later(from, after), to] as const].filter((span) => span[0] <= span[1]);
  return { span: [from, to], splitHours, inRows, beyond };
}

/** Days, in any order, as spans. */
export function spansOfDays(days: Iterable<string>): Span[] {
  const spans: [string, string][] = [];
  for (const day of [...days].sort()) {
    const last = spans.at(-1);
    if (last && addDays(last[1], 1) === day) last[1] = day;
    else spans.push([day, day]);
  }
  return spans;
}

/** The spans of a plan: days that are read as rows, and those that are looked for as sums first. */
export function spansOf({ splitHours, inRows, beyond }: Plan): (Span | SettledSpan)[] {
  const settled = [...splitHours.keys()].filter((day) => !inRows.has(day));
  const [first = '', last = ''] = [settled[0], settled.at(-1)];
  const guard = [first, splitHours.get(first) ?? 0, last, splitHours.get(last) ?? 0] as const;
  return [...beyond, ...spansOfDays(inRows), ...spansOfDays(settled).map((span) => [...span, ...guard] as const)];
}

/** Does a sum that parts the day at `splitHour` say what is wanted? Each knows the whole day. */
export const isSplitFor = (wanted: number, splitHour: number): boolean => wanted === 0 || wanted === splitHour;

interface Known {
  /** Stored sums, by day: where they part it. */
  stored: ReadonlyMap<string, number>;
  /** Is the question's zone that in which the user counts days? It is not put off by sums that were parted for another. */
  isOwnZone: boolean;
  /** Days that were read as rows, and those rows. */
  inRows: ReadonlySet<string>;
  rows: readonly { day: string }[];
}

/** The days that were read as rows and are to be summed up, the last ones first: as many as one invocation bears. */
export function daysToSum({ splitHours }: Plan, { stored, isOwnZone, inRows, rows }: Known): string[] {
  const counts = Map.groupBy(rows, ({ day }) => day);
  if (stored.size === 0 && rows.length <= ROWS_WORTH_A_SUM * inRows.size) return [];
  const needsSum = (day: string, wanted: number): boolean => {
    const splitHour = stored.get(day);
    return splitHour === undefined || (!isSplitFor(wanted, splitHour) && (splitHour === 0 || isOwnZone));
  };
  const wanted = [...splitHours].filter(([day, splitHour]) => inRows.has(day) && needsSum(day, splitHour)).map(([day]) => day);
  const limit = Math.max(SUMMED_ROWS, rows.length * SUMMED_SHARE);
  let count = 0;
  return wanted.reverse().filter((day, index) => {
    count += counts.get(day)?.length ?? 0;
    return index === 0 || count <= limit;
  });
}
