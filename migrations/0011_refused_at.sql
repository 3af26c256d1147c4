ALTER TABLE `api_key` ADD `refused_at` integer;--> statement-breakpoint
-- When a key was refused first was not noted; the last refusal is the nearest that is known.
UPDATE `api_key` SET `refused_at` = `last_validated_at` WHERE `health` = 'invalid' AND `kind` <> 'discovered';
