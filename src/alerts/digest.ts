/** Summaries of a day or a week that is over. Pure. */
import { attentionOf, changeOf, projectMonth } from '../dashboard/model.ts';
import type { Key } from '../keys/advice.ts';
import { addDays, countDays, HOUR_MS, periodOf, startOfMonth } from '../lib/day.ts';
import { formatChange, formatUsd } from '../lib/format.ts';
import { usdFromNano } from '../lib/money.ts';
import { localDayOf, startOfLocalDay } from '../lib/zone.ts';
import type { Fact } from '../usage/model.ts';
import type { RuleOf } from './model.ts';
import { type Situation, subjectOf } from './situation.ts';
import type { Figures, Told } from './words.ts';

const TOP = 3;
const PACE_DAYS = 7;

/** The largest sums by a name, in words: `a $3.00, b $2.00`. */
function topOf(facts: readonly Fact[], nameOf: (fact: Fact) => string): string {
  const sums = new Map<string, number>();
  for (const fact of facts) sums.set(nameOf(fact), (sums.get(nameOf(fact)) ?? 0) + (fact.measures.costNano ?? 0));
  const ranked = [...sums].filter(([, nano]) => nano > 0).sort(([, a], [, b]) => b - a);
  return ranked
    .slice(0, TOP)
    .map(([name, nano]) => `${name} ${formatUsd(usdFromNano(nano))}`)
    .join(', ');
}

/** The last period that is over and may be told: after the hour of the day (of weeks, on Monday) at which it is wanted. */
export function digestPeriod({ every, hour }: Pick<RuleOf<'digest'>, 'every' | 'hour'>, now: number, zone: string) {
  const today = localDayOf(now, zone);
  const current = periodOf(every, today).from;
  const isTime = now >= startOfLocalDay(current, zone) + hour * HOUR_MS;
  return periodOf(every, addDays(isTime ? current : periodOf(every, addDays(current, -1)).from, -1));
}

const attentionText = (keys: readonly Key[], now: number, zone: string): string =>
  attentionOf(keys, [], now, zone)
    .filter(({ tone }) => tone !== 'info')
    .map(({ name, text }) => `${name}: ${text}`)
    .join(' ');

/** What a digest tells; nothing where nothing is known of its period, or the rule is younger than its end. */
export function decideDigest(rule: RuleOf<'digest'>, { now, zone, keys, spend, facts }: Situation): Told[] {
  const { from, to } = digestPeriod(rule, now, zone);
  const spent = spend.ofDays(rule.key_id, from, to);
  if (spent === null || startOfLocalDay(addDays(to, 2), zone) <= rule.createdAt) return [];
  const days = countDays(from, to);
  const before = spend.ofDays(rule.key_id, addDays(from, -days), addDays(from, -1));
  const today = localDayOf(now, zone);
  const monthUsd = spend.ofDays(rule.key_id, startOfMonth(today), today);
  const daily = Array.from({ length: PACE_DAYS }, (_, index) => addDays(today, -1 - index)).map((day) =>
    spend.ofDays(rule.key_id, day, day),
  );
  const inPeriod = facts.filter(({ date, keyId }) => date >= from && date <= to && (rule.key_id === null || rule.key_id === keyId));
  const change = changeOf(spent, before);
  const figures: Figures = {
    period: rule.every,
    from,
    to,
    spent_usd: spent,
    before_usd: before,
    change: change === null ? null : formatChange(change),
    top_keys:
      rule.key_id === null ? topOf(inPeriod, ({ keyId }) => keys.find(({ id }) => id === keyId)?.name ?? 'a key that is gone') : null,
    top_models: topOf(
      inPeriod.filter(({ model }) => model !== null),
      ({ model }) => model ?? '',
    ),
    month_usd: monthUsd,
    projected_usd: projectMonth(monthUsd, spend.ofDays(rule.key_id, today, today), daily, today),
    attention: attentionText(keys, now, zone),
  };
  return [
    {
      subject: subjectOf(rule.key_id),
      keyId: rule.key_id,
      occasion: `digest ${rule.every} ${from}`,
      is: 'digest',
      figures,
    },
  ];
}

/** How far back a digest looks. */
export function digestFrom({ every }: Pick<RuleOf<'digest'>, 'every'>, today: string): string {
  const back = addDays(today, every === 'day' ? -PACE_DAYS : -28);
  const month = startOfMonth(today);
  return back < month ? back : month;
}
