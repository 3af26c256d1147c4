/** Verbs of alerts: rules, channels, and what happened. */
import type * as z from 'zod';
import { type Actor, authorize } from '../actor.ts';
import { encrypt } from '../crypto/cipher.ts';
import type { Deps } from '../deps.ts';
import { type FieldError, fail, failField, failFields, fieldErrorsOf } from '../errors.ts';
import { listKeys } from '../keys/actions.ts';
import { sha256Hex } from '../lib/sha256.ts';
import { resolveTimeZone } from '../lib/zone.ts';
import { type Budget, budgetsOf } from './budgets.ts';
import {
  type ChannelInput,
  type ChannelRow,
  isAllowedUrl,
  labelOf,
  MAX_CHANNELS,
  presentChannel,
  TARGET_COLUMN,
  type Target,
} from './channel-model.ts';
import { readSituation, wayMessage } from './evaluate.ts';
import { type EventsQuery, presentEvent, type updateEventSchema } from './event-model.ts';
import * as events from './event-store.ts';
import { createWebhookSecret } from './messages.ts';
import {
  createRuleSchema,
  MAX_RULES,
  parametersOf,
  type Rule,
  type RuleInput,
  type RuleRow,
  type ruleSchema,
  toRule,
  toRules,
  type updateRuleSchema,
} from './model.ts';
import * as store from './store.ts';
import { describeRule } from './words.ts';

type Kind = 'alert_rule' | 'channel' | 'alert_event';
const NAMES: Record<Kind, string> = { alert_rule: 'rule', channel: 'channel', alert_event: 'alert' };

/** Says why the user has none with this id: it is somebody else's, or there is none. */
async function refuseForeign(deps: Deps, userId: number, kind: Kind, id: number): Promise<never> {
  const isForeign = await store.isForeign(deps.db, userId, kind, id);
  return fail(
    isForeign
      ? { kind: 'forbidden', detail: `This ${NAMES[kind]} belongs to somebody else.` }
      : { kind: 'not_found', detail: `There is no such ${NAMES[kind]}.` },
  );
}

type PresentedRule = z.infer<typeof ruleSchema>;

const presentRule = (rule: Rule, keys: Awaited<ReturnType<typeof listKeys>>): PresentedRule => ({
  id: rule.id,
  type: rule.type,
  name: rule.name,
  key_id: rule.key_id,
  channel_ids: rule.channel_ids,
  ...(JSON.parse(parametersOf(rule)) as object),
  sentence: describeRule(rule, keys),
  created_at: new Date(rule.createdAt).toISOString(),
});

/** A rule that was stored and makes no sense (any more): it can still be seen and deleted. */
const presentUnreadable = ({ id, type, name, keyId, createdAt }: RuleRow): PresentedRule => ({
  id,
  type,
  name,
  key_id: keyId,
  channel_ids: [],
  sentence: 'This rule cannot be read any more. Delete it.',
  created_at: new Date(createdAt).toISOString(),
});

/** The user's rules, the oldest first. */
export async function listRules(deps: Deps, actor: Actor): Promise<PresentedRule[]> {
  const userId = authorize(actor, 'manage');
  const keys = await listKeys(deps, actor);
  return (await store.selectRules(deps.db, userId)).map((row) => {
    const rule = toRule(row);
    return rule ? presentRule(rule, keys) : presentUnreadable(row);
  });
}

/** The budgets of a key, as they stand. */
export async function listBudgets(deps: Deps, actor: Actor, keyId: number): Promise<Budget[]> {
  const userId = authorize(actor, 'read');
  const read = await events.readRules(deps.db, userId, deps.now());
  const rules = toRules(read?.rules ?? []).filter((rule) => rule.type === 'budget' && rule.key_id === keyId);
  if (!read || rules.length === 0) return [];
  const situation = await readSituation(deps, userId, rules, resolveTimeZone(read.zone) ?? 'UTC');
  return budgetsOf(rules, situation.keys, situation);
}

/** Keys and channels that a rule names must be the user's; those that it named before may be gone. */
async function checkReferences(deps: Deps, actor: Actor, rule: RuleInput, before: Pick<Rule, 'key_id' | 'channel_ids'> | null) {
  const keys = await listKeys(deps, actor);
  const rows = await store.listChannels(deps.db, authorize(actor, 'manage'));
  const channels = new Set([...rows.map(({ id }) => id), ...(before?.channel_ids ?? [])]);
  const errors: FieldError[] = rule.channel_ids.flatMap((id, index) =>
    channels.has(id) ? [] : { path: `channel_ids.${index}`, message: 'Is not one of your channels' },
  );
  const isKnown = rule.key_id === null || rule.key_id === before?.key_id || keys.some(({ id }) => id === rule.key_id);
  if (!isKnown) errors.unshift({ path: 'key_id', message: 'Is not one of your keys' });
  if (errors.length > 0) failFields(errors);
  return keys;
}

/** Adds a rule; it is evaluated at once. */
export async function createRule(deps: Deps, actor: Actor, input: RuleInput): Promise<PresentedRule> {
  const userId = authorize(actor, 'manage');
  const keys = await checkReferences(deps, actor, input, null);
  const createdAt = deps.now();
  const id = await store.insertRule(deps.db, userId, input, createdAt, MAX_RULES);
  if (id === null) return fail({ kind: 'limit_reached', detail: `Maximum ${MAX_RULES} rules allowed` });
  deps.defer(deps.enqueue([{ job: 'evaluate', userId }]));
  return presentRule({ ...input, id, version: 0, createdAt }, keys);
}

/** What of a rule is left as it was, as it would be given. */
const inputOf = (rule: Rule): object => ({
  type: rule.type,
  name: rule.name,
  key_id: rule.key_id,
  channel_ids: rule.channel_ids,
  ...(JSON.parse(parametersOf(rule)) as object),
});

/** One of the user's rules. */
export async function getRule(deps: Deps, actor: Actor, id: number): Promise<Rule> {
  const userId = authorize(actor, 'manage');
  const row = (await store.findRule(deps.db, userId, id)) ?? (await refuseForeign(deps, userId, 'alert_rule', id));
  return toRule(row) ?? fail({ kind: 'bad_request', detail: 'This rule cannot be read any more. Delete it.' });
}

/** Writes a rule in the place of the one that was looked at. Where they are the same nothing is written. */
async function changeRule(deps: Deps, actor: Actor, rule: Rule, input: RuleInput): Promise<PresentedRule> {
  const userId = authorize(actor, 'manage');
  const keys = await checkReferences(deps, actor, input, rule);
  const changed = { ...input, id: rule.id, version: rule.version + 1, createdAt: rule.createdAt };
  if (JSON.stringify(inputOf(changed)) === JSON.stringify(inputOf(rule))) return presentRule(rule, keys);
  if (!(await store.updateRule(deps.db, userId, rule.id, rule.version, input))) {
    fail({ kind: 'conflict', detail: 'The rule was changed meanwhile. Look at it and try again.' });
  }
  deps.defer(deps.enqueue([{ job: 'evaluate', userId }]));
  return presentRule(changed, keys);
}

/** Puts a rule in the place of another of the same type. */
export async function replaceRule(deps: Deps, actor: Actor, id: number, input: RuleInput): Promise<PresentedRule> {
  const rule = await getRule(deps, actor, id);
  if (rule.type !== input.type) failField('type', 'The type of a rule stays');
  return changeRule(deps, actor, rule, input);
}

/** Changes some parameters of a rule; null takes one away that may be absent. */
export async function updateRule(deps: Deps, actor: Actor, id: number, change: z.infer<typeof updateRuleSchema>): Promise<PresentedRule> {
  const rule = await getRule(deps, actor, id);
  const merged = Object.entries({ ...inputOf(rule), ...change });
  const parsed = createRuleSchema.safeParse(
    Object.fromEntries(merged.filter(([name, value]) => value !== null || name === 'name' || name === 'key_id')),
  );
  return parsed.success ? changeRule(deps, actor, rule, parsed.data) : failFields(fieldErrorsOf(parsed.error));
}

/** Deletes a rule. Its events stay. */
export async function deleteRule(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  if (!(await store.deleteRule(deps.db, userId, id, deps.now()))) await refuseForeign(deps, userId, 'alert_rule', id);
}

const targetOf = (input: ChannelInput): Target => {
  switch (input.type) {
    case 'webhook':
      return { type: 'webhook', url: input.url, secret: createWebhookSecret() };
    case 'slack':
    case 'discord':
      return { type: input.type, url: input.url };
    case 'email':
      return { type: 'email', to: input.to };
    case 'telegram':
      return { type: 'telegram', bot_token: input.bot_token, chat_id: input.chat_id };
  }
};

/**
 * Adds a channel. Its address is stored encrypted; a webhook's secret is in this answer and never again.
 * @param origin under which the monitor is used; links in messages begin with it
 */
export async function createChannel(deps: Deps, actor: Actor, input: ChannelInput, origin: string) {
  const userId = authorize(actor, 'manage');
  if ('url' in input && !isAllowedUrl(input.url, origin)) failField('url', 'Must be an https URL');
  if (input.type === 'email' && deps.sendEmail === null) failField('type', 'E-mail is not configured on this deployment');
  const target = targetOf(input);
  const plaintext = JSON.stringify(target);
  const hash = await sha256Hex(plaintext);
  const { envelope, kid } = await encrypt(deps.config.keyring, { column: TARGET_COLUMN, userId, hash }, plaintext);
  const now = deps.now();
  const row = {
    userId,
    type: input.type,
    name: input.name,
    ciphertext: envelope,
    hash,
    kid,
    label: labelOf(input),
    origin,
    createdAt: now,
  };
  const id = await store.insertChannel(deps.db, row, MAX_CHANNELS);
  if (id === null) return fail({ kind: 'limit_reached', detail: `Maximum ${MAX_CHANNELS} channels allowed` });
  const empty = { lastAttemptAt: null, lastSuccessAt: null, failingSince: null, lastError: null };
  return { ...presentChannel({ ...row, ...empty, id }), secret: target.type === 'webhook' ? target.secret : null };
}

/** The user's channels, the newest first. */
export async function listChannels(deps: Deps, actor: Actor) {
  const rows = await store.listChannels(deps.db, authorize(actor, 'manage'));
  return rows.map(presentChannel);
}

async function requireChannel(deps: Deps, userId: number, id: number): Promise<ChannelRow> {
  return (await store.findChannel(deps.db, userId, id)) ?? refuseForeign(deps, userId, 'channel', id);
}

/** One of the user's channels. */
export const getChannel = async (deps: Deps, actor: Actor, id: number) =>
  presentChannel(await requireChannel(deps, authorize(actor, 'manage'), id));

/** Sends a test message; what became of it stands in the list of channels. */
export async function testChannel(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  await requireChannel(deps, userId, id);
  await deps.enqueue((await events.insertTest(deps.db, userId, id, deps.now())).map(wayMessage));
}

/** Deletes a channel with its address and what is on its way to it. */
export async function deleteChannel(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  if (!(await store.deleteChannel(deps.db, userId, id))) await refuseForeign(deps, userId, 'channel', id);
}

/** A page of what happened, the newest first. */
export async function listEvents(deps: Deps, actor: Actor, { limit, cursor }: EventsQuery) {
  const userId = authorize(actor, 'manage');
  const found = await events.listEvents(deps.db, userId, cursor ?? Number.MAX_SAFE_INTEGER, limit + 1);
  const page = found.events.slice(0, limit);
  return {
    data: page.map((event) => presentEvent(event, found.deliveries)),
    next_cursor: found.events.length > limit ? String(page.at(-1)?.id) : null,
  };
}

/** Acknowledges an event, or snoozes its rule for what the event is about. */
export async function updateEvent(deps: Deps, actor: Actor, id: number, change: z.infer<typeof updateEventSchema>) {
  const userId = authorize(actor, 'manage');
  const { acknowledged, snoozed_until: until } = change;
  await events.updateEvent(deps.db, userId, id, {
    ...(acknowledged !== undefined && { acknowledgedAt: acknowledged ? deps.now() : null }),
    ...(until !== undefined && { snoozedUntil: until === null ? null : Date.parse(until) }),
  });
  const { events: rows, deliveries } = await events.listEvents(deps.db, userId, id + 1, 1);
  const [row] = rows;
  return row?.id === id ? presentEvent(row, deliveries) : refuseForeign(deps, userId, 'alert_event', id);
}

const EXPORTED_EVENTS = 10_000;

/** Everything that is stored of a user's alerts, for an export: no address and no secret. */
export const exportAlerts = async (deps: Deps, actor: Actor) => ({
  rules: await listRules(deps, actor),
  channels: await listChannels(deps, actor),
  events: (await listEvents(deps, actor, { limit: EXPORTED_EVENTS, cursor: undefined })).data,
});
