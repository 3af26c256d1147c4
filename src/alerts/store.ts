/** SQL of rules and channels. */
import { and, desc, eq, getTableColumns, sql } from 'drizzle-orm';
import { type Db, jsonField, prepareQuery, rowsOf, runBatch, statement, USER_ID } from '../db.ts';
import type { ChannelRow } from './channels/model.ts';
import { parametersOf, type RuleInput, type RuleRow } from './model.ts';
import { alertRule, channel } from './table.ts';

/**
 * Adds a rule, unless the user has `max` of them or is gone: one statement decides, however many run at once.
 * @returns its id, or null at the limit
 */
export async function insertRule(
  db: Db,
  userId: number,
  rule: RuleInput,
  { createdAt, actsFrom }: Pick<RuleRow, 'createdAt' | 'actsFrom'>,
  max: number,
): Promise<number | null> {
  const text = `INSERT INTO alert_rule (user_id, type, name, key_id, channel_ids, parameters, created_at, acts_from)
    SELECT :userId, :type, :name, :keyId, :channelIds, :parameters, :createdAt, :actsFrom
    WHERE (SELECT count(*) FROM alert_rule WHERE user_id = :userId) < :max AND EXISTS (SELECT 1 FROM user WHERE id = :userId) RETURNING id`;
  const { type, name, key_id: keyId, channel_ids: ids } = rule;
  const values = { userId, type, name, keyId, channelIds: JSON.stringify(ids), parameters: parametersOf(rule), createdAt, actsFrom, max };
  const [row] = await rowsOf<{ id: number }>(db, statement(db, text, values));
  return row?.id ?? null;
}

/** Gives rules to a user who has just been added by this email address. Belongs in the batch that adds them. */
export function insertDefaultRulesStatement(db: Db, email: string, rules: readonly RuleInput[], now: number): D1PreparedStatement {
  const text = `INSERT INTO alert_rule (user_id, type, channel_ids, parameters, created_at)
    SELECT u.id, ${jsonField('type')}, '[]', ${jsonField('parameters')}, :now FROM user AS u, json_each(:rules) AS j
    WHERE u.email = :email AND NOT EXISTS (SELECT 1 FROM alert_rule WHERE user_id = u.id)`;
  const rows = rules.map((rule) => ({ type: rule.type, parameters: parametersOf(rule) }));
  return statement(db, text, { email, rules: JSON.stringify(rows), now });
}

const rules = prepareQuery(() => ({
  fields: getTableColumns(alertRule),
  rest: sql`FROM ${alertRule} WHERE ${alertRule.userId} = ${USER_ID} ORDER BY ${alertRule.id}`,
}));
/** Selects a user's rules, the oldest first. */
export const selectRules = (db: Db, userId: number) => rules(db, { userId });

export async function findRule(db: Db, userId: number, id: number): Promise<RuleRow | null> {
  const [row] = await db
    .select()
    .from(alertRule)
    .where(and(eq(alertRule.userId, userId), eq(alertRule.id, id)));
  return row ?? null;
}

/** Changes a rule, if it is still the version that was looked at. */
export async function updateRule(
  db: Db,
  userId: number,
  { id, version }: Pick<RuleRow, 'id' | 'version'>,
  rule: RuleInput,
  armed: Pick<RuleRow, 'armedVersion' | 'actsFrom'>,
): Promise<boolean> {
  const rows = await db
    .update(alertRule)
    .set({
      name: rule.name,
      keyId: rule.key_id,
      channelIds: JSON.stringify(rule.channel_ids),
      parameters: parametersOf(rule),
      version: version + 1,
      ...armed,
    })
    .where(and(eq(alertRule.userId, userId), eq(alertRule.id, id), eq(alertRule.version, version)))
    .returning({ id: alertRule.id });
  return rows.length > 0;
}

/** Deletes a rule. What it told stays; what it was about to tell as over is over without a word. */
export async function deleteRule(db: Db, userId: number, id: number, now: number): Promise<boolean> {
  const [deleted = []] = await runBatch(db, [
    statement(db, 'DELETE FROM alert_rule WHERE user_id = :userId AND id = :id RETURNING id', { userId, id }),
    statement(
      db,
      `UPDATE alert_event SET occasion = 'until ' || :now, recovered_at = :now WHERE user_id = :userId AND rule_id = :id AND occasion = ''`,
      { userId, id, now },
    ),
  ]);
  return deleted.length > 0;
}

/** Does somebody else have a rule, a channel or an event with this id? */
export async function isForeign(db: Db, userId: number, table: 'alert_rule' | 'channel' | 'alert_event', id: number): Promise<boolean> {
  const text = `SELECT 1 FROM ${table} WHERE id = :id AND user_id <> :userId`;
  return (await rowsOf(db, statement(db, text, { userId, id }))).length > 0;
}

/** Has all rules of a user sent to the channel with this ciphertext, which is new. Rules that are sent to all channels are so already. */
const addToRulesStatement = (db: Db, userId: number, ciphertext: string): D1PreparedStatement =>
  statement(
    db,
    `UPDATE alert_rule SET channel_ids = json_insert(channel_ids, '$[#]', c.id), version = version + 1
      FROM (SELECT id FROM channel WHERE user_id = :userId AND ciphertext = :ciphertext) AS c
      WHERE user_id = :userId AND json_type(channel_ids) = 'array' RETURNING alert_rule.id`,
    { userId, ciphertext },
  );

/**
 * Adds a channel, unless the user has `max` of them or is gone.
 * @param isOfRules whether it is added to the rules that are there, too
 * @returns its id, or null at the limit, and how many rules were changed
 */
export async function insertChannel(
  db: Db,
  row: Pick<ChannelRow, 'userId' | 'type' | 'name' | 'ciphertext' | 'hash' | 'kid' | 'label' | 'origin' | 'createdAt'>,
  max: number,
  isOfRules = false,
): Promise<{ id: number | null; changedRules: number }> {
  const text = `INSERT INTO channel (user_id, type, name, ciphertext, hash, kid, label, origin, created_at)
    SELECT :userId, :type, :name, :ciphertext, :hash, :kid, :label, :origin, :createdAt
    WHERE (SELECT count(*) FROM channel WHERE user_id = :userId) < :max AND EXISTS (SELECT 1 FROM user WHERE id = :userId) RETURNING id`;
  const { userId, type, name, ciphertext, hash, kid, label, origin, createdAt } = row;
  const [rows = [], changed = []] = await runBatch(db, [
    statement(db, text, { userId, type, name, ciphertext, hash, kid, label, origin, createdAt, max }),
    ...(isOfRules ? [addToRulesStatement(db, userId, ciphertext)] : []),
  ]);
  return { id: rows[0] ? Number(rows[0]['id']) : null, changedRules: changed.length };
}

/** A user's channels, the newest first. */
export const listChannels = (db: Db, userId: number): Promise<ChannelRow[]> =>
  db.select().from(channel).where(eq(channel.userId, userId)).orderBy(desc(channel.id));

export async function findChannel(db: Db, userId: number, id: number): Promise<ChannelRow | null> {
  const [row] = await db
    .select()
    .from(channel)
    .where(and(eq(channel.userId, userId), eq(channel.id, id)));
  return row ?? null;
}

/** Deletes a channel with what is on its way to it, and takes it out of the rules. */
export async function deleteChannel(db: Db, userId: number, id: number): Promise<boolean> {
  const [deleted = []] = await runBatch(db, [
    statement(db, 'DELETE FROM channel WHERE user_id = :userId AND id = :id RETURNING id', { userId, id }),
    statement(db, `DELETE FROM alert_delivery WHERE state = 'pending' AND user_id = :userId AND channel_id = :id`, { userId, id }),
    statement(
      db,
      `UPDATE alert_rule SET channel_ids = (SELECT json_group_array(value) FROM json_each(channel_ids) WHERE value <> :id)
        WHERE user_id = :userId AND EXISTS (SELECT 1 FROM json_each(channel_ids) WHERE value = :id)`,
      { userId, id },
    ),
  ]);
  return deleted.length > 0;
}

/** Users after `afterId` who have rules but no key that an hourly ring reads now: nothing else would have their rules evaluated. */
export async function listUnreadUsersAcrossUsers(db: Db, now: number, afterId: number, limit: number): Promise<number[]> {
  const text = `SELECT u.id FROM user AS u WHERE u.id > :afterId AND EXISTS (SELECT 1 FROM alert_rule WHERE user_id = u.id)
    AND NOT EXISTS (SELECT 1 FROM api_key AS k WHERE k.user_id = u.id AND k.is_active = 1 AND k.kind <> 'discovered' AND k.health <> 'invalid'
      AND (k.retry_after IS NULL OR k.retry_after <= :now)) ORDER BY u.id LIMIT :limit`;
  const rows = await rowsOf<{ id: number }>(db, statement(db, text, { now, afterId, limit }));
  return rows.map(({ id }) => id);
}

/** Deletes all rules, channels and events of a user. */
export const deleteAllAlertsStatements = (db: Db, userId: number): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM alert_delivery WHERE event_id IN (SELECT id FROM alert_event WHERE user_id = :userId)', { userId }),
  ...['alert_rule', 'channel', 'alert_event', 'breaker_action'].map((table) =>
    statement(db, `DELETE FROM ${table} WHERE user_id = :userId`, { userId }),
  ),
];
