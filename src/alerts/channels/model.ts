import * as z from 'zod';
import { isLoopback } from '../../lib/address.ts';
import { DAY_MS, HOUR_MS, isoOrNull } from '../../lib/day.ts';
import { nameSchema } from '../../lib/name.ts';
import { pastedSchema } from '../../lib/pasted.ts';
import type { channelSchema } from '../responses.ts';
import type { channel } from '../table.ts';

export const MAX_CHANNELS = 20;

export const CHANNEL_TYPES = ['webhook', 'slack', 'discord', 'telegram', 'email'] as const;

/** Part of the cipher's additional data. */
export const TARGET_COLUMN = 'channel.ciphertext';

const urlSchema = pastedSchema
  .max(2000, 'Must have at most 2000 characters')
  .refine((text) => URL.canParse(text) && ['https:', 'http:'].includes(new URL(text).protocol), 'Must be an https URL')
  .refine(
    (text) => !URL.canParse(text) || new URL(text).username + new URL(text).password === '',
    'Must not contain a user name or password',
  )
  .meta({ format: 'uri', example: 'https://example.org/hook' });

const common = {
  name: nameSchema,
  add_to_rules: z.boolean().default(false).describe('Whether all existing rules also send to it'),
};

const withUrl = <T extends string>(type: T) => z.strictObject({ type: z.literal(type), ...common, url: urlSchema });

export const createChannelSchema = z
  .discriminatedUnion('type', [
    withUrl('webhook'),
    withUrl('slack'),
    withUrl('discord'),
    z.strictObject({ type: z.literal('email'), ...common, to: pastedSchema.max(254).pipe(z.email('Must be an email address')) }),
    z.strictObject({
      type: z.literal('telegram'),
      ...common,
      bot_token: pastedSchema.regex(/^\d{1,20}:[\w-]{20,100}$/, 'Must be a bot token, like 123456:ABC…'),
      chat_id: pastedSchema.regex(/^(-?\d{1,20}|@\w{1,64})$/, 'Must be a chat number or the @name of a public chat'),
    }),
  ])
  .meta({ id: 'NewChannel' });

/** Field with the address, for types whose address is no secret. */
const SHOWN_ADDRESS: Record<string, string> = { email: 'to', telegram: 'chat_id' };

export const addressesOfOthers = (type: unknown): string[] =>
  Object.entries(SHOWN_ADDRESS).flatMap(([one, name]) => (one === type ? [] : [name]));

/** In forms an unchecked box is missing, and addresses of other types are ignored. */
export const channelFormSchema = z.preprocess((values) => {
  const given = values as Record<string, unknown>;
  const others = addressesOfOthers(given['type']);
  const meant = Object.fromEntries(Object.entries(given).filter(([name]) => !others.includes(name)));
  return { ...meant, add_to_rules: Object.hasOwn(given, 'add_to_rules') };
}, createChannelSchema);

export type ChannelInput = z.output<typeof createChannelSchema>;
export type ChannelType = ChannelInput['type'];

/** Stored encrypted. */
export type Target =
  | { type: 'webhook'; url: string; secret: string }
  | { type: 'slack' | 'discord'; url: string }
  | { type: 'email'; to: string }
  | { type: 'telegram'; bot_token: string; chat_id: string };

export type HttpTarget = Exclude<Target, { type: 'email' }>;

/** Plain http only from loopback to loopback. */
export function isAllowedUrl(url: string, origin: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (isLoopback(hostname) && isLoopback(new URL(origin).hostname));
}

/** Recognizable but unusable: everything after the host is secret. */
export function labelOf(input: ChannelInput): string {
  if (input.type === 'telegram') return `chat ${input.chat_id.slice(0, 3)}…`;
  if (input.type === 'email') return `${input.to.slice(0, 1)}…${input.to.slice(input.to.lastIndexOf('@'))}`;
  const { protocol, host } = new URL(input.url);
  return `${protocol}//${host}/…`;
}

export type ChannelRow = typeof channel.$inferSelect;

/** The attempts to send a message take a little less than a day. */
const FAILING_AFTER_MS = DAY_MS - HOUR_MS;

export function presentChannel(row: ChannelRow): z.infer<typeof channelSchema> {
  const isFailing = row.failingSince !== null && (row.lastAttemptAt ?? 0) - row.failingSince >= FAILING_AFTER_MS;
  return {
    id: row.id,
    type: row.type,
    name: row.name,
    label: row.label,
    status: isFailing ? 'failing' : row.lastSuccessAt === null ? 'new' : 'working',
    last_attempt_at: isoOrNull(row.lastAttemptAt),
    last_success_at: isoOrNull(row.lastSuccessAt),
    last_error: row.lastError,
    created_at: new Date(row.createdAt).toISOString(),
  };
}
