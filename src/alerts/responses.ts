import * as z from 'zod';
import { CHANNEL_TYPES } from './channels/model.ts';
import { RULE_TYPES } from './model.ts';

const instant = z.iso.datetime().nullable();

const attemptSchema = z.object({
  at: z.iso.datetime(),
  error: z.string().nullable().describe('Why the delivery failed; null: it succeeded'),
});

export const eventSchema = z
  .object({
    id: z.int(),
    kind: z.enum(['fired', 'recovered']),
    rule_id: z.int(),
    rule_type: z.string(),
    key_id: z.int().nullable(),
    group: z.string().describe('Events of one group happened together and are sent as one message'),
    title: z.string(),
    text: z.string(),
    figures: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
    path: z.string().describe('The page that shows the figures'),
    created_at: z.iso.datetime(),
    recovered_at: instant.describe('When the condition recovered'),
    acknowledged_at: instant,
    snoozed_until: instant,
    deliveries: z.array(
      z.object({
        channel_id: z.int(),
        state: z.enum(['pending', 'sent', 'failed']),
        attempts: z.array(attemptSchema),
      }),
    ),
  })
  .meta({ id: 'AlertEvent' });

export const eventsSchema = z.object({ data: z.array(eventSchema), next_cursor: z.string().nullable() }).meta({ id: 'AlertEvents' });

export const channelSchema = z
  .object({
    id: z.int(),
    type: z.enum(CHANNEL_TYPES),
    name: z.string(),
    label: z.string().describe('The masked address'),
    status: z.enum(['new', 'working', 'failing']).describe('`failing`: no delivery has succeeded for a day'),
    last_attempt_at: z.iso.datetime().nullable(),
    last_success_at: z.iso.datetime().nullable(),
    last_error: z.string().nullable().describe('Why the last attempt failed'),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Channel' });

export const createdChannelSchema = channelSchema
  .extend({
    secret: z.string().nullable().describe('For a webhook: the secret that signs its messages (Standard Webhooks). Shown only once'),
  })
  .meta({ id: 'CreatedChannel' });

export const channelsSchema = z.array(channelSchema);

export const queuedSchema = z.object({ status: z.literal('queued') });

export const actionSchema = z
  .object({
    id: z.int(),
    rule_id: z.int(),
    key_id: z.int(),
    action: z.enum(['dry_run', 'disable', 'limit']),
    state: z.enum(['planned', 'done', 'refused', 'skipped', 'restored', 'left']),
    answer: z.string().nullable().describe('The outcome'),
    restore: z.boolean(),
    restore_at: z.iso.datetime().describe('When the next period begins'),
    created_at: z.iso.datetime(),
    done_at: z.iso.datetime().nullable(),
    restored_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'BreakerAction' });

export const actionsSchema = z.array(actionSchema);

export const ruleSchema = z
  .looseObject({
    id: z.int(),
    type: z.enum(RULE_TYPES),
    name: z.string().nullable(),
    key_id: z.int().nullable(),
    channel_ids: z.union([z.literal('all'), z.array(z.int())]),
    sentence: z.string().describe('The rule as a sentence'),
    acts_from: instant
      .optional()
      .describe('For a budget with an action: it acts only in periods that begin at this time or later; null: in every period'),
    created_at: z.iso.datetime(),
  })
  .describe('Also holds the parameters of its type')
  .meta({ id: 'AlertRule' });

export const previewSchema = z
  .object({
    used_usd: z.number().nullable().describe('Spend of the current period; null: unknown'),
    amount_usd: z.number(),
    would_do_now: z.enum(['dry_run', 'disable', 'limit']).nullable().describe('The action that would run immediately; null: none'),
  })
  .meta({ id: 'AlertRulePreview' });

export const rulesSchema = z.array(ruleSchema);
