import * as z from 'zod';

const usd = (description: string) => z.number().nullable().describe(description);

const instant = z.iso.datetime().nullable();

export const keySchema = z
  .object({
    id: z.int(),
    name: z.string(),
    kind: z.enum(['inference', 'management', 'discovered']).describe('`discovered`: an account lists it; its secret is not stored here'),
    hash: z.string().describe("SHA-256 of the key's secret in hexadecimal, OpenRouter's name for it"),
    label: z.string().describe('The key, masked'),
    status: z
      .enum(['active', 'unverified', 'invalid', 'paused'])
      .describe('`invalid`: rejected, disabled, expired or gone at OpenRouter; see `last_error`'),
    is_active: z.boolean(),
    usage_usd: usd('Lifetime credits, as of last_synced_at'),
    usage_daily_usd: usd('The same for that UTC day'),
    usage_weekly_usd: usd('The same for that UTC week, from Monday'),
    usage_monthly_usd: usd('The same for that UTC month'),
    byok_usage_usd: usd("Spend on the user's own provider keys"),
    byok_usage_daily_usd: usd('The same for that UTC day'),
    byok_usage_weekly_usd: usd('The same for that UTC week'),
    byok_usage_monthly_usd: usd('The same for that UTC month'),
    limit_usd: usd("OpenRouter's limit of the key; null: none or unknown"),
    limit_remaining_usd: usd('What is left of the limit in its period'),
    limit_reset: z.string().nullable().describe('daily, weekly or monthly; null: never'),
    free_requests_limit: z
      .int()
      .nullable()
      .describe('Requests to `:free` models allowed for the whole account in the UTC day of last_synced_at; null: unknown'),
    free_requests_remaining: z.int().nullable().describe('How many are left, as of last_synced_at'),
    free_requests_used: z.int().nullable().describe('How many were made, as of last_synced_at'),
    expires_at: instant,
    is_expired: z.boolean().describe('Whether the key is `invalid` because it expired'),
    last_used_at: instant.describe('Last use, as OpenRouter reports it; null: unknown, or not recently'),
    balance_usd: usd('Account balance; null: unknown'),
    managed_by: z
      .int()
      .nullable()
      .describe('Id of the management key that syncs this key; for a management key, of the other one that syncs its account'),
    workspace: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
    is_disabled: z.boolean().nullable().describe('Whether it is disabled at OpenRouter; null: unknown'),
    vanished_at: instant.describe('When the account stopped listing the key'),
    backfill: z
      .object({ done: z.int(), total: z.int() })
      .nullable()
      .describe('Days of history synced, out of those wanted; for a management key, of all its keys'),
    last_synced_at: instant,
    last_validated_at: instant,
    last_error: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Key' });

export const keysSchema = z.array(keySchema);

export const queuedSchema = z.object({ status: z.literal('queued') });
