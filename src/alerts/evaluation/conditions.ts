/** Conditions of keys that last until they recover. Pure. */
import type { Key } from '../../keys/advice.ts';
import { HOUR_MS, MINUTE_MS } from '../../lib/day.ts';
import { compareProducts, usdFromNanoOrNull } from '../../lib/money.ts';
import { localDayOf } from '../../lib/zone.ts';
import type { Figures } from '../events/describe.ts';
import type { RuleOf, RuleType } from '../model.ts';
import type { EvaluationInput } from './situation.ts';

/** `unknown`: cannot be judged now, so an open event stays; `not_applicable`: the rule does not apply to this key (any more). */
export type ConditionResult = { is: 'holding' | 'ok'; figures: Figures } | 'unknown' | 'not_applicable';

/** Recovers only this far above the mark, so that a figure around the mark alerts once. */
const MARGIN = 1.1;

type Level = 'below' | 'near' | 'above';

/** Compares two products. Reaching `most`, the possible maximum, always counts as above. */
function levelOf(figure: readonly number[], mark: readonly number[], most: number | null = null): Level {
  if (compareProducts(figure, mark) < 0) return 'below';
  const isWell = compareProducts(figure, [...mark, MARGIN]) >= 0 || (most !== null && compareProducts(figure, [most]) >= 0);
  return isWell ? 'above' : 'near';
}

type Evaluate<T extends RuleType> = (rule: RuleOf<T>, key: Key, situation: EvaluationInput) => ConditionResult;

export const evaluateLimit: Evaluate<'limit_remaining'> = (rule, key) => {
  const { limit_usd: limit, limit_remaining_usd: left } = key;
  if (!key.is_active || key.vanished_at !== null || limit === null || limit <= 0) return 'not_applicable';
  if (key.status === 'invalid' || left === null) return 'unknown';
  const level = levelOf([left], [rule.below_ratio, limit], limit);
  if (level === 'near') return 'unknown';
  return { is: level === 'below' ? 'holding' : 'ok', figures: { limit_usd: limit, left_usd: left, resets: key.limit_reset } };
};

/** USD per day of an account; null: too few days known. */
function paceOf(account: Key, { now, zone, keys, spend }: EvaluationInput): number | null {
  const members = keys.filter((key) => key.id === account.id || key.managed_by === account.id).map(({ id }) => id);
  return usdFromNanoOrNull(spend.paceOf(members, 'credits', localDayOf(now, zone)));
}

export const evaluateBalance: Evaluate<'balance'> = (rule, key, situation) => {
  const balance = key.balance_usd;
  if (key.kind !== 'management' || !key.is_active || key.managed_by !== null) return 'not_applicable';
  if (balance === null || key.status !== 'active') return 'unknown';
  const pace = rule.days === undefined ? null : paceOf(key, situation);
  const lasts = pace === null || pace <= 0 ? null : Math.max(0, balance) / pace;
  const levels = [
    ...(rule.below_usd === undefined ? [] : [levelOf([balance], [rule.below_usd])]),
    ...(rule.days === undefined || pace === null || pace <= 0 ? [] : [levelOf([Math.max(0, balance)], [rule.days, pace])]),
  ];
  const figures = { balance_usd: balance, lasts_days: lasts, pace_usd: pace };
  if (levels.includes('below')) return { is: 'holding', figures };
  const isOpen = levels.includes('near') || (rule.days !== undefined && pace === null);
  return isOpen ? 'unknown' : { is: 'ok', figures };
};

export const evaluateInvalid: Evaluate<'key_invalid'> = (_, key) => {
  if (!key.is_active) return 'not_applicable';
  // It had expired before it was found.
  if (key.is_expired && (key.expires_at ?? '') <= key.created_at) return 'not_applicable';
  if (key.status === 'invalid') return { is: 'holding', figures: { reason: key.last_error } };
  return key.status === 'active' ? { is: 'ok', figures: {} } : 'unknown';
};

/** Cron runs are not exactly periodic, so keys synced in the same run become overdue in the same run. */
const CRON_SLACK_MS = 5 * MINUTE_MS;

export const evaluateOverdue: Evaluate<'sync_overdue'> = (rule, key, { now }) => {
  if (!key.is_active || key.kind === 'management' || key.status === 'invalid') return 'not_applicable';
  const since = Date.parse(key.last_synced_at ?? key.created_at);
  const isOverdue = now - since > rule.hours * HOUR_MS - CRON_SLACK_MS;
  return { is: isOverdue ? 'holding' : 'ok', figures: { last_synced_at: key.last_synced_at, reason: key.last_error } };
};
