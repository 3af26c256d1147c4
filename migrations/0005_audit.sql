CREATE TABLE `audit_event` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`at` integer NOT NULL,
	`action` text NOT NULL,
	`subject` text,
	`session_id` integer,
	`address` text,
	`client` text,
	`request_id` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_event_user` ON `audit_event` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_event_at` ON `audit_event` (`at`);--> statement-breakpoint
CREATE TRIGGER `audit_event_is_final` BEFORE UPDATE ON `audit_event` BEGIN
	SELECT RAISE(ABORT, 'the audit log is append-only');
END;
--> statement-breakpoint
-- 365 days: AUDIT_RETENTION_DAYS. What is left of a user who is gone may go.
CREATE TRIGGER `audit_event_is_kept` BEFORE DELETE ON `audit_event`
WHEN OLD.`at` > (unixepoch() - 365 * 86400) * 1000 AND EXISTS (SELECT 1 FROM `user` WHERE `id` = OLD.`user_id`) BEGIN
	SELECT RAISE(ABORT, 'the audit log is kept for 365 days');
END;
