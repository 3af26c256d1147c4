DROP INDEX `breaker_action_period`;--> statement-breakpoint
ALTER TABLE `breaker_action` ADD `rule_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `breaker_action_of_version` ON `breaker_action` (`rule_id`,`rule_version`,`period`,`period_from`,`hash`);--> statement-breakpoint
ALTER TABLE `alert_rule` ADD `armed_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `alert_rule` ADD `acts_from` integer;--> statement-breakpoint
-- What was told as spent before now and did nothing to its key goes on doing nothing in this period.
UPDATE `alert_rule` SET `acts_from` = CAST(unixepoch() * 1000 AS INTEGER) WHERE `type` = 'budget' AND EXISTS (
	SELECT 1 FROM `alert_event` AS e WHERE e.`rule_id` = `alert_rule`.`id` AND e.`user_id` = `alert_rule`.`user_id`
	AND json_extract(e.`figures`, '$.threshold') = 1 AND json_extract(e.`figures`, '$.to') >= date('now', '-1 day')
	AND NOT EXISTS (SELECT 1 FROM `breaker_action` AS a WHERE a.`rule_id` = e.`rule_id` AND a.`period_from` = json_extract(e.`figures`, '$.from')));--> statement-breakpoint
-- What waits is planned anew, from the rule as it is now.
DELETE FROM `breaker_action` WHERE `state` = 'planned' AND `before` IS NULL;--> statement-breakpoint
-- What OpenRouter refused changed nothing that would have to be taken back.
UPDATE `breaker_action` SET `before` = NULL WHERE `state` = 'refused';
