/** `GET /health`. */
import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { describeDatabaseError } from '../db.ts';
import { fail } from '../errors.ts';
import { recogniseSession } from '../http/guard.ts';
import { createRouter, jsonAnswer, problems } from '../http/openapi.ts';
import { logError } from '../log.ts';
import { getHealth } from './health.ts';
import { JOBS } from './model.ts';

const jobSchema = z.object({
  last_success_at: z.iso.datetime().nullable(),
  is_overdue: z.boolean(),
  never_ran: z.boolean(),
  last_run: z
    .object({
      slot: z.string(),
      parts: z.int(),
      unfinished: z.int(),
      counts: z.record(z.string(), z.number()),
      errors: z.array(z.string()),
    })
    .nullable()
    .optional()
    .describe('Only for a session'),
});

const healthSchema = z.object({ status: z.literal('ok'), jobs: z.record(z.enum(JOBS), jobSchema) }).meta({ id: 'Health' });

const healthRoute = createRoute({
  method: 'get',
  path: '/health',
  tags: ['Service'],
  summary: 'How the service is',
  description: 'A job that is overdue or never ran is still 200. With a session the answer has details.',
  security: [{}, { session: [] }],
  responses: { 200: jsonAnswer(healthSchema, 'Configuration, database and encryption keys are in order'), ...problems(503) },
});

export const healthApi = createRouter();

healthApi.openapi(healthRoute, async (c) => {
  try {
    await recogniseSession(c, async () => {});
    return c.json(await getHealth(c.var.deps, c.var.actor), 200);
  } catch (error) {
    if (describeDatabaseError(error) === null) throw error;
    logError('health', error, { request_id: c.var.requestId });
    return fail({ kind: 'misconfigured', detail: 'The database does not answer.' });
  }
});
