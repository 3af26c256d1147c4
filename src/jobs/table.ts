import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** `slot`: scheduled time (ISO 8601). Part 0 is the start; each queue message has a part, which is also its lease. `WITHOUT ROWID`. */
export const jobRun = sqliteTable(
  'job_run',
  {
    job: text().notNull(),
    slot: text().notNull(),
    part: integer().notNull(),
    startedAt: integer('started_at').notNull(),
    leaseUntil: integer('lease_until').notNull(),
    finishedAt: integer('finished_at'),
    counts: text().notNull(),
    error: text(),
  },
  (table) => [primaryKey({ columns: [table.job, table.slot, table.part] })],
);
