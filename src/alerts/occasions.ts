/** What happens once: a threshold of a period, an unusual hour, a key that is found. Pure. */
import { freeRequestsOf, isInUse, type Key } from '../keys/advice.ts';
import { addDays, DAY_MS, dayOf, HOUR_MS, periodOf } from '../lib/day.ts';
import { localDayOf, startOfLocalDay } from '../lib/zone.ts';
import type { BudgetPeriod, RuleOf, RuleType } from './model.ts';
import { keysOf, type Situation, subjectOf } from './situation.ts';
import type { Told } from './words.ts';

/** Median of nothing is null. */
export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}

/** How much of a period must be over before its pace says something: six hours of a day, two days of a week, three of a month. */
const FORECAST_AFTER_MS: Record<BudgetPeriod, number> = { day: 6 * HOUR_MS, week: 2 * DAY_MS, month: 3 * DAY_MS };

/** What a period will have cost at its end if it goes on at its pace so far; null while too little of it is over. */
export function forecastOf(spentUsd: number, period: BudgetPeriod, { from, to }: { from: string; to: string }, now: number, zone: string) {
  const start = startOfLocalDay(from, zone);
  const end = startOfLocalDay(addDays(to, 1), zone);
  const elapsed = now - start;
  return elapsed < FORECAST_AFTER_MS[period] ? null : (spentUsd / Math.min(elapsed, end - start)) * (end - start);
}

type Decide<T extends RuleType> = (rule: RuleOf<T>, situation: Situation) => Told[];

/** For so long after its end a period is still looked at: what was spent in its last hours shows late. */
const LATE_MS = 6 * HOUR_MS;

type Period = ReturnType<typeof periodOf>;

function decidePeriod(rule: RuleOf<'budget'>, period: Period, isOver: boolean, { now, zone, spend }: Situation): Told[] {
  const spent = spend.ofDays(rule.key_id, period.from, period.to);
  if (spent === null) return [];
  const about = { subject: subjectOf(rule.key_id), keyId: rule.key_id };
  // The amount is part of the name: of another amount the same share may be told again.
  const occasion = (what: string | number) => `${rule.period} ${period.from} ${rule.amount_usd} ${what}`;
  const figures = { amount_usd: rule.amount_usd, spent_usd: spent, period: rule.period, from: period.from, to: period.to };
  const reached = rule.thresholds.filter((threshold) => spent >= threshold * rule.amount_usd);
  const told: Told[] = reached.map((threshold) => ({
    ...about,
    occasion: occasion(threshold),
    is: 'threshold',
    figures: { ...figures, threshold },
  }));
  const isOpen = rule.forecast && !isOver && spent < rule.amount_usd;
  const forecast = isOpen ? forecastOf(spent, rule.period, period, now, zone) : null;
  if (forecast !== null && forecast > rule.amount_usd) {
    told.push({ ...about, occasion: occasion('forecast'), is: 'forecast', figures: { ...figures, forecast_usd: forecast } });
  }
  return told;
}

/** A period that is just over is looked at too, unless the rule is younger than its end. */
export const decideBudget: Decide<'budget'> = (rule, situation) => {
  const { now, zone } = situation;
  const current = periodOf(rule.period, localDayOf(now, zone));
  const before = periodOf(rule.period, localDayOf(now - LATE_MS, zone));
  const isLate = before.from !== current.from && rule.createdAt < startOfLocalDay(current.from, zone);
  return [...(isLate ? decidePeriod(rule, before, true, situation) : []), ...decidePeriod(rule, current, false, situation)];
};

/** Complete hours and days that are looked at: spend may show late. */
const RECENT_HOURS = 6;
export const WEEKS = 4;
/** So many of the compared hours, or weekdays, must be known. */
const MIN_KNOWN = { hour: 7, day: 2 };

export const decideSpike: Decide<'spike'> = (rule, { now, zone, spend }) => {
  const about = { subject: subjectOf(rule.key_id), keyId: rule.key_id };
  const isSpike = (usd: number | null, before: (number | null)[]) => {
    const known = before.filter((value) => value !== null);
    const median = known.length < MIN_KNOWN[rule.window] ? null : medianOf(known);
    return usd !== null && median !== null && usd >= rule.min_usd && usd > rule.factor * median ? { usd, median } : null;
  };
  const tell = (found: ReturnType<typeof isSpike>, name: string, day: string): Told[] =>
    found === null
      ? []
      : [
          {
            ...about,
            occasion: `${rule.window} ${name}`,
            is: 'spike',
            figures: {
              spent_usd: found.usd,
              median_usd: found.median,
              factor: rule.factor,
              window: rule.window,
              at: name,
              from: day,
              to: day,
            },
          },
        ];
  if (rule.window === 'day') {
    const today = localDayOf(now, zone);
    return [today, addDays(today, -1)].flatMap((day) => {
      const before = Array.from({ length: WEEKS }, (_, week) => spend.ofWholeDay(rule.key_id, addDays(day, -7 * (week + 1))));
      return tell(isSpike(spend.ofDays(rule.key_id, day, day), before), day, day);
    });
  }
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  return Array.from({ length: RECENT_HOURS }, (_, index) => hour - (index + 1) * HOUR_MS).flatMap((at) => {
    const before = Array.from({ length: 7 * WEEKS }, (_, day) => spend.ofHour(rule.key_id, at - (day + 1) * DAY_MS));
    return tell(isSpike(spend.ofHour(rule.key_id, at), before), new Date(at).toISOString(), localDayOf(at, zone));
  });
};

/** What happens to a key once. */
const onceOf = (key: Key, occasion: string, figures: Told['figures']): Told => ({
  subject: subjectOf(key.id),
  keyId: key.id,
  occasion,
  is: 'once',
  figures,
});

export const decideExpiring: Decide<'key_expiring'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const left = key.expires_at === null ? null : Date.parse(key.expires_at) - now;
    if (!isInUse(key) || left === null || left <= 0 || left > rule.days * DAY_MS) return [];
    return onceOf(key, `expires ${key.expires_at}`, { expires_at: key.expires_at });
  });

/** A key that was found longer ago is no news. */
const NEW_FOR_MS = 30 * DAY_MS;

/**
 * The requests to free models of a whole account, once a UTC day: as its management key tells them, or else each of its keys, or the one that a
 * rule is about.
 */
export const decideFreeRequests: Decide<'limit_remaining'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const free = freeRequestsOf(key, now);
    const isTold = key.managed_by === null || rule.key_id === key.id;
    if (!isTold || !isInUse(key) || free === null || free.left >= rule.below_ratio * free.limit) return [];
    return onceOf(key, `free ${dayOf(now)}`, { free_left: free.left, free_limit: free.limit });
  });

export const decideDiscovered: Decide<'key_discovered'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const foundAt = Date.parse(key.created_at);
    if (key.kind !== 'discovered' || foundAt <= rule.createdAt || now - foundAt > NEW_FOR_MS) return [];
    return onceOf(key, 'discovered', { found_at: key.created_at });
  });
