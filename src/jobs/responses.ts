import * as z from 'zod';
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
    .describe('Only with a session'),
});

export const healthSchema = z
  .object({
    status: z.literal('ok'),
    jobs: z.record(z.enum(JOBS), jobSchema),
    encryption_keys: z
      .object({
        current: z.string(),
        in_use: z.array(z.string()).describe('Ids that stored secrets still need; the others can be removed'),
      })
      .optional()
      .describe('Only with a session: ids in `ENCRYPTION_KEYS`'),
  })
  .meta({ id: 'Health' });
