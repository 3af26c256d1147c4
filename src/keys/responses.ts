/** What is answered about keys. */
import * as z from 'zod';

const usd = (description: string) => z.number().nullable().describe(description);

const instant = z.iso.datetime().nullable();

export const keySchema = z
  .object({
    id: z.int(),
    name: z.string(),
    kind: z.enum(['inference', 'management', 'discovered']).describe('`discovered`: known through a management key, without its text'),
    hash: z.string().describe("SHA-256 of the key's text in hexadecimal, by which OpenRouter names it"),
    label: z.string().describe('The key, masked'),
    status: z
      .enum(['active', 'unverified', 'invalid', 'paused'])
      .describe('`invalid`: refused, disabled, expired or gone at OpenRouter; `last_error` says which'),
    is_active: z.boolean(),
    usage_usd: usd('Credits spent in the lifetime of the key, as of last_synced_at'),
    usage_daily_usd: usd('The same of that UTC day'),
    usage_weekly_usd: usd('The same of that UTC week, from Monday'),
    usage_monthly_usd: usd('The same of that UTC month'),
    byok_usage_usd: usd("Spend on the user's own provider keys"),
    byok_usage_daily_usd: usd('The same of that UTC day'),
    byok_usage_weekly_usd: usd('The same of that UTC week'),
    byok_usage_monthly_usd: usd('The same of that UTC month'),
    limit_usd: usd("OpenRouter's limit of the key; null: none known"),
    limit_remaining_usd: usd('What is left of it in its period'),
    limit_reset: z.string().nullable().describe('daily, weekly or monthly; null: never'),
    free_requests_limit: z
      .int()
      .nullable()
      .describe('Requests to `:free` models that the whole account of the key may make in the UTC day of last_synced_at; null: not told'),
    free_requests_remaining: z.int().nullable().describe('What is left of them, as of last_synced_at'),
    free_requests_used: z.int().nullable().describe('How many were made, as of last_synced_at'),
    expires_at: instant,
    is_expired: z.boolean().describe('Whether that is why the key is `invalid`'),
    last_used_at: instant.describe('When OpenRouter last saw the key used, as its account tells; null: not known, or not of late'),
    balance_usd: usd('Balance of the account, where it is known'),
    managed_by: z
      .int()
      .nullable()
      .describe('Id of the management key through which the key is read; of a management key, of the other one that reads its account'),
    workspace: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
    is_disabled: z.boolean().nullable().describe('Whether OpenRouter has it disabled; null: not known'),
    vanished_at: instant.describe('Since when the account does not list the key any more'),
    backfill: z
      .object({ done: z.int(), total: z.int() })
      .nullable()
      .describe('Days of history that were read, of those that are wanted; of a management key those of all its keys'),
    last_synced_at: instant,
    last_validated_at: instant,
    last_error: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Key' });

export const keysSchema = z.array(keySchema);

export const queuedSchema = z.object({ status: z.literal('queued') });
