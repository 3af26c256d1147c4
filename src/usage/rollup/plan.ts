/** Which days are read as rollups, which as rows, and which to roll up. Pure. */
import { addDays, dayOf, earlier, later, listDays } from '../../lib/day.ts';
import { createLocalHours, utcDaysOf } from '../../lib/zone.ts';
import type { Range } from '../model.ts';
import { localDaySplitHour } from './build.ts';

export type Span = readonly [from: string, to: string];
/** Read as rows unless the first and last settled day of the question have rollups with the right split. */
export type SettledSpan = readonly [...Span, first: string, firstSplitHour: number, last: string, lastSplitHour: number];

/** Rolled up one day before the rollup is needed, so that nobody waits for it. */
const SUMMED_AFTER_DAYS = 2;
/** These days change hourly and are always read as rows. */
const UNSETTLED_DAYS = 3;
/** With fewer rows a day (ten own keys, or two with three models behind a management key) a rollup saves little. */
const ROWS_WORTH_A_SUM = 10;
/** Rows rolled up after any answer (some milliseconds of CPU), or this share of the rows of a large one. */
const SUMMED_ROWS = 1500;
const SUMMED_SHARE = 1 / 4;

export interface Plan {
  span: Span;
  /** Days that may have a rollup, with their split hour. */
  splitHours: ReadonlyMap<string, number>;
  inRows: ReadonlySet<string>;
  /** Nearly empty days, also read as rows: before the retention and in the future. */
  beyond: readonly Span[];
}

/**
 * @param keptSince edge of the retention
 * @param byHour days that need hours, which rollups lack
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

export function spansOfDays(days: Iterable<string>): Span[] {
  const spans: [string, string][] = [];
  for (const day of [...days].sort()) {
    const last = spans.at(-1);
    if (last && addDays(last[1], 1) === day) last[1] = day;
    else spans.push([day, day]);
  }
  return spans;
}

export function spansOf({ splitHours, inRows, beyond }: Plan): (Span | SettledSpan)[] {
  const settled = [...splitHours.keys()].filter((day) => !inRows.has(day));
  const [first = '', last = ''] = [settled[0], settled.at(-1)];
  const guard = [first, splitHours.get(first) ?? 0, last, splitHours.get(last) ?? 0] as const;
  return [...beyond, ...spansOfDays(inRows), ...spansOfDays(settled).map((span) => [...span, ...guard] as const)];
}

export const isSplitFor = (wanted: number, splitHour: number): boolean => wanted === 0 || wanted === splitHour;

interface Known {
  stored: ReadonlyMap<string, number>;
  /** True if the query uses the user's own time zone; only then are rollups re-split for it. */
  isOwnZone: boolean;
  inRows: ReadonlySet<string>;
  rows: readonly { day: string }[];
}

/** Latest first, as many as one invocation can bear. */
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
