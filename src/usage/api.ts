import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { createApi } from '../http/route.ts';
import { BYTE_ORDER_MARK, toCsv } from '../lib/csv.ts';
import { getStats, listReconciliation, listUsage } from './actions.ts';
import { reconciliationQuerySchema, resolveRange, statsQuerySchema, type UsageQuery, usageQuerySchema } from './model.ts';
import { reconciliationSchema, statsSchema, usagePageSchema } from './responses.ts';
import { columnsOf } from './sums/groups.ts';
import { MEASURE_COLUMNS, measureCells, presentMeasures } from './sums/measures.ts';

const tag = 'Public API';

export const usageApi = createApi();

usageApi.route({
  method: 'get',
  path: '/api/v1/stats',
  tag,
  summary: 'Get spend in total and by day, model, provider and key',
  access: 'reader',
  query: statsQuerySchema,
  etag: ({ deps, query }) => [query, resolveRange(query, deps.now())],
  success: { status: 200, description: 'The statistics', schema: statsSchema },
  problems: [403, 404],
  handle: ({ deps, actor, query }) => getStats(deps, actor, query),
});

function formatOf(c: Context, { format }: UsageQuery): 'json' | 'csv' {
  const preferred = accepts(c, { header: 'Accept', supports: ['application/json', 'text/csv'], default: 'application/json' });
  return format ?? (preferred === 'text/csv' ? 'csv' : 'json');
}

type Page = Awaited<ReturnType<typeof listUsage>>;

/** A `Link` header names the next page. */
function csvAnswer(c: Context, query: UsageQuery, { rows, nextCursor }: Page): Response {
  if (nextCursor) {
    const next = new URL(c.req.url);
    next.searchParams.set('cursor', nextCursor);
    c.header('link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  const columns = [...columnsOf(query.group_by), ...MEASURE_COLUMNS, 'is_complete'];
  const cells = rows.map(({ fields, measures, isComplete }) => ({ ...fields, ...measureCells(measures), is_complete: String(isComplete) }));
  const start = query.bom === 'true' && query.cursor === undefined ? BYTE_ORDER_MARK : '';
  c.header('content-disposition', 'attachment; filename="usage.csv"');
  return c.text(start + toCsv(columns, cells), 200, { 'content-type': 'text/csv; charset=utf-8' });
}

usageApi.route({
  method: 'get',
  path: '/api/v1/usage',
  tag,
  summary: 'List spend by one or two groups, in pages',
  access: 'reader',
  query: usageQuerySchema,
  etag: ({ c, deps, query }) => [query, formatOf(c, query), resolveRange(query, deps.now())],
  success: {
    status: 200,
    description: 'A page of rows. As CSV, a `Link` header with `rel="next"` leads to the next page',
    schema: usagePageSchema,
    others: ['text/csv'],
  },
  problems: [403, 404],
  handle: async ({ c, deps, actor, query }) => {
    const page = await listUsage(deps, actor, query);
    if (formatOf(c, query) === 'csv') return csvAnswer(c, query, page);
    const data = page.rows.map(({ fields, measures, isComplete }) => ({
      ...fields,
      ...presentMeasures(measures),
      is_complete: isComplete,
    }));
    return { data, next_cursor: page.nextCursor };
  },
});

usageApi.route({
  method: 'get',
  path: '/api/v1/reconciliation',
  tag,
  summary: 'Compare the sources of each UTC day and key',
  access: 'reader',
  query: reconciliationQuerySchema,
  etag: ({ query }) => query,
  success: { status: 200, description: 'A page of days and keys', schema: reconciliationSchema },
  problems: [403, 404],
  handle: ({ deps, actor, query }) => listReconciliation(deps, actor, query),
});
