import * as z from 'zod';
import { nameSchema } from '../lib/name.ts';
import { MAX_CHANNELS } from './channels/model.ts';
import type { alertRule } from './table.ts';

export const MAX_RULES = 50;

export const BUDGET_PERIODS = ['day', 'week', 'month'] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** OpenRouter credits, spend on the user's own provider keys, or both. */
export const COUNTS = ['credits', 'byok', 'both'] as const;
export type Counts = (typeof COUNTS)[number];

const countsSchema = z.enum(COUNTS).describe('Which spend counts: credits, spend on your own provider keys (BYOK), or both');

const usd = z.number().positive('Must be more than 0').max(1e9, 'Must be at most 1000000000');
const ratio = z.number().gt(0, 'Must be more than 0').max(1, 'Must be at most 1');
const days = z.int().min(1, 'Must be at least 1').max(365, 'Must be at most 365');

const thresholdsSchema = z
  .array(z.number().gt(0, 'Must be more than 0').max(10, 'Must be at most 10'))
  .min(1, 'Must contain at least one threshold')
  .max(10, 'Must contain at most 10 thresholds')
  .transform((thresholds) => [...new Set(thresholds)].sort((a, b) => a - b));

const PARAMETERS = {
  budget: {
    amount_usd: usd.describe('USD'),
    counts: countsSchema.default('credits'),
    period: z.enum(BUDGET_PERIODS).describe("In the user's time zone; weeks begin on Monday"),
    thresholds: thresholdsSchema.default([0.5, 0.8, 1]).describe('Shares of the amount; each alerts once per period'),
    forecast: z.boolean().default(false).describe('Also alert when spend is on track to exceed the amount before the period ends'),
    action: z
      .enum(['none', 'dry_run', 'disable', 'limit'])
      .default('none')
      .describe('What happens to the key at OpenRouter when the budget is used up. Needs the `key_id` of a key under a management key'),
    restore: z.boolean().default(false).describe('Whether the key is restored when the next period begins'),
  },
  limit_remaining: {
    below_ratio: ratio.default(0.2).describe("Share of a key's limit at OpenRouter, and of its account's daily free-model requests"),
  },
  balance: {
    below_usd: usd.optional().describe('Balance of an account, USD'),
    days: days.optional().describe('Alerts when the balance lasts fewer days than this, at the pace of the last seven'),
  },
  spike: {
    window: z.enum(['hour', 'day']).default('day').describe('Compared with the same local hours, or weekdays, of the last four weeks'),
    counts: countsSchema.default('both'),
    factor: z.number().gt(1, 'Must be more than 1').max(1000, 'Must be at most 1000').default(3),
    min_usd: usd.default(1).describe('Smaller amounts are never a spike'),
  },
  key_invalid: {},
  key_expiring: { days: days.default(7) },
  key_discovered: {},
  digest: {
    every: z.enum(['day', 'week']).default('day'),
    hour: z.int().min(0, 'Must be 0 to 23').max(23, 'Must be 0 to 23').default(8).describe('Local hour; weekly digests are sent on Monday'),
  },
  sync_overdue: { hours: z.number().min(1, 'Must be at least 1').max(720, 'Must be at most 720').default(6) },
} as const;

export type RuleType = keyof typeof PARAMETERS;
export const RULE_TYPES = Object.keys(PARAMETERS) as RuleType[];

const channelsSchema = z
  .union([z.literal('all'), z.array(z.int().positive()).max(MAX_CHANNELS, `Must contain at most ${MAX_CHANNELS} channels`)], {
    error: 'Must be "all" or a list of channel ids',
  })
  .transform((ids) => (ids === 'all' ? ids : [...new Set(ids)]));

const common = {
  name: nameSchema.nullable().default(null),
  key_id: z.int().positive().nullable().default(null).describe('null: all keys'),
  channel_ids: channelsSchema.default([]).describe('Where alerts are sent; `all`: to every channel, including later ones'),
};

const passwordField = z.string().max(1000).describe('Your password. Required for the actions `disable` and `limit`; it is not stored');

const actFromField = z
  .enum(['now', 'next_period'])
  .describe('When the budget is already used up: act now (default), or wait for the next period');

const ruleOf = <T extends RuleType>(type: T) => z.strictObject({ type: z.literal(type), ...common, ...PARAMETERS[type] });

const LIMITLESS = 'below_usd or days must be given';

export const createRuleSchema = z
  .discriminatedUnion('type', [
    ruleOf('budget')
      .extend({ password: passwordField.optional(), act_from: actFromField.optional() })
      .refine((rule) => rule.action === 'none' || rule.key_id !== null, {
        path: ['key_id'],
        message: 'Must name the key for the action',
      })
      .refine((rule) => rule.action === 'none' || rule.thresholds.includes(1), {
        path: ['thresholds'],
        message: 'Must include 1 for an action',
      }),
    ruleOf('limit_remaining'),
    ruleOf('balance').refine((rule) => rule.below_usd !== undefined || rule.days !== undefined, {
      path: ['below_usd'],
      message: LIMITLESS,
    }),
    ruleOf('spike'),
    ruleOf('key_invalid'),
    ruleOf('key_expiring'),
    ruleOf('key_discovered'),
    ruleOf('sync_overdue'),
    ruleOf('digest'),
  ])
  .meta({ id: 'NewAlertRule' });

export type RuleInput = z.output<typeof createRuleSchema>;
/** `armedVersion` and `actsFrom`: see the table. */
export type Rule = RuleInput & { id: number; version: number; armedVersion: number; actsFrom: number | null; createdAt: number };
export type RuleOf<T extends RuleType> = Extract<Rule, { type: T }>;

/** In a change, a missing field stays and null removes an optional one. */
function optionalField(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault) return (schema.unwrap() as z.ZodType).optional();
  return schema instanceof z.ZodOptional ? schema.nullable() : schema.optional();
}

/** Fields of all types: the rule's type decides which of them it has. */
const changes = Object.fromEntries(
  Object.entries(
    Object.assign({}, common, ...Object.values(PARAMETERS), { password: passwordField, act_from: actFromField }) as Record<
      string,
      z.ZodType
    >,
  ).map(([name, schema]) => [name, optionalField(schema)]),
);

export const updateRuleSchema = z.strictObject(changes).meta({ id: 'AlertRuleChange' });

const describedAs = (schema: z.ZodType, text: string | undefined): z.ZodType => (text === undefined ? schema : schema.describe(text));

const NUMBER_TEXT = /^-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?$/i;

/** A parameter as query text; commas separate lists. The rule's own schema validates the value. */
function queryTextOf(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return queryTextOf(schema.unwrap() as z.ZodType).optional();
  if (schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral) return schema;
  if (schema instanceof z.ZodPipe) return queryTextOf(schema.in as z.ZodType);
  if (schema instanceof z.ZodUnion) return z.union(schema.options.map((option) => queryTextOf(option as z.ZodType)));
  if (schema instanceof z.ZodBoolean) return z.enum(['true', 'false']).transform((text) => text === 'true');
  if (schema instanceof z.ZodNumber)
    return z
      .string()
      .refine((text) => NUMBER_TEXT.test(text), 'Must be a number')
      .transform(Number)
      .meta({ type: 'number' });
  if (schema instanceof z.ZodString) return schema;
  return z
    .string()
    .regex(/^\d{1,15}(\.\d{1,9})?(,\d{1,15}(\.\d{1,9})?){0,19}$/, 'Must be numbers, separated by commas')
    .transform((text) => text.split(',').map(Number));
}

const { name: _name, ...nameless } = common;

export const previewQuerySchema = z.strictObject({
  name: z.string().max(1000).optional(),
  ...Object.fromEntries(
    Object.entries({ ...nameless, ...PARAMETERS.budget, act_from: actFromField.optional() } as Record<string, z.ZodType>).map(
      ([name, schema]) => [name, describedAs(queryTextOf(schema), schema.description)],
    ),
  ),
});

export type RuleRow = typeof alertRule.$inferSelect;

export const DEFAULT_RULES: readonly RuleInput[] = (['key_invalid', 'sync_overdue'] as const).map((type) =>
  createRuleSchema.parse({ type }),
);

export function parametersOf({ type, name: _, key_id: __, channel_ids: ___, ...parameters }: RuleInput): string {
  return JSON.stringify(
    Object.fromEntries(Object.keys(PARAMETERS[type]).map((field) => [field, (parameters as Record<string, unknown>)[field]])),
  );
}

const NOT_OF_ACTION = ['thresholds', 'forecast'];

/** Everything that decides when the rule acts on which key, as one text; null: it does not act. */
export function armingOf(rule: RuleInput): string | null {
  if (rule.type !== 'budget' || rule.action === 'none') return null;
  const parameters = Object.entries(JSON.parse(parametersOf(rule)) as object).filter(([name]) => !NOT_OF_ACTION.includes(name));
  return JSON.stringify([rule.key_id, ...parameters]);
}

/** Null if the stored rule is no longer valid. Unknown parameters are dropped. */
export function toRule(row: RuleRow): Rule | null {
  const { id, version, armedVersion, actsFrom, createdAt, type, name, keyId } = row;
  const stored = JSON.parse(row.parameters) as Record<string, unknown>;
  const parsed = createRuleSchema.safeParse({
    ...Object.fromEntries(Object.keys(PARAMETERS[type] ?? {}).map((field) => [field, stored[field]])),
    type,
    name,
    key_id: keyId,
    channel_ids: JSON.parse(row.channelIds),
  });
  return parsed.success ? { ...parsed.data, id, version, armedVersion, actsFrom, createdAt } : null;
}

export const toRules = (rows: readonly RuleRow[]): Rule[] => rows.flatMap((row) => toRule(row) ?? []);
