/** What a tripped budget does to a key, in values and words. Pure. */
import type * as z from 'zod';
import { addDays, isoOrNull, periodOf } from '../lib/day.ts';
import { localDayOf, startOfLocalDay } from '../lib/zone.ts';
import type { KeyChange } from '../openrouter/account.ts';
import type { actionSchema } from './answers.ts';
import type { BudgetPeriod, Rule } from './model.ts';
import type { Situation } from './situation.ts';
import type { breakerAction } from './table.ts';
import type { Finding } from './words.ts';

export type ActionRow = typeof breakerAction.$inferSelect;

const RESETS: Record<BudgetPeriod, 'daily' | 'weekly' | 'monthly'> = { day: 'daily', week: 'weekly', month: 'monthly' };

/** What is asked of OpenRouter: to disable the key, or to give it the budget as its limit, with OpenRouter's own (UTC) period. */
export const changeFor = ({ kind, amountUsd, period }: Pick<ActionRow, 'kind' | 'amountUsd' | 'period'>): KeyChange =>
  kind === 'limit' ? { limit: amountUsd, limit_reset: RESETS[period] } : { disabled: true };

/** The next step of an action; null: there is none (yet). */
export function stepOf(
  { state, restore, restoreAt, kind }: Pick<ActionRow, 'state' | 'restore' | 'restoreAt' | 'kind'>,
  now: number,
): 'trip' | 'restore' | null {
  if (state === 'planned') return 'trip';
  return state === 'done' && restore && kind !== 'dry_run' && now >= restoreAt ? 'restore' : null;
}

/** What was done, in words. */
export function describeAction({ kind }: Pick<ActionRow, 'kind'>, state: 'done' | 'restored' | 'left'): string {
  if (kind === 'dry_run') return 'Dry run: the key would have been disabled. Nothing was changed.';
  if (state === 'left') return 'Somebody changed the key meanwhile, so it is left alone.';
  const done = kind === 'disable' ? 'The key is disabled at OpenRouter.' : 'The key has the budget as its limit at OpenRouter.';
  const back = kind === 'disable' ? 'The key is enabled again at OpenRouter.' : 'The key has its former limit again at OpenRouter.';
  return state === 'done' ? done : back;
}

/** What a tripped budget is to do. */
export interface PlannedAction {
  ruleId: number;
  keyId: number;
  managementId: number;
  hash: string;
  kind: ActionRow['kind'];
  period: ActionRow['period'];
  periodFrom: string;
  amountUsd: number;
  restore: boolean;
  restoreAt: number;
}

/** What a rule that has just told that all of its budget is spent does to its key; null: nothing. Only in the period that goes on. */
export function plannedAction(
  rule: Rule,
  fired: readonly Pick<Finding, 'figures'>[],
  { now, zone, keys }: Situation,
): PlannedAction | null {
  if (rule.type !== 'budget' || rule.action === 'none' || rule.key_id === null) return null;
  const { from, to } = periodOf(rule.period, localDayOf(now, zone));
  const isSpent = fired.some(({ figures }) => Number(figures['threshold']) >= 1 && figures['from'] === from);
  const key = keys.find(({ id }) => id === rule.key_id);
  if (!isSpent || !key || key.managed_by === null) return null;
  return {
    ruleId: rule.id,
    keyId: key.id,
    managementId: key.managed_by,
    hash: key.hash,
    kind: rule.action,
    period: rule.period,
    periodFrom: from,
    amountUsd: rule.amount_usd,
    restore: rule.restore,
    restoreAt: startOfLocalDay(addDays(to, 1), zone),
  };
}

/** An action as its owner sees it. */
export const presentAction = (row: ActionRow): z.infer<typeof actionSchema> => ({
  id: row.id,
  rule_id: row.ruleId,
  key_id: row.keyId,
  action: row.kind,
  state: row.state,
  answer: row.answer,
  restore: row.restore,
  restore_at: new Date(row.restoreAt).toISOString(),
  created_at: new Date(row.createdAt).toISOString(),
  done_at: isoOrNull(row.doneAt),
  restored_at: isoOrNull(row.restoredAt),
});
