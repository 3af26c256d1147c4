import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, sqliteView, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

export const apiKey = sqliteTable(
  'api_key',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    /** `discovered`: known through a management key, without its text. */
    kind: text({ enum: ['inference', 'management', 'discovered'] }).notNull(),
    name: text().notNull(),
    /** Lowercase hexadecimal SHA-256 of the key's secret, as OpenRouter names it: its present `upstream_key`, which keeps the series of samples. */
    hash: text().notNull(),
    label: text().notNull(),
    /** Null: the text is not known. */
    ciphertext: text(),
    /** Which key of the keyring the ciphertext needs. */
    kid: text(),
    /** What OpenRouter last said of the key; a paused key keeps it. */
    health: text({ enum: ['active', 'unverified', 'invalid'] }).notNull(),
    isActive: integer('is_active', { mode: 'boolean' }).notNull().default(true),
    createdAt: integer('created_at').notNull(),

    /** What OpenRouter last said of its limits. */
    limitNano: integer('limit_nano'),
    limitRemainingNano: integer('limit_remaining_nano'),
    limitReset: text('limit_reset'),
    expiresAt: integer('expires_at'),
    /** Requests to free models that its whole account may make in the UTC day of the last sample. */
    freeLimit: integer('free_limit'),
    freeRemaining: integer('free_remaining'),
    freeUsed: integer('free_used'),

    /** When OpenRouter last refused the key; when it answered is told by the last sample. */
    lastValidatedAt: integer('last_validated_at'),
    lastError: text('last_error'),
    /** The run in which OpenRouter last refused the key; a second run in a row makes it invalid. */
    rejectedRun: text('rejected_run'),
    /** When the refusals in a row began that go on. */
    refusedAt: integer('refused_at'),
    /** OpenRouter asked not to be called with this key before. */
    retryAfter: integer('retry_after'),
    syncRequestedAt: integer('sync_requested_at'),
  },
  (table) => [uniqueIndex('api_key_user_hash').on(table.userId, table.hash), index('api_key_kid').on(table.kid)],
);

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

/** An account at OpenRouter, opened by a management key, and how far its total is read. */
export const account = sqliteTable(
  'account',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    /** One of its workspaces, as it was first seen. */
    anchor: text().notNull(),
    /** The management key that reads it, or read it last: where its unattributed spend is shown. Null: that one is gone. */
    readerId: integer('reader_id'),
    totalCreditsNano: integer('total_credits_nano'),
    totalUsageNano: integer('total_usage_nano'),
    /** When the last listing was begun in which no workspace was missing. */
    listedAt: integer('listed_at'),
    /** All days from `done_from` until the day before `open_from` are read for good. Null: nothing was read yet. */
    doneFrom: text('done_from'),
    openFrom: text('open_from'),
    /** Raised by each reading that was applied: two that overlap cannot both win. */
    readVersion: integer('read_version').notNull().default(0),
    /** The last day of which `/activity` was asked. */
    checkedTo: text('checked_to'),
  },
  (table) => [uniqueIndex('account_user_anchor').on(table.userId, table.anchor), index('account_reader').on(table.readerId)],
);

const upstreamColumns = {
  id: integer().primaryKey({ autoIncrement: true }),
  userId: integer('user_id').notNull(),
  hash: text().notNull(),
  apiKeyId: integer('api_key_id').notNull(),
  /** The account that lists it, or listed it. Null: none that is known. */
  accountId: integer('account_id'),
  workspaceId: text('workspace_id'),
  /** Its name at OpenRouter. */
  name: text(),
  /** When OpenRouter made it; 0: not known. */
  createdAt: integer('created_at').notNull(),
  isDisabled: integer('is_disabled', { mode: 'boolean' }).notNull().default(false),
  /** Since when OpenRouter does not list it any more. */
  vanishedAt: integer('vanished_at'),
  expiresAt: integer('expires_at'),
  /** When OpenRouter last saw it used. */
  lastUsedAt: integer('last_used_at'),

  /** The first and the last sample, and the counters of the last one in nano-dollars. Null: it was never sampled. */
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

  /** The last listing in which the counters changed, and those: of a key that tells its own they are no samples. Null: no account ever listed it. */
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
  /** Is it read to the end: did nothing move since the last complete reading? */
  isAtRest: integer('is_at_rest', { mode: 'boolean' })
    .notNull()
    .generatedAlwaysAs(sql`(is_settled AND (usage_nano, byok_usage_nano) IS (read_usage_nano, read_byok_usage_nano))`),
  /** The last day that was checked against `/activity`. */
  checkedTo: text('checked_to'),
  lastError: text('last_error'),
};

/**
 * One secret as OpenRouter knows it, named by its hash: the unit in which everything is booked. Each secret that a key of the monitor has or had
 * has a row, for ever.
 */
export const upstreamKey = sqliteTable('upstream_key', upstreamColumns, (table) => [
  uniqueIndex('upstream_key_user_hash').on(table.userId, table.hash),
  index('upstream_key_account').on(table.accountId),
  index('upstream_key_api_key').on(table.apiKeyId),
]);

/**
 * How far an upstream key is read, and by whom. Analytics hold everything that was spent until `reported_until`: until the last reading, or, where
 * nothing moved since, until the last listing. They are behind once its counters go on without them for three hours, or, if nobody reads them any
 * more, at once.
 */
export const reading = sqliteView('reading', {
  ...upstreamColumns,
  /** The management key that reads it; null: none does. */
  managementId: integer('management_id'),
  /** That management key is read itself. */
  isManaged: integer('is_managed', { mode: 'boolean' }).notNull(),
  reportedUntil: integer('reported_until'),
  isBehind: integer('is_behind', { mode: 'boolean' }).notNull(),
  /** The account's total is read for all days from the one until the day before the other. */
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
