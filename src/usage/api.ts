/** `GET /api/v1/stats` and `GET /api/v1/usage`. */
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import * as z from 'zod';
import { createApi } from '../http/route.ts';
import { toCsv } from '../lib/csv.ts';
import { getStats, listReconciliation, listUsage } from './actions.ts';
import { columnsOf } from './groups.ts';
import { MEASURE_COLUMNS, measureCells, measureFields, presentMeasures } from './measures.ts';
import { reconciliationQuerySchema, resolveRange, statsQuerySchema, type UsageQuery, usageQuerySchema } from './model.ts';

const instantSchema = z.iso.datetime().nullable();

const usd = (description: string) => z.number().nullable().describe(description);

const reconciledSchema = z
  .object({
    date: z.iso.date(),
    key_id: z.int(),
    name: z.string(),
    source: z.enum(['counters', 'analytics']).nullable().describe('Which source the ledger has the day from'),
    cost_usd: usd('What the ledger says; of a management key, what its account spent outside of its keys'),
    byok_cost_usd: usd('The same of BYOK spend'),
    counters_cost_usd: usd('What the counters say'),
    counters_byok_cost_usd: usd('The same of BYOK spend'),
    activity_cost_usd: usd('What OpenRouter’s daily activity says'),
    activity_byok_cost_usd: usd('The same of BYOK spend'),
    drift_usd: usd('Ledger less the source that differs most, of completed days that both know whole'),
    byok_drift_usd: usd('The same of BYOK spend'),
    coverage: z
      .enum(['exact', 'partial', 'none'])
      .describe('How much of the day the ledger knows: all of it, a part (also today), nothing. Not whether the sources agree'),
  })
  .meta({ id: 'ReconciledDay' });

const reconciliationSchema = z
  .object({ data: z.array(reconciledSchema), next_cursor: z.string().nullable() })
  .meta({ id: 'Reconciliation' });

const statsSchema = z
  .object({
    range: z.object({ from: z.iso.date(), to: z.iso.date(), tz: z.string() }),
    totals: z.object(measureFields),
    by_day: z.array(z.object({ date: z.iso.date(), ...measureFields })),
    by_model: z.array(
      z.object({
        model: z.string().nullable().describe('Slug, or permaslug where no slug is known'),
        permaslugs: z.array(z.string()).describe('The versions that the slug stands for'),
        ...measureFields,
      }),
    ),
    by_provider: z.array(z.object({ provider: z.string().nullable(), ...measureFields })),
    by_key: z
      .array(z.object({ key_id: z.int(), name: z.string(), ...measureFields }))
      .describe('Under a management key stands what its account spent outside of its keys'),
    coverage: z.array(z.object({ key_id: z.int(), known_since: instantSchema, source: z.enum(['counters', 'analytics']).nullable() })),
    approximate_days: z
      .array(z.iso.date())
      .describe('Days whose share of the spend is not certain: some of it may belong to the day before or after'),
    drift: z.array(reconciledSchema).describe('Completed UTC days on which the sources differ by more than a cent'),
    as_of: instantSchema.describe(
      'All spend of the keys that were read so far is in the figures up to this instant. What an account spends outside of its keys follows when a day is over',
    ),
  })
  .meta({ id: 'Stats' });

const usageRowSchema = z.object({
  date: z.iso.date().optional(),
  hour: z.iso.datetime({ offset: true }).nullable().optional().describe('Null: spend of the date that could not be placed on an hour'),
  model: z.string().nullable().optional(),
  provider: z.string().nullable().optional(),
  key_id: z.int().optional(),
  ...measureFields,
});

const usagePageSchema = z.object({ data: z.array(usageRowSchema), next_cursor: z.string().nullable() }).meta({ id: 'UsagePage' });

const tag = 'Public API';

export const usageApi = createApi();

usageApi.route({
  method: 'get',
  path: '/api/v1/stats',
  tag,
  summary: 'Spend of a range, in total and by day, model, provider and key',
  access: 'reader',
  query: statsQuerySchema,
  etag: ({ deps, query }) => [query, resolveRange(query, deps.now())],
  success: { status: 200, description: 'The statistics', schema: statsSchema },
  problems: [403, 404],
  handle: ({ deps, actor, query }) => getStats(deps, actor, query),
});

type Page = Awaited<ReturnType<typeof listUsage>>;

/** A page as a CSV file; a `Link` header leads to the next one. */
function csvAnswer(c: Context, query: UsageQuery, { rows, nextCursor }: Page): Response {
  if (nextCursor) {
    const next = new URL(c.req.url);
    next.searchParams.set('cursor', nextCursor);
    c.header('link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  const columns = [...columnsOf(query.group_by), ...MEASURE_COLUMNS];
  const cells = rows.map(({ fields, measures }) => ({ ...fields, ...measureCells(measures) }));
  c.header('content-disposition', 'attachment; filename="usage.csv"');
  return c.text(toCsv(columns, cells), 200, { 'content-type': 'text/csv; charset=utf-8' });
}

usageApi.route({
  method: 'get',
  path: '/api/v1/usage',
  tag,
  summary: 'Ledger rows by one or two groups, in pages',
  access: 'reader',
  query: usageQuerySchema,
  etag: ({ deps, query }) => [query, resolveRange(query, deps.now())],
  success: {
    status: 200,
    description: 'A page of rows. As CSV, a `Link` header with `rel="next"` leads to the next page',
    schema: usagePageSchema,
    others: ['text/csv'],
  },
  problems: [403, 404],
  handle: async ({ c, deps, actor, query }) => {
    const page = await listUsage(deps, actor, query);
    c.header('vary', 'Accept');
    const preferred = accepts(c, { header: 'Accept', supports: ['application/json', 'text/csv'], default: 'application/json' });
    if (query.format === 'csv' || (query.format === undefined && preferred === 'text/csv')) return csvAnswer(c, query, page);
    const data = page.rows.map(({ fields, measures }) => ({ ...fields, ...presentMeasures(measures) }));
    return { data, next_cursor: page.nextCursor };
  },
});

usageApi.route({
  method: 'get',
  path: '/api/v1/reconciliation',
  tag,
  summary: 'What each source says of each UTC day and key, and where they differ',
  access: 'reader',
  query: reconciliationQuerySchema,
  etag: ({ query }) => query,
  success: { status: 200, description: 'A page of days and keys', schema: reconciliationSchema },
  problems: [403, 404],
  handle: ({ deps, actor, query }) => listReconciliation(deps, actor, query),
});
