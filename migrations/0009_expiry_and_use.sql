ALTER TABLE `api_key` ADD `free_limit` integer;--> statement-breakpoint
ALTER TABLE `api_key` ADD `free_remaining` integer;--> statement-breakpoint
ALTER TABLE `api_key` ADD `free_used` integer;--> statement-breakpoint
ALTER TABLE `upstream_key` ADD `expires_at` integer;--> statement-breakpoint
ALTER TABLE `upstream_key` ADD `last_used_at` integer;