import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * What the counters of a key say about a UTC day, in nano-dollars. `WITHOUT ROWID` in the migration: clustered by tenant and day.
 */
export const counterDay = sqliteTable(
  'counter_day',
  {
    userId: integer('user_id').notNull(),
    day: text().notNull(),
    apiKeyId: integer('api_key_id').notNull(),
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
  (table) => [primaryKey({ columns: [table.userId, table.day, table.apiKeyId] })],
);

/** Users who are gone and whose ledger is deleted in steps. */
export const purge = sqliteTable('purge', {
  userId: integer('user_id').primaryKey(),
  requestedAt: integer('requested_at').notNull(),
});
