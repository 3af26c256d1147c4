/** `GET /api/v1/stats` and `GET /api/v1/usage`. */
import { createRoute } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import * as z from 'zod';
import { access, createRouter, jsonAnswer, problems } from '../http/openapi.ts';
import { toCsv } from '../lib/csv.ts';
import { getStats, listUsage } from './actions.ts';
import { columnsOf } from './groups.ts';
import { MEASURE_COLUMNS, measureCells, measureFields, presentMeasures } from './measures.ts';
import { statsQuerySchema, usageQuerySchema } from './model.ts';

const instantSchema = z.iso.datetime().nullable();

const statsSchema = z
  .object({
    range: z.object({ from: z.iso.date(), to: z.iso.date(), tz: z.string() }),
    totals: z.object(measureFields),
    by_day: z.array(z.object({ date: z.iso.date(), ...measureFields })),
    by_model: z.array(z.object({ model: z.string().nullable(), ...measureFields })),
    by_provider: z.array(z.object({ provider: z.string().nullable(), ...measureFields })),
    by_key: z.array(z.object({ key_id: z.int(), name: z.string(), ...measureFields })),
    coverage: z.array(z.object({ key_id: z.int(), known_since: instantSchema, source: z.enum(['counters']).nullable() })),
    approximate_days: z.array(z.iso.date()).describe('Days whose share of the spend is not certain'),
    as_of: instantSchema.describe('All spend before this instant is in the figures'),
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

const statsRoute = createRoute({
  method: 'get',
  path: '/api/v1/stats',
  tags: ['Public API'],
  summary: 'Spend of a range, in total and by day, model, provider and key',
  ...access.reader,
  request: { query: statsQuerySchema },
  responses: { 200: jsonAnswer(statsSchema, 'The statistics'), ...problems(401, 403, 404, 422, 429) },
});

const usageRoute = createRoute({
  method: 'get',
  path: '/api/v1/usage',
  tags: ['Public API'],
  summary: 'Ledger rows by one or two groups, in pages',
  ...access.reader,
  request: { query: usageQuerySchema },
  responses: {
    200: {
      description: 'A page of rows. As CSV, a `Link` header with `rel="next"` leads to the next page',
      content: { 'application/json': { schema: usagePageSchema }, 'text/csv': { schema: z.string() } },
    },
    ...problems(401, 403, 404, 422, 429),
  },
});

export const usageApi = createRouter();

usageApi.openapi(statsRoute, async (c) => c.json(await getStats(c.var.deps, c.var.actor, c.req.valid('query')), 200));

usageApi.openapi(usageRoute, async (c) => {
  const query = c.req.valid('query');
  const { rows, nextCursor } = await listUsage(c.var.deps, c.var.actor, query);
  const preferred = accepts(c, { header: 'Accept', supports: ['application/json', 'text/csv'], default: 'application/json' });
  const isCsv = query.format === undefined ? preferred === 'text/csv' : query.format === 'csv';
  c.header('vary', 'Accept');
  if (!isCsv) {
    const data = rows.map(({ fields, measures }) => ({ ...fields, ...presentMeasures(measures) }));
    return c.json({ data, next_cursor: nextCursor }, 200);
  }
  if (nextCursor) {
    const next = new URL(c.req.url);
    next.searchParams.set('cursor', nextCursor);
    c.header('link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  const columns = [...columnsOf(query.group_by), ...MEASURE_COLUMNS];
  c.header('content-disposition', 'attachment; filename="usage.csv"');
  return c.text(
    toCsv(
      columns,
      rows.map(({ fields, measures }) => ({ ...fields, ...measureCells(measures) })),
    ),
    200,
    {
      'content-type': 'text/csv; charset=utf-8',
    },
  );
});
