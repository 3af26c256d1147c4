/** What is answered about the audit log. */
import * as z from 'zod';
import { ACTIONS, type AuditAction } from './model.ts';

const actions = Object.keys(ACTIONS) as [AuditAction, ...AuditAction[]];

export const eventSchema = z
  .object({
    id: z.int(),
    at: z.iso.datetime(),
    action: z.enum(actions),
    subject: z.string().nullable().describe('What it was done to, by its name at that time; null: the account'),
    session_id: z.int().nullable().describe('The session that did it; null: nobody was signed in'),
    address: z.string().nullable().describe('The address from which it came'),
    client: z.string().nullable().describe('Browser and system, where they were told'),
    request_id: z.string().describe('The `X-Request-Id` of the answer'),
  })
  .meta({ id: 'AuditEvent' });

export const auditPageSchema = z.object({ data: z.array(eventSchema), next_cursor: z.string().nullable() }).meta({ id: 'AuditEvents' });
