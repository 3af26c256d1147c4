/** `GET /health`. */
import * as z from 'zod';
import { createApi } from '../http/route.ts';
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

const healthSchema = z
  .object({
    status: z.literal('ok'),
    jobs: z.record(z.enum(JOBS), jobSchema),
    encryption_keys: z
      .object({ current: z.string(), in_use: z.array(z.string()).describe('Ids that stored secrets need: the others can go') })
      .optional()
      .describe('Only for a session: ids in `ENCRYPTION_KEYS`'),
  })
  .meta({ id: 'Health' });

export const healthApi = createApi();

healthApi.route({
  method: 'get',
  path: '/health',
  tag: 'Service',
  summary: 'How the service is',
  description: 'A job that is overdue or never ran is still 200. With a session the answer has details.',
  access: 'recognised',
  success: { status: 200, description: 'Configuration, database and encryption keys are in order', schema: healthSchema },
  problems: [503],
  handle: ({ deps, actor }) => getHealth(deps, actor),
});
