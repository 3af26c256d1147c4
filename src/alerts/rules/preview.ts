/** What an armed budget would do, and when. */
import type * as z from 'zod';
import { type Actor, authorize } from '../../actor.ts';
import type { Deps } from '../../deps.ts';
import { failField, failFields, fieldErrorsOf } from '../../errors.ts';
import { formatUsd } from '../../lib/format.ts';
import { requireUser } from '../../users/password-check.ts';
import { nextPeriodOf, plannedAction } from '../breaker/model.ts';
import { loadRuleContextsAcrossUsers } from '../evaluation/evaluate.ts';
import { armingOf, createRuleSchema, parametersOf, type previewQuerySchema, type Rule, type RuleInput } from '../model.ts';
import { budgetsOf } from './budgets.ts';
import { checkActionKey, checkReferences } from './checks.ts';

const NO_ID = 0;

/** When a newly armed rule starts to act; null: immediately. */
export async function actsFromOf(deps: Deps, userId: number, input: RuleInput): Promise<number | null> {
  if (input.type !== 'budget' || input.action === 'none' || input.act_from !== 'next_period') return null;
  return nextPeriodOf(input.period, deps.now(), (await requireUser(deps, userId)).timeZone);
}

/** Version and start of a rule's action after a change. An unchanged action keeps its own. */
export async function armedAfter(deps: Deps, userId: number, rule: Rule, input: RuleInput) {
  const { armedVersion, actsFrom } = rule;
  const isAlike = armingOf(input) === armingOf(rule);
  const isAsked = input.type === 'budget' && input.act_from !== undefined && armingOf(input) !== null;
  if (isAlike && !isAsked) return { armedVersion, actsFrom };
  const wanted = await actsFromOf(deps, userId, input);
  const present = actsFrom !== null && actsFrom > deps.now() ? actsFrom : null;
  return isAlike && wanted === present ? { armedVersion, actsFrom } : { armedVersion: rule.version + 1, actsFrom: wanted };
}

/** Uses the same decision as an evaluation. */
async function previewOf(deps: Deps, userId: number, input: RuleInput & { type: 'budget' }) {
  const { timeZone } = await requireUser(deps, userId);
  const imagined = {
    id: NO_ID,
    userId,
    type: input.type,
    name: input.name,
    keyId: input.key_id,
    channelIds: '[]',
    parameters: parametersOf(input),
    version: 0,
    armedVersion: 0,
    actsFrom: await actsFromOf(deps, userId, input),
    createdAt: deps.now(),
    timeZone,
    acted: '[]',
  };
  const [context] = await loadRuleContextsAcrossUsers(deps, [userId], ({ id }) => id === NO_ID, [imagined]);
  const [budget] = context ? budgetsOf(context.rules, context.situation.keys, context.situation) : [];
  const planned = context?.rules.map((rule) => plannedAction(rule, context.situation)) ?? [];
  return { used_usd: budget?.spentUsd ?? null, amount_usd: input.amount_usd, would_do_now: planned[0]?.kind ?? null };
}

export async function previewRule(deps: Deps, actor: Actor, query: z.output<typeof previewQuerySchema>) {
  const userId = authorize(actor, 'manage');
  const parsed = createRuleSchema.safeParse({ type: 'budget', ...query });
  if (!parsed.success) return failFields(fieldErrorsOf(parsed.error));
  checkActionKey(parsed.data, await checkReferences(deps, actor, parsed.data, null));
  return previewOf(deps, userId, parsed.data as RuleInput & { type: 'budget' });
}

/** Asks before a newly armed budget changes its key immediately. @throws AppFailure `invalid` at `act_from`, saying what would happen */
export async function askWhenToAct(deps: Deps, actor: Actor, input: RuleInput, before: Rule | null): Promise<void> {
  const userId = authorize(actor, 'manage');
  if (input.type !== 'budget' || input.act_from !== undefined || armingOf(input) === null) return;
  if (before && armingOf(before) === armingOf(input)) return;
  checkActionKey(input, await checkReferences(deps, actor, input, before));
  const { used_usd, amount_usd, would_do_now } = await previewOf(deps, userId, input);
  if (would_do_now === null || would_do_now === 'dry_run') return;
  const what = would_do_now === 'disable' ? 'disabled' : 'limited';
  failField(
    'act_from',
    `${formatUsd(used_usd)} of ${formatUsd(amount_usd)} is already used: the key would be ${what} now. Choose when, and enter your password again.`,
  );
}
