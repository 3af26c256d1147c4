/** The audit log: what is recorded, and how it is told. */
import type * as z from 'zod';
import type { eventSchema } from './answers.ts';
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
  rule_created: 'Alert rule created',
  rule_changed: 'Alert rule changed',
  rule_armed: 'Budget action enabled',
  rule_disarmed: 'Budget action disabled',
  rule_deleted: 'Alert rule deleted',
  channel_created: 'Alert channel created',
  channel_deleted: 'Alert channel deleted',
  exported: 'All data exported',
  account_deleted: 'Account deleted',
} as const;

/** Events are kept for so long. The triggers of the migration name the same number. */
export const AUDIT_RETENTION_DAYS = 365;

export type AuditAction = keyof typeof ACTIONS;

/** Who asks, as far as a request tells; a job has none. */
export interface Caller {
  address: string | null;
  /** Browser and system in words. */
  client: string | null;
  requestId: string;
}

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
