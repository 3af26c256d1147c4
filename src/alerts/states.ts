/** States of keys that last until they are over: what is the matter with each key that a rule is about. Pure. */
import type { Key } from '../keys/advice.ts';
import { HOUR_MS } from '../lib/day.ts';
import { compareProducts, usdFromNanoOrNull } from '../lib/money.ts';
import { localDayOf } from '../lib/zone.ts';
import type { RuleOf, RuleType } from './model.ts';
import type { Situation } from './situation.ts';
import type { Figures } from './words.ts';

/**
 * What is said of a key: the figures of a state that holds; `fine`: it does not; `unknown`: nothing can be said now, so what was said stays;
 * `moot`: the question makes no sense of this key (any more).
 */
export type Judgement = Figures | 'fine' | 'unknown' | 'moot';

type Judge<T extends RuleType> = (rule: RuleOf<T>, key: Key, situation: Situation) => Judgement;

export const judgeLimit: Judge<'limit_remaining'> = (rule, key) => {
  const { limit_usd: limit, limit_remaining_usd: left } = key;
  if (!key.is_active || key.vanished_at !== null || limit === null || limit <= 0) return 'moot';
  if (key.status === 'invalid' || left === null) return 'unknown';
  return compareProducts([left], [rule.below_ratio, limit]) < 0 ? { limit_usd: limit, left_usd: left, resets: key.limit_reset } : 'fine';
};

/** What an account spends a day of late, USD; null if too few days are known. */
function paceOf(account: Key, { now, zone, keys, spend }: Situation): number | null {
  const members = keys.filter((key) => key.id === account.id || key.managed_by === account.id).map(({ id }) => id);
  return usdFromNanoOrNull(spend.paceOf(members, 'credits', localDayOf(now, zone)));
}

export const judgeBalance: Judge<'balance'> = (rule, key, situation) => {
  const balance = key.balance_usd;
  if (key.kind !== 'management' || !key.is_active || key.managed_by !== null) return 'moot';
  if (balance === null || key.status !== 'active') return 'unknown';
  const pace = rule.days === undefined ? null : paceOf(key, situation);
  const lasts = pace === null || pace <= 0 ? null : Math.max(0, balance) / pace;
  const isLow = rule.below_usd !== undefined && compareProducts([balance], [rule.below_usd]) < 0;
  const isShort = rule.days !== undefined && pace !== null && pace > 0 && compareProducts([Math.max(0, balance)], [rule.days, pace]) < 0;
  if (isLow || isShort) return { balance_usd: balance, lasts_days: lasts, pace_usd: pace };
  return rule.days !== undefined && pace === null ? 'unknown' : 'fine';
};

export const judgeInvalid: Judge<'key_invalid'> = (_, key) => {
  if (!key.is_active) return 'moot';
  // What had expired before it was found is no news.
  if (key.is_expired && (key.expires_at ?? '') <= key.created_at) return 'moot';
  if (key.status === 'invalid') return { reason: key.last_error };
  return key.status === 'active' ? 'fine' : 'unknown';
};

export const judgeOverdue: Judge<'sync_overdue'> = (rule, key, { now }) => {
  if (!key.is_active || key.kind === 'management' || key.status === 'invalid') return 'moot';
  const since = Date.parse(key.last_synced_at ?? key.created_at);
  return now - since > rule.hours * HOUR_MS ? { last_synced_at: key.last_synced_at, reason: key.last_error } : 'fine';
};
