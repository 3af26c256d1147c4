/** Rules and events in English. Pure. */
import type { Key } from '../../keys/advice.ts';
import {
  formatCount,
  formatDay,
  formatDayShort,
  formatInstant,
  formatKnownUsd,
  formatMonth,
  formatPercent,
  formatUsd,
} from '../../lib/format.ts';
import type { BudgetPeriod, Counts, Rule, RuleInput, RuleType } from '../model.ts';

export type Figures = Record<string, number | string | null>;

export interface RuleMatch {
  subject: string;
  keyId: number | null;
  /** '' for a condition. */
  dedupeKey: string;
  is: 'threshold' | 'forecast' | 'spike' | 'condition' | 'one_time' | 'digest';
  figures: Figures;
  /** Larger thresholds: once one has fired, this one is no news. */
  surpassedBy?: readonly string[];
}

export interface Finding extends Omit<RuleMatch, 'is'> {
  title: string;
  text: string;
  path: string;
}

const nameOf = (keyId: number | null, keys: readonly Pick<Key, 'id' | 'name'>[]): string =>
  keyId === null ? 'all keys' : (keys.find(({ id }) => id === keyId)?.name ?? 'a deleted key');

const startOf = (name: string): string => (name === 'all keys' ? 'All keys' : name);

const usd = (figure: Figures[string] | undefined): string => formatUsd(typeof figure === 'number' ? figure : null);
const text = (figure: Figures[string] | undefined): string => String(figure ?? '');

function periodName({ period, from, to }: Figures): string {
  if (period === 'day') return formatDay(text(from));
  return period === 'month' ? formatMonth(text(from)) : `the week of ${formatDayShort(text(from))} to ${formatDayShort(text(to))}`;
}

interface Words {
  title: string;
  text: string;
}

const SPENT_ON: Record<Counts, string> = { credits: '', byok: ' on BYOK', both: ' (BYOK included)' };
const onCounts = (counts: Figures[string] | undefined): string => SPENT_ON[(counts ?? 'credits') as Counts];

/** Marks a lower bound if only a part is known. */
function moneyText(credits: Figures[string] | undefined, byok: Figures[string] | undefined, known: Figures[string] | undefined): string {
  const show = (figure: Figures[string] | undefined) => formatKnownUsd(typeof figure === 'number' ? figure : null, known !== 'part');
  return byok ? `${show(credits)} + ${show(byok)} BYOK` : show(credits);
}

function monthText(figures: Figures): string | null {
  if (figures['month_usd'] === null) return null;
  const so = moneyText(figures['month_usd'], figures['byok_month_usd'], figures['month_known']);
  const byok = figures['byok_month_usd'] ? figures['byok_projected_usd'] : null;
  return `This month: ${so}${figures['projected_usd'] === null ? '' : `, projected ${moneyText(figures['projected_usd'], byok, figures['projected_known'] ?? 'all')}`}.`;
}

const DESCRIBE: Record<RuleType, (match: RuleMatch, name: string) => Words> = {
  budget({ is, figures }, name) {
    const so = `${startOf(name)} spent ${usd(figures['spent_usd'])} of ${usd(figures['amount_usd'])}${onCounts(figures['counts'])} ${figures['period'] === 'day' ? 'on' : 'in'} ${periodName(figures)}`;
    if (is === 'forecast') {
      return {
        title: `Budget for ${name}: on track to exceed`,
        text: `${so}. At this pace it will reach ${usd(figures['forecast_usd'])}.`,
      };
    }
    return { title: `Budget for ${name}: ${formatPercent(Number(figures['threshold']))} reached`, text: `${so}.` };
  },
  limit_remaining({ is, figures }, name) {
    if (is === 'one_time') {
      const [left, limit] = [formatCount(Number(figures['free_left'])), formatCount(Number(figures['free_limit']))];
      return {
        title: `Free requests of ${name} nearly used up`,
        text: `${left} of ${limit} free-model requests left for the whole account today (UTC).`,
      };
    }
    return {
      title: `Limit of ${name} nearly used up`,
      text: `${usd(figures['left_usd'])} of ${usd(figures['limit_usd'])} left${figures['resets'] === null ? '' : `; resets ${figures['resets']}`}.`,
    };
  },
  balance({ figures }, name) {
    const lasts = figures['lasts_days'];
    return {
      title: `Balance of ${name} is low`,
      text: `${usd(figures['balance_usd'])} left${typeof lasts === 'number' ? `, enough for ${lasts.toFixed(1)} days at ${usd(figures['pace_usd'])} per day` : ''}.`,
    };
  },
  spike: ({ figures }, name) => ({
    title: `Spend spike on ${name}`,
    text: `${usd(figures['spent_usd'])} ${figures['window'] === 'day' ? `on ${formatDay(text(figures['at']))}` : `in the hour from ${formatInstant(text(figures['at']), 'UTC')} UTC`}${figures['byok_usd'] ? `, ${usd(figures['byok_usd'])} of it BYOK` : ''}; usually ${usd(figures['median_usd'])}.`,
  }),
  digest({ figures }, name) {
    const than = figures['period'] === 'day' ? 'the day before' : 'the week before';
    const parts = [
      figures['change'] === null ? null : `${figures['change']} vs ${than}.`,
      figures['byok_change'] === null || !figures['byok_usd'] ? null : `BYOK: ${figures['byok_change']} vs ${than}.`,
      figures['top_keys'] && `Keys: ${figures['top_keys']}.`,
      figures['top_models'] && `Models: ${figures['top_models']}.`,
      monthText(figures),
      figures['attention'] ? `Needs attention: ${figures['attention']}` : null,
    ];
    return {
      title: `${moneyText(figures['spent_usd'], figures['byok_usd'], figures['known'])} on ${name}, ${periodName(figures)}`,
      text: parts.filter(Boolean).join('\n'),
    };
  },
  key_invalid: ({ figures }, name) => ({ title: `${name} is invalid`, text: text(figures['reason']) || 'OpenRouter rejects the key.' }),
  key_expiring: ({ figures }, name) => ({
    title: `${name} expires soon`,
    text: `Expires on ${formatInstant(text(figures['expires_at']), 'UTC')} UTC.`,
  }),
  key_discovered: ({ figures }, name) => ({
    title: `New key: ${name}`,
    text: `Found in the account on ${formatInstant(text(figures['found_at']), 'UTC')} UTC.`,
  }),
  sync_overdue: ({ figures }, name) => ({
    title: `${name} is overdue for sync`,
    text: `${figures['last_synced_at'] === null ? 'Never synced' : `Last synced on ${formatInstant(text(figures['last_synced_at']), 'UTC')} UTC`}.${figures['reason'] ? ` ${figures['reason']}` : ''}`,
  }),
};

function pathOf(type: RuleType, { keyId, figures }: RuleMatch): string {
  const { from, to, counts } = figures;
  const metric = counts === 'byok' ? '&metric=byok_cost' : '';
  if (['budget', 'spike', 'digest'].includes(type) && from && to)
    return `/explore?range=custom&from=${from}&to=${to}&by=model${metric}${keyId === null ? '' : `&key=${keyId}`}`;
  return keyId === null ? '/dashboard' : `/keys/${keyId}`;
}

export function describeFinding(rule: Pick<Rule, 'type' | 'name'>, match: RuleMatch, keys: readonly Pick<Key, 'id' | 'name'>[]): Finding {
  const words = DESCRIBE[rule.type](match, nameOf(match.keyId, keys));
  const { is: _, ...rest } = match;
  return { ...rest, ...words, title: rule.name === null ? words.title : `${rule.name}: ${words.title}`, path: pathOf(rule.type, match) };
}

export interface Recovery {
  text: string;
  figures: Figures;
}

export function describeRecovery(type: RuleType, figures: Figures): string {
  switch (type) {
    case 'limit_remaining':
      return `${usd(figures['left_usd'])} of ${usd(figures['limit_usd'])} left again.`;
    case 'balance':
      return `${usd(figures['balance_usd'])} left again.`;
    case 'key_invalid':
      return 'OpenRouter accepts the key again.';
    case 'sync_overdue':
      return figures['last_synced_at'] === null
        ? 'Synced again.'
        : `Synced again on ${formatInstant(text(figures['last_synced_at']), 'UTC')} UTC.`;
    default:
      return 'Recovered.';
  }
}

const PERIODS: Record<BudgetPeriod, string> = { day: 'per day', week: 'per week', month: 'per month' };
const list = (words: readonly string[]): string => new Intl.ListFormat('en').format(words);
const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** Empty for what the type of rule counts by default. */
const countsOf = (counts: Counts, usual: Counts): string =>
  counts === usual ? '' : { credits: ' in credits', byok: ' on BYOK', both: ' (BYOK included)' }[counts];

function conditionOf(rule: Exclude<RuleInput, { type: 'digest' }>, name: string): string {
  const one = rule.key_id === null ? 'a key' : name;
  switch (rule.type) {
    case 'budget': {
      const shares = list(rule.thresholds.map((threshold) => formatPercent(threshold)));
      return `the spend of ${name}${countsOf(rule.counts, 'credits')} reaches ${shares} of ${formatUsd(rule.amount_usd)} ${PERIODS[rule.period]}${rule.forecast ? ', or is on track to exceed it' : ''}`;
    }
    case 'limit_remaining':
      return `less than ${formatPercent(rule.below_ratio)} remains of the limit of ${one}, or of ${rule.key_id === null ? 'an' : 'its'} account’s daily free-model requests`;
    case 'balance': {
      const parts = [
        ...(rule.below_usd === undefined ? [] : [`falls below ${formatUsd(rule.below_usd)}`]),
        ...(rule.days === undefined ? [] : [`lasts less than ${plural(rule.days, 'day')}`]),
      ];
      return `the balance of ${rule.key_id === null ? 'an account' : name} ${parts.join(' or ')}`;
    }
    case 'spike':
      return `the spend of ${name}${countsOf(rule.counts, 'both')} in ${rule.window === 'hour' ? 'an hour' : 'a day'} is more than ${rule.factor} times the usual and at least ${formatUsd(rule.min_usd)}`;
    case 'key_invalid':
      return `OpenRouter rejects ${one}`;
    case 'key_expiring':
      return `${one} expires within ${plural(rule.days, 'day')}`;
    case 'key_discovered':
      return 'a new key appears in an account';
    case 'sync_overdue':
      return `${one} has not synced for ${plural(rule.hours, 'hour')}`;
  }
}

const ACTIONS = {
  none: '',
  dry_run: ' When the budget is used up, only report what would be done to the key (dry run).',
  disable: ' When the budget is used up, the key is disabled at OpenRouter',
  limit: ' When the budget is used up, it becomes the key’s limit at OpenRouter (in UTC days, weeks or months)',
} as const;

function actionOf(rule: RuleInput): string {
  if (rule.type !== 'budget') return '';
  const end = rule.restore ? ', until the next period begins.' : ', until you change it there.';
  return ACTIONS[rule.action] + (rule.action === 'disable' || rule.action === 'limit' ? end : '');
}

export function describeRule(rule: RuleInput, keys: readonly Pick<Key, 'id' | 'name'>[]): string {
  const name = nameOf(rule.key_id, keys);
  if (rule.type !== 'digest') return `Notify when ${conditionOf(rule, name)}.${actionOf(rule)}`;
  return `Send a ${rule.every === 'day' ? 'daily' : 'weekly'} digest of ${name}${rule.every === 'day' ? '' : ' on Monday'} at ${rule.hour}:00.`;
}
