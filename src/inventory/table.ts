/** Tables of keys, upstream keys, accounts and workspaces; the view `reading` says how far each upstream key is read, and by whom. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, sqliteView, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

export const apiKey = sqliteTable(
  'api_key',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    /** `discovered`: listed by an account; its secret is not stored. */
    kind: text({ enum: ['inference', 'management', 'discovered'] }).notNull(),
    name: text().notNull(),
    /** SHA-256 of the current secret in lowercase hexadecimal: names its `upstream_key`. */
    hash: text().notNull(),
    label: text().notNull(),
    ciphertext: text(),
    kid: text(),
    /** As OpenRouter last answered; a paused key keeps it. */
    health: text({ enum: ['active', 'unverified', 'invalid'] }).notNull(),
    isActive: integer('is_active', { mode: 'boolean' }).notNull().default(true),
    createdAt: integer('created_at').notNull(),

    limitNano: integer('limit_nano'),
    limitRemainingNano: integer('limit_remaining_nano'),
    limitReset: text('limit_reset'),
    expiresAt: integer('expires_at'),
    /** Free requests of its whole account in the UTC day of the last sample. */
    freeLimit: integer('free_limit'),
    freeRemaining: integer('free_remaining'),
    freeUsed: integer('free_used'),

    /** Last rejection by OpenRouter; successes are samples. */
    lastValidatedAt: integer('last_validated_at'),
    lastError: text('last_error'),
    /** Run of the last rejection; a second one in a row makes the key invalid. */
    rejectedRun: text('rejected_run'),
    /** Start of the current series of rejections. */
    refusedAt: integer('refused_at'),
    retryAfter: integer('retry_after'),
    syncRequestedAt: integer('sync_requested_at'),
  },
  (table) => [uniqueIndex('api_key_user_hash').on(table.userId, table.hash), index('api_key_kid').on(table.kid)],
);

/** Which account a management key opens, and when it may be used again. */
export const management = sqliteTable(
  'management',
  {
    apiKeyId: integer('api_key_id').primaryKey(),
    userId: integer('user_id').notNull(),
    /** Null: not listed yet. `account.reader_id` names the management key that reads the account. */
    accountId: integer('account_id'),
    /** Hash of the secret that opened it: the same secret always opens the same account. */
    openedBy: text('opened_by'),
    /** Start of this key's last listing. */
    listedAt: integer('listed_at'),
    /** No step before then: another one is running, or the query limit is reached. */
    readyAt: integer('ready_at').notNull().default(0),
    runSlot: text('run_slot'),
    /** UTC day of the last request for model names. */
    namesDay: text('names_day'),
    lastError: text('last_error'),
  },
  (table) => [index('management_user').on(table.userId)],
);

/** `WITHOUT ROWID` in the migration. */
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

/** An account at OpenRouter, and how far its total is read. */
export const account = sqliteTable(
  'account',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    /** One of its workspaces, as first seen. */
    anchor: text().notNull(),
    /** The management key that reads it, or read it last, and shows its unattributed spend. Null: deleted. */
    readerId: integer('reader_id'),
    totalCreditsNano: integer('total_credits_nano'),
    totalUsageNano: integer('total_usage_nano'),
    /** Start of the last complete listing of all workspaces. */
    listedAt: integer('listed_at'),
    /** Days from `done_from` to the day before `open_from` are settled. Null: nothing read yet. */
    doneFrom: text('done_from'),
    openFrom: text('open_from'),
    /** Raised by each applied reading, so that of two that overlap only one wins. */
    readVersion: integer('read_version').notNull().default(0),
    checkedTo: text('checked_to'),
  },
  (table) => [uniqueIndex('account_user_anchor').on(table.userId, table.anchor), index('account_reader').on(table.readerId)],
);

const upstreamColumns = {
  id: integer().primaryKey({ autoIncrement: true }),
  userId: integer('user_id').notNull(),
  hash: text().notNull(),
  apiKeyId: integer('api_key_id').notNull(),
  accountId: integer('account_id'),
  workspaceId: text('workspace_id'),
  name: text(),
  /** 0: unknown. */
  createdAt: integer('created_at').notNull(),
  isDisabled: integer('is_disabled', { mode: 'boolean' }).notNull().default(false),
  vanishedAt: integer('vanished_at'),
  expiresAt: integer('expires_at'),
  lastUsedAt: integer('last_used_at'),

  /** First and last sample, and the counters of the last one in nano-dollars. Null: never sampled. */
  seriesStartedAt: integer('series_started_at'),
  lastSampleAt: integer('last_sample_at'),
  sampledNano: integer('sampled_nano'),
  sampledDailyNano: integer('sampled_daily_nano'),
  sampledByokNano: integer('sampled_byok_nano'),
  sampledByokDailyNano: integer('sampled_byok_daily_nano'),
  sampledWeeklyNano: integer('sampled_weekly_nano'),
  sampledMonthlyNano: integer('sampled_monthly_nano'),
  sampledByokWeeklyNano: integer('sampled_byok_weekly_nano'),
  sampledByokMonthlyNano: integer('sampled_byok_monthly_nano'),

  /**
   * The last listing in which the counters changed, and those counters. They are no samples if the key is sampled itself. Null: never
   * listed.
   */
  countedAt: integer('counted_at'),
  usageNano: integer('usage_nano'),
  usageDailyNano: integer('usage_daily_nano'),
  byokUsageNano: integer('byok_usage_nano'),
  byokUsageDailyNano: integer('byok_usage_daily_nano'),

  readVersion: integer('read_version').notNull().default(0),
  doneFrom: text('done_from'),
  openFrom: text('open_from'),
  /** Start of the last reading up to the present, the lifetime counters at that time, and whether it held all of them. */
  readAt: integer('read_at'),
  readUsageNano: integer('read_usage_nano'),
  readByokUsageNano: integer('read_byok_usage_nano'),
  isSettled: integer('is_settled', { mode: 'boolean' }).notNull().default(false),
  /** Nothing changed since the last complete reading. */
  isAtRest: integer('is_at_rest', { mode: 'boolean' })
    .notNull()
    .generatedAlwaysAs(sql`(is_settled AND (usage_nano, byok_usage_nano) IS (read_usage_nano, read_byok_usage_nano))`),
  checkedTo: text('checked_to'),
  lastError: text('last_error'),
};

/** One secret as OpenRouter knows it: everything is booked on it. Every secret that a key has or had keeps its row for ever. */
export const upstreamKey = sqliteTable('upstream_key', upstreamColumns, (table) => [
  uniqueIndex('upstream_key_user_hash').on(table.userId, table.hash),
  index('upstream_key_account').on(table.accountId),
  index('upstream_key_api_key').on(table.apiKeyId),
]);

/**
 * How far an upstream key is read, and by whom. Analytics are complete until `reported_until`: the last reading, or the last listing if
 * nothing changed since. They are behind once the counters go on without them for three hours, or at once if no management key reads them.
 */
export const reading = sqliteView('reading', {
  ...upstreamColumns,
  managementId: integer('management_id'),
  /** That management key is in use. */
  isManaged: integer('is_managed', { mode: 'boolean' }).notNull(),
  reportedUntil: integer('reported_until'),
  isBehind: integer('is_behind', { mode: 'boolean' }).notNull(),
  /** The account's total is read from `total_from` to the day before `total_until`. */
  totalFrom: text('total_from'),
  totalUntil: text('total_until'),
}).as(sql`
  SELECT *, coalesce(last_sample_at - reported_until > iif(is_managed, 3, 0) * 3600000, false) AS is_behind FROM (
    SELECT u.*, m.api_key_id AS management_id, coalesce(k.kind = 'management' AND k.is_active AND k.health <> 'invalid', false) AS is_managed,
      CASE WHEN u.done_from IS NOT NULL AND u.read_at > unixepoch(u.done_from) * 1000
        THEN max(u.read_at, iif(u.is_at_rest, coalesce(a.listed_at, 0), 0)) END AS reported_until,
      a.done_from AS total_from, a.open_from AS total_until
    FROM upstream_key AS u
      LEFT JOIN account AS a ON a.id = u.account_id AND a.user_id = u.user_id
      LEFT JOIN management AS m ON m.api_key_id = a.reader_id AND m.account_id = a.id
      LEFT JOIN api_key AS k ON k.id = m.api_key_id)`);
