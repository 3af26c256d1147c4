/**
 * What we read of OpenRouter's answers: unknown fields are tolerated, a missing required one is an error with its path.
 * Source: OpenRouter's OpenAPI specification, `GET /key`.
 */
import * as z from 'zod';
import { parseInstant } from '../lib/day.ts';
import { nanoFromUsd } from '../lib/money.ts';

/** An amount in USD as OpenRouter sends it, read into nano-dollars. */
export const nanoSchema = z.number().transform((usd, context) => {
  try {
    return nanoFromUsd(usd);
  } catch {
    context.addIssue({ code: 'custom', message: 'amount out of range' });
    return z.NEVER;
  }
});

/** An amount that is only shown, not counted with: a limit beyond what is exact is better than none. */
const approximateNanoSchema = z.number().transform((usd) => Math.round(usd * 1e9));

/** A word of OpenRouter's that is shown as it is. Anything else than a short word is not passed on. */
const wordSchema = z
  .string()
  .regex(/^[a-z_]{1,20}$/)
  .nullable()
  .catch(null);

/** An instant in one of the shapes that OpenRouter uses, read into epoch milliseconds. */
export const instantSchema = z.string().transform((text, context) => {
  const at = parseInstant(text);
  if (at !== null) return at;
  context.addIssue({ code: 'custom', message: 'not an instant' });
  return z.NEVER;
});

/** Running totals of a key in nano-dollars: lifetime, this UTC day, week (from Monday) and month. */
export interface Counters {
  usageNano: number;
  usageDailyNano: number;
  usageWeeklyNano: number;
  usageMonthlyNano: number;
  byokUsageNano: number;
  byokUsageDailyNano: number;
  byokUsageWeeklyNano: number;
  byokUsageMonthlyNano: number;
}

/** What is known of a key from one answer. */
export interface KeyState {
  counters: Counters;
  limitNano: number | null;
  limitRemainingNano: number | null;
  limitReset: string | null;
  /** Epoch milliseconds. */
  expiresAt: number | null;
}

/** Requests to `:free` models of a whole account in a UTC day. */
export interface FreeRequests {
  limit: number;
  remaining: number;
  used: number;
}

/** What a key says about itself. Accounts that OpenRouter has not moved yet do not tell what may be null. */
export interface KeyInfo extends KeyState {
  isManagementKey: boolean;
  workspaceId: string | null;
  organizationId: string | null;
  allowedDataRegions: string[];
  freeRequests: FreeRequests | null;
}

/** Fields that `GET /key` and the rows of `GET /keys` have in common. */
export const keyStateFields = {
  usage: nanoSchema,
  usage_daily: nanoSchema,
  usage_weekly: nanoSchema,
  usage_monthly: nanoSchema,
  byok_usage: nanoSchema,
  byok_usage_daily: nanoSchema,
  byok_usage_weekly: nanoSchema,
  byok_usage_monthly: nanoSchema,
  limit: approximateNanoSchema.nullable(),
  limit_remaining: approximateNanoSchema.nullable(),
  limit_reset: wordSchema,
  expires_at: instantSchema.nullish(),
};

/** What those fields say. */
export const keyStateOf = (data: z.infer<z.ZodObject<typeof keyStateFields>>): KeyState => ({
  counters: {
    usageNano: data.usage,
    usageDailyNano: data.usage_daily,
    usageWeeklyNano: data.usage_weekly,
    usageMonthlyNano: data.usage_monthly,
    byokUsageNano: data.byok_usage,
    byokUsageDailyNano: data.byok_usage_daily,
    byokUsageWeeklyNano: data.byok_usage_weekly,
    byokUsageMonthlyNano: data.byok_usage_monthly,
  },
  limitNano: data.limit,
  limitRemainingNano: data.limit_remaining,
  limitReset: data.limit_reset,
  expiresAt: data.expires_at ?? null,
});

const MAX_NAME_LENGTH = 300;

/** A name that is absent, or none, is null: a reading does not fail for what is only shown. */
export const optionalNameSchema = z.string().min(1).max(MAX_NAME_LENGTH).nullish().catch(null);

const freeRequestsSchema = z.object({ limit: z.int(), remaining: z.int(), used: z.int() }).nullish().catch(null);

/** Answer of `GET /key`. */
export const keyAnswerSchema = z
  .object({
    data: z.object({
      is_management_key: z.boolean(),
      workspace_id: optionalNameSchema,
      organization_id: optionalNameSchema,
      allowed_data_regions: z.array(z.string().max(MAX_NAME_LENGTH)).nullish().catch(null),
      free_model_daily_requests: freeRequestsSchema,
      ...keyStateFields,
    }),
  })
  .transform(
    ({ data }): KeyInfo => ({
      isManagementKey: data.is_management_key,
      workspaceId: data.workspace_id ?? null,
      organizationId: data.organization_id ?? null,
      allowedDataRegions: data.allowed_data_regions ?? [],
      freeRequests: data.free_model_daily_requests ?? null,
      ...keyStateOf(data),
    }),
  );

/** The body of an error answer; anything else comes from a proxy or the edge and says nothing about a key. */
export const errorAnswerSchema = z.object({
  error: z.object({
    message: z.string(),
    metadata: z
      .object({ error_type: z.string().optional().catch(undefined) })
      .nullish()
      .catch(null),
  }),
});
