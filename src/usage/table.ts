import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

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
