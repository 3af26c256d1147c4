import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Append-only by triggers: no changes, and no deletion within `AUDIT_RETENTION_DAYS` while the user exists. */
export const auditEvent = sqliteTable(
  'audit_event',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    at: integer().notNull(),
    action: text().notNull(),
    /** Name of what the action was done to; null: the account. */
    subject: text(),
    /** Null: not signed in. */
    sessionId: integer('session_id'),
    address: text(),
    client: text(),
    requestId: text('request_id').notNull(),
  },
  (table) => [index('audit_event_user').on(table.userId, table.id), index('audit_event_at').on(table.at)],
);
