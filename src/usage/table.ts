import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, sqliteView, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

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

/**
 * What each source says of a UTC day of an upstream key, in nano-dollars, and which of them the ledger takes (`source-store.ts`). `WITHOUT ROWID` in
 * the migration: clustered by user and day.
 */
export const keyDay = sqliteTable(
  'key_day',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    upstreamKeyId: integer('upstream_key_id').notNull(),
    /** Null: nothing was counted. */
    countedNano: integer('counted_nano'),
    countedByokNano: integer('counted_byok_nano'),
    /** Where a counter shrank: by how much, negative; not part of what was counted. */
    correctionNano: integer('correction_nano').notNull().default(0),
    correctionByokNano: integer('correction_byok_nano').notNull().default(0),
    /** Part of the amount was shared out over a gap of more than a day. */
    isEstimated: integer('is_estimated', { mode: 'boolean' }).notNull().default(false),
    /** JSON `{"<hour 0 to 23>": [costNano, byokCostNano]}` of what could be placed on an hour. */
    hours: text(),
    /** The sum of the day's `usage_day`; null: analytics have nothing. */
    reportedNano: integer('reported_nano'),
    reportedByokNano: integer('reported_byok_nano'),
    /** Null: `/activity` was not asked. */
    activityNano: integer('activity_nano'),
    activityByokNano: integer('activity_byok_nano'),
    /** Null: the ledger has nothing of the day. */
    source: text({ enum: ['counters', 'analytics'] }),
  },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.upstreamKeyId] })],
);

const amounts = {
  model: text().notNull(),
  provider: text().notNull(),
  costNano: integer('cost_nano').notNull(),
  byokCostNano: integer('byok_cost_nano').notNull(),
  requests: integer().notNull(),
  promptTokens: integer('prompt_tokens').notNull(),
  completionTokens: integer('completion_tokens').notNull(),
  reasoningTokens: integer('reasoning_tokens').notNull(),
  /** Null where the day comes from `/activity`, which does not tell them. */
  cachedTokens: integer('cached_tokens'),
  /** JSON `{"<hour 0 to 23>": [costNano, byokCostNano, requests, prompt, completion, reasoning, cached]}`; null: only the day is known. */
  hours: text(),
};

/**
 * How analytics split a UTC day of an upstream key: by model (permaslug) and provider, where '' is unknown. `WITHOUT ROWID` in the migration:
 * clustered by user and day.
 */
export const usageDay = sqliteTable(
  'usage_day',
  { userId: integer('user_id').notNull(), day: text().notNull(), upstreamKeyId: integer('upstream_key_id').notNull(), ...amounts },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.upstreamKeyId, table.model, table.provider] })],
);

/** The same of all that an account spent on a completed day, with a key or without one. `WITHOUT ROWID` in the migration. */
export const accountDay = sqliteTable(
  'account_day',
  { userId: integer('user_id').notNull(), day: text().notNull(), accountId: integer('account_id').notNull(), ...amounts },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.accountId, table.model, table.provider] })],
);

/** What `/activity` says of all that an account spent on a completed day. `WITHOUT ROWID` in the migration. */
export const accountCheck = sqliteTable(
  'account_check',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    accountId: integer('account_id').notNull(),
    activityNano: integer('activity_nano').notNull(),
    activityByokNano: integer('activity_byok_nano').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.accountId] })],
);

/**
 * The rollup: a UTC day of a user in sums, made from what the ledger takes (`sums.ts`). Triggers in the migrations delete it when a row of its day
 * changes, and all of a user's when a key goes or a secret or an account goes to another key.
 */
export const daySum = sqliteTable(
  'day_sum',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    /** The hour that parts the day into two local ones; 0: it is only summed as a whole. */
    cut: integer().notNull(),
    /** JSON of each part of a `DaySum`, of which a question reads those that it needs. */
    spent: text().notNull(),
    keys: text().notNull(),
    models: text().notNull(),
    providers: text().notNull(),
    credits: text().notNull(),
    drift: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.day] })],
);

/** The name for people (slug) of a model that a user's keys used, by its versioned name (permaslug). `WITHOUT ROWID` in the migration. */
export const modelName = sqliteTable(
  'model_name',
  {
    userId: integer('user_id').notNull(),
    permaslug: text().notNull(),
    /** Null: not known yet. */
    slug: text(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.permaslug] })],
);

/** Users of whose ledger rows are to be deleted in steps: those of keys that are gone, and all if the user is gone. */
export const purge = sqliteTable('purge', {
  userId: integer('user_id').primaryKey(),
  requestedAt: integer('requested_at').notNull(),
  /** Everything before this day is done. */
  fromDay: text('from_day').notNull().default(''),
});
