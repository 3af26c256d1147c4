-- What counters say is kept by secret: the secrets of a key may belong to different accounts. A day that several of a key's secrets could
-- own goes to the latest of them, marked as estimated.
CREATE TABLE `__new_counter_day` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`api_key_id` integer NOT NULL,
	`hash` text NOT NULL,
	`cost_nano` integer NOT NULL,
	`byok_cost_nano` integer NOT NULL,
	`correction_nano` integer NOT NULL,
	`byok_correction_nano` integer NOT NULL,
	`is_estimated` integer NOT NULL,
	`hours` text,
	PRIMARY KEY(`user_id`, `day`, `api_key_id`, `hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `__series` (`api_key_id` integer NOT NULL, `hash` text NOT NULL, `first_day` text NOT NULL, `last_day` text NOT NULL);
--> statement-breakpoint
INSERT INTO `__series`
	SELECT `id`, `hash`, date(`series_started_at` / 1000, 'unixepoch'), date(`last_sample_at` / 1000, 'unixepoch') FROM `api_key`
		WHERE `series_started_at` IS NOT NULL
	UNION ALL SELECT `api_key_id`, `hash`, date(`series_started_at` / 1000, 'unixepoch'), date(`last_sample_at` / 1000, 'unixepoch') FROM `api_key_alias`
		WHERE `series_started_at` IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `__series_key` ON `__series` (`api_key_id`);
--> statement-breakpoint
INSERT INTO `__new_counter_day`
	SELECT c.`user_id`, c.`day`, c.`api_key_id`,
		coalesce(
			(SELECT s.`hash` FROM `__series` AS s WHERE s.`api_key_id` = c.`api_key_id` AND s.`first_day` <= c.`day`
				ORDER BY s.`last_day` >= c.`day` DESC, s.`first_day` DESC LIMIT 1),
			k.`hash`),
		c.`cost_nano`, c.`byok_cost_nano`, c.`correction_nano`, c.`byok_correction_nano`,
		c.`is_estimated` OR (SELECT count(*) FROM `__series` AS s WHERE s.`api_key_id` = c.`api_key_id` AND c.`day` BETWEEN s.`first_day` AND s.`last_day`) > 1,
		c.`hours`
	FROM `counter_day` AS c JOIN `api_key` AS k ON k.`id` = c.`api_key_id`;
--> statement-breakpoint
DROP TABLE `__series`;
--> statement-breakpoint
DROP TABLE `counter_day`;
--> statement-breakpoint
ALTER TABLE `__new_counter_day` RENAME TO `counter_day`;
--> statement-breakpoint
-- A table that is made anew loses its triggers.
CREATE TRIGGER `counter_day_insert_stats` AFTER INSERT ON `counter_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `counter_day_update_stats` AFTER UPDATE ON `counter_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `counter_day_delete_stats` AFTER DELETE ON `counter_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `counter_day_insert_sums` AFTER INSERT ON `counter_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `counter_day_update_sums` AFTER UPDATE ON `counter_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `counter_day_delete_sums` AFTER DELETE ON `counter_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id` AND `day` = OLD.`day`;
END;
--> statement-breakpoint
-- Sums name secrets now, and are made again when somebody looks. What accounts spent without a key is read again: counters of other accounts'
-- secrets were taken from it.
DELETE FROM `day_sum`;
--> statement-breakpoint
UPDATE `user` SET `stats_version` = `stats_version` + 1;
--> statement-breakpoint
UPDATE `upstream_key` SET `done_from` = NULL, `open_from` = NULL, `read_at` = NULL, `is_settled` = 0, `read_version` = `read_version` + 1
	WHERE `hash` IS NULL AND `management_id` IS NOT NULL AND `user_id` IN (SELECT `user_id` FROM `api_key_alias`);
