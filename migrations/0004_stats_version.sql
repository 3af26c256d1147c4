ALTER TABLE `user` ADD `stats_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `user` ADD `stats_seen` integer DEFAULT -1 NOT NULL;--> statement-breakpoint
-- Whatever statistics are made of makes another version, once somebody has seen the present one: until then a change writes no row more.
CREATE TRIGGER `api_key_insert_stats` AFTER INSERT ON `api_key` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `api_key_update_stats` AFTER UPDATE ON `api_key` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `api_key_delete_stats` AFTER DELETE ON `api_key` BEGIN
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
CREATE TRIGGER `management_insert_stats` AFTER INSERT ON `management` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `management_update_stats` AFTER UPDATE ON `management` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `management_delete_stats` AFTER DELETE ON `management` BEGIN
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
CREATE TRIGGER `model_name_insert_stats` AFTER INSERT ON `model_name` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `model_name_update_stats` AFTER UPDATE ON `model_name` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `model_name_delete_stats` AFTER DELETE ON `model_name` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
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
CREATE TRIGGER `usage_day_insert_stats` AFTER INSERT ON `usage_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `usage_day_update_stats` AFTER UPDATE ON `usage_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `usage_day_delete_stats` AFTER DELETE ON `usage_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `check_day_insert_stats` AFTER INSERT ON `check_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `check_day_update_stats` AFTER UPDATE ON `check_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = NEW.`user_id` AND `stats_seen` = `stats_version`;
END;
--> statement-breakpoint
CREATE TRIGGER `check_day_delete_stats` AFTER DELETE ON `check_day` BEGIN
	UPDATE `user` SET `stats_version` = `stats_version` + 1 WHERE `id` = OLD.`user_id` AND `stats_seen` = `stats_version`;
END;
