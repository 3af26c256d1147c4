CREATE TABLE `management` (
	`api_key_id` integer PRIMARY KEY NOT NULL,
	`user_id` integer NOT NULL,
	`leader_id` integer,
	`total_credits_nano` integer,
	`total_usage_nano` integer,
	`listed_at` integer,
	`complete_at` integer,
	`ready_at` integer DEFAULT 0 NOT NULL,
	`run_slot` text,
	`names_day` text,
	`last_error` text
);
--> statement-breakpoint
CREATE INDEX `management_user` ON `management` (`user_id`);--> statement-breakpoint
CREATE TABLE `upstream_key` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`hash` text,
	`api_key_id` integer NOT NULL,
	`management_id` integer,
	`account` text,
	`workspace_id` text,
	`name` text,
	`created_at` integer NOT NULL,
	`is_disabled` integer DEFAULT false NOT NULL,
	`vanished_at` integer,
	`counted_at` integer,
	`usage_nano` integer,
	`usage_daily_nano` integer,
	`byok_usage_nano` integer,
	`byok_usage_daily_nano` integer,
	`read_version` integer DEFAULT 0 NOT NULL,
	`done_from` text,
	`open_from` text,
	`read_at` integer,
	`read_usage_nano` integer,
	`read_byok_usage_nano` integer,
	`is_settled` integer DEFAULT false NOT NULL,
	`checked_to` text,
	`last_error` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `upstream_key_user_hash` ON `upstream_key` (`user_id`,`hash`);--> statement-breakpoint
CREATE INDEX `upstream_key_management` ON `upstream_key` (`management_id`);--> statement-breakpoint
CREATE INDEX `upstream_key_api_key` ON `upstream_key` (`api_key_id`);--> statement-breakpoint
CREATE TABLE `workspace` (
	`user_id` integer NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`management_id` integer NOT NULL,
	PRIMARY KEY(`user_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `check_day` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`upstream_key_id` integer NOT NULL,
	`activity_cost_nano` integer,
	`activity_byok_cost_nano` integer,
	`account_cost_nano` integer,
	`account_byok_cost_nano` integer,
	PRIMARY KEY(`user_id`, `day`, `upstream_key_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `model_name` (
	`user_id` integer NOT NULL,
	`permaslug` text NOT NULL,
	`slug` text,
	PRIMARY KEY(`user_id`, `permaslug`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `usage_day` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`upstream_key_id` integer NOT NULL,
	`model` text NOT NULL,
	`provider` text NOT NULL,
	`cost_nano` integer NOT NULL,
	`byok_cost_nano` integer NOT NULL,
	`requests` integer NOT NULL,
	`prompt_tokens` integer NOT NULL,
	`completion_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cached_tokens` integer,
	`hours` text,
	PRIMARY KEY(`user_id`, `day`, `upstream_key_id`, `model`, `provider`)
) WITHOUT ROWID;
--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_api_key` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`label` text NOT NULL,
	`text_version` integer DEFAULT 0 NOT NULL,
	`ciphertext` text,
	`kid` text,
	`health` text NOT NULL,
	`is_active` integer DEFAULT true NOT NULL,
	`created_at` integer NOT NULL,
	`known_since` integer,
	`known_until` integer,
	`series_started_at` integer,
	`last_sample_at` integer,
	`usage_nano` integer,
	`usage_daily_nano` integer,
	`usage_weekly_nano` integer,
	`usage_monthly_nano` integer,
	`byok_usage_nano` integer,
	`byok_usage_daily_nano` integer,
	`byok_usage_weekly_nano` integer,
	`byok_usage_monthly_nano` integer,
	`limit_nano` integer,
	`limit_remaining_nano` integer,
	`limit_reset` text,
	`expires_at` integer,
	`last_validated_at` integer,
	`last_error` text,
	`rejected_run` text,
	`retry_after` integer,
	`sync_requested_at` integer
);
--> statement-breakpoint
INSERT INTO `__new_api_key`("id", "user_id", "kind", "name", "hash", "label", "text_version", "ciphertext", "kid", "health", "is_active", "created_at", "known_since", "known_until", "series_started_at", "last_sample_at", "usage_nano", "usage_daily_nano", "usage_weekly_nano", "usage_monthly_nano", "byok_usage_nano", "byok_usage_daily_nano", "byok_usage_weekly_nano", "byok_usage_monthly_nano", "limit_nano", "limit_remaining_nano", "limit_reset", "expires_at", "last_validated_at", "last_error", "rejected_run", "retry_after", "sync_requested_at") SELECT "id", "user_id", "kind", "name", "hash", "label", "text_version", "ciphertext", "kid", "health", "is_active", "created_at", "known_since", "known_until", "series_started_at", "last_sample_at", "usage_nano", "usage_daily_nano", "usage_weekly_nano", "usage_monthly_nano", "byok_usage_nano", "byok_usage_daily_nano", "byok_usage_weekly_nano", "byok_usage_monthly_nano", "limit_nano", "limit_remaining_nano", "limit_reset", "expires_at", "last_validated_at", "last_error", "rejected_run", "retry_after", "sync_requested_at" FROM `api_key`;--> statement-breakpoint
DROP TABLE `api_key`;--> statement-breakpoint
ALTER TABLE `__new_api_key` RENAME TO `api_key`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `api_key_user_hash` ON `api_key` (`user_id`,`hash`);--> statement-breakpoint
CREATE INDEX `api_key_kid` ON `api_key` (`kid`);--> statement-breakpoint
ALTER TABLE `purge` ADD `from_day` text DEFAULT '' NOT NULL;