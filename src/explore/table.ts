import { integer, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';

/** Questions of Explore that users gave a name. */
export const savedView = sqliteTable(
  'saved_view',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    name: text().notNull(),
    /** The question as the query of its page's address. */
    query: text().notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [unique('saved_view_name').on(table.userId, table.name)],
);
