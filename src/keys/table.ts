import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

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
