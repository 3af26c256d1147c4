import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

export const channel = sqliteTable(
  'channel',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    type: text({ enum: ['webhook', 'slack', 'discord', 'telegram', 'email'] }).notNull(),
    name: text().notNull(),
    /** Encrypted JSON of the address and secrets; `hash` is of the plaintext. */
    ciphertext: text().notNull(),
    hash: text().notNull(),
    kid: text().notNull(),
    label: text().notNull(),
    /** Origin of the request that created it, for links in messages. */
    origin: text().notNull(),
    createdAt: integer('created_at').notNull(),
    lastAttemptAt: integer('last_attempt_at'),
    lastSuccessAt: integer('last_success_at'),
    /** When the current series of failures began. */
    failingSince: integer('failing_since'),
    lastError: text('last_error'),
  },
  (table) => [index('channel_user').on(table.userId), index('channel_kid').on(table.kid)],
);

export const alertRule = sqliteTable(
  'alert_rule',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    type: text({
      enum: ['budget', 'limit_remaining', 'balance', 'spike', 'key_invalid', 'key_expiring', 'key_discovered', 'sync_overdue', 'digest'],
    }).notNull(),
    name: text(),
    /** Null: all keys. */
    keyId: integer('key_id'),
    /** JSON: an array of ids, or "all". */
    channelIds: text('channel_ids').notNull(),
    /** JSON object. */
    parameters: text().notNull(),
    /** Bumped by each change; evaluations of an earlier version are not stored. */
    version: integer().notNull().default(0),
    /** The version that last changed the action; actions of other versions are not taken. */
    armedVersion: integer('armed_version').notNull().default(0),
    /** The action applies to periods from then on; null: to all. */
    actsFrom: integer('acts_from'),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [index('alert_rule_user').on(table.userId)],
);

/** Each event is stored once, however often a rule finds it. */
export const alertEvent = sqliteTable(
  'alert_event',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    /** 0: no rule. */
    ruleId: integer('rule_id').notNull(),
    kind: text({ enum: ['fired', 'recovered', 'test'] }).notNull(),
    ruleType: text('rule_type').notNull(),
    /** `all` or `key:<id>`. */
    subject: text().notNull(),
    /** The dedupe key: '' for an open condition, else such as a threshold of a period. */
    dedupeKey: text('occasion').notNull(),
    keyId: integer('key_id'),
    title: text().notNull(),
    text: text().notNull(),
    figures: text().notNull(),
    path: text().notNull(),
    createdAt: integer('created_at').notNull(),
    recoveredAt: integer('recovered_at'),
    acknowledgedAt: integer('acknowledged_at'),
    snoozedUntil: integer('snoozed_until'),
  },
  (table) => [
    uniqueIndex('alert_event_occasion').on(table.ruleId, table.subject, table.dedupeKey, table.userId),
    index('alert_event_user').on(table.userId, table.id),
    index('alert_event_created').on(table.createdAt),
    index('alert_event_open').on(table.userId).where(sql`${table.dedupeKey} = ''`),
  ],
);

/** `WITHOUT ROWID` in the migration. */
export const alertDelivery = sqliteTable(
  'alert_delivery',
  {
    eventId: integer('event_id').notNull(),
    channelId: integer('channel_id').notNull(),
    userId: integer('user_id').notNull(),
    state: text({ enum: ['pending', 'sent', 'failed'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    attempts: integer().notNull(),
    /** Next attempt; during an attempt, the end of its lease. */
    nextAt: integer('next_at').notNull(),
    /** JSON array of `{at, error}` per attempt; `error` null: delivered. */
    log: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.eventId, table.channelId] }), index('alert_delivery_due').on(table.state, table.nextAt)],
);

/** One row per period and armed version of a rule. */
export const breakerAction = sqliteTable(
  'breaker_action',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    ruleId: integer('rule_id').notNull(),
    ruleVersion: integer('rule_version').notNull().default(0),
    keyId: integer('key_id').notNull(),
    /** The management key that writes; `hash` names the key at OpenRouter. */
    managementId: integer('management_id').notNull(),
    hash: text().notNull(),
    kind: text({ enum: ['dry_run', 'disable', 'limit'] }).notNull(),
    period: text({ enum: ['day', 'week', 'month'] }).notNull(),
    periodFrom: text('period_from').notNull(),
    amountUsd: real('amount_usd').notNull(),
    /** Whether to restore the key at `restore_at`. */
    restore: integer({ mode: 'boolean' }).notNull(),
    restoreAt: integer('restore_at').notNull(),
    /** `skipped`: already set that way; `left`: somebody else changed the key. */
    state: text({ enum: ['planned', 'done', 'refused', 'skipped', 'restored', 'left'] }).notNull(),
    /** JSON of the owner's settings, recorded before the change. */
    before: text(),
    answer: text(),
    attempts: integer().notNull(),
    nextAt: integer('next_at').notNull(),
    createdAt: integer('created_at').notNull(),
    doneAt: integer('done_at'),
    restoredAt: integer('restored_at'),
  },
  (table) => [
    uniqueIndex('breaker_action_of_version').on(table.ruleId, table.ruleVersion, table.period, table.periodFrom, table.hash),
    index('breaker_action_user').on(table.userId),
    index('breaker_action_created').on(table.createdAt),
    index('breaker_action_due').on(table.state, table.nextAt),
  ],
);
