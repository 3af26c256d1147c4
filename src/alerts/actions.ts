import type * as z from 'zod';
import { type Actor, authorize } from '../actor.ts';
import { record } from '../audit/actions.ts';
import type { AuditAction } from '../audit/model.ts';
import { readTogether } from '../db.ts';
import type { Deps } from '../deps.ts';
import { fail, failField, failFields, fieldErrorsOf } from '../errors.ts';
import { listKeys } from '../keys/actions.ts';
import { isoOrNull } from '../lib/day.ts';
import { beforeOf, cutPage, type PageQuery } from '../lib/paging.ts';
import { presentAction } from './breaker/model.ts';
import { listActions as listStoredActions } from './breaker/store.ts';
import { listChannels } from './channels/actions.ts';
import { evaluateMessages, loadRuleContextsAcrossUsers } from './evaluation/evaluate.ts';
import { describeRule } from './events/describe.ts';
import { presentEvents, type updateEventSchema } from './events/model.ts';
import * as events from './events/store.ts';
import {
  armingOf,
  createRuleSchema,
  MAX_RULES,
  parametersOf,
  type Rule,
  type RuleInput,
  type RuleRow,
  toRule,
  type updateRuleSchema,
} from './model.ts';
import { refuseForeign } from './ownership.ts';
import type { ruleSchema } from './responses.ts';
import { type Budget, budgetsOf } from './rules/budgets.ts';
import { checkAction, checkReferences, type Keys } from './rules/checks.ts';
import { actsFromOf, armedAfter } from './rules/preview.ts';
import * as store from './store.ts';

const MAX_ACTIONS = 50;

type PresentedRule = z.infer<typeof ruleSchema>;

const inputOf = (rule: Rule) => ({
  type: rule.type,
  name: rule.name,
  key_id: rule.key_id,
  channel_ids: rule.channel_ids,
  ...(JSON.parse(parametersOf(rule)) as object),
});

const presentRule = (rule: Rule, keys: Keys): PresentedRule => ({
  id: rule.id,
  ...inputOf(rule),
  sentence: describeRule(rule, keys),
  ...(armingOf(rule) !== null && { acts_from: isoOrNull(rule.actsFrom) }),
  created_at: new Date(rule.createdAt).toISOString(),
});

/** A stored rule that is no longer valid can still be seen and deleted. */
const presentUnreadable = ({ id, type, name, keyId, createdAt }: RuleRow): PresentedRule => ({
  id,
  type,
  name,
  key_id: keyId,
  channel_ids: [],
  sentence: 'This rule is no longer valid. Delete it.',
  created_at: new Date(createdAt).toISOString(),
});

export async function listRules(deps: Deps, actor: Actor): Promise<PresentedRule[]> {
  const userId = authorize(actor, 'manage');
  const keys = await listKeys(deps, actor);
  const [rows] = await readTogether(deps.db, [store.selectRules(deps.db, userId)]);
  return rows.map((row) => {
    const rule = toRule(row);
    return rule ? presentRule(rule, keys) : presentUnreadable(row);
  });
}

export async function listBudgets(deps: Deps, actor: Actor, keyId: number): Promise<Budget[]> {
  const userId = authorize(actor, 'read');
  const isBudget = (rule: Rule): boolean => rule.type === 'budget' && rule.key_id === keyId;
  const [context] = await loadRuleContextsAcrossUsers(deps, [userId], isBudget);
  return context ? budgetsOf(context.rules, context.situation.keys, context.situation) : [];
}

export const listActions = async (deps: Deps, actor: Actor) =>
  (await listStoredActions(deps.db, authorize(actor, 'manage'), MAX_ACTIONS)).map(presentAction);

function auditsOf(before: Rule | null, after: RuleInput, isArmedAnew: boolean): AuditAction[] {
  const armed: AuditAction[] = isArmedAnew ? [armingOf(after) === null ? 'rule_disarmed' : 'rule_armed'] : [];
  return [before ? 'rule_changed' : 'rule_created', ...armed];
}

const titleOf = (rule: RuleInput, keys: readonly { id: number; name: string }[]): string => rule.name ?? describeRule(rule, keys);

export async function createRule(deps: Deps, actor: Actor, input: RuleInput): Promise<PresentedRule> {
  const userId = authorize(actor, 'manage');
  const keys = await checkReferences(deps, actor, input, null);
  await checkAction(deps, actor, userId, input, keys);
  const createdAt = deps.now();
  const actsFrom = await actsFromOf(deps, userId, input);
  const id = await store.insertRule(deps.db, userId, input, { createdAt, actsFrom }, MAX_RULES);
  if (id === null) return fail({ kind: 'limit_reached', detail: `Maximum ${MAX_RULES} rules allowed` });
  for (const action of auditsOf(null, input, armingOf(input) !== null)) await record(deps, userId, actor, action, titleOf(input, keys));
  deps.defer(() => deps.enqueue(evaluateMessages([userId])));
  return presentRule({ ...input, id, version: 0, armedVersion: 0, actsFrom, createdAt }, keys);
}

export async function getRule(deps: Deps, actor: Actor, id: number): Promise<Rule> {
  const userId = authorize(actor, 'manage');
  const row = (await store.findRule(deps.db, userId, id)) ?? (await refuseForeign(deps, userId, 'alert_rule', id));
  return toRule(row) ?? fail({ kind: 'bad_request', detail: 'This rule is no longer valid. Delete it.' });
}

/** Writes nothing if the rule stays the same. */
async function changeRule(deps: Deps, actor: Actor, rule: Rule, input: RuleInput): Promise<PresentedRule> {
  const userId = authorize(actor, 'manage');
  const keys = await checkReferences(deps, actor, input, rule);
  const armed = await armedAfter(deps, userId, rule, input);
  const changed = { ...input, ...armed, id: rule.id, version: rule.version + 1, createdAt: rule.createdAt };
  if (JSON.stringify(presentRule(changed, keys)) === JSON.stringify(presentRule(rule, keys)) && armed.armedVersion === rule.armedVersion)
    return presentRule(rule, keys);
  await checkAction(deps, actor, userId, input, keys);
  if (!(await store.updateRule(deps.db, userId, rule, input, armed))) {
    fail({ kind: 'conflict', detail: 'The rule has just been changed. Reload it and try again.' });
  }
  for (const action of auditsOf(rule, input, armed.armedVersion !== rule.armedVersion))
    await record(deps, userId, actor, action, titleOf(input, keys));
  deps.defer(() => deps.enqueue(evaluateMessages([userId])));
  return presentRule(changed, keys);
}

export async function replaceRule(deps: Deps, actor: Actor, id: number, input: RuleInput): Promise<PresentedRule> {
  const rule = await getRule(deps, actor, id);
  if (rule.type !== input.type) failField('type', 'The type of a rule cannot be changed');
  return changeRule(deps, actor, rule, input);
}

/** Null removes an optional parameter. */
export async function updateRule(deps: Deps, actor: Actor, id: number, change: z.infer<typeof updateRuleSchema>): Promise<PresentedRule> {
  const rule = await getRule(deps, actor, id);
  const merged = Object.entries({ ...inputOf(rule), ...change });
  const parsed = createRuleSchema.safeParse(
    Object.fromEntries(merged.filter(([name, value]) => value !== null || name === 'name' || name === 'key_id')),
  );
  return parsed.success ? changeRule(deps, actor, rule, parsed.data) : failFields(fieldErrorsOf(parsed.error));
}

export async function deleteRule(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  const [row, keys] = await Promise.all([store.findRule(deps.db, userId, id), listKeys(deps, actor)]);
  if (!row || !(await store.deleteRule(deps.db, userId, id, deps.now()))) return refuseForeign(deps, userId, 'alert_rule', id);
  const rule = toRule(row);
  await record(deps, userId, actor, 'rule_deleted', rule ? titleOf(rule, keys) : row.name);
}

export async function listEvents(deps: Deps, actor: Actor, query: PageQuery) {
  const userId = authorize(actor, 'manage');
  const found = await events.listEvents(deps.db, userId, beforeOf(query), query.limit + 1);
  const { page, next } = cutPage(found.events, query.limit);
  return { data: presentEvents(page, found.deliveries), next_cursor: next };
}

export async function updateEvent(deps: Deps, actor: Actor, id: number, change: z.infer<typeof updateEventSchema>) {
  const userId = authorize(actor, 'manage');
  const { acknowledged, snoozed_until: until, whole_group: isOfGroup } = change;
  const values = {
    ...(acknowledged !== undefined && { acknowledgedAt: acknowledged ? deps.now() : null }),
    ...(until !== undefined && { snoozedUntil: until === null ? null : Date.parse(until) }),
  };
  await events.updateEvent(deps.db, userId, id, values, isOfGroup);
  const { events: rows, deliveries } = await events.listEvents(deps.db, userId, id + 1, 1);
  const [event] = presentEvents(rows, deliveries);
  return event?.id === id ? event : refuseForeign(deps, userId, 'alert_event', id);
}

const EXPORTED_EVENTS = 10_000;

/** No addresses and no secrets. */
export const exportAlerts = async (deps: Deps, actor: Actor) => ({
  rules: await listRules(deps, actor),
  channels: await listChannels(deps, actor),
  events: (await listEvents(deps, actor, { limit: EXPORTED_EVENTS, cursor: undefined })).data,
});
