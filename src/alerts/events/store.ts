/** SQL of events and of their way to channels. */
import { and, desc, eq, getTableColumns, inArray, lt, ne, sql } from 'drizzle-orm';
import { type Db, jsonField, runBatch, statement } from '../../db.ts';
import type { PlannedAction } from '../breaker/model.ts';
import type { KnownEvent, Over } from '../evaluation/decide.ts';
import type { Rule } from '../model.ts';
import { alertDelivery, alertEvent } from '../table.ts';
import type { Finding } from './describe.ts';
import type { DeliveryRow, EventRow, ListedEvent } from './model.ts';

/** What an evaluation found of a rule. */
export interface Change {
  rule: Pick<Rule, 'id' | 'type' | 'version'>;
  fired: Finding[];
  over: Over[];
  notApplicable: KnownEvent[];
}

/** An event that is to be sent to a channel. */
export interface DeliveryRef {
  eventId: number;
  channelId: number;
}

/** The columns of a new event. */
export const COLUMNS = 'user_id, rule_id, kind, rule_type, subject, occasion, key_id, title, text, figures, path, created_at';

/** A snoozed rule is silent about the same subject; what happens is still a row. */
const IS_SNOOZED = `EXISTS (SELECT 1 FROM alert_event AS s WHERE s.user_id = e.user_id AND s.rule_id = e.rule_id AND s.subject = e.subject AND s.snoozed_until > :now)`;

/**
 * What happened together, of which a channel gets one message: what rules of one type found of a user at one instant. A digest is a message of
 * its own.
 */
const bundleOf = (event: string): string =>
  [`${event}.created_at`, `${event}.kind`, `${event}.rule_type`, `iif(${event}.rule_type = 'digest', ${event}.rule_id, 0)`].join(
    ` || '-' || `,
  );

/** Ids of the events that are told in one message with one of them, whose id is the parameter. */
export const togetherWith = (parameter: string): string => `SELECT x.id FROM alert_event AS e JOIN alert_event AS x
  ON x.user_id = e.user_id AND x.created_at = e.created_at AND ${bundleOf('x')} = ${bundleOf('e')} WHERE e.id = ${parameter}`;

/** What names a message, among the columns of its row: all rows of a bundle have one message. */
export const BUNDLE = `(SELECT ${bundleOf('b')} FROM alert_event AS b WHERE b.id = alert_delivery.event_id) AS bundle`;

/** Is what rule `r` reports sent to channel `c`? */
const IS_SENT_TO = `EXISTS (SELECT 1 FROM json_each(r.channel_ids) WHERE value IN (c.id, 'all'))`;

/** Messages of the events of an instant that have none yet: to every channel of their rule that is there. */
export const deliverStatement = (db: Db, userId: number, now: number): D1PreparedStatement =>
  statement(
    db,
    `INSERT INTO alert_delivery (event_id, channel_id, user_id, state, created_at, attempts, next_at, log)
      SELECT e.id, c.id, e.user_id, 'pending', :now, 0, :now, '[]' FROM alert_event AS e JOIN alert_rule AS r ON r.id = e.rule_id
        JOIN channel AS c ON c.user_id = e.user_id AND ${IS_SENT_TO}
      WHERE e.user_id = :userId AND e.created_at = :now AND NOT ${IS_SNOOZED}
      ON CONFLICT DO NOTHING RETURNING event_id, channel_id, ${BUNDLE}`,
    { userId, now },
  );

/** Rows as names of messages, each by the first of its events. */
export function toDeliveryRefs(rows: readonly Record<string, unknown>[]): DeliveryRef[] {
  const ways = rows.map((row) => ({
    eventId: Number(row['event_id']),
    channelId: Number(row['channel_id']),
    bundle: String(row['bundle']),
  }));
  const ofMessage = Map.groupBy(
    ways.sort((a, b) => a.eventId - b.eventId),
    ({ channelId, bundle }) => `${channelId} ${bundle}`,
  );
  return [...ofMessage.values()].flatMap(([first]) => (first ? [{ eventId: first.eventId, channelId: first.channelId }] : []));
}

/** The rule of a JSON value, if it still is what was decided from. */
const OF_RULE = `JOIN alert_rule AS r ON r.id = ${jsonField('rule.id')} AND r.user_id = :userId AND r.version = ${jsonField('rule.version')}`;

/** New events, but for a state that somebody saw end after this evaluation looked (`:now`). */
const INSERT_FIRED = `INSERT INTO alert_event (${COLUMNS}) SELECT :userId, r.id, 'fired', r.type, ${['subject', 'dedupeKey', 'keyId', 'title', 'text', 'figures', 'path'].map((name) => jsonField(name)).join(', ')}, CAST(:now AS INTEGER)
  FROM json_each(:found) AS j ${OF_RULE} WHERE ${jsonField('dedupeKey')} <> '' OR NOT EXISTS (SELECT 1 FROM alert_event AS x
    WHERE x.user_id = :userId AND x.rule_id = r.id AND x.subject = ${jsonField('subject')} AND x.recovered_at >= :now) ON CONFLICT DO NOTHING`;

const INSERT_RECOVERED = `INSERT INTO alert_event (${COLUMNS}) SELECT :userId, r.id, 'recovered', r.type, e.subject, 'over ' || e.id, e.key_id, e.title, ${jsonField('text')}, ${jsonField('figures')}, e.path, CAST(:now AS INTEGER)
  FROM json_each(:found) AS j ${OF_RULE} JOIN alert_event AS e ON e.id = ${jsonField('id')} AND e.user_id = :userId AND e.occasion = '' WHERE true ON CONFLICT DO NOTHING`;

const CLOSE = `UPDATE alert_event SET occasion = 'until ' || CAST(:now AS INTEGER) || ' ' || id, recovered_at = CAST(:now AS INTEGER)
  WHERE user_id = :userId AND occasion = '' AND id IN (SELECT ${jsonField('id')} FROM json_each(:found) AS j ${OF_RULE})`;

/** Plans actions of rules that still are armed as they were, each once, however often it is planned; returns the ids of the new ones. */
function planActionsStatement(db: Db, userId: number, planned: readonly PlannedAction[], now: number): D1PreparedStatement {
  const fields = ['ruleVersion', 'keyId', 'managementId', 'hash', 'kind', 'period', 'periodFrom', 'amountUsd', 'restore', 'restoreAt'].map(
    (name) => jsonField(name),
  );
  const text = `INSERT INTO breaker_action (user_id, rule_id, rule_version, key_id, management_id, hash, kind, period, period_from, amount_usd, restore, restore_at, state, attempts, next_at, created_at)
    SELECT :userId, r.id, ${fields.join(', ')}, 'planned', 0, CAST(:now AS INTEGER), CAST(:now AS INTEGER)
    FROM json_each(:planned) AS j JOIN alert_rule AS r ON r.id = ${jsonField('ruleId')} AND r.user_id = :userId
      AND r.armed_version = ${jsonField('ruleVersion')} WHERE true ON CONFLICT DO NOTHING RETURNING id`;
  return statement(db, text, { userId, planned: JSON.stringify(planned), now });
}

/**
 * Writes what an evaluation found, in one transaction: events, what is over, and a row for each message that is to be sent. What somebody
 * else wrote meanwhile, or of a rule that was changed or deleted since, is left out.
 * @param now when the evaluation looked
 */
export async function applyChanges(
  db: Db,
  userId: number,
  changes: readonly Change[],
  now: number,
  planned: readonly PlannedAction[] = [],
): Promise<{ ways: DeliveryRef[]; actionIds: number[] }> {
  const of = <T>(pick: (change: Change) => readonly T[]) =>
    JSON.stringify(
      changes.flatMap((change) => pick(change).map((one) => ({ ...one, rule: { id: change.rule.id, version: change.rule.version } }))),
    );
  const fired = of((change) => change.fired.map((one) => ({ ...one, figures: JSON.stringify(one.figures) })));
  const recovered = of(({ over }) => over.map((one) => ({ ...one, figures: JSON.stringify(one.figures) })));
  const closed = of(({ over, notApplicable }) => [...over, ...notApplicable]);
  const results = await runBatch(db, [
    statement(db, INSERT_FIRED, { userId, found: fired, now }),
    statement(db, INSERT_RECOVERED, { userId, found: recovered, now }),
    statement(db, CLOSE, { userId, found: closed, now }),
    deliverStatement(db, userId, now),
    ...(planned.length > 0 ? [planActionsStatement(db, userId, planned, now)] : []),
  ]);
  const [, , , ways = [], actions = []] = results;
  return { ways: toDeliveryRefs(ways), actionIds: actions.map((row) => Number(row['id'])) };
}

/** Adds a test message for a channel. */
export async function insertTest(db: Db, userId: number, channelId: number, now: number): Promise<DeliveryRef[]> {
  const [, ways = []] = await runBatch(db, [
    statement(
      db,
      `INSERT INTO alert_event (${COLUMNS}) SELECT user_id, 0, 'test', 'test', 'channel:' || id, 'test ' || CAST(:now AS INTEGER), NULL, 'This is a test',
        'If you can read this, alerts arrive here.', '{}', '/alerts', CAST(:now AS INTEGER) FROM channel WHERE user_id = :userId AND id = :channelId ON CONFLICT DO NOTHING`,
      { userId, channelId, now },
    ),
    statement(
      db,
      `INSERT INTO alert_delivery (event_id, channel_id, user_id, state, created_at, attempts, next_at, log)
        SELECT e.id, c.id, :userId, 'pending', :now, 0, :now, '[]' FROM alert_event AS e JOIN channel AS c ON c.id = :channelId AND c.user_id = :userId
        WHERE e.user_id = :userId AND e.rule_id = 0 AND e.subject = 'channel:' || c.id AND e.occasion = 'test ' || CAST(:now AS INTEGER)
        ON CONFLICT DO NOTHING RETURNING event_id, channel_id, ${BUNDLE}`,
      { userId, channelId, now },
    ),
  ]);
  return toDeliveryRefs(ways);
}

/** A page of a user's events, the newest first, with what became of their messages. */
export async function listEvents(
  db: Db,
  userId: number,
  before: number,
  limit: number,
): Promise<{ events: ListedEvent[]; deliveries: DeliveryRow[] }> {
  const page = and(eq(alertEvent.userId, userId), ne(alertEvent.kind, 'test'), lt(alertEvent.id, before));
  const ids = db.select({ id: alertEvent.id }).from(alertEvent).where(page).orderBy(desc(alertEvent.id)).limit(limit);
  const columns = { ...getTableColumns(alertEvent), bundle: sql<string>`${sql.raw(bundleOf('alert_event'))}` };
  const [events, deliveries] = await db.batch([
    db.select(columns).from(alertEvent).where(page).orderBy(desc(alertEvent.id)).limit(limit),
    db.select().from(alertDelivery).where(inArray(alertDelivery.eventId, ids)),
  ]);
  return { events, deliveries };
}

/**
 * What a user said of an event, or of all that are told in one message with it. A snooze is of all that a rule tells of the same subject, and
 * so is its end.
 */
export async function updateEvent(
  db: Db,
  userId: number,
  id: number,
  { acknowledgedAt, snoozedUntil }: Partial<Pick<EventRow, 'acknowledgedAt' | 'snoozedUntil'>>,
  isOfGroup: boolean,
): Promise<void> {
  const of = `user_id = :userId AND kind <> 'test'`;
  const meant = `id IN (${isOfGroup ? togetherWith(':id') : ':id'})`;
  const alike = `(rule_id, subject) IN (SELECT rule_id, subject FROM alert_event WHERE ${meant} AND ${of})`;
  await runBatch(db, [
    ...(acknowledgedAt === undefined
      ? []
      : [
          statement(db, `UPDATE alert_event SET acknowledged_at = :acknowledgedAt WHERE ${of} AND ${meant}`, {
            userId,
            id,
            acknowledgedAt,
          }),
        ]),
    ...(snoozedUntil === undefined
      ? []
      : snoozedUntil === null
        ? [statement(db, `UPDATE alert_event SET snoozed_until = NULL WHERE ${of} AND ${alike}`, { userId, id })]
        : [statement(db, `UPDATE alert_event SET snoozed_until = :snoozedUntil WHERE ${of} AND ${meant}`, { userId, id, snoozedUntil })]),
  ]);
}

/** Deletes up to `limit` events from before `at` with their messages, unless they are still going on; returns how many. */
export async function deleteEventsBeforeAcrossUsers(db: Db, at: number, limit: number): Promise<number> {
  const old = `SELECT id FROM alert_event WHERE created_at < :at AND occasion <> '' LIMIT :limit`;
  const [, events = []] = await runBatch(db, [
    statement(db, `DELETE FROM alert_delivery WHERE event_id IN (${old})`, { at, limit }),
    statement(db, `DELETE FROM alert_event WHERE id IN (${old}) RETURNING 1`, { at, limit }),
  ]);
  return events.length;
}
