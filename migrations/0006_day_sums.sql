-- A row is long: WITHOUT ROWID it would take pages of its own.
CREATE TABLE `day_sum` (
	`user_id` integer NOT NULL,
	`day` text NOT NULL,
	`cut` integer NOT NULL,
	`keys` text NOT NULL,
	`models` text NOT NULL,
	`providers` text NOT NULL,
	`credits` text NOT NULL,
	`checks` text NOT NULL,
	PRIMARY KEY(`user_id`, `day`)
);
--> statement-breakpoint
-- A sum ends with the first change of what it was summed from.
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
CREATE TRIGGER `usage_day_insert_sums` AFTER INSERT ON `usage_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `usage_day_update_sums` AFTER UPDATE ON `usage_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `usage_day_delete_sums` AFTER DELETE ON `usage_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id` AND `day` = OLD.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `check_day_insert_sums` AFTER INSERT ON `check_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `check_day_update_sums` AFTER UPDATE ON `check_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = NEW.`user_id` AND `day` = NEW.`day`;
END;
--> statement-breakpoint
CREATE TRIGGER `check_day_delete_sums` AFTER DELETE ON `check_day` BEGIN
	DELETE FROM `day_sum` WHERE `user_id` = OLD.`user_id` AND `day` = OLD.`day`;
END;
