import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * What was done to an account, by whom and from where. Triggers of the migration refuse every change, and every deletion of what is
 * younger than `AUDIT_RETENTION_DAYS` while its user is there.
 */
export const auditEvent = sqliteTable(
  'audit_event',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    at: integer().notNull(),
    action: text().notNull(),
    /** What it was done to, by name; null: the account itself. */
    subject: text(),
    /** The session that did it; null: nobody was signed in. */
    sessionId: integer('session_id'),
    address: text(),
    client: text(),
    requestId: text('request_id').notNull(),
  },
  (table) => [index('audit_event_user').on(table.userId, table.id), index('audit_event_at').on(table.at)],
);
