import { integer, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';

export const savedView = sqliteTable(
  'saved_view',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    name: text().notNull(),
    /** The query string of its page. */
    query: text().notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [unique('saved_view_name').on(table.userId, table.name)],
);
