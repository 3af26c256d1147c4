import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** What a management key knows of its account, and when it may next be used. */
export const management = sqliteTable(
  'management',
  {
    apiKeyId: integer('api_key_id').primaryKey(),
    userId: integer('user_id').notNull(),
    /** Another management key of the same user that reads this account already. */
    leaderId: integer('leader_id'),
    totalCreditsNano: integer('total_credits_nano'),
    totalUsageNano: integer('total_usage_nano'),
    /** When the last listing of the account was begun. */
    listedAt: integer('listed_at'),
    /** The same of the last one in which no workspace was missing. */
    completeAt: integer('complete_at'),
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

/** A workspace of an account, and the management key that reads it. `WITHOUT ROWID` in the migration. */
export const workspace = sqliteTable(
  'workspace',
  {
    userId: integer('user_id').notNull(),
    id: text().notNull(),
    name: text().notNull(),
    managementId: integer('management_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.id] })],
);

/**
 * A key as OpenRouter knows it, named by its hash, or (hash null) what an account spent outside of its keys. It belongs to a key of
 * the monitor, which may have several of them: texts that it had before. `usage_day` is kept for each of them.
 */
export const upstreamKey = sqliteTable(
  'upstream_key',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    hash: text(),
    apiKeyId: integer('api_key_id').notNull(),
    /** Through which management key it is read; null: through none any more. */
    managementId: integer('management_id'),
    /** Names the account: one of its workspaces, as it was first seen. */
    account: text(),
    workspaceId: text('workspace_id'),
    /** Its name at OpenRouter. */
    name: text(),
    /** When OpenRouter made it. */
    createdAt: integer('created_at').notNull(),
    isDisabled: integer('is_disabled', { mode: 'boolean' }).notNull().default(false),
    /** Since when OpenRouter does not list it any more. */
    vanishedAt: integer('vanished_at'),
    expiresAt: integer('expires_at'),
    /** When OpenRouter last saw it used. */
    lastUsedAt: integer('last_used_at'),

    /** The counters of the last listing in which they changed. */
    countedAt: integer('counted_at'),
    usageNano: integer('usage_nano'),
    usageDailyNano: integer('usage_daily_nano'),
    byokUsageNano: integer('byok_usage_nano'),
    byokUsageDailyNano: integer('byok_usage_daily_nano'),

    /** Raised by each reading that was applied: two that overlap cannot both win. */
    readVersion: integer('read_version').notNull().default(0),
    /** All days from `done_from` until the day before `open_from` are read for good. Null: nothing was read yet. */
    doneFrom: text('done_from'),
    openFrom: text('open_from'),
    /** When the last reading up to the present was begun, at which lifetime counters, and whether it held all that they say. */
    readAt: integer('read_at'),
    readUsageNano: integer('read_usage_nano'),
    readByokUsageNano: integer('read_byok_usage_nano'),
    isSettled: integer('is_settled', { mode: 'boolean' }).notNull().default(false),
    /** The last day that was checked against `/activity`. */
    checkedTo: text('checked_to'),
    lastError: text('last_error'),
  },
  (table) => [
    uniqueIndex('upstream_key_user_hash').on(table.userId, table.hash),
    index('upstream_key_management').on(table.managementId),
    index('upstream_key_api_key').on(table.apiKeyId),
  ],
);
