import type * as z from 'zod';
import type { eventSchema } from './responses.ts';
import type { auditEvent } from './table.ts';

export type AuditRow = typeof auditEvent.$inferSelect;

export const ACTIONS = {
  registered: 'Account created',
  signed_in: 'Signed in',
  sign_in_failed: 'Sign-in failed: wrong password',
  signed_out: 'Signed out',
  sessions_ended: 'Signed out everywhere else',
  password_changed: 'Password changed',
  password_reset: 'Password reset by a one-time link',
  password_refused: 'Password confirmation failed',
  key_added: 'Key added',
  key_renamed: 'Key renamed',
  key_paused: 'Key paused',
  key_resumed: 'Key resumed',
  key_replaced: 'Key replaced',
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

/** The migration's triggers name the same number. */
export const AUDIT_RETENTION_DAYS = 365;

export type AuditAction = keyof typeof ACTIONS;

/** Where a request comes from. */
export interface Caller {
  address: string | null;
  client: string | null;
  requestId: string;
}

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
