/** `POST /analytics/query`: query and answer. Counts are strings or numbers, the bucket has one of two names, times three shapes. Pure. */
import * as z from 'zod';
import { addDays, DAY_MS, HOUR_MS, parseInstant, startOfDay } from '../lib/day.ts';
import { nanoFromUsd } from '../lib/money.ts';
import { err, ok, type Result } from '../lib/result.ts';

/** Source: OpenRouter's documentation of analytics */
export const MAX_ROWS = 10_000;

/** UTC days, both inclusive, of one key by its hash, or of the account (null). */
export interface AnalyticsQuery {
  from: string;
  to: string;
  granularity: 'hour' | 'day';
  withProvider: boolean;
  hash: string | null;
}

/** Spend of an hour or a day; '': unknown model or provider. */
export interface AnalyticsRow {
  /** Start of the bucket, epoch milliseconds. */
  at: number;
  model: string;
  provider: string;
  costNano: number;
  byokCostNano: number;
  requests: number;
  promptTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  cachedTokens: number;
}

export interface AnalyticsAnswer {
  rows: AnalyticsRow[];
  /** Rows are missing: do not sum them. */
  isTruncated: boolean;
  /** No rows but a warning: OpenRouter does not know the key, and its spend is missing. */
  isUnknownKey: boolean;
}

const METRICS = {
  costNano: 'credits_usage',
  byokCostNano: 'byok_usage',
  requests: 'request_count',
  promptTokens: 'tokens_prompt',
  completionTokens: 'tokens_completion',
  reasoningTokens: 'reasoning_tokens',
  cachedTokens: 'cached_tokens',
} as const;
type Measure = keyof typeof METRICS;
const MEASURES = Object.keys(METRICS) as Measure[];

export function queryBody({ from, to, granularity, withProvider, hash }: AnalyticsQuery) {
  return {
    metrics: Object.values(METRICS),
    dimensions: withProvider ? ['model', 'provider'] : ['model'],
    granularity,
    time_range: { start: `${from}T00:00:00Z`, end: `${addDays(to, 1)}T00:00:00Z` },
    ...(hash !== null && { filters: [{ field: 'api_key_id', operator: 'eq', value: hash }] }),
    order_by: { field: 'date', direction: 'asc' as const },
    limit: MAX_ROWS,
  };
}

export const analyticsAnswerSchema = z.object({
  data: z.object({
    data: z.array(z.record(z.string(), z.unknown())),
    metadata: z.object({ row_count: z.int(), truncated: z.boolean() }),
    warnings: z.array(z.string()).optional(),
  }),
});

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A number or numeric string; null (unused) is 0, anything else NaN. */
function readNumber(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === 'number') return value;
  return typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : Number.NaN;
}

function readMeasure(row: Record<string, unknown>, measure: Measure): number {
  const value = readNumber(row[METRICS[measure]]);
  if (measure === 'costNano' || measure === 'byokCostNano') return nanoFromUsd(value);
  if (!Number.isSafeInteger(value)) throw new RangeError('not a count');
  return value;
}

const MAX_NAME_LENGTH = 300;

function readName(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string' || value.length > MAX_NAME_LENGTH) throw new RangeError('not a name');
  return value;
}

function readBucket(row: Record<string, unknown>, granularity: string): number {
  const [value, ...others] = new Set(
    [row[`date__${granularity}`], row[`created_at__${granularity}`]].filter((known) => known !== undefined),
  );
  const at = others.length === 0 && typeof value === 'string' ? parseInstant(value) : null;
  const size = granularity === 'hour' ? HOUR_MS : DAY_MS;
  if (at === null || at % size !== 0) throw new RangeError('not a bucket');
  return at;
}

function readRow(row: Record<string, unknown>, query: AnalyticsQuery): AnalyticsRow {
  const measures = Object.fromEntries(MEASURES.map((measure) => [measure, readMeasure(row, measure)])) as Record<Measure, number>;
  return {
    at: readBucket(row, query.granularity),
    model: readName(row['model']),
    provider: query.withProvider ? readName(row['provider']) : '',
    ...measures,
  };
}

/**
 * Rows within the query's days (whether `end` is inclusive is not documented). Maximum length counts as truncated.
 * @returns the index of the first malformed row, if any
 */
export function readAnswer(answer: z.infer<typeof analyticsAnswerSchema>, query: AnalyticsQuery): Result<AnalyticsAnswer, number> {
  const { data, metadata, warnings = [] } = answer.data;
  const [start, end] = [startOfDay(query.from), startOfDay(query.to) + DAY_MS];
  const rows: AnalyticsRow[] = [];
  for (const [index, raw] of data.entries()) {
    try {
      const row = readRow(raw, query);
      if (row.at >= start && row.at < end) rows.push(row);
    } catch {
      return err(index);
    }
  }
  const isTruncated = metadata.truncated || data.length >= MAX_ROWS || metadata.row_count > data.length;
  return ok({ rows, isTruncated, isUnknownKey: data.length === 0 && warnings.length > 0 });
}

const UNIT_DAYS: Record<string, number> = { hour: 1 / 24, day: 1, week: 7, month: 30, year: 365 };

/** The longest span that a refusal allows, in days (the least it names), or null. */
export function maxDaysOf(message: string): number | null {
  const spans = [...message.matchAll(/(\d{1,5})[\s-]*(hour|day|week|month|year)s?\b/gi)];
  const days = spans.map(([, count, unit = '']) => Math.floor(Number(count) * (UNIT_DAYS[unit.toLowerCase()] ?? 0)));
  const sound = days.filter((count) => count > 0);
  return sound.length > 0 ? Math.min(...sound) : null;
}

/** Is the refusal about the length of the range? */
export const isAboutRange = (message: string): boolean => /\brange\b|\bspan\b|too (long|wide|large)|exceed|maximum/i.test(message);
