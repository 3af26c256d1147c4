CREATE TABLE `one_time_link` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`token_hash` text NOT NULL,
	`user_id` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `one_time_link_token_hash_unique` ON `one_time_link` (`token_hash`);--> statement-breakpoint
CREATE INDEX `one_time_link_user` ON `one_time_link` (`user_id`) WHERE user_id is not null;--> statement-breakpoint
CREATE TABLE `session` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `session_user` ON `session` (`user_id`);--> statement-breakpoint
CREATE INDEX `session_expiry` ON `session` (`expires_at`);--> statement-breakpoint
CREATE TABLE `sign_in_failure` (
	`email_hash` text PRIMARY KEY NOT NULL,
	`failures` integer NOT NULL,
	`started_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `user` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`email` text COLLATE NOCASE NOT NULL,
	`password_hash` text NOT NULL,
	`time_zone` text DEFAULT 'UTC' NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `user_email_unique` ON `user` (`email`);--> statement-breakpoint
CREATE TABLE `job_run` (
	`job` text NOT NULL,
	`slot` text NOT NULL,
	`part` integer NOT NULL,
	`started_at` integer NOT NULL,
	`lease_until` integer NOT NULL,
	`finished_at` integer,
	`counts` text NOT NULL,
	`error` text,
	PRIMARY KEY(`job`, `slot`, `part`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `api_key` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`label` text NOT NULL,
	`text_version` integer DEFAULT 0 NOT NULL,
	`ciphertext` text NOT NULL,
	`kid` text NOT NULL,
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
CREATE UNIQUE INDEX `api_key_user_hash` ON `api_key` (`user_id`,`hash`);--> statement-breakpoint
CREATE INDEX `api_key_kid` ON `api_key` (`kid`);--> statement-breakpoint
CREATE TABLE `api_key_alias` (
	`user_id` integer NOT NULL,
	`hash` text NOT NULL,
	`api_key_id` integer NOT NULL,
	`series_started_at` integer,
	`last_sample_at` integer,
	`usage_nano` integer,
	`usage_daily_nano` integer,
	`byok_usage_nano` integer,
	`byok_usage_daily_nano` integer,
	PRIMARY KEY(`user_id`, `hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `api_key_alias_key` ON `api_key_alias` (`api_key_id`);--> statement-breakpoint
CREATE TABLE `api_token` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`name` text NOT NULL,
	`token_hash` text NOT NULL,
	`prefix` text NOT NULL,
	`is_active` integer DEFAULT true NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_token_token_hash_unique` ON `api_token` (`token_hash`);--> statement-breakpoint
CREATE INDEX `api_token_user` ON `api_token` (`user_id`,`is_active`);--> statement-breakpoint
CREATE TABLE `counter_day` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`api_key_id` integer NOT NULL,
	`cost_nano` integer NOT NULL,
	`byok_cost_nano` integer NOT NULL,
	`correction_nano` integer NOT NULL,
	`byok_correction_nano` integer NOT NULL,
	`is_estimated` integer NOT NULL,
	`hours` text,
	PRIMARY KEY(`user_id`, `day`, `api_key_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `purge` (
	`user_id` integer PRIMARY KEY NOT NULL,
	`requested_at` integer NOT NULL
);
