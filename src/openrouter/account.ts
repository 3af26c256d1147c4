/** Answers for a management key, and the public list of models. Source: OpenRouter's OpenAPI specification. */
import * as z from 'zod';
import { usdFromNanoOrNull } from '../lib/money.ts';
import { instantSchema, type KeyState, keyStateFields, keyStateOf, nanoSchema, optionalNameSchema } from './schema.ts';

const MAX_NAME_LENGTH = 300;

/** A name chosen upstream: bounded, because it is shown. */
const foreignNameSchema = z.string().transform((name) => name.slice(0, MAX_NAME_LENGTH));

export interface Workspace {
  id: string;
  name: string;
}

export const workspacesAnswerSchema = z.object({
  data: z.array(z.object({ id: z.string().min(1).max(MAX_NAME_LENGTH), name: foreignNameSchema })),
});

/** `hash` identifies a key; names repeat and change. */
export interface KeyRecord extends KeyState {
  hash: string;
  name: string;
  label: string;
  isDisabled: boolean;
  workspaceId: string;
  /** Epoch milliseconds. */
  createdAt: number;
  /** Null: unknown, or not used since OpenRouter records it. */
  lastUsedAt: number | null;
  externalUser: string | null;
}

/** Anything else than the expected mask is not shown. */
const MASK = /^sk-or-v1-\w{0,4}\.{3}\w{0,4}$/;

const keyRecordSchema = z
  .object({
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    name: foreignNameSchema,
    label: z.string(),
    disabled: z.boolean(),
    workspace_id: z.string().min(1).max(MAX_NAME_LENGTH),
    created_at: instantSchema,
    last_used_at: instantSchema.nullish().catch(null),
    external_user: optionalNameSchema,
    ...keyStateFields,
  })
  .transform(
    (record): KeyRecord => ({
      ...keyStateOf(record),
      hash: record.hash,
      name: record.name,
      label: MASK.test(record.label) ? record.label : 'sk-or-v1-...',
      isDisabled: record.disabled,
      workspaceId: record.workspace_id,
      createdAt: record.created_at,
      lastUsedAt: record.last_used_at ?? null,
      externalUser: record.external_user ?? null,
    }),
  );

/** `limit` in USD. */
export interface KeyChange {
  disabled?: boolean;
  limit?: number | null;
  limit_reset?: string | null;
}

export interface KeySettings {
  disabled: boolean;
  limit: number | null;
  limit_reset: string | null;
}

export const settingsOf = ({ isDisabled, limitNano, limitReset }: KeyRecord): KeySettings => ({
  disabled: isDisabled,
  limit: usdFromNanoOrNull(limitNano),
  limit_reset: limitReset,
});

/** Compares limits to the nano-dollar. */
const roughly = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 1e9) : value);

export const isSet = (settings: KeySettings, change: KeyChange): boolean =>
  Object.entries(change).every(([name, value]) => roughly(settings[name as keyof KeySettings]) === roughly(value));

export const keyRecordAnswerSchema = z.object({ data: keyRecordSchema }).transform(({ data }) => data);

export const keysAnswerSchema = z.object({ data: z.array(keyRecordSchema) });

/** Lifetime totals in nano-dollars; the balance is their difference. */
export interface Credits {
  totalCreditsNano: number;
  totalUsageNano: number;
}

export const creditsAnswerSchema = z
  .object({ data: z.object({ total_credits: nanoSchema, total_usage: nanoSchema }) })
  .transform(({ data }): Credits => ({ totalCreditsNano: data.total_credits, totalUsageNano: data.total_usage }));

/** A day of one model at one provider. */
export interface ActivityRow {
  day: string;
  slug: string;
  permaslug: string;
  provider: string;
  costNano: number;
  byokCostNano: number;
  requests: number;
  promptTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  cachedTokens: number | null;
}

export const activityAnswerSchema = z.object({
  data: z.array(
    z
      .object({
        date: z.string().regex(/^\d{4}-\d{2}-\d{2}/),
        model: foreignNameSchema,
        model_permaslug: foreignNameSchema,
        provider_name: foreignNameSchema,
        usage: nanoSchema,
        byok_usage_inference: nanoSchema,
        requests: z.int(),
        prompt_tokens: z.int(),
        completion_tokens: z.int(),
        reasoning_tokens: z.int(),
        cached_tokens: z.int().nullish().catch(null),
      })
      .transform(
        (row): ActivityRow => ({
          day: row.date.slice(0, 10),
          slug: row.model,
          permaslug: row.model_permaslug,
          provider: row.provider_name,
          costNano: row.usage,
          byokCostNano: row.byok_usage_inference,
          requests: row.requests,
          promptTokens: row.prompt_tokens,
          completionTokens: row.completion_tokens,
          reasoningTokens: row.reasoning_tokens,
          cachedTokens: row.cached_tokens ?? null,
        }),
      ),
  ),
});

/** `slug` for people; `permaslug` is versioned and never changes. */
export interface ModelName {
  slug: string;
  permaslug: string;
}

export const modelsAnswerSchema = z
  .object({ data: z.array(z.object({ id: foreignNameSchema, canonical_slug: foreignNameSchema })) })
  .transform(({ data }): ModelName[] => data.map(({ id, canonical_slug }) => ({ slug: id, permaslug: canonical_slug })));
