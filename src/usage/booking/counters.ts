/**
 * The counter ledger: (previous sample, new sample) → what to post on which UTC day and hour. Pure; it conserves money:
 * Σ posted = first min(today, total) + Σ Δtotal + Σ |corrections|, to the nano-dollar, credits and BYOK separately.
 */
import { addDays, DAY_MS, dayOf, HOUR_MS, hourOf, listDays, MINUTE_MS, startOfDay } from '../../lib/day.ts';

/** A running total and its part of the current UTC day, in nano-dollars. */
export interface Counter {
  totalNano: number;
  todayNano: number;
}

/** One reading of a key. `at` (epoch milliseconds) is when it was asked for, so it never lies after the counters' own moment. */
export interface Sample {
  at: number;
  credits: Counter;
  byok: Counter;
}

/** Amounts of one UTC day: of a posting, what is added; of a stored day, what the day has. */
export interface DayAmounts {
  day: string;
  costNano: number;
  byokCostNano: number;
  /** Where a counter shrank: by how much, 0 or negative; not part of the cost. */
  correctionNano: number;
  byokCorrectionNano: number;
  isEstimated: boolean;
  /** What is known by the hour of the day: `[costNano, byokCostNano]`. What is missing to the day's cost is not placed. */
  hours: Record<number, [number, number]>;
}

/** A sample to be continued: the last one, and when the key's present series began. */
export interface SampleSeries {
  last: Sample;
  startedAt: number;
}

interface Part {
  day: string;
  hour: number | null;
  nano: number;
  correctionNano: number;
  isEstimated: boolean;
}

/** A part is placed on one hour only if the interval in which it was spent is no longer than this. */
const MAX_PLACED_MS = 2 * HOUR_MS;
/** A previous sample this early in the day may have missed spend of the day before, because counters lag behind. */
const COUNTER_LAG_MS = 15 * MINUTE_MS;

const part = (day: string, hour: number | null, nano: number): Part => ({ day, hour, nano, correctionNano: 0, isEstimated: false });

const hourWithin = (from: number, to: number): number | null => (to - from <= MAX_PLACED_MS ? hourOf(from + (to - from) / 2) : null);

/** Shares an amount out over the days from `from` to the midnight `to`, by the time of each, without losing a nano-dollar. */
function spread(nano: number, from: number, to: number): Part[] {
  const total = BigInt(to - from);
  let done = 0;
  return listDays(dayOf(from), dayOf(to - 1)).map((day) => {
    const elapsed = BigInt(Math.min(startOfDay(day) + DAY_MS, to) - from);
    const upToHere = Number((BigInt(nano) * elapsed) / total);
    const share = { ...part(day, null, upToHere - done), isEstimated: true };
    done = upToHere;
    return share;
  });
}

/** Where to put what was spent beyond today's own counter. */
function postRest(nano: number, series: SampleSeries, at: number, isLate: boolean): Part[] {
  const { last, startedAt } = series;
  const [before, today] = [dayOf(last.at), dayOf(at)];
  if (before === today) {
    const isWatched = startedAt < startOfDay(today);
    return isLate && isWatched ? [part(addDays(today, -1), 23, nano)] : [part(today, hourWithin(last.at, at), nano)];
  }
  if (addDays(before, 1) === today) return [part(before, hourWithin(last.at, startOfDay(today)), nano)];
  return spread(nano, last.at, startOfDay(today));
}

function postCounter(series: SampleSeries | null, at: number, pick: (sample: Sample) => Counter, next: Counter): Part[] {
  const today = dayOf(at);
  const nextToday = Math.max(0, next.todayNano);
  if (!series) return [part(today, null, Math.max(0, Math.min(nextToday, next.totalNano)))];
  const previous = pick(series.last);
  const delta = next.totalNano - previous.totalNano;
  const isSameDay = dayOf(series.last.at) === today;
  const grown = isSameDay ? Math.max(0, next.todayNano - previous.todayNano) : nextToday;
  const hour = hourWithin(isSameDay ? series.last.at : startOfDay(today), at);
  if (delta < 0) return [{ ...part(today, hour, grown), correctionNano: delta - grown }];
  const own = Math.min(delta, grown);
  const hasNotShrunk = next.todayNano >= previous.todayNano;
  const isLate = hasNotShrunk && series.last.at - startOfDay(today) <= COUNTER_LAG_MS;
  return [part(today, hour, own), ...(delta > own ? postRest(delta - own, series, at, isLate) : [])];
}

const emptyDay = (day: string): DayAmounts => ({
  day,
  costNano: 0,
  byokCostNano: 0,
  correctionNano: 0,
  byokCorrectionNano: 0,
  isEstimated: false,
  hours: {},
});

function addHour(hours: DayAmounts['hours'], hour: number, costNano: number, byokCostNano: number): void {
  const [cost, byokCost] = hours[hour] ?? [0, 0];
  hours[hour] = [cost + costNano, byokCost + byokCostNano];
}

/**
 * The postings of a new sample, one a UTC day, without those that change nothing. A sample that is not newer than the last
 * is dropped. The rules are those of docs/decisions/0014.
 * @param series null for the first sample of a key's text
 */
export function postSample(series: SampleSeries | null, next: Sample): DayAmounts[] {
  if (series && next.at <= series.last.at) return [];
  const days = new Map<string, DayAmounts>();
  const book = (parts: Part[], isByok: boolean) => {
    for (const { day, hour, nano, correctionNano, isEstimated } of parts) {
      if (nano === 0 && correctionNano === 0) continue;
      const amounts = days.get(day) ?? emptyDay(day);
      amounts[isByok ? 'byokCostNano' : 'costNano'] += nano;
      amounts[isByok ? 'byokCorrectionNano' : 'correctionNano'] += correctionNano;
      amounts.isEstimated ||= isEstimated;
      if (hour !== null && nano !== 0) addHour(amounts.hours, hour, isByok ? 0 : nano, isByok ? nano : 0);
      days.set(day, amounts);
    }
  };
  book(
    postCounter(series, next.at, (sample) => sample.credits, next.credits),
    false,
  );
  book(
    postCounter(series, next.at, (sample) => sample.byok, next.byok),
    true,
  );
  return [...days.values()];
}

/** What a day has after a posting was added to what it had. */
export function addPosting(stored: DayAmounts | null, posting: DayAmounts): DayAmounts {
  const before = stored ?? emptyDay(posting.day);
  const hours = structuredClone(before.hours);
  for (const [hour, [cost, byokCost]] of Object.entries(posting.hours)) addHour(hours, Number(hour), cost, byokCost);
  return {
    day: posting.day,
    costNano: before.costNano + posting.costNano,
    byokCostNano: before.byokCostNano + posting.byokCostNano,
    correctionNano: before.correctionNano + posting.correctionNano,
    byokCorrectionNano: before.byokCorrectionNano + posting.byokCorrectionNano,
    isEstimated: before.isEstimated || posting.isEstimated,
    hours,
  };
}
