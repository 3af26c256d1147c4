/**
 * The counter ledger: (last sample, new sample) → postings by UTC day and hour. Pure; it conserves money to the nano-dollar, credits and
 * BYOK apart: Σ posted = first min(today, total) + Σ Δtotal + Σ |corrections|.
 */
import { addDays, DAY_MS, dayOf, HOUR_MS, hourOf, listDays, MINUTE_MS, startOfDay } from '../../lib/day.ts';

export interface Counter {
  totalNano: number;
  todayNano: number;
}

/** `at` (epoch milliseconds) is when it was asked for: never later than the counters. */
export interface Sample {
  at: number;
  credits: Counter;
  byok: Counter;
}

/** A posting, or what a day has. */
export interface DayAmounts {
  day: string;
  costNano: number;
  byokCostNano: number;
  correctionNano: number;
  byokCorrectionNano: number;
  isEstimated: boolean;
  /** `[costNano, byokCostNano]`; the day's cost may exceed them: the rest has no known hour. */
  hours: Record<number, [number, number]>;
}

/** What a new sample continues: the last sample, and when the series began. */
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

/** Longer intervals are not placed on an hour. */
const MAX_PLACED_MS = 2 * HOUR_MS;
/** Counters lag: a last sample this early in the day may lack spend of the day before. */
const COUNTER_LAG_MS = 15 * MINUTE_MS;

const part = (day: string, hour: number | null, nano: number): Part => ({ day, hour, nano, correctionNano: 0, isEstimated: false });

const hourWithin = (from: number, to: number): number | null => (to - from <= MAX_PLACED_MS ? hourOf(from + (to - from) / 2) : null);

/** Shares an amount by time over the days up to the midnight `to`, exact to the nano-dollar. */
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

/** Places spend beyond today's own counter. */
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
 * One per UTC day, without empty ones; none if the sample is not newer than the last. Rules: docs/decisions/0014.
 * @param series null for the first sample of a secret
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
