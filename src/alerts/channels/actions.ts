import { type Actor, authorize } from '../../actor.ts';
import { record } from '../../audit/actions.ts';
import { encrypt } from '../../crypto/cipher.ts';
import type { Deps } from '../../deps.ts';
import { fail, failField } from '../../errors.ts';
import { sha256Hex } from '../../lib/sha256.ts';
import { deliveryMessage } from '../evaluation/evaluate.ts';
import { createWebhookSecret } from '../events/messages.ts';
import * as events from '../events/store.ts';
import { refuseForeign } from '../ownership.ts';
import * as store from '../store.ts';
import {
  type ChannelInput,
  type ChannelRow,
  isAllowedUrl,
  labelOf,
  MAX_CHANNELS,
  presentChannel,
  TARGET_COLUMN,
  type Target,
} from './model.ts';

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

/** A webhook's secret appears in this response only. @param origin of this monitor, for links in messages */
export async function createChannel(deps: Deps, actor: Actor, input: ChannelInput, origin: string) {
  const userId = authorize(actor, 'manage');
  if ('url' in input && !isAllowedUrl(input.url, origin)) failField('url', 'Must be an https URL');
  if (input.type === 'email' && deps.sendEmail === null) failField('type', 'Email is not configured on this deployment');
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
  const { id, changedRules } = await store.insertChannel(deps.db, row, MAX_CHANNELS, input.add_to_rules);
  if (id === null) return fail({ kind: 'limit_reached', detail: `Maximum ${MAX_CHANNELS} channels allowed` });
  await record(deps, userId, actor, 'channel_created', input.name);
  if (changedRules > 0)
    await record(
      deps,
      userId,
      actor,
      'rule_changed',
      `${changedRules} ${changedRules === 1 ? 'rule' : 'rules'}, also sent to ${input.name}`,
    );
  const empty = { lastAttemptAt: null, lastSuccessAt: null, failingSince: null, lastError: null };
  return { ...presentChannel({ ...row, ...empty, id }), secret: target.type === 'webhook' ? target.secret : null };
}

export async function listChannels(deps: Deps, actor: Actor) {
  const rows = await store.listChannels(deps.db, authorize(actor, 'manage'));
  return rows.map(presentChannel);
}

async function requireChannel(deps: Deps, userId: number, id: number): Promise<ChannelRow> {
  return (await store.findChannel(deps.db, userId, id)) ?? refuseForeign(deps, userId, 'channel', id);
}

export async function testChannel(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  await requireChannel(deps, userId, id);
  await deps.enqueue((await events.insertTest(deps.db, userId, id, deps.now())).map(deliveryMessage));
}

/** Its undelivered messages go too. */
export async function deleteChannel(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  const { name } = await requireChannel(deps, userId, id);
  if (!(await store.deleteChannel(deps.db, userId, id))) return refuseForeign(deps, userId, 'channel', id);
  await record(deps, userId, actor, 'channel_deleted', name);
}
