-- Everything is booked by upstream key now: one row for every secret that a key has or had, which keeps the series of its samples.
CREATE TABLE `account` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`anchor` text NOT NULL,
	`reader_id` integer,
	`total_credits_nano` integer,
	`total_usage_nano` integer,
	`listed_at` integer,
	`done_from` text,
	`open_from` text,
	`read_version` integer DEFAULT 0 NOT NULL,
	`checked_to` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `account_user_anchor` ON `account` (`user_id`,`anchor`);
--> statement-breakpoint
CREATE INDEX `account_reader` ON `account` (`reader_id`);
--> statement-breakpoint
-- What an account spent without a key was an upstream key without a hash.
INSERT OR IGNORE INTO `account` (`user_id`, `anchor`, `reader_id`, `total_credits_nano`, `total_usage_nano`, `listed_at`, `done_from`, `open_from`, `checked_to`)
	SELECT u.`user_id`, coalesce(u.`account`, u.`id`), u.`api_key_id`, m.`total_credits_nano`, m.`total_usage_nano`, m.`complete_at`, u.`done_from`,
		u.`open_from`, u.`checked_to`
	FROM `upstream_key` AS u LEFT JOIN `management` AS m ON m.`api_key_id` = u.`management_id` WHERE u.`hash` IS NULL ORDER BY u.`id`;
--> statement-breakpoint
-- Accounts of which keys are left, but no management key.
INSERT OR IGNORE INTO `account` (`user_id`, `anchor`) SELECT DISTINCT `user_id`, `account` FROM `upstream_key` WHERE `account` IS NOT NULL;
--> statement-breakpoint
CREATE TABLE `__new_upstream_key` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`hash` text NOT NULL,
	`api_key_id` integer NOT NULL,
	`account_id` integer,
	`workspace_id` text,
	`name` text,
	`created_at` integer NOT NULL,
	`is_disabled` integer DEFAULT false NOT NULL,
	`vanished_at` integer,
	`expires_at` integer,
	`last_used_at` integer,
	`series_started_at` integer,
	`last_sample_at` integer,
	`sampled_nano` integer,
	`sampled_daily_nano` integer,
	`sampled_byok_nano` integer,
	`sampled_byok_daily_nano` integer,
	`sampled_weekly_nano` integer,
	`sampled_monthly_nano` integer,
	`sampled_byok_weekly_nano` integer,
	`sampled_byok_monthly_nano` integer,
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
	`is_at_rest` integer GENERATED ALWAYS AS ((is_settled AND (usage_nano, byok_usage_nano) IS (read_usage_nano, read_byok_usage_nano))) VIRTUAL NOT NULL,
	`checked_to` text,
	`last_error` text
);
--> statement-breakpoint
-- No id is given twice: rows of keys that are gone may still wait to be deleted.
INSERT INTO `__new_upstream_key` (`id`, `user_id`, `hash`, `api_key_id`, `created_at`)
	SELECT `seq`, 0, '', 0, 0 FROM `sqlite_sequence` WHERE `name` = 'upstream_key';
--> statement-breakpoint
DELETE FROM `__new_upstream_key`;
--> statement-breakpoint
INSERT INTO `__new_upstream_key` (`id`, `user_id`, `hash`, `api_key_id`, `workspace_id`, `name`, `created_at`, `is_disabled`, `vanished_at`, `expires_at`, `last_used_at`, `counted_at`, `usage_nano`, `usage_daily_nano`, `byok_usage_nano`, `byok_usage_daily_nano`, `read_version`, `done_from`, `open_from`, `read_at`, `read_usage_nano`, `read_byok_usage_nano`, `is_settled`, `checked_to`, `last_error`, `account_id`)
	SELECT u.`id`, u.`user_id`, u.`hash`, u.`api_key_id`, u.`workspace_id`, u.`name`, u.`created_at`, u.`is_disabled`, u.`vanished_at`, u.`expires_at`, u.`last_used_at`, u.`counted_at`, u.`usage_nano`, u.`usage_daily_nano`, u.`byok_usage_nano`, u.`byok_usage_daily_nano`, u.`read_version`, u.`done_from`, u.`open_from`, u.`read_at`, u.`read_usage_nano`, u.`read_byok_usage_nano`, u.`is_settled`, u.`checked_to`, u.`last_error`,
		(SELECT a.`id` FROM `account` AS a WHERE a.`user_id` = u.`user_id` AND a.`anchor` = u.`account`) FROM `upstream_key` AS u WHERE u.`hash` IS NOT NULL;
--> statement-breakpoint
CREATE UNIQUE INDEX `__new_upstream_key_user_hash` ON `__new_upstream_key` (`user_id`,`hash`);
--> statement-breakpoint
INSERT INTO `__new_upstream_key` (`user_id`, `hash`, `api_key_id`, `created_at`, `series_started_at`, `last_sample_at`, `sampled_nano`, `sampled_daily_nano`, `sampled_byok_nano`, `sampled_byok_daily_nano`, `sampled_weekly_nano`, `sampled_monthly_nano`, `sampled_byok_weekly_nano`, `sampled_byok_monthly_nano`)
	SELECT s.`user_id`, s.`hash`, s.`id`, 0, s.`series_started_at`, s.`last_sample_at`, s.`usage_nano`, s.`usage_daily_nano`, s.`byok_usage_nano`, s.`byok_usage_daily_nano`, s.`usage_weekly_nano`, s.`usage_monthly_nano`, s.`byok_usage_weekly_nano`, s.`byok_usage_monthly_nano` FROM `api_key` AS s WHERE true
	ON CONFLICT (`user_id`, `hash`) DO UPDATE SET `series_started_at` = excluded.`series_started_at`, `last_sample_at` = excluded.`last_sample_at`, `sampled_nano` = excluded.`sampled_nano`, `sampled_daily_nano` = excluded.`sampled_daily_nano`, `sampled_byok_nano` = excluded.`sampled_byok_nano`, `sampled_byok_daily_nano` = excluded.`sampled_byok_daily_nano`, `sampled_weekly_nano` = excluded.`sampled_weekly_nano`, `sampled_monthly_nano` = excluded.`sampled_monthly_nano`, `sampled_byok_weekly_nano` = excluded.`sampled_byok_weekly_nano`, `sampled_byok_monthly_nano` = excluded.`sampled_byok_monthly_nano`;
--> statement-breakpoint
INSERT INTO `__new_upstream_key` (`user_id`, `hash`, `api_key_id`, `created_at`, `series_started_at`, `last_sample_at`, `sampled_nano`, `sampled_daily_nano`, `sampled_byok_nano`, `sampled_byok_daily_nano`)
	SELECT s.`user_id`, s.`hash`, s.`api_key_id`, 0, s.`series_started_at`, s.`last_sample_at`, s.`usage_nano`, s.`usage_daily_nano`, s.`byok_usage_nano`, s.`byok_usage_daily_nano` FROM `api_key_alias` AS s WHERE true
	ON CONFLICT (`user_id`, `hash`) DO UPDATE SET `series_started_at` = excluded.`series_started_at`, `last_sample_at` = excluded.`last_sample_at`, `sampled_nano` = excluded.`sampled_nano`, `sampled_daily_nano` = excluded.`sampled_daily_nano`, `sampled_byok_nano` = excluded.`sampled_byok_nano`, `sampled_byok_daily_nano` = excluded.`sampled_byok_daily_nano`;
--> statement-breakpoint
CREATE TABLE `key_day` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`upstream_key_id` integer NOT NULL,
	`counted_nano` integer,
	`counted_byok_nano` integer,
	`correction_nano` integer DEFAULT 0 NOT NULL,
	`correction_byok_nano` integer DEFAULT 0 NOT NULL,
	`is_estimated` integer DEFAULT false NOT NULL,
	`hours` text,
	`reported_nano` integer,
	`reported_byok_nano` integer,
	`activity_nano` integer,
	`activity_byok_nano` integer,
	`source` text,
	PRIMARY KEY(`user_id`, `day`, `upstream_key_id`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `key_day` (`user_id`, `day`, `upstream_key_id`, `counted_nano`, `counted_byok_nano`, `correction_nano`, `correction_byok_nano`, `is_estimated`, `hours`)
	SELECT c.`user_id`, c.`day`, u.`id`, c.`cost_nano`, c.`byok_cost_nano`, c.`correction_nano`, c.`byok_correction_nano`, c.`is_estimated`, c.`hours`
	FROM `counter_day` AS c JOIN `__new_upstream_key` AS u ON u.`user_id` = c.`user_id` AND u.`hash` = c.`hash` AND u.`api_key_id` = c.`api_key_id`;
--> statement-breakpoint
INSERT INTO `key_day` (`user_id`, `day`, `upstream_key_id`, `reported_nano`, `reported_byok_nano`)
	SELECT d.`user_id`, d.`day`, d.`upstream_key_id`, sum(d.`cost_nano`), sum(d.`byok_cost_nano`)
	FROM `usage_day` AS d JOIN `__new_upstream_key` AS u ON u.`id` = d.`upstream_key_id` GROUP BY d.`user_id`, d.`day`, d.`upstream_key_id`
	ON CONFLICT (`user_id`, `day`, `upstream_key_id`) DO UPDATE SET `reported_nano` = excluded.`reported_nano`, `reported_byok_nano` = excluded.`reported_byok_nano`;
--> statement-breakpoint
INSERT INTO `key_day` (`user_id`, `day`, `upstream_key_id`, `activity_nano`, `activity_byok_nano`)
	SELECT c.`user_id`, c.`day`, c.`upstream_key_id`, c.`activity_cost_nano`, c.`activity_byok_cost_nano`
	FROM `check_day` AS c JOIN `__new_upstream_key` AS u ON u.`id` = c.`upstream_key_id` WHERE c.`activity_cost_nano` IS NOT NULL
	ON CONFLICT (`user_id`, `day`, `upstream_key_id`) DO UPDATE SET `activity_nano` = excluded.`activity_nano`, `activity_byok_nano` = excluded.`activity_byok_nano`;
--> statement-breakpoint
CREATE TABLE `account_day` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`account_id` integer NOT NULL,
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
	PRIMARY KEY(`user_id`, `day`, `account_id`, `model`, `provider`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `account_check` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`account_id` integer NOT NULL,
	`activity_nano` integer NOT NULL,
	`activity_byok_nano` integer NOT NULL,
	PRIMARY KEY(`user_id`, `day`, `account_id`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `account_check` SELECT c.`user_id`, c.`day`, a.`id`, c.`activity_cost_nano`, c.`activity_byok_cost_nano`
	FROM `check_day` AS c JOIN `upstream_key` AS u ON u.`id` = c.`upstream_key_id` AND u.`hash` IS NULL
		JOIN `account` AS a ON a.`user_id` = u.`user_id` AND a.`anchor` = coalesce(u.`account`, u.`id`)
	WHERE c.`activity_cost_nano` IS NOT NULL ON CONFLICT DO NOTHING;
--> statement-breakpoint
-- An account's total is what its keys spent and what was booked beside them, as far as it had been read.
CREATE TABLE `__part` AS SELECT d.*, a.`id` AS `account_id` FROM `usage_day` AS d JOIN `upstream_key` AS u ON u.`id` = d.`upstream_key_id`
	JOIN `account` AS a ON a.`user_id` = u.`user_id` AND a.`anchor` = coalesce(u.`account`, u.`id`) AND d.`day` >= a.`done_from` AND d.`day` < a.`open_from`;
--> statement-breakpoint
INSERT INTO `__part` (`user_id`, `day`, `upstream_key_id`, `model`, `provider`, `cost_nano`, `byok_cost_nano`, `requests`, `prompt_tokens`,
	`completion_tokens`, `reasoning_tokens`, `cached_tokens`, `account_id`)
	SELECT d.`user_id`, d.`day`, d.`upstream_key_id`, '', '', d.`counted_nano`, d.`counted_byok_nano`, 0, 0, 0, 0, 0, u.`account_id`
	FROM `key_day` AS d JOIN `__new_upstream_key` AS u ON u.`id` = d.`upstream_key_id`
		JOIN `account` AS a ON a.`id` = u.`account_id` AND d.`day` >= a.`done_from` AND d.`day` < a.`open_from`
	WHERE d.`reported_nano` IS NULL AND NOT d.`is_estimated` AND d.`counted_nano` + d.`counted_byok_nano` > 0;
--> statement-breakpoint
CREATE TABLE `__hour` AS SELECT `user_id`, `day`, `account_id`, `model`, `provider`, json_group_object(`hour`, json(`amounts`)) AS `hours` FROM (
	SELECT p.`user_id`, p.`day`, p.`account_id`, p.`model`, p.`provider`, h.`key` AS `hour`, json_array(sum(json_extract(h.`value`, '$[0]')), sum(json_extract(h.`value`, '$[1]')), sum(json_extract(h.`value`, '$[2]')), sum(json_extract(h.`value`, '$[3]')), sum(json_extract(h.`value`, '$[4]')), sum(json_extract(h.`value`, '$[5]')), sum(json_extract(h.`value`, '$[6]'))) AS `amounts`
	FROM `__part` AS p CROSS JOIN json_each(p.`hours`) AS h GROUP BY 1, 2, 3, 4, 5, 6) GROUP BY 1, 2, 3, 4, 5;
--> statement-breakpoint
CREATE INDEX `__hour_place` ON `__hour` (`user_id`, `day`, `account_id`, `model`, `provider`);
--> statement-breakpoint
INSERT INTO `account_day` SELECT p.`user_id`, p.`day`, p.`account_id`, p.`model`, p.`provider`, sum(p.`cost_nano`), sum(p.`byok_cost_nano`), sum(p.`requests`),
	sum(p.`prompt_tokens`), sum(p.`completion_tokens`), sum(p.`reasoning_tokens`), iif(count(p.`cached_tokens`) = count(*), sum(p.`cached_tokens`), NULL),
	iif(count(p.`hours`) = count(*), (SELECT h.`hours` FROM `__hour` AS h WHERE (h.`user_id`, h.`day`, h.`account_id`, h.`model`, h.`provider`)
		= (p.`user_id`, p.`day`, p.`account_id`, p.`model`, p.`provider`)), NULL)
	FROM `__part` AS p GROUP BY p.`user_id`, p.`day`, p.`account_id`, p.`model`, p.`provider`;
--> statement-breakpoint
DROP TABLE `__hour`;
--> statement-breakpoint
DROP TABLE `__part`;
--> statement-breakpoint
-- Where that is not what the account said, it is asked again.
UPDATE `account` SET `open_from` = min(`open_from`, x.`day`) FROM (
	SELECT a.`id`, min(c.`day`) AS `day` FROM `check_day` AS c JOIN `upstream_key` AS u ON u.`id` = c.`upstream_key_id` AND u.`hash` IS NULL
		JOIN `account` AS a ON a.`user_id` = u.`user_id` AND a.`anchor` = coalesce(u.`account`, u.`id`)
	WHERE c.`day` >= a.`done_from` AND (c.`account_cost_nano`, c.`account_byok_cost_nano`) IS NOT (
		SELECT coalesce(sum(d.`cost_nano`), 0), coalesce(sum(d.`byok_cost_nano`), 0) FROM `account_day` AS d
		WHERE d.`user_id` = c.`user_id` AND d.`day` = c.`day` AND d.`account_id` = a.`id`)
	GROUP BY a.`id`) AS x WHERE x.`id` = `account`.`id` AND `account`.`open_from` IS NOT NULL;
--> statement-breakpoint
DELETE FROM `usage_day` WHERE `upstream_key_id` IN (SELECT `id` FROM `upstream_key` WHERE `hash` IS NULL);
--> statement-breakpoint
ALTER TABLE `management` ADD `account_id` integer;
--> statement-breakpoint
ALTER TABLE `management` ADD `opened_by` text;
--> statement-breakpoint
UPDATE `management` SET `account_id` = (SELECT a.`id` FROM `account` AS a
	JOIN `upstream_key` AS u ON u.`user_id` = a.`user_id` AND coalesce(u.`account`, u.`id`) = a.`anchor` AND u.`hash` IS NULL
	WHERE u.`management_id` = coalesce(`management`.`leader_id`, `management`.`api_key_id`) LIMIT 1);
--> statement-breakpoint
UPDATE `management` SET `opened_by` = (SELECT k.`hash` FROM `api_key` AS k WHERE k.`id` = `management`.`api_key_id`) WHERE `account_id` IS NOT NULL;
--> statement-breakpoint
ALTER TABLE `management` DROP COLUMN `leader_id`;
--> statement-breakpoint
ALTER TABLE `management` DROP COLUMN `total_credits_nano`;
--> statement-breakpoint
ALTER TABLE `management` DROP COLUMN `total_usage_nano`;
--> statement-breakpoint
ALTER TABLE `management` DROP COLUMN `complete_at`;
--> statement-breakpoint
CREATE TABLE `__new_workspace` (
	`user_id` integer NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`account_id` integer NOT NULL,
	PRIMARY KEY(`user_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `__new_workspace` SELECT w.`user_id`, w.`id`, w.`name`, m.`account_id` FROM `workspace` AS w JOIN `management` AS m ON m.`api_key_id` = w.`management_id` WHERE m.`account_id` IS NOT NULL;
--> statement-breakpoint
DROP TABLE `workspace`;
--> statement-breakpoint
ALTER TABLE `__new_workspace` RENAME TO `workspace`;
--> statement-breakpoint
DROP TABLE `counter_day`;
--> statement-breakpoint
DROP TABLE `check_day`;
--> statement-breakpoint
DROP TABLE `api_key_alias`;
--> statement-breakpoint
DROP TABLE `upstream_key`;
--> statement-breakpoint
DROP INDEX `__new_upstream_key_user_hash`;
--> statement-breakpoint
ALTER TABLE `__new_upstream_key` RENAME TO `upstream_key`;
--> statement-breakpoint
CREATE UNIQUE INDEX `upstream_key_user_hash` ON `upstream_key` (`user_id`,`hash`);
--> statement-breakpoint
CREATE INDEX `upstream_key_account` ON `upstream_key` (`account_id`);
--> statement-breakpoint
CREATE INDEX `upstream_key_api_key` ON `upstream_key` (`api_key_id`);
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `text_version`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `known_since`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `known_until`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `series_started_at`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `last_sample_at`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `usage_nano`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `usage_daily_nano`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `usage_weekly_nano`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `usage_monthly_nano`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `byok_usage_nano`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `byok_usage_daily_nano`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `byok_usage_weekly_nano`;
--> statement-breakpoint
ALTER TABLE `api_key` DROP COLUMN `byok_usage_monthly_nano`;
--> statement-breakpoint
CREATE VIEW `reading` AS 
  SELECT *, coalesce(last_sample_at - reported_until > iif(is_managed, 3, 0) * 3600000, false) AS is_behind FROM (
    SELECT u.*, m.api_key_id AS management_id, coalesce(k.kind = 'management' AND k.is_active AND k.health <> 'invalid', false) AS is_managed,
      CASE WHEN u.done_from IS NOT NULL AND u.read_at > unixepoch(u.done_from) * 1000
        THEN max(u.read_at, iif(u.is_at_rest, coalesce(a.listed_at, 0), 0)) END AS reported_until,
      a.done_from AS total_from, a.open_from AS total_until
    FROM upstream_key AS u
      LEFT JOIN account AS a ON a.id = u.account_id AND a.user_id = u.user_id
      LEFT JOIN management AS m ON m.api_key_id = a.reader_id AND m.account_id = a.id
      LEFT JOIN api_key AS k ON k.id = m.api_key_id);
--> statement-breakpoint
-- What the ledger takes of each day.
UPDATE `key_day` SET `source` = next.`source` FROM (SELECT d.`user_id`, d.`day`, d.`upstream_key_id`, CASE
  WHEN d.reported_nano IS NOT NULL AND NOT coalesce(r.is_behind AND NOT coalesce(d.day >= r.done_from AND r.reported_until >= (unixepoch(d.day) + 86400) * 1000 + 900000, false) AND (d.counted_nano >= d.reported_nano AND d.counted_byok_nano >= d.reported_byok_nano
  AND d.counted_nano + d.counted_byok_nano > d.reported_nano + d.reported_byok_nano), false) THEN 'analytics'
  WHEN d.counted_nano IS NOT NULL AND NOT (d.is_estimated AND (coalesce(d.day >= r.done_from AND r.reported_until >= (unixepoch(d.day) + 86400) * 1000 + 900000, false) OR coalesce(d.day >= r.total_from AND d.day < r.total_until, false))) THEN 'counters' END AS `source`
	FROM `key_day` AS d CROSS JOIN `reading` AS r ON r.`id` = d.`upstream_key_id`) AS next
	WHERE `key_day`.`user_id` = next.`user_id` AND `key_day`.`day` = next.`day` AND `key_day`.`upstream_key_id` = next.`upstream_key_id`;
--> statement-breakpoint
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
	`drift` text NOT NULL,
	PRIMARY KEY(`user_id`, `day`)
);
--> statement-breakpoint
-- Tables that are made anew lose their triggers. A sum ends with the first change of what it was summed from, and all of a user's when rows go to another key.
CREATE TRIGGER `account_insert_stats` AFTER INSERT ON `account` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_update_stats` AFTER UPDATE ON `account` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_delete_stats` AFTER DELETE ON `account` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_insert_stats` AFTER INSERT ON `upstream_key` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_update_stats` AFTER UPDATE ON `upstream_key` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_delete_stats` AFTER DELETE ON `upstream_key` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `workspace_insert_stats` AFTER INSERT ON `workspace` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `workspace_update_stats` AFTER UPDATE ON `workspace` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `workspace_delete_stats` AFTER DELETE ON `workspace` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `key_day_insert_stats` AFTER INSERT ON `key_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `key_day_update_stats` AFTER UPDATE ON `key_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `key_day_delete_stats` AFTER DELETE ON `key_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_day_insert_stats` AFTER INSERT ON `account_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_day_update_stats` AFTER UPDATE ON `account_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_day_delete_stats` AFTER DELETE ON `account_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_check_insert_stats` AFTER INSERT ON `account_check` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_check_update_stats` AFTER UPDATE ON `account_check` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_check_delete_stats` AFTER DELETE ON `account_check` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `key_day_insert_sums` AFTER INSERT ON `key_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `key_day_update_sums` AFTER UPDATE ON `key_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `key_day_delete_sums` AFTER DELETE ON `key_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id` AND `day` = OLD.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_day_insert_sums` AFTER INSERT ON `account_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_day_update_sums` AFTER UPDATE ON `account_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_day_delete_sums` AFTER DELETE ON `account_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id` AND `day` = OLD.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_check_insert_sums` AFTER INSERT ON `account_check` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_check_update_sums` AFTER UPDATE ON `account_check` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_check_delete_sums` AFTER DELETE ON `account_check` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id` AND `day` = OLD.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_insert_sums` AFTER INSERT ON `upstream_key` WHEN NEW.`account_id` IS NOT NULL BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_update_sums` AFTER UPDATE ON `upstream_key`
	WHEN (OLD.`api_key_id`, OLD.`account_id`) IS NOT (NEW.`api_key_id`, NEW.`account_id`) BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `upstream_key_delete_sums` AFTER DELETE ON `upstream_key` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_update_sums` AFTER UPDATE ON `account`
	WHEN OLD.`reader_id` IS NOT NEW.`reader_id` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `account_delete_sums` AFTER DELETE ON `account` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `api_key_update_sums` AFTER UPDATE ON `api_key`
	WHEN OLD.`is_active` IS NOT NEW.`is_active`
BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id`;
END;
--> statement-breakpoint
CREATE TRIGGER `management_update_sums` AFTER UPDATE ON `management`
	WHEN OLD.`account_id` IS NOT NEW.`account_id`
BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id`;
END;
--> statement-breakpoint
UPDATE `user` SET `stats_version` = `stats_version` + 1;
