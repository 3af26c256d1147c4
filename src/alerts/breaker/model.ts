/** The circuit breaker's state machine: what a budget does to its key at OpenRouter. Pure. */
import type * as z from 'zod';
import { addDays, isoOrNull, periodOf } from '../../lib/day.ts';
import { localDayOf, startOfLocalDay } from '../../lib/zone.ts';
import { isSet, type KeyChange, type KeySettings } from '../../openrouter/account.ts';
import type { EvaluationInput } from '../evaluation/situation.ts';
import type { BudgetPeriod, Rule } from '../model.ts';
import type { actionSchema } from '../responses.ts';
import { budgetsOf, isUsedUp } from '../rules/budgets.ts';
import type { breakerAction } from '../table.ts';

export type ActionRow = typeof breakerAction.$inferSelect;

/** `before`: the owner's settings of the key, before any action in force changed them; null: nothing was changed yet. */
export type Action = Omit<ActionRow, 'before'> & { before: KeySettings | null };

/** The armed version of a rule, and the hash of its key. */
export interface ArmedRule {
  version: number;
  hash: string;
}

const RESETS: Record<BudgetPeriod, 'daily' | 'weekly' | 'monthly'> = { day: 'daily', week: 'weekly', month: 'monthly' };

/** A limit uses OpenRouter's own (UTC) period. */
export const changeFor = ({ kind, amountUsd, period }: Pick<ActionRow, 'kind' | 'amountUsd' | 'period'>): KeyChange =>
  kind === 'limit' ? { limit: amountUsd, limit_reset: RESETS[period] } : { disabled: true };

const restoringChange = (kind: ActionRow['kind'], before: KeySettings): KeyChange =>
  kind === 'limit' ? { limit: before.limit, limit_reset: before.limit_reset } : { disabled: before.disabled };

/** OpenRouter left open whether it made the change. If the key shows it, it is restored like any other. */
const isUnsure = ({ state, before }: Pick<Action, 'state' | 'before'>): boolean => state === 'refused' && before !== null;

export function stepOf(
  action: Pick<Action, 'state' | 'restore' | 'restoreAt' | 'kind' | 'before'>,
  now: number,
): 'trip' | 'restore' | null {
  if (action.state === 'planned') return 'trip';
  const isTaken = action.state === 'done' || isUnsure(action);
  return isTaken && action.restore && action.kind !== 'dry_run' && now >= action.restoreAt ? 'restore' : null;
}

/** An action without restore ends with its period. An interrupted one is in force if the key shows its change. */
const isInForce = (action: Action, settings: KeySettings, now: number): boolean => {
  const { state, restore, restoreAt, before } = action;
  const isTaken = state === 'done' || state === 'refused' || (state === 'planned' && isSet(settings, changeFor(action)));
  return before !== null && isTaken && (restore || now < restoreAt);
};

/** The limit that lasts longer wins, then the lower one. */
const isStronger = (a: Action, b: Action): boolean =>
  a.restoreAt > b.restoreAt || (a.restoreAt === b.restoreAt && a.amountUsd < b.amountUsd);

const TEXTS = {
  dryRun: 'Dry run: the key would have been disabled. Nothing was changed.',
  disabled: 'The key is disabled at OpenRouter.',
  limited: 'The budget is now the limit of the key at OpenRouter.',
  enabled: 'The key is enabled again at OpenRouter.',
  unlimited: 'The key has its previous limit at OpenRouter again.',
  changed: 'The rule has changed.',
  over: 'The period ended before the key could be changed.',
  alike: 'The key was already set that way.',
  otherLimit: 'The limit of another budget applies longer, so it stays.',
  otherBudget: 'Another budget of the key is used up too.',
  byHand: 'Somebody else has changed the key, so it is left alone.',
  anew: 'The rule was changed and acted again.',
} as const;

const doneText = ({ kind }: Action): string => ({ dry_run: TEXTS.dryRun, disable: TEXTS.disabled, limit: TEXTS.limited })[kind];
const restoredText = ({ kind }: Action): string => (kind === 'limit' ? TEXTS.unlimited : TEXTS.enabled);

export interface Next {
  state: ActionRow['state'];
  answer: string;
  write?: KeyChange;
  /** Recorded before the key is changed. */
  before?: KeySettings;
  /** Actions that no longer hold the key: its owner changed it, or this action replaces them. */
  left?: { ids: number[]; answer: string };
}

/** Null: the trip may proceed. */
function obstacleTo(action: Action, rule: ArmedRule | null, now: number): string | null {
  if (rule === null || rule.version !== action.ruleVersion || rule.hash !== action.hash) return TEXTS.changed;
  return now >= action.restoreAt ? TEXTS.over : null;
}

function trip(action: Action, rule: ArmedRule | null, settings: KeySettings, others: readonly Action[], now: number): Next {
  const change = changeFor(action);
  const isAsChanged = isSet(settings, change);
  // An interrupted step that did change the key is done, whatever became of the rule: it may need a restore.
  const isMade = isAsChanged && action.before !== null;
  const obstacle = obstacleTo(action, rule, now);
  if (obstacle !== null && !isMade) return { state: 'skipped', answer: obstacle };
  if (action.kind === 'dry_run') return isAsChanged ? { state: 'skipped', answer: TEXTS.alike } : { state: 'done', answer: TEXTS.dryRun };
  const holding = others.filter((other) => other.kind === action.kind && isInForce(other, settings, now));
  const shown = holding.filter((other) => isSet(settings, changeFor(other)));
  // The key shows none of their changes, so its owner changed it since.
  const isByHand = shown.length === 0;
  const ids = holding.filter(({ ruleId }) => isByHand || ruleId === action.ruleId).map(({ id }) => id);
  const left = { ids, answer: isByHand ? TEXTS.byHand : TEXTS.anew };
  const done = { state: 'done' as const, answer: doneText(action), left };
  const base = shown[0]?.before;
  if (isSet(settings, change)) {
    const before = action.before ?? base;
    return before ? { ...done, before } : { state: 'skipped', answer: TEXTS.alike, left };
  }
  if (shown.some((other) => other.ruleId !== action.ruleId && isStronger(other, action)))
    return { state: 'skipped', answer: TEXTS.otherLimit };
  return { ...done, before: base ?? settings, write: change };
}

/** The key is set as this action left it, or as a later or unsettled action did. */
const isOurs = (action: Action, settings: KeySettings, others: readonly Action[]): boolean =>
  [action, ...others.filter((other) => (other.doneAt ?? Number.POSITIVE_INFINITY) >= (action.doneAt ?? 0))].some((one) =>
    isSet(settings, changeFor(one)),
  );

function restore(action: Action, settings: KeySettings, others: readonly Action[], now: number): Next {
  // Where OpenRouter left open whether it changed the key and did not, nothing happened and nothing is reported.
  const unmade = action.state === 'refused' && action.answer !== null ? { state: action.state, answer: action.answer } : null;
  const alike = others.filter((other) => other.kind === action.kind);
  const back = restoringChange(action.kind, action.before ?? settings);
  if (isSet(settings, back)) return unmade ?? { state: 'restored', answer: restoredText(action) };
  if (!isOurs(action, settings, alike)) return unmade ?? { state: 'left', answer: TEXTS.byHand };
  if (alike.some((other) => isInForce(other, settings, now) && now < other.restoreAt))
    return unmade ?? { state: 'left', answer: TEXTS.otherBudget };
  return { state: 'restored', answer: restoredText(action), write: back };
}

/**
 * The next state of an action, and the change that leads there.
 * @param rule as armed now; null: disarmed or deleted
 * @param settings of the key at OpenRouter now
 * @param others actions on the same key that were not restored
 * @returns null: nothing to do (yet)
 */
export function next(action: Action, rule: ArmedRule | null, settings: KeySettings, others: readonly Action[], now: number): Next | null {
  const step = stepOf(action, now);
  if (step === null) return null;
  return step === 'trip' ? trip(action, rule, settings, others, now) : restore(action, settings, others, now);
}

/** `isCertain`: the key was certainly not changed. */
export interface StepFailure {
  text: string;
  isPassing: boolean;
  isCertain: boolean;
}

export type Settled = Pick<Action, 'state' | 'before'> & { answer: string };

/** What turned out not to be made is not asked about again. */
export const settledAs = (action: Action, { state, answer, before }: Next): Settled => ({
  state,
  answer,
  before: state === 'refused' ? null : (before ?? action.before),
});

export function afterFailure(action: Action, failure: StepFailure, isLast: boolean): Settled | null {
  if (failure.isPassing && !isLast) return null;
  if (action.state !== 'planned') return { state: 'left', answer: failure.text, before: action.before };
  return { state: 'refused', answer: failure.text, before: failure.isCertain ? null : action.before };
}

export interface PlannedAction {
  ruleId: number;
  ruleVersion: number;
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

/** An armed rule acts on a secret once per period. */
export type ActionName = Pick<PlannedAction, 'ruleId' | 'ruleVersion' | 'period' | 'periodFrom' | 'hash'>;

const isSame = (a: ActionName, b: ActionName): boolean =>
  a.ruleId === b.ruleId && a.ruleVersion === b.ruleVersion && a.period === b.period && a.periodFrom === b.periodFrom && a.hash === b.hash;

/** The action of a budget that is used up in the current period; null: none, or it was already taken. */
export function plannedAction(rule: Rule, situation: EvaluationInput, acted: readonly ActionName[] = []): PlannedAction | null {
  const { now, zone, keys } = situation;
  if (rule.type !== 'budget' || rule.action === 'none' || rule.key_id === null) return null;
  const [budget] = budgetsOf([rule], keys, situation);
  const key = keys.find(({ id }) => id === rule.key_id);
  if (!budget || !isUsedUp(budget) || !key || key.managed_by === null) return null;
  const { from, to } = periodOf(rule.period, localDayOf(now, zone));
  if (rule.actsFrom !== null && startOfLocalDay(from, zone) < rule.actsFrom) return null;
  const planned = {
    ruleId: rule.id,
    ruleVersion: rule.armedVersion,
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
  return acted.some((one) => isSame(one, planned)) ? null : planned;
}

export const nextPeriodOf = (period: BudgetPeriod, now: number, zone: string): number =>
  startOfLocalDay(addDays(periodOf(period, localDayOf(now, zone)).to, 1), zone);

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
