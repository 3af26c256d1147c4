/** Rules that fire once: budget thresholds, spikes, and what happens to a key. Pure. */
import { freeRequestsOf, isInUse, type Key } from '../../keys/advice.ts';
import { addDays, DAY_MS, dayOf, HOUR_MS, periodOf } from '../../lib/day.ts';
import { compareProducts, NANO, usdFromNano } from '../../lib/money.ts';
import { createClockHours, localDayOf, localHourOf, startOfLocalDay } from '../../lib/zone.ts';
import type { RuleMatch } from '../events/describe.ts';
import type { RuleOf, RuleType } from '../model.ts';
import { forecastOf } from './forecast.ts';
import { type EvaluationInput, keysOf, subjectOf } from './situation.ts';
import type { Compared, SpendQuery } from './spend.ts';

export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}

type Decide<T extends RuleType> = (rule: RuleOf<T>, situation: EvaluationInput) => RuleMatch[];

/** A period is still evaluated this long after its end: its last spend shows late. */
const LATE_SPEND_MS = 6 * HOUR_MS;

type Period = ReturnType<typeof periodOf>;

function decidePeriod(rule: RuleOf<'budget'>, period: Period, isOver: boolean, situation: EvaluationInput): RuleMatch[] {
  const nano = situation.spend.ofDays(rule, period.from, period.to);
  if (nano === null) return [];
  const about = { subject: subjectOf(rule.key_id), keyId: rule.key_id };
  // The amount is part of the dedupe key: another amount may reach the same threshold again.
  const amount = rule.counts === 'credits' ? rule.amount_usd : `${rule.amount_usd} ${rule.counts}`;
  const dedupeKey = (what: string | number) => `${rule.period} ${period.from} ${amount} ${what}`;
  const { amount_usd, counts } = rule;
  const figures = { amount_usd, counts, spent_usd: usdFromNano(nano), period: rule.period, from: period.from, to: period.to };
  const reaches = (share: number): boolean => compareProducts([nano], [share, amount_usd, NANO]) >= 0;
  const highest = rule.thresholds.findLast(reaches);
  const matches: RuleMatch[] = [];
  if (highest !== undefined) {
    const surpassedBy = rule.thresholds.filter((threshold) => threshold > highest).map(dedupeKey);
    matches.push({ ...about, dedupeKey: dedupeKey(highest), is: 'threshold', figures: { ...figures, threshold: highest }, surpassedBy });
  }
  const forecast = rule.forecast && !isOver && !reaches(1) ? forecastOf(situation, rule, rule.period) : null;
  if (forecast !== null && compareProducts([forecast], [amount_usd, NANO]) > 0) {
    matches.push({
      ...about,
      dedupeKey: dedupeKey('forecast'),
      is: 'forecast',
      figures: { ...figures, forecast_usd: usdFromNano(forecast) },
    });
  }
  return matches;
}

/** Also the period that has just ended, unless the rule is younger. */
export const decideBudget: Decide<'budget'> = (rule, situation) => {
  const { now, zone } = situation;
  const current = periodOf(rule.period, localDayOf(now, zone));
  const before = periodOf(rule.period, localDayOf(now - LATE_SPEND_MS, zone));
  const isLate = before.from !== current.from && rule.createdAt < startOfLocalDay(current.from, zone);
  return [...(isLate ? decidePeriod(rule, before, true, situation) : []), ...decidePeriod(rule, current, false, situation)];
};

/** Spend may show late. */
const RECENT_HOURS = 6;
export const WEEKS = 4;
/** Fewer known hours or weekdays are no basis. */
const MIN_KNOWN = { hour: 7, day: 2 };

/** The usual spend, if enough is known and `spent` exceeds it enough. */
function usualOf(rule: RuleOf<'spike'>, { spent, before }: Compared): number | null {
  const median = before.length < MIN_KNOWN[rule.window] ? null : medianOf(before);
  if (median === null) return null;
  const isSpike = compareProducts([spent], [rule.min_usd, NANO]) >= 0 && compareProducts([spent], [rule.factor, median]) > 0;
  return isSpike ? median : null;
}

function daysOf({ now, zone, spend }: EvaluationInput) {
  const today = localDayOf(now, zone);
  return [today, addDays(today, -1)].map((day) => {
    const before = Array.from({ length: WEEKS }, (_, week) => addDays(day, -7 * (week + 1)));
    return { name: day, day, beside: (asked: SpendQuery) => spend.dayBeside(asked, day, before) };
  });
}

function hoursOf({ now, zone, spend }: EvaluationInput) {
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  const hoursAt = createClockHours(addDays(dayOf(now), -7 * WEEKS - 2), dayOf(now), zone);
  return Array.from({ length: RECENT_HOURS }, (_, index) => hour - (index + 1) * HOUR_MS).map((at) => {
    const day = localDayOf(at, zone);
    const clock = localHourOf(at, zone);
    const before = Array.from({ length: 7 * WEEKS }, (_, days) => hoursAt(addDays(day, -days - 1), clock)).flat();
    return { name: new Date(at).toISOString(), day, beside: (asked: SpendQuery) => spend.hourBeside(asked, at, before) };
  });
}

export const decideSpike: Decide<'spike'> = (rule, situation) =>
  (rule.window === 'day' ? daysOf(situation) : hoursOf(situation)).flatMap(({ name, day, beside }): RuleMatch[] => {
    const compared = beside(rule);
    const usual = compared && usualOf(rule, compared);
    if (compared === null || usual === null) return [];
    const byok = rule.counts === 'credits' ? 0 : (beside({ ...rule, counts: 'byok' })?.spent ?? 0);
    const figures = {
      spent_usd: usdFromNano(compared.spent),
      byok_usd: usdFromNano(byok),
      median_usd: usdFromNano(usual),
      factor: rule.factor,
      counts: rule.counts,
      window: rule.window,
      at: name,
      from: day,
      to: day,
    };
    return [{ subject: subjectOf(rule.key_id), keyId: rule.key_id, dedupeKey: `${rule.window} ${name}`, is: 'spike', figures }];
  });

const oneTimeMatch = (key: Key, dedupeKey: string, figures: RuleMatch['figures']): RuleMatch => ({
  subject: subjectOf(key.id),
  keyId: key.id,
  dedupeKey,
  is: 'one_time',
  figures,
});

export const decideExpiring: Decide<'key_expiring'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const left = key.expires_at === null ? null : Date.parse(key.expires_at) - now;
    if (!isInUse(key) || left === null || left <= 0 || left > rule.days * DAY_MS) return [];
    return oneTimeMatch(key, `expires ${key.expires_at}`, { expires_at: key.expires_at });
  });

/** Keys found longer ago are no news. */
const NEW_FOR_MS = 30 * DAY_MS;

/** An account's free-model requests, once per UTC day: reported for its management key, else for each of its keys or the rule's key. */
export const decideFreeRequests: Decide<'limit_remaining'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const free = freeRequestsOf(key, now);
    const isReported = key.managed_by === null || rule.key_id === key.id;
    if (!isReported || !isInUse(key) || free === null || free.left >= rule.below_ratio * free.limit) return [];
    return oneTimeMatch(key, `free ${dayOf(now)}`, { free_left: free.left, free_limit: free.limit });
  });

export const decideDiscovered: Decide<'key_discovered'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const foundAt = Date.parse(key.created_at);
    if (key.kind !== 'discovered' || foundAt <= rule.createdAt || now - foundAt > NEW_FOR_MS) return [];
    return oneTimeMatch(key, 'discovered', { found_at: key.created_at });
  });
