import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * What the counters of a key's secret say about a UTC day, in nano-dollars. `WITHOUT ROWID` in the migration: clustered by tenant and day.
 */
export const counterDay = sqliteTable(
  'counter_day',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    apiKeyId: integer('api_key_id').notNull(),
    /** Which of the key's secrets: its SHA-256, as OpenRouter names it. */
    hash: text().notNull(),
    costNano: integer('cost_nano').notNull(),
    byokCostNano: integer('byok_cost_nano').notNull(),
    /** Where a counter shrank: by how much, negative; not part of the cost. */
    correctionNano: integer('correction_nano').notNull(),
    byokCorrectionNano: integer('byok_correction_nano').notNull(),
    /** Part of the amount was shared out over a gap of more than a day. */
    isEstimated: integer('is_estimated', { mode: 'boolean' }).notNull(),
    /** JSON `{"<hour 0 to 23>": [costNano, byokCostNano]}` of what could be placed on an hour. */
    hours: text(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.apiKeyId, table.hash] })],
);

/**
 * What analytics say about a UTC day: spending by model (permaslug) and provider, where '' is unknown. `WITHOUT ROWID` in the
 * migration: clustered by tenant and day.
 */
export const usageDay = sqliteTable(
  'usage_day',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    upstreamKeyId: integer('upstream_key_id').notNull(),
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
  },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.upstreamKeyId, table.model, table.provider] })],
);

/**
 * Other accounts of a completed day, to check the ledger against: what `/activity` says of a key, and, for what an account spent
 * outside of its keys, what `/activity` and analytics say of the whole account. `WITHOUT ROWID` in the migration.
 */
export const checkDay = sqliteTable(
  'check_day',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    upstreamKeyId: integer('upstream_key_id').notNull(),
    activityCostNano: integer('activity_cost_nano'),
    activityByokCostNano: integer('activity_byok_cost_nano'),
    accountCostNano: integer('account_cost_nano'),
    accountByokCostNano: integer('account_byok_cost_nano'),
  },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.upstreamKeyId] })],
);

/**
 * A UTC day of a user in sums, made from the rows above when they are read (`sums.ts`). Triggers in the migrations delete it when one of them
 * changes, and all of a user's when a key goes or a text goes to another key.
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
    said: text().notNull(),
    unsure: text().notNull(),
    checks: text().notNull(),
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
