/**
 * What we read of the answers to a management key: workspaces, keys, credits, activity; and the list of models, which anybody may
 * read. Source: OpenRouter's OpenAPI specification.
 */
import * as z from 'zod';
import { usdFromNanoOrNull } from '../lib/money.ts';
import { instantSchema, type KeyState, keyStateFields, keyStateOf, nanoSchema, optionalNameSchema } from './schema.ts';

const MAX_NAME_LENGTH = 300;

/** A name that somebody chose upstream; it is shown, so its length is bounded. */
const foreignNameSchema = z.string().transform((name) => name.slice(0, MAX_NAME_LENGTH));

export interface Workspace {
  id: string;
  name: string;
}

/** Answer of `GET /workspaces`. */
export const workspacesAnswerSchema = z.object({
  data: z.array(z.object({ id: z.string().min(1).max(MAX_NAME_LENGTH), name: foreignNameSchema })),
});

/** A key of the account, as `GET /keys` lists it. `hash` identifies it; names repeat and change. */
export interface KeyRecord extends KeyState {
  hash: string;
  name: string;
  label: string;
  isDisabled: boolean;
  workspaceId: string;
  /** Epoch milliseconds. */
  createdAt: number;
  /** Null: not told, or no use since OpenRouter began to record it. */
  lastUsedAt: number | null;
  /** Whom it was made for, as its owner names them. */
  externalUser: string | null;
}

/** OpenRouter's label is shown only if it is the mask that it should be. */
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

/** What may be changed of a key: `PATCH /keys/{hash}`. `limit` in USD. */
export interface KeyChange {
  disabled?: boolean;
  limit?: number | null;
  limit_reset?: string | null;
}

/** How a key is set, as far as it may be changed. `limit` in USD. */
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

/** Nano-dollars: limits are no finer for us. */
const roughly = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 1e9) : value);

/** Is a key set as a change would set it? */
export const isSet = (settings: KeySettings, change: KeyChange): boolean =>
  Object.entries(change).every(([name, value]) => roughly(settings[name as keyof KeySettings]) === roughly(value));

/** Answer of `GET` and `PATCH /keys/{hash}`. */
export const keyRecordAnswerSchema = z.object({ data: keyRecordSchema }).transform(({ data }) => data);

/** Answer of `GET /keys`. */
export const keysAnswerSchema = z.object({ data: z.array(keyRecordSchema) });

/** Lifetime totals of an account, in nano-dollars. The balance is their difference. */
export interface Credits {
  totalCreditsNano: number;
  totalUsageNano: number;
}

/** Answer of `GET /credits`. */
export const creditsAnswerSchema = z
  .object({ data: z.object({ total_credits: nanoSchema, total_usage: nanoSchema }) })
  .transform(({ data }): Credits => ({ totalCreditsNano: data.total_credits, totalUsageNano: data.total_usage }));

/** A day at one endpoint: a model at a provider. */
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
  /** Null: not told. */
  cachedTokens: number | null;
}

/** Answer of `GET /activity`. */
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

/** A model's name for people, and its versioned name, which never changes. */
export interface ModelName {
  slug: string;
  permaslug: string;
}

/** Answer of `GET /models`. */
export const modelsAnswerSchema = z
  .object({ data: z.array(z.object({ id: foreignNameSchema, canonical_slug: foreignNameSchema })) })
  .transform(({ data }): ModelName[] => data.map(({ id, canonical_slug }) => ({ slug: id, permaslug: canonical_slug })));
