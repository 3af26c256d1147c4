import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const apiToken = sqliteTable(
  'api_token',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    name: text().notNull(),
    /** SHA-256; the token itself is not stored. */
    tokenHash: text('token_hash').notNull().unique(),
    prefix: text().notNull(),
    isActive: integer('is_active', { mode: 'boolean' }).notNull().default(true),
    createdAt: integer('created_at').notNull(),
    lastUsedAt: integer('last_used_at'),
    revokedAt: integer('revoked_at'),
  },
  (table) => [index('api_token_user').on(table.userId, table.isActive)],
);
