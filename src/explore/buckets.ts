/** Time buckets: hours, days, weeks from Monday, months, or one for all. Pure. */
import { listDays, periodOf, startOfMonth } from '../lib/day.ts';
import { createLocalHours, utcDaysOf } from '../lib/zone.ts';
import type { Fact, Range } from '../usage/model.ts';
import type { Rollup } from './model.ts';

/** A local date, or one of its hours, with the name of its bucket. */
export interface Slot {
  name: string;
  date: string;
  at: number | null;
}

const BUCKET_OF: Record<Exclude<Rollup, 'hour'>, (date: string) => string> = {
  none: () => '',
  day: (date) => date,
  week: (date) => periodOf('week', date).from,
  month: startOfMonth,
};

export const bucketOfFact = (fact: Pick<Fact, 'date' | 'hour'>, rollup: Rollup): string | null =>
  rollup === 'hour' ? fact.hour : BUCKET_OF[rollup](fact.date);

function hoursOf(range: Range): Slot[] {
  const { from, to } = utcDaysOf(range.from, range.to, range.zone);
  const localHourOf = createLocalHours(range.zone);
  return listDays(from, to)
    .flatMap((day) => Array.from({ length: 24 }, (_, hour) => localHourOf(day, hour)))
    .filter(({ date }) => date >= range.from && date <= range.to)
    .map(({ hour, date, at }) => ({ name: hour, date, at }));
}

export const slotsOf = (range: Range, rollup: Rollup): Slot[] =>
  rollup === 'hour' ? hoursOf(range) : listDays(range.from, range.to).map((date) => ({ name: BUCKET_OF[rollup](date), date, at: null }));

export const bucketsOf = (slots: readonly Slot[]): string[] => [...new Set(slots.map(({ name }) => name))];
