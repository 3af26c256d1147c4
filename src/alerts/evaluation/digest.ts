/** Digests of a past day or week. Pure. */
import type { Key } from '../../keys/advice.ts';
import { addDays, countDays, periodOf, startOfMonth } from '../../lib/day.ts';
import { asKnown, formatChange, formatUsd } from '../../lib/format.ts';
import { usdFromNano, usdFromNanoOrNull } from '../../lib/money.ts';
import { remember } from '../../lib/remember.ts';
import { instantOfLocalHour, localDayOf, startOfLocalDay } from '../../lib/zone.ts';
import type { Fact } from '../../usage/model.ts';
import type { Figures, RuleMatch } from '../events/describe.ts';
import type { RuleOf } from '../model.ts';
import { attentionOf } from './attention.ts';
import { changeOf } from './change.ts';
import { forecastOf, isForecastComplete, monthOf } from './forecast.ts';
import { type EvaluationInput, subjectOf } from './situation.ts';
import { type Days, PACE_DAYS, type SpendQuery } from './spend.ts';

const TOP = 3;
const BACK_DAYS = { day: PACE_DAYS, week: 28 };

const moneyText = (credits: number, byok: number): string =>
  byok === 0 ? formatUsd(usdFromNano(credits)) : `${formatUsd(usdFromNano(credits))} + ${formatUsd(usdFromNano(byok))} BYOK`;

/** `a $3.00, b $2.00` */
function topOf(facts: readonly Fact[], nameOf: (fact: Fact) => string, isComplete: (fact: Fact) => boolean): string {
  const sums = new Map<string, { credits: number; byok: number }>();
  const partial = new Set<string>();
  for (const fact of facts) {
    const sum = sums.get(nameOf(fact)) ?? { credits: 0, byok: 0 };
    if (!isComplete(fact)) partial.add(nameOf(fact));
    sum.credits += fact.measures.costNano ?? 0;
    sum.byok += fact.measures.byokCostNano ?? 0;
    sums.set(nameOf(fact), sum);
  }
  const size = ({ credits, byok }: { credits: number; byok: number }): number => credits + byok;
  const ranked = [...sums].filter(([, sum]) => size(sum) > 0).sort(([, a], [, b]) => size(b) - size(a));
  return ranked
    .slice(0, TOP)
    .map(([name, { credits, byok }]) => `${name} ${asKnown(moneyText(credits, byok), !partial.has(name))}`)
    .join(', ');
}

/** The last period that is over and due: from the rule's hour on, of weeks on Monday. */
export function digestPeriod({ every, hour }: Pick<RuleOf<'digest'>, 'every' | 'hour'>, now: number, zone: string) {
  const today = localDayOf(now, zone);
  const current = periodOf(every, today).from;
  const isTime = now >= instantOfLocalHour(current, hour, zone);
  return periodOf(every, addDays(isTime ? current : periodOf(every, addDays(current, -1)).from, -1));
}

const attentionText = (keys: readonly Key[], now: number, zone: string): string =>
  attentionOf(keys, [], now, zone)
    .filter(({ tone }) => tone !== 'info')
    .map(({ name, text }) => `${name}: ${text}`)
    .join(' ');

function figuresOf(situation: EvaluationInput, asked: SpendQuery, { from, to }: Days) {
  const { spend } = situation;
  const days = countDays(from, to);
  const compared = spend.daysBeside(asked, { from, to }, { from: addDays(from, -days), to: addDays(from, -1) });
  const change = compared && changeOf(compared.spent, compared.before);
  const month = monthOf(situation, asked);
  return {
    spent: usdFromNanoOrNull(spend.ofDays(asked, from, to)),
    before: usdFromNanoOrNull(compared?.before ?? null),
    change: change === null ? null : formatChange(change),
    month: usdFromNanoOrNull(month.nano),
    isMonthKnown: month.isComplete,
    projected: usdFromNanoOrNull(forecastOf(situation, asked, 'month')),
    isProjectedWhole: isForecastComplete(situation, asked),
  };
}

/** Empty where nothing is known of the period, or the rule is younger than its end. */
export function decideDigest(rule: RuleOf<'digest'>, situation: EvaluationInput): RuleMatch[] {
  const { now, zone, keys, spend, facts } = situation;
  const { from, to } = digestPeriod(rule, now, zone);
  const { key_id } = rule;
  const credits = figuresOf(situation, { key_id, counts: 'credits' }, { from, to });
  const byok = figuresOf(situation, { key_id, counts: 'byok' }, { from, to });
  if (credits.spent === null || startOfLocalDay(addDays(to, 2), zone) <= rule.createdAt) return [];
  const inPeriod = facts.filter(({ date, keyId }) => date >= from && date <= to && (key_id === null || key_id === keyId));
  const isComplete = spend.isComplete(key_id, from, to);
  const isKeyComplete = remember((keyId: number) => spend.isComplete(keyId, from, to));
  // Spend without a model name may belong to any model.
  const isNamed = isComplete && inPeriod.every(({ model }) => model !== null);
  const figures: Figures = {
    period: rule.every,
    from,
    to,
    known: isComplete ? 'all' : 'part',
    spent_usd: credits.spent,
    byok_usd: byok.spent,
    before_usd: credits.before,
    change: credits.change,
    byok_change: byok.change,
    top_keys:
      key_id === null
        ? topOf(
            inPeriod,
            ({ keyId }) => keys.find(({ id }) => id === keyId)?.name ?? 'a deleted key',
            ({ keyId }) => isKeyComplete(keyId),
          )
        : null,
    top_models: topOf(
      inPeriod.filter(({ model }) => model !== null),
      ({ model }) => model ?? '',
      () => isNamed,
    ),
    month_known: credits.isMonthKnown ? 'all' : 'part',
    month_usd: credits.month,
    byok_month_usd: byok.month,
    projected_known: credits.isProjectedWhole ? 'all' : 'part',
    projected_usd: credits.projected,
    byok_projected_usd: byok.projected,
    attention: attentionText(keys, now, zone),
  };
  return [{ subject: subjectOf(key_id), keyId: key_id, dedupeKey: `digest ${rule.every} ${from}`, is: 'digest', figures }];
}

export function digestFrom({ every }: Pick<RuleOf<'digest'>, 'every'>, today: string): string {
  const back = addDays(today, -BACK_DAYS[every]);
  const month = startOfMonth(today);
  return back < month ? back : month;
}
