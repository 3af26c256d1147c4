-- Sums are made again when somebody looks.
DROP TABLE `day_sum`;
--> statement-breakpoint
-- A row is long: WITHOUT ROWID it would take pages of its own.
CREATE TABLE `day_sum` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`cut` integer NOT NULL,
	`spent` text NOT NULL,
	`keys` text NOT NULL,
	`models` text NOT NULL,
	`providers` text NOT NULL,
	`credits` text NOT NULL,
	`said` text NOT NULL,
	`unsure` text NOT NULL,
	`checks` text NOT NULL,
	PRIMARY KEY(`user_id`, `day`)
);
--> statement-breakpoint
-- Whose rows a day's are is said by keys and texts: all sums of a user end when one goes, or a text goes to another key.
CREATE TRIGGER `api_key_delete_sums` AFTER DELETE ON `api_key` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_update_sums` AFTER UPDATE ON `upstream_key`
	WHEN OLD.`api_key_id` IS NOT NEW.`api_key_id`
BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_delete_sums` AFTER DELETE ON `upstream_key` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id`;
END;
