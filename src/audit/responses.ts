import * as z from 'zod';
import { ACTIONS, type AuditAction } from './model.ts';

const actions = Object.keys(ACTIONS) as [AuditAction, ...AuditAction[]];

export const eventSchema = z
  .object({
    id: z.int(),
    at: z.iso.datetime(),
    action: z.enum(actions),
    subject: z.string().nullable().describe('Name of what the action was done to; null: the account'),
    session_id: z.int().nullable().describe('The session that did it; null: not signed in'),
    address: z.string().nullable().describe('IP address of the request'),
    client: z.string().nullable().describe('Browser and operating system; null: unknown'),
    request_id: z.string().describe('The `X-Request-Id` of the response'),
  })
  .meta({ id: 'AuditEvent' });

export const auditPageSchema = z.object({ data: z.array(eventSchema), next_cursor: z.string().nullable() }).meta({ id: 'AuditEvents' });
