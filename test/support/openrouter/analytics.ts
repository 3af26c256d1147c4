/** `POST /analytics/query`, `GET /analytics/meta` and `GET /activity`: the account's spending by hour, day, model and provider. */
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays, startOfDay } from '../../../src/lib/day.ts';
import { usdFromNano } from '../../../src/lib/money.ts';
import { errorAnswer } from './answers.ts';
import { slugOf } from './catalog.ts';

/** Something that was spent, as OpenRouter books it. */
export interface Spend {
  at: number;
  nano: number;
  byokNano: number;
  /** Permaslug. */
  model: string;
  provider: string;
  requests: number;
  promptTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  cachedTokens: number;
}

/** What a key spent; `name` is what analytics shows of it. */
export interface SpendSource {
  hash: string | null;
  name: string;
  workspaceId: string;
  spends: readonly Spend[];
}

/** In which of the ways that were seen OpenRouter spells an answer. */
export interface AnalyticsStyle {
  prefix: 'date' | 'created_at';
  time: 'space' | 'iso';
  countsAsStrings: boolean;
  /** Whether `end` itself still counts. */
  includesEnd: boolean;
}

export interface AnalyticsOptions {
  style: AnalyticsStyle;
  /** How long a spend stays out of analytics. */
  lagMs: number;
  /** Wider hourly and daily queries are answered with 408. */
  slowBeyondDays: number;
  /** Wider ones with 400 and this maximum in the message. */
  maxDays: number;
  /** At most so many rows are answered, whatever the limit. */
  maxRows: number;
}

/** Reach in days of a query with this granularity or dimension. */
const SHORT_REACH_DAYS = 31;
const LONG_REACH_DAYS = 365;

export const DEFAULT_OPTIONS: AnalyticsOptions = {
  style: { prefix: 'date', time: 'space', countsAsStrings: true, includesEnd: false },
  lagMs: 0,
  slowBeyondDays: Number.POSITIVE_INFINITY,
  maxDays: LONG_REACH_DAYS,
  maxRows: 10_000,
};

interface Query {
  metrics: string[];
  dimensions?: string[];
  granularity?: string;
  time_range?: { start: string; end: string };
  filters?: { field: string; operator: string; value: string | string[] }[];
  limit?: number;
}

interface Group {
  cells: Record<string, string>;
  sum: Omit<Spend, 'at' | 'model' | 'provider'>;
}

const METRICS: Record<string, (sum: Group['sum']) => { value: number; isCount: boolean }> = {
  request_count: ({ requests }) => ({ value: requests, isCount: true }),
  tokens_prompt: ({ promptTokens }) => ({ value: promptTokens, isCount: true }),
  tokens_completion: ({ completionTokens }) => ({ value: completionTokens, isCount: true }),
  reasoning_tokens: ({ reasoningTokens }) => ({ value: reasoningTokens, isCount: true }),
  cached_tokens: ({ cachedTokens }) => ({ value: cachedTokens, isCount: true }),
  credits_usage: ({ nano }) => ({ value: usdFromNano(nano), isCount: false }),
  byok_usage: ({ byokNano }) => ({ value: usdFromNano(byokNano), isCount: false }),
  total_usage: ({ nano, byokNano }) => ({ value: usdFromNano(nano + byokNano), isCount: false }),
};

const DIMENSIONS: Record<string, number> = { model: LONG_REACH_DAYS, api_key_id: LONG_REACH_DAYS, provider: SHORT_REACH_DAYS };
const GRANULARITIES: Record<string, number> = { hour: SHORT_REACH_DAYS, day: LONG_REACH_DAYS };

function bucketOf(at: number, granularity: string, style: AnalyticsStyle): string {
  const start = granularity === 'hour' ? Math.floor(at / HOUR_MS) * HOUR_MS : startOfDay(dayOf(at));
  const iso = new Date(start).toISOString();
  if (style.time === 'iso') return iso;
  return granularity === 'hour' ? iso.slice(0, 19).replace('T', ' ') : iso.slice(0, 10);
}

const emptySum = (): Group['sum'] => ({
  nano: 0,
  byokNano: 0,
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  cachedTokens: 0,
});

function addSpend(sum: Group['sum'], spend: Spend): void {
  for (const name of Object.keys(sum) as (keyof Group['sum'])[]) sum[name] += spend[name];
}

/** The sources that the filters let through, and a warning for each hash that OpenRouter does not know. */
function filterSources(sources: readonly SpendSource[], { filters = [] }: Query): { sources: SpendSource[]; warnings: string[] } {
  let left = [...sources];
  const warnings: string[] = [];
  for (const { field, operator, value } of filters) {
    if (field !== 'api_key_id') throw new Error('the simulator filters by key only');
    const wanted = operator === 'in' ? (value as string[]) : [value as string];
    for (const hash of wanted)
      if (!sources.some((source) => source.hash === hash)) warnings.push(`api_key_id: could not resolve ${hash.slice(0, 8)}…`);
    left = left.filter((source) => source.hash !== null && wanted.includes(source.hash));
  }
  return { sources: left, warnings };
}

function groupSpends(sources: readonly SpendSource[], query: Query, from: number, to: number, options: AnalyticsOptions): Group[] {
  const { dimensions = [], granularity } = query;
  const groups = new Map<string, Group>();
  for (const source of sources) {
    for (const spend of source.spends) {
      const isInside = spend.at >= from && (spend.at < to || (options.style.includesEnd && spend.at < to + HOUR_MS));
      if (!isInside) continue;
      const cells: Record<string, string> = {};
      if (granularity) cells[`${options.style.prefix}__${granularity}`] = bucketOf(spend.at, granularity, options.style);
      for (const name of dimensions) cells[name] = name === 'model' ? spend.model : name === 'provider' ? spend.provider : source.name;
      const key = JSON.stringify(cells);
      const group = groups.get(key) ?? { cells, sum: emptySum() };
      addSpend(group.sum, spend);
      groups.set(key, group);
    }
  }
  return [...groups.values()].sort((a, b) => (JSON.stringify(a.cells) < JSON.stringify(b.cells) ? -1 : 1));
}

/** Why OpenRouter refuses a query, or null. */
function refusal(query: Query, days: number, options: AnalyticsOptions): Response | null {
  if (!Array.isArray(query.metrics) || query.metrics.length === 0) return errorAnswer(400, 'metrics: at least 1 is required');
  const unknown = [...query.metrics.filter((name) => !METRICS[name]), ...(query.dimensions ?? []).filter((name) => !DIMENSIONS[name])];
  if (unknown.length > 0) return errorAnswer(400, `Unknown metric or dimension: ${unknown.join(', ')}`);
  if ((query.dimensions ?? []).length > 2) return errorAnswer(400, 'dimensions: at most 2');
  const reach = Math.min(
    options.maxDays,
    GRANULARITIES[query.granularity ?? ''] ?? LONG_REACH_DAYS,
    ...(query.dimensions ?? []).map((name) => DIMENSIONS[name] ?? 0),
  );
  if (days > reach) return errorAnswer(400, `Time range exceeds the maximum of ${reach} days for this query`);
  if (days > options.slowBeyondDays) return errorAnswer(408, 'Query timed out');
  return null;
}

/** A time to the minute is refused. */
const WITH_SECONDS = /T\d{2}:\d{2}:\d{2}/;

/** Answers `POST /analytics/query`. */
export function answerQuery(sources: readonly SpendSource[], query: Query, now: number, options: AnalyticsOptions): Response {
  const start = Date.parse(query.time_range?.start ?? '') || now - 7 * DAY_MS;
  const end = Date.parse(query.time_range?.end ?? '') || now;
  if (Object.values(query.time_range ?? {}).some((time) => !WITH_SECONDS.test(time)))
    return errorAnswer(400, 'time_range: Invalid datetime');
  const refused = refusal(query, (end - start) / DAY_MS, options);
  if (refused) return refused;
  const isShort = query.granularity === 'hour' || query.dimensions?.includes('provider');
  const from = Math.max(start, now - (isShort ? SHORT_REACH_DAYS : LONG_REACH_DAYS) * DAY_MS);
  const filtered = filterSources(sources, query);
  const groups = groupSpends(filtered.sources, query, from, Math.min(end, now - options.lagMs + 1), options);
  const limit = Math.min(query.limit ?? 1000, options.maxRows);
  const data = groups.slice(0, limit).map(({ cells, sum }) => {
    const measured = query.metrics.map((name) => {
      const { value, isCount } = METRICS[name]?.(sum) ?? { value: 0, isCount: false };
      return [name, isCount && options.style.countsAsStrings ? String(value) : value];
    });
    return { ...cells, ...Object.fromEntries(measured) };
  });
  const metadata = { query_time_ms: 161, row_count: data.length, truncated: groups.length > limit };
  return Response.json({ data: { data, metadata, ...(filtered.warnings.length > 0 && { warnings: filtered.warnings }) } });
}

/** Answers `GET /analytics/meta`. */
export const answerMeta = (): Response =>
  Response.json({
    data: {
      metrics: Object.keys(METRICS).map((name) => ({
        name,
        display_label: name,
        is_rate: false,
        display_format: name.endsWith('usage') ? 'currency' : 'number',
      })),
      dimensions: Object.keys(DIMENSIONS).map((name) => ({ name, display_label: name })),
      operators: [
        { name: 'eq', value_type: 'scalar' },
        { name: 'in', value_type: 'array' },
      ],
      granularities: Object.keys(GRANULARITIES).map((name) => ({ name, display_label: name })),
    },
  });

const ACTIVITY_DAYS = 30;

/** Answers `GET /activity`: the last 30 completed days, a row for each day and endpoint. */
export function answerActivity(all: readonly SpendSource[], parameters: URLSearchParams, now: number): Response {
  const today = dayOf(now);
  const days = listDays(addDays(today, -ACTIVITY_DAYS), addDays(today, -1));
  const date = parameters.get('date');
  if (date !== null && !days.includes(date)) return errorAnswer(400, 'Date must be within the last 30 (completed) UTC days');
  const hash = parameters.get('api_key_hash');
  const sources = all.filter((source) => hash === null || source.hash === hash);
  const from = startOfDay(date ?? days[0] ?? today);
  const to = date === null ? startOfDay(today) : from + DAY_MS;
  const query = { metrics: ['request_count'], dimensions: ['model', 'provider'], granularity: 'day' };
  const style = { ...DEFAULT_OPTIONS.style, includesEnd: false };
  const data = groupSpends(sources, query, from, to, { ...DEFAULT_OPTIONS, style }).map(({ cells, sum }) => ({
    date: cells['date__day'],
    model: slugOf(String(cells['model'])),
    model_permaslug: cells['model'],
    endpoint_id: 'd000261c-5aeb-47d1-ac87-ad64dbe1cdb6',
    provider_name: cells['provider'],
    usage: usdFromNano(sum.nano),
    byok_usage_inference: usdFromNano(sum.byokNano),
    requests: sum.requests,
    prompt_tokens: sum.promptTokens,
    completion_tokens: sum.completionTokens,
    reasoning_tokens: sum.reasoningTokens,
    cached_tokens: sum.cachedTokens,
  }));
  return Response.json({ data });
}
