/** Buckets of time: hours, days, weeks from Monday, months, or one for all. Pure. */
import { listDays, periodOf, startOfMonth } from '../lib/day.ts';
import { createLocalHours, utcDaysOf } from '../lib/zone.ts';
import type { Fact, Range } from '../usage/model.ts';
import type { Rollup } from './model.ts';

/** A local date, or an hour of one, with the name of the bucket that holds it. */
export interface Slot {
  name: string;
  date: string;
  /** Of an hour, the instant at which it starts. */
  at: number | null;
}

const BUCKET_OF: Record<Exclude<Rollup, 'hour'>, (date: string) => string> = {
  none: () => '',
  day: (date) => date,
  week: (date) => periodOf('week', date).from,
  month: startOfMonth,
};

/** The bucket of a fact; null: it could not be placed on an hour. */
export const bucketOfFact = (fact: Pick<Fact, 'date' | 'hour'>, rollup: Rollup): string | null =>
  rollup === 'hour' ? fact.hour : BUCKET_OF[rollup](fact.date);

function hoursOf(range: Range): Slot[] {
  const { from, to } = utcDaysOf(range.from, range.to, range.zone);
  const place = createLocalHours(range.zone);
  return listDays(from, to)
    .flatMap((day) => Array.from({ length: 24 }, (_, hour) => place(day, hour)))
    .filter(({ date }) => date >= range.from && date <= range.to)
    .map(({ hour, date, at }) => ({ name: hour, date, at }));
}

/** Everything that the buckets of a range hold, in order. */
export const slotsOf = (range: Range, rollup: Rollup): Slot[] =>
  rollup === 'hour' ? hoursOf(range) : listDays(range.from, range.to).map((date) => ({ name: BUCKET_OF[rollup](date), date, at: null }));

/** The buckets' names, in order. */
export const bucketsOf = (slots: readonly Slot[]): string[] => [...new Set(slots.map(({ name }) => name))];
