import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** Where alerts are sent. */
export const channel = sqliteTable(
  'channel',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    type: text({ enum: ['webhook', 'slack', 'discord', 'telegram', 'email'] }).notNull(),
    name: text().notNull(),
    /** JSON of the address and the secrets, encrypted; `hash` is that of the plaintext. */
    ciphertext: text().notNull(),
    hash: text().notNull(),
    kid: text().notNull(),
    /** The address, masked. */
    label: text().notNull(),
    /** Under which origin the user made it: links in messages begin with it. */
    origin: text().notNull(),
    createdAt: integer('created_at').notNull(),
    lastAttemptAt: integer('last_attempt_at'),
    lastSuccessAt: integer('last_success_at'),
    /** Since when every attempt has failed. */
    failingSince: integer('failing_since'),
    lastError: text('last_error'),
  },
  (table) => [index('channel_user').on(table.userId), index('channel_kid').on(table.kid)],
);

/** What is watched. */
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
    /** JSON array of ids, or JSON's "all". */
    channelIds: text('channel_ids').notNull(),
    /** JSON object of what its type needs. */
    parameters: text().notNull(),
    /** Raised by each change: what was told of other parameters may be told again. */
    version: integer().notNull().default(0),
    /** The version with which what it does to its key was last changed: actions of others are not taken. */
    armedVersion: integer('armed_version').notNull().default(0),
    /** Only periods that begin from then on have an action; null: any. */
    actsFrom: integer('acts_from'),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [index('alert_rule_user').on(table.userId)],
);

/** What happened. A rule's event of one occasion is there once, whoever finds it how often. */
export const alertEvent = sqliteTable(
  'alert_event',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    /** 0: of no rule. */
    ruleId: integer('rule_id').notNull(),
    kind: text({ enum: ['fired', 'recovered', 'test'] }).notNull(),
    ruleType: text('rule_type').notNull(),
    /** What it is about: `all`, `key:<id>`. */
    subject: text().notNull(),
    /** What happens once: a threshold of a period; '' while a state lasts. */
    occasion: text().notNull(),
    keyId: integer('key_id'),
    title: text().notNull(),
    text: text().notNull(),
    /** JSON object of the figures behind it. */
    figures: text().notNull(),
    /** The path of the view that shows them. */
    path: text().notNull(),
    createdAt: integer('created_at').notNull(),
    /** Of a state: when it was over. */
    recoveredAt: integer('recovered_at'),
    acknowledgedAt: integer('acknowledged_at'),
    snoozedUntil: integer('snoozed_until'),
  },
  (table) => [
    uniqueIndex('alert_event_occasion').on(table.ruleId, table.subject, table.occasion, table.userId),
    index('alert_event_user').on(table.userId, table.id),
    index('alert_event_created').on(table.createdAt),
    index('alert_event_open').on(table.userId).where(sql`${table.occasion} = ''`),
  ],
);

/** An event on its way to a channel. `WITHOUT ROWID` in the migration. */
export const alertDelivery = sqliteTable(
  'alert_delivery',
  {
    eventId: integer('event_id').notNull(),
    channelId: integer('channel_id').notNull(),
    userId: integer('user_id').notNull(),
    state: text({ enum: ['pending', 'sent', 'failed'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    /** How many were begun. */
    attempts: integer().notNull(),
    /** Not before then. While somebody sends it, the end of their lease. */
    nextAt: integer('next_at').notNull(),
    /** JSON array of `{at, error}`, one for each attempt; `error` null: it arrived. */
    log: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.eventId, table.channelId] }), index('alert_delivery_due').on(table.state, table.nextAt)],
);

/** What a spent budget did to its key at OpenRouter, once a period and version of its rule. */
export const breakerAction = sqliteTable(
  'breaker_action',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer('user_id').notNull(),
    ruleId: integer('rule_id').notNull(),
    /** `armed_version` of the rule that it belongs to. */
    ruleVersion: integer('rule_version').notNull().default(0),
    keyId: integer('key_id').notNull(),
    /** The management key that writes, and by which hash OpenRouter knows the key. */
    managementId: integer('management_id').notNull(),
    hash: text().notNull(),
    kind: text({ enum: ['dry_run', 'disable', 'limit'] }).notNull(),
    period: text({ enum: ['day', 'week', 'month'] }).notNull(),
    periodFrom: text('period_from').notNull(),
    amountUsd: real('amount_usd').notNull(),
    /** Is the key to be as before when the next period begins, at `restore_at`? */
    restore: integer({ mode: 'boolean' }).notNull(),
    restoreAt: integer('restore_at').notNull(),
    /** `skipped`: it was like that already; `left`: somebody changed it meanwhile. */
    state: text({ enum: ['planned', 'done', 'refused', 'skipped', 'restored', 'left'] }).notNull(),
    /** JSON of how the key's owner had set it, noted before it was changed. */
    before: text(),
    /** What became of the last step. */
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
