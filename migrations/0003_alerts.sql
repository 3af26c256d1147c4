CREATE TABLE `alert_delivery` (
	`event_id` integer NOT NULL,
	`channel_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`state` text NOT NULL,
	`created_at` integer NOT NULL,
	`attempts` integer NOT NULL,
	`next_at` integer NOT NULL,
	`log` text NOT NULL,
	PRIMARY KEY(`event_id`, `channel_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `alert_delivery_due` ON `alert_delivery` (`state`,`next_at`);--> statement-breakpoint
CREATE TABLE `alert_event` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`rule_id` integer NOT NULL,
	`kind` text NOT NULL,
	`rule_type` text NOT NULL,
	`subject` text NOT NULL,
	`occasion` text NOT NULL,
	`key_id` integer,
	`title` text NOT NULL,
	`text` text NOT NULL,
	`figures` text NOT NULL,
	`path` text NOT NULL,
	`created_at` integer NOT NULL,
	`recovered_at` integer,
	`acknowledged_at` integer,
	`snoozed_until` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alert_event_occasion` ON `alert_event` (`rule_id`,`subject`,`occasion`,`user_id`);--> statement-breakpoint
CREATE INDEX `alert_event_user` ON `alert_event` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `alert_event_created` ON `alert_event` (`created_at`);--> statement-breakpoint
CREATE INDEX `alert_event_open` ON `alert_event` (`user_id`) WHERE "alert_event"."occasion" = '';--> statement-breakpoint
CREATE TABLE `alert_rule` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`type` text NOT NULL,
	`name` text,
	`key_id` integer,
	`channel_ids` text NOT NULL,
	`parameters` text NOT NULL,
	`version` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `alert_rule_user` ON `alert_rule` (`user_id`);--> statement-breakpoint
CREATE TABLE `breaker_action` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`rule_id` integer NOT NULL,
	`key_id` integer NOT NULL,
	`management_id` integer NOT NULL,
	`hash` text NOT NULL,
	`kind` text NOT NULL,
	`period` text NOT NULL,
	`period_from` text NOT NULL,
	`amount_usd` real NOT NULL,
	`restore` integer NOT NULL,
	`restore_at` integer NOT NULL,
	`state` text NOT NULL,
	`before` text,
	`answer` text,
	`attempts` integer NOT NULL,
	`next_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`done_at` integer,
	`restored_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `breaker_action_period` ON `breaker_action` (`rule_id`,`period`,`period_from`);--> statement-breakpoint
CREATE INDEX `breaker_action_user` ON `breaker_action` (`user_id`);--> statement-breakpoint
CREATE INDEX `breaker_action_created` ON `breaker_action` (`created_at`);--> statement-breakpoint
CREATE INDEX `breaker_action_due` ON `breaker_action` (`state`,`next_at`);--> statement-breakpoint
CREATE TABLE `channel` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`type` text NOT NULL,
	`name` text NOT NULL,
	`ciphertext` text NOT NULL,
	`hash` text NOT NULL,
	`kid` text NOT NULL,
	`label` text NOT NULL,
	`origin` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_attempt_at` integer,
	`last_success_at` integer,
	`failing_since` integer,
	`last_error` text
);
--> statement-breakpoint
CREATE INDEX `channel_user` ON `channel` (`user_id`);--> statement-breakpoint
CREATE INDEX `channel_kid` ON `channel` (`kid`);--> statement-breakpoint
INSERT INTO `alert_rule` (`user_id`, `type`, `channel_ids`, `parameters`, `created_at`)
  SELECT `id`, 'key_invalid', '[]', '{}', unixepoch() * 1000 FROM `user` UNION ALL
  SELECT `id`, 'sync_overdue', '[]', '{"hours":6}', unixepoch() * 1000 FROM `user`;
