import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

export const apiKey = sqliteTable(
  'api_key',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    /** `discovered`: known through a management key, without its text. */
    kind: text({ enum: ['inference', 'management', 'discovered'] }).notNull(),
    name: text().notNull(),
    /** Lowercase hexadecimal SHA-256 of the key's text, as OpenRouter names its keys. */
    hash: text().notNull(),
    label: text().notNull(),
    /** Raised by each replacement of the text, also by one that is taken back. */
    textVersion: integer('text_version').notNull().default(0),
    /** Null: the text is not known. */
    ciphertext: text(),
    /** Which key of the keyring the ciphertext needs. */
    kid: text(),
    /** What OpenRouter last said of the key; a paused key keeps it. */
    health: text({ enum: ['active', 'unverified', 'invalid'] }).notNull(),
    isActive: integer('is_active', { mode: 'boolean' }).notNull().default(true),
    createdAt: integer('created_at').notNull(),

    /** First and last sample ever; they stay when the text is replaced. */
    knownSince: integer('known_since'),
    knownUntil: integer('known_until'),
    /** First sample of the present text. */
    seriesStartedAt: integer('series_started_at'),
    /** The last sample: when it was asked for, and the counters in nano-dollars. */
    lastSampleAt: integer('last_sample_at'),
    usageNano: integer('usage_nano'),
    usageDailyNano: integer('usage_daily_nano'),
    usageWeeklyNano: integer('usage_weekly_nano'),
    usageMonthlyNano: integer('usage_monthly_nano'),
    byokUsageNano: integer('byok_usage_nano'),
    byokUsageDailyNano: integer('byok_usage_daily_nano'),
    byokUsageWeeklyNano: integer('byok_usage_weekly_nano'),
    byokUsageMonthlyNano: integer('byok_usage_monthly_nano'),
    limitNano: integer('limit_nano'),
    limitRemainingNano: integer('limit_remaining_nano'),
    limitReset: text('limit_reset'),
    expiresAt: integer('expires_at'),
    /** Requests to free models that its whole account may make in the UTC day of the last sample. */
    freeLimit: integer('free_limit'),
    freeRemaining: integer('free_remaining'),
    freeUsed: integer('free_used'),

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

/**
 * Hashes of texts that a key had before it was replaced: they still name the same key. Each keeps where its series stood, so
 * that a text which comes back goes on from there.
 */
export const apiKeyAlias = sqliteTable(
  'api_key_alias',
  {
    userId: integer('user_id').notNull(),
    hash: text().notNull(),
    apiKeyId: integer('api_key_id').notNull(),
    seriesStartedAt: integer('series_started_at'),
    lastSampleAt: integer('last_sample_at'),
    usageNano: integer('usage_nano'),
    usageDailyNano: integer('usage_daily_nano'),
    byokUsageNano: integer('byok_usage_nano'),
    byokUsageDailyNano: integer('byok_usage_daily_nano'),
  },
  (table) => [primaryKey({ columns: [table.userId, table.hash] }), index('api_key_alias_key').on(table.apiKeyId)],
);
