/** Which rules hold, given the keys, the spend and the time. Pure: the same question has the same answer, however often it is asked. */
import { isInUse, type Key } from '../keys/advice.ts';
import { addDays, DAY_MS, HOUR_MS } from '../lib/day.ts';
import { localDayOf, startOfLocalDay } from '../lib/zone.ts';
import { decideDigest, digestFrom } from './digest.ts';
import type { BudgetPeriod, Rule, RuleOf, RuleType } from './model.ts';
import { periodOf, type Situation, subjectOf } from './situation.ts';
import { type Finding, type Told, tellFinding } from './words.ts';

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

const decideBudget: Decide<'budget'> = (rule, { now, zone, spend }) => {
  const period = periodOf(rule.period, localDayOf(now, zone));
  const spent = spend.ofDays(rule.key_id, period.from, period.to);
  if (spent === null) return [];
  const about = { subject: subjectOf(rule.key_id), keyId: rule.key_id };
  const occasion = (what: string | number) => `${rule.period} ${period.from} ${rule.version} ${what}`;
  const figures = { amount_usd: rule.amount_usd, spent_usd: spent, period: rule.period, from: period.from, to: period.to };
  const reached = rule.thresholds.filter((threshold) => spent >= threshold * rule.amount_usd);
  const told: Told[] = reached.map((threshold) => ({
    ...about,
    occasion: occasion(threshold),
    is: 'threshold',
    figures: { ...figures, threshold },
  }));
  const forecast = rule.forecast && spent < rule.amount_usd ? forecastOf(spent, rule.period, period, now, zone) : null;
  if (forecast !== null && forecast > rule.amount_usd) {
    told.push({ ...about, occasion: occasion('forecast'), is: 'forecast', figures: { ...figures, forecast_usd: forecast } });
  }
  return told;
};

/** The keys that a rule is about. */
const keysOf = (rule: Rule, keys: readonly Key[]): Key[] => keys.filter(({ id }) => rule.key_id === null || rule.key_id === id);

/** A state of a key, which lasts until it is over. */
const stateOf = (key: Key, figures: Told['figures']): Told => ({
  subject: subjectOf(key.id),
  keyId: key.id,
  occasion: '',
  is: 'state',
  figures,
});

const decideLimit: Decide<'limit_remaining'> = (rule, { keys }) =>
  keysOf(rule, keys).flatMap((key) => {
    const { limit_usd: limit, limit_remaining_usd: left } = key;
    if (!isInUse(key) || limit === null || left === null || limit <= 0 || left >= rule.below_ratio * limit) return [];
    return stateOf(key, { limit_usd: limit, left_usd: left, resets: key.limit_reset });
  });

const PACE_DAYS = 7;
const MIN_PACE_DAYS = 3;

/** What an account spent a day of late, USD; null if too few days are known. */
function paceOf(account: Key, { now, zone, keys, spend }: Situation): number | null {
  const today = localDayOf(now, zone);
  const members = keys.filter((key) => key.id === account.id || key.managed_by === account.id);
  const daily = Array.from({ length: PACE_DAYS }, (_, index) => {
    const day = addDays(today, -1 - index);
    const known = members.map(({ id }) => spend.ofDays(id, day, day)).filter((usd) => usd !== null);
    return known.length === 0 ? null : known.reduce((sum, usd) => sum + usd, 0);
  }).filter((usd) => usd !== null);
  return daily.length < MIN_PACE_DAYS ? null : daily.reduce((sum, usd) => sum + usd, 0) / daily.length;
}

const decideBalance: Decide<'balance'> = (rule, situation) =>
  keysOf(rule, situation.keys).flatMap((key) => {
    const balance = key.balance_usd;
    if (balance === null || key.status !== 'active' || key.managed_by !== null) return [];
    const pace = rule.days === undefined ? null : paceOf(key, situation);
    const lasts = pace === null || pace <= 0 ? null : Math.max(0, balance) / pace;
    const isLow = rule.below_usd !== undefined && balance < rule.below_usd;
    const isShort = rule.days !== undefined && lasts !== null && lasts < rule.days;
    return isLow || isShort ? stateOf(key, { balance_usd: balance, lasts_days: lasts, pace_usd: pace }) : [];
  });

/** Complete hours and days that are looked at: spend may show late. */
const RECENT_HOURS = 6;
const WEEKS = 4;
/** So many of the compared hours, or weekdays, must be known. */
const MIN_KNOWN = { hour: 7, day: 2 };

const decideSpike: Decide<'spike'> = (rule, { now, zone, spend }) => {
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
            occasion: `${rule.window} ${name} ${rule.version}`,
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
      const before = Array.from({ length: WEEKS }, (_, week) =>
        spend.ofDays(rule.key_id, addDays(day, -7 * (week + 1)), addDays(day, -7 * (week + 1))),
      );
      return tell(isSpike(spend.ofDays(rule.key_id, day, day), before), day, day);
    });
  }
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  return Array.from({ length: RECENT_HOURS }, (_, index) => hour - (index + 1) * HOUR_MS).flatMap((at) => {
    const before = Array.from({ length: 7 * WEEKS }, (_, day) => spend.ofHour(rule.key_id, at - (day + 1) * DAY_MS));
    return tell(isSpike(spend.ofHour(rule.key_id, at), before), new Date(at).toISOString(), localDayOf(at, zone));
  });
};

const decideInvalid: Decide<'key_invalid'> = (rule, { keys }) =>
  keysOf(rule, keys).flatMap((key) => (key.is_active && key.status === 'invalid' ? stateOf(key, { reason: key.last_error }) : []));

const decideExpiring: Decide<'key_expiring'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const left = key.expires_at === null ? null : Date.parse(key.expires_at) - now;
    if (!isInUse(key) || left === null || left <= 0 || left > rule.days * DAY_MS) return [];
    return { ...stateOf(key, { expires_at: key.expires_at }), occasion: `expires ${key.expires_at}`, is: 'once' as const };
  });

const decideDiscovered: Decide<'key_discovered'> = (rule, { keys }) =>
  keysOf(rule, keys).flatMap((key) =>
    key.kind === 'discovered' && Date.parse(key.created_at) > rule.createdAt
      ? { ...stateOf(key, { found_at: key.created_at }), occasion: 'discovered', is: 'once' as const }
      : [],
  );

const decideOverdue: Decide<'sync_overdue'> = (rule, { keys, now }) =>
  keysOf(rule, keys).flatMap((key) => {
    const since = Date.parse(key.last_synced_at ?? key.created_at);
    const isWatched = key.is_active && key.kind !== 'management' && key.status !== 'invalid';
    return isWatched && now - since > rule.hours * HOUR_MS
      ? stateOf(key, { last_synced_at: key.last_synced_at, reason: key.last_error })
      : [];
  });

const DECIDE: { [T in RuleType]: Decide<T> } = {
  budget: decideBudget,
  limit_remaining: decideLimit,
  balance: decideBalance,
  spike: decideSpike,
  key_invalid: decideInvalid,
  key_expiring: decideExpiring,
  key_discovered: decideDiscovered,
  sync_overdue: decideOverdue,
  digest: decideDigest,
};

/** Everything that holds of a rule at this instant. */
export function decide(rule: Rule, situation: Situation): Finding[] {
  const told = (DECIDE[rule.type] as Decide<RuleType>)(rule as never, situation);
  return told.map((one) => tellFinding(rule, one, situation.keys));
}

/** An event that is stored already. */
export interface KnownEvent {
  id: number;
  ruleId: number;
  subject: string;
  occasion: string;
}

/** What is new: findings without an event, and states whose event is open though they do not hold any more. */
export function compareWith(known: readonly KnownEvent[], rule: Pick<Rule, 'id'>, findings: readonly Finding[]) {
  const ofRule = known.filter(({ ruleId }) => ruleId === rule.id);
  const name = ({ subject, occasion }: Pick<KnownEvent, 'subject' | 'occasion'>): string => JSON.stringify([subject, occasion]);
  const stored = new Set(ofRule.map(name));
  const holding = new Set(findings.map(name));
  return {
    fired: findings.filter((finding) => !stored.has(name(finding))),
    over: ofRule.filter((event) => event.occasion === '' && !holding.has(name(event))),
  };
}

/** How many days back rules look, and whether they need hours. */
export function reachOf(rules: readonly Rule[], today: string): { from: string; hours: boolean } {
  const froms = rules.map((rule) => {
    if (rule.type === 'budget') return periodOf(rule.period, today).from;
    if (rule.type === 'digest') return digestFrom(rule, today);
    if (rule.type === 'spike') return addDays(today, -7 * WEEKS - 1);
    return rule.type === 'balance' && rule.days !== undefined ? addDays(today, -PACE_DAYS) : today;
  });
  return { from: froms.sort()[0] ?? today, hours: rules.some((rule) => rule.type === 'spike' && rule.window === 'hour') };
}
