import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Which account a management key opens, and when it may next be used. */
export const management = sqliteTable(
  'management',
  {
    apiKeyId: integer('api_key_id').primaryKey(),
    userId: integer('user_id').notNull(),
    /** Null: it was not listed yet. Another management key may read the same account: its `reader_id` says which one does. */
    accountId: integer('account_id'),
    /** The hash of the secret that opened it: while the key has that one it is the same account, whatever became of its workspaces and keys. */
    openedBy: text('opened_by'),
    /** When this key last began to list its account. */
    listedAt: integer('listed_at'),
    /** No step before then: somebody is at work, or OpenRouter's limit of queries a minute is used up. */
    readyAt: integer('ready_at').notNull().default(0),
    /** The newest run (ISO 8601) that worked on the account; older ones leave the rest of the work to it. */
    runSlot: text('run_slot'),
    /** The UTC day on which the models' names were last asked for. */
    namesDay: text('names_day'),
    /** Why the account could not be read in full. */
    lastError: text('last_error'),
  },
  (table) => [index('management_user').on(table.userId)],
);

/** A workspace of an account. `WITHOUT ROWID` in the migration. */
export const workspace = sqliteTable(
  'workspace',
  {
    userId: integer('user_id').notNull(),
    id: text().notNull(),
    name: text().notNull(),
    accountId: integer('account_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.id] })],
);
