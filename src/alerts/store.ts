/** SQL of rules and channels. */
import { and, desc, eq, sql } from 'drizzle-orm';
import { askedOften, type Db, jsonField, runBatch, statement } from '../db.ts';
import type { ChannelRow } from './channels/model.ts';
import { parametersOf, type RuleInput, type RuleRow } from './model.ts';
import { alertRule, channel } from './table.ts';

const idOf = (rows: readonly Record<string, unknown>[]): number | null => (rows[0] ? Number(rows[0]['id']) : null);

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
  const text = `INSERT INTO alert_rule (user_id, type, name, key_id, channel_ids, parameters, created_at, acts_from) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
    WHERE (SELECT count(*) FROM alert_rule WHERE user_id = ?1) < ?9 AND EXISTS (SELECT 1 FROM user WHERE id = ?1) RETURNING id`;
  const values = [
    userId,
    rule.type,
    rule.name,
    rule.key_id,
    JSON.stringify(rule.channel_ids),
    parametersOf(rule),
    createdAt,
    actsFrom,
    max,
  ];
  const [rows = []] = await runBatch(db, [statement(db, text, ...values)]);
  return idOf(rows);
}

/** Gives rules to a user who has just been added by this e-mail address. Belongs in the batch that adds them. */
export function insertDefaultRulesStatement(db: Db, email: string, rules: readonly RuleInput[], now: number): D1PreparedStatement {
  const text = `INSERT INTO alert_rule (user_id, type, channel_ids, parameters, created_at)
    SELECT u.id, ${jsonField('type')}, '[]', ${jsonField('parameters')}, ?3 FROM user AS u, json_each(?2) AS j
    WHERE u.email = ?1 AND NOT EXISTS (SELECT 1 FROM alert_rule WHERE user_id = u.id)`;
  return statement(db, text, email, JSON.stringify(rules.map((rule) => ({ type: rule.type, parameters: parametersOf(rule) }))), now);
}

const rules = askedOften((db) =>
  db
    .select()
    .from(alertRule)
    .where(eq(alertRule.userId, sql.placeholder('userId')))
    .orderBy(alertRule.id),
);
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
    statement(db, 'DELETE FROM alert_rule WHERE user_id = ? AND id = ? RETURNING id', userId, id),
    statement(
      db,
      `UPDATE alert_event SET occasion = 'until ' || ?3, recovered_at = ?3 WHERE user_id = ?1 AND rule_id = ?2 AND occasion = ''`,
      userId,
      id,
      now,
    ),
  ]);
  return deleted.length > 0;
}

/** Does somebody else have a rule, a channel or an event with this id? */
export async function isForeign(db: Db, userId: number, table: 'alert_rule' | 'channel' | 'alert_event', id: number): Promise<boolean> {
  const [rows = []] = await runBatch(db, [statement(db, `SELECT 1 FROM ${table} WHERE id = ? AND user_id <> ?`, id, userId)]);
  return rows.length > 0;
}

/** Has all rules of a user sent to the channel with this ciphertext, which is new. Rules that are sent to all channels are so already. */
const addToRulesStatement = (db: Db, userId: number, ciphertext: string): D1PreparedStatement =>
  statement(
    db,
    `UPDATE alert_rule SET channel_ids = json_insert(channel_ids, '$[#]', c.id), version = version + 1
      FROM (SELECT id FROM channel WHERE user_id = ?1 AND ciphertext = ?2) AS c
      WHERE user_id = ?1 AND json_type(channel_ids) = 'array' RETURNING alert_rule.id`,
    userId,
    ciphertext,
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
  const text = `INSERT INTO channel (user_id, type, name, ciphertext, hash, kid, label, origin, created_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
    WHERE (SELECT count(*) FROM channel WHERE user_id = ?1) < ?10 AND EXISTS (SELECT 1 FROM user WHERE id = ?1) RETURNING id`;
  const { userId, type, name, ciphertext, hash, kid, label, origin, createdAt } = row;
  const [rows = [], changed = []] = await runBatch(db, [
    statement(db, text, userId, type, name, ciphertext, hash, kid, label, origin, createdAt, max),
    ...(isOfRules ? [addToRulesStatement(db, userId, ciphertext)] : []),
  ]);
  return { id: idOf(rows), changedRules: changed.length };
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
    statement(db, 'DELETE FROM channel WHERE user_id = ? AND id = ? RETURNING id', userId, id),
    statement(db, `DELETE FROM alert_delivery WHERE state = 'pending' AND user_id = ? AND channel_id = ?`, userId, id),
    statement(
      db,
      `UPDATE alert_rule SET channel_ids = (SELECT json_group_array(value) FROM json_each(channel_ids) WHERE value <> ?2)
        WHERE user_id = ?1 AND EXISTS (SELECT 1 FROM json_each(channel_ids) WHERE value = ?2)`,
      userId,
      id,
    ),
  ]);
  return deleted.length > 0;
}

/** Users after `afterId` who have rules but no key that an hourly ring reads now: nothing else would have their rules evaluated. */
export async function listUnreadUsersAcrossUsers(db: Db, now: number, afterId: number, limit: number): Promise<number[]> {
  const text = `SELECT u.id FROM user AS u WHERE u.id > ?2 AND EXISTS (SELECT 1 FROM alert_rule WHERE user_id = u.id)
    AND NOT EXISTS (SELECT 1 FROM api_key AS k WHERE k.user_id = u.id AND k.is_active = 1 AND k.kind <> 'discovered' AND k.health <> 'invalid'
      AND (k.retry_after IS NULL OR k.retry_after <= ?1)) ORDER BY u.id LIMIT ?3`;
  const [rows = []] = await runBatch(db, [statement(db, text, now, afterId, limit)]);
  return rows.map((row) => Number(row['id']));
}

/** Deletes all rules, channels and events of a user. */
export const deleteAllAlertsStatements = (db: Db, userId: number): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM alert_delivery WHERE event_id IN (SELECT id FROM alert_event WHERE user_id = ?)', userId),
  ...['alert_rule', 'channel', 'alert_event', 'breaker_action'].map((table) =>
    statement(db, `DELETE FROM ${table} WHERE user_id = ?`, userId),
  ),
];
