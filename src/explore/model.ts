/** Explore: one metric by up to two dimensions over time. What may be asked, and which facts it is about. Pure. */
import * as z from 'zod';
import { idSchema } from '../lib/id.ts';
import { DIMENSIONS, type Dimension, type Mark } from '../usage/model.ts';
import { emptyAsAbsent, oneOf, periodFields } from '../usage/periods.ts';
import type { Measures } from '../usage/sums/measures.ts';

export const ROLLUPS = ['none', 'hour', 'day', 'week', 'month'] as const;
export type Rollup = (typeof ROLLUPS)[number];

export interface Metric {
  label: string;
  unit: 'usd' | 'count';
  amount(measures: Measures): number | null;
  /** The divisor of a ratio; null: unknown. */
  over?(measures: Measures): number | null;
  /** A ratio is per this many. */
  scale?: number;
  /** Do counters know it? */
  isMoney: boolean;
}

const tokensOf = ({ promptTokens, completionTokens }: Measures): number | null =>
  promptTokens === null || completionTokens === null ? null : promptTokens + completionTokens;

const count = (label: string, amount: Metric['amount']): Metric => ({ label, unit: 'count', amount, isMoney: false });
const money = (label: string, amount: Metric['amount']): Metric => ({ label, unit: 'usd', amount, isMoney: true });

export const METRICS = {
  cost: money('Spend', ({ costNano }) => costNano),
  byok_cost: money('BYOK spend', ({ byokCostNano }) => byokCostNano),
  all_cost: money('Spend with BYOK', ({ costNano, byokCostNano }) =>
    costNano === null && byokCostNano === null ? null : (costNano ?? 0) + (byokCostNano ?? 0),
  ),
  requests: count('Requests', ({ requests }) => requests),
  prompt_tokens: count('Prompt tokens', ({ promptTokens }) => promptTokens),
  completion_tokens: count('Completion tokens', ({ completionTokens }) => completionTokens),
  reasoning_tokens: count('Reasoning tokens', ({ reasoningTokens }) => reasoningTokens),
  cached_tokens: count('Cached tokens', ({ cachedTokens }) => cachedTokens),
  cost_per_request: {
    label: 'Spend per request',
    unit: 'usd',
    isMoney: false,
    amount: ({ costNano }) => costNano,
    over: ({ requests }) => requests,
  },
  cost_per_million_tokens: {
    label: 'Spend per million tokens',
    unit: 'usd',
    isMoney: false,
    amount: ({ costNano }) => costNano,
    over: tokensOf,
    scale: 1e6,
  },
} as const satisfies Record<string, Metric>;
export type MetricName = keyof typeof METRICS;

export const metricOf = (name: MetricName): Metric => METRICS[name];

const listOf = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value]), z.array(schema).max(100));

export const questionSchema = z.object({
  ...periodFields,
  metric: emptyAsAbsent(oneOf(Object.keys(METRICS) as MetricName[]).default('cost')),
  by: emptyAsAbsent(oneOf(DIMENSIONS).default('model')),
  by2: emptyAsAbsent(oneOf(DIMENSIONS).optional()),
  rollup: emptyAsAbsent(oneOf(ROLLUPS).default('day')),
  top: emptyAsAbsent(z.coerce.number().int().min(1, 'Must be from 1 to 50').max(50, 'Must be from 1 to 50').default(6)),
  cumulative: emptyAsAbsent(oneOf(['1']).optional()),
  key: listOf(idSchema),
  model: listOf(z.string().max(300)),
  provider: listOf(z.string().max(300)),
});
export type Question = z.infer<typeof questionSchema>;

export const MAX_HOURLY_DAYS = 31;

export const dimensionsOf = ({ by, by2 }: Pick<Question, 'by' | 'by2'>): [Dimension] | [Dimension, Dimension] =>
  by2 && by2 !== by ? [by, by2] : [by];

export const UNKNOWN_NAME = '(unknown)';

/** A model matches by slug or permaslug. */
export function isWanted(fact: Mark, { key, model, provider }: Pick<Question, 'key' | 'model' | 'provider'>): boolean {
  return (
    (key.length === 0 || key.includes(fact.keyId)) &&
    (model.length === 0 || model.includes(fact.model ?? UNKNOWN_NAME) || (fact.permaslug !== null && model.includes(fact.permaslug))) &&
    (provider.length === 0 || provider.includes(fact.provider ?? UNKNOWN_NAME))
  );
}
