import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** A UTC day of an upstream key by each source, in nano-dollars. `WITHOUT ROWID` in the migration: clustered by user and day. */
export const keyDay = sqliteTable(
  'key_day',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    upstreamKeyId: integer('upstream_key_id').notNull(),
    countedNano: integer('counted_nano'),
    countedByokNano: integer('counted_byok_nano'),
    correctionNano: integer('correction_nano').notNull().default(0),
    correctionByokNano: integer('correction_byok_nano').notNull().default(0),
    /** Some of it was shared over a gap of more than a day. */
    isEstimated: integer('is_estimated', { mode: 'boolean' }).notNull().default(false),
    /** JSON `{"<hour 0 to 23>": [costNano, byokCostNano]}`, where the hour is known. */
    hours: text(),
    reportedNano: integer('reported_nano'),
    reportedByokNano: integer('reported_byok_nano'),
    activityNano: integer('activity_nano'),
    activityByokNano: integer('activity_byok_nano'),
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
  /** Null for days from `/activity`, which lacks them. */
  cachedTokens: integer('cached_tokens'),
  /** JSON `{"<hour 0 to 23>": [costNano, byokCostNano, requests, prompt, completion, reasoning, cached]}`; null: only the day is known. */
  hours: text(),
};

/** Analytics by model (permaslug) and provider; '': unknown. `WITHOUT ROWID` in the migration: clustered by user and day. */
export const usageDay = sqliteTable(
  'usage_day',
  { userId: integer('user_id').notNull(), day: text().notNull(), upstreamKeyId: integer('upstream_key_id').notNull(), ...amounts },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.upstreamKeyId, table.model, table.provider] })],
);

/** An account's total of a completed day, split the same way. `WITHOUT ROWID` in the migration. */
export const accountDay = sqliteTable(
  'account_day',
  { userId: integer('user_id').notNull(), day: text().notNull(), accountId: integer('account_id').notNull(), ...amounts },
  (table) => [primaryKey({ columns: [table.userId, table.day, table.accountId, table.model, table.provider] })],
);

/** An account's total of a completed day by `/activity`. `WITHOUT ROWID` in the migration. */
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

/** The rollup of a user's UTC day. Triggers delete it when a row of its day changes, or a key is deleted, or a secret or account moves. */
export const daySum = sqliteTable(
  'day_sum',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    /** The hour that splits it into two local days; 0: whole days only. */
    cut: integer().notNull(),
    /** JSON of each part of a `DaySum`; questions read the parts they need. */
    spent: text().notNull(),
    keys: text().notNull(),
    models: text().notNull(),
    providers: text().notNull(),
    credits: text().notNull(),
    drift: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.day] })],
);

/** `slug`: the name for people of a `permaslug` (versioned). `WITHOUT ROWID` in the migration. */
export const modelName = sqliteTable(
  'model_name',
  {
    userId: integer('user_id').notNull(),
    permaslug: text().notNull(),
    slug: text(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.permaslug] })],
);

/** Users whose ledger rows are deleted in steps: of deleted keys, or all if the user is gone. */
export const purge = sqliteTable('purge', {
  userId: integer('user_id').primaryKey(),
  requestedAt: integer('requested_at').notNull(),
  /** Earlier days are done. */
  fromDay: text('from_day').notNull().default(''),
});
