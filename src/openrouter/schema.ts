/** Unknown fields are ignored, a missing required one is an error. Source: OpenRouter's OpenAPI specification, `GET /key`. */
import * as z from 'zod';
import { parseInstant } from '../lib/day.ts';
import { nanoFromUsd } from '../lib/money.ts';

/** USD, read into nano-dollars. */
export const nanoSchema = z.number().transform((usd, context) => {
  try {
    return nanoFromUsd(usd);
  } catch {
    context.addIssue({ code: 'custom', message: 'amount out of range' });
    return z.NEVER;
  }
});

/** Only shown, never summed, so it may exceed the exact range. */
const approximateNanoSchema = z.number().transform((usd) => Math.round(usd * 1e9));

/** OpenRouter's word, shown as it is, so only a short one. */
const wordSchema = z
  .string()
  .regex(/^[a-z_]{1,20}$/)
  .nullable()
  .catch(null);

export const instantSchema = z.string().transform((text, context) => {
  const at = parseInstant(text);
  if (at !== null) return at;
  context.addIssue({ code: 'custom', message: 'not an instant' });
  return z.NEVER;
});

/** Running totals in nano-dollars: lifetime, UTC day, week (from Monday) and month. */
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

export interface KeyState {
  counters: Counters;
  limitNano: number | null;
  limitRemainingNano: number | null;
  limitReset: string | null;
  expiresAt: number | null;
}

export interface FreeRequests {
  limit: number;
  remaining: number;
  used: number;
}

/** Accounts that OpenRouter has not migrated lack the nullable fields. */
export interface KeyInfo extends KeyState {
  isManagementKey: boolean;
  workspaceId: string | null;
  organizationId: string | null;
  allowedDataRegions: string[];
  freeRequests: FreeRequests | null;
}

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

/** Only shown, so a malformed name is null and no error. */
export const optionalNameSchema = z.string().min(1).max(MAX_NAME_LENGTH).nullish().catch(null);

const freeRequestsSchema = z.object({ limit: z.int(), remaining: z.int(), used: z.int() }).nullish().catch(null);

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

/** Anything else comes from a proxy and says nothing about a key. */
export const errorAnswerSchema = z.object({
  error: z.object({
    message: z.string(),
    metadata: z
      .object({ error_type: z.string().optional().catch(undefined) })
      .nullish()
      .catch(null),
  }),
});
