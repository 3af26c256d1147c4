/** The audit log: what is recorded, and how it is told. */
import * as z from 'zod';
import type { auditEvent } from './table.ts';

export type AuditRow = typeof auditEvent.$inferSelect;

/** What is recorded, in words. */
export const ACTIONS = {
  registered: 'Account created',
  signed_in: 'Signed in',
  sign_in_failed: 'Sign-in failed: wrong password',
  signed_out: 'Signed out',
  sessions_ended: 'Signed out everywhere else',
  password_changed: 'Password changed',
  password_reset: 'Password reset by a one-time link',
  password_refused: 'A wrong password was given to confirm something',
  key_added: 'Key added',
  key_renamed: 'Key renamed',
  key_paused: 'Key paused',
  key_resumed: 'Key resumed',
  key_replaced: 'Key replaced by another text',
  key_deleted: 'Key deleted',
  token_created: 'API token created',
  token_revoked: 'API token revoked',
  exported: 'All data exported',
  account_deleted: 'Account deleted',
} as const;

/** Events are kept for so long. The triggers of the migration name the same number. */
export const AUDIT_RETENTION_DAYS = 365;

export type AuditAction = keyof typeof ACTIONS;
const actions = Object.keys(ACTIONS) as [AuditAction, ...AuditAction[]];

/** Who asks, as far as a request tells; a job has none. */
export interface Caller {
  address: string | null;
  /** Browser and system in words. */
  client: string | null;
  requestId: string;
}

const eventSchema = z
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

/** An event as its user sees it. */
export const presentAudit = (row: AuditRow): z.infer<typeof eventSchema> => ({
  id: row.id,
  at: new Date(row.at).toISOString(),
  action: row.action as AuditAction,
  subject: row.subject,
  session_id: row.sessionId,
  address: row.address,
  client: row.client,
  request_id: row.requestId,
});
