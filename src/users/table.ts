import { sql } from 'drizzle-orm';
import { customType, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Emails are compared without letter case. */
const textNoCase = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });

export const user = sqliteTable('user', {
  id: integer().primaryKey({ autoIncrement: true }),
  email: textNoCase().notNull().unique(),
  passwordHash: text('password_hash').notNull(),
  timeZone: text('time_zone').notNull().default('UTC'),
  createdAt: integer('created_at').notNull(),
  /** Bumped by triggers of the migration when data behind statistics change and the previous version was served. */
  statsVersion: integer('stats_version').notNull().default(0),
  /** The last version that a response was made from. */
  statsSeen: integer('stats_seen').notNull().default(-1),
});

export const session = sqliteTable(
  'session',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    client: text(),
  },
  (table) => [index('session_user').on(table.userId), index('session_expiry').on(table.expiresAt)],
);

/** Invitations (`user_id` is null) and password resets. */
export const oneTimeLink = sqliteTable(
  'one_time_link',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tokenHash: text('token_hash').notNull().unique(),
    userId: integer('user_id'),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    usedAt: integer('used_at'),
  },
  (table) => [index('one_time_link_user').on(table.userId).where(sql`user_id is not null`)],
);

/** Failed sign-ins of the window since `started_at`, by the throttle key of an email, browser or session (`throttleOf`). */
export const signInFailure = sqliteTable('sign_in_failure', {
  emailHash: text('email_hash').primaryKey(),
  failures: integer().notNull(),
  startedAt: integer('started_at').notNull(),
});
