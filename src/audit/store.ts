/** All SQL of the audit log. There is none that changes a row. */
import { and, desc, eq, lt } from 'drizzle-orm';
import { type Db, rowsOf, statement } from '../db.ts';
import { AUDIT_RETENTION_DAYS, type AuditRow } from './model.ts';
import { auditEvent } from './table.ts';

export type NewEvent = Omit<AuditRow, 'id' | 'userId'>;

const COLUMNS = 'at, action, subject, session_id, address, client, request_id';
const VALUES = ':at, :action, :subject, :sessionId, :address, :client, :requestId';

/** Records what a user did. */
export const insertEventStatement = (db: Db, userId: number, event: NewEvent): D1PreparedStatement =>
  statement(db, `INSERT INTO audit_event (user_id, ${COLUMNS}) VALUES (:userId, ${VALUES})`, { userId, ...event });

/** Records what was tried with an email, if anybody has it: the same statement either way. */
export const insertEventOfEmailStatement = (db: Db, email: string, event: NewEvent): D1PreparedStatement =>
  statement(db, `INSERT INTO audit_event (user_id, ${COLUMNS}) SELECT id, ${VALUES} FROM user WHERE email = :email`, { email, ...event });

/** Up to `limit` events of a user before the one with the id `before`, the newest first. */
export const listEvents = (db: Db, userId: number, before: number, limit: number): Promise<AuditRow[]> =>
  db
    .select()
    .from(auditEvent)
    .where(and(eq(auditEvent.userId, userId), lt(auditEvent.id, before)))
    .orderBy(desc(auditEvent.id))
    .limit(limit);

/** Deletes all events of a user, who must be gone by then. */
export const deleteAllEventsStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM audit_event WHERE user_id = :userId', { userId });

/** Deletes up to `limit` events from before `at` that, by the database's own clock, may go; returns how many. */
export async function deleteEventsBeforeAcrossUsers(db: Db, at: number, limit: number): Promise<number> {
  const mayGo = `(unixepoch() - ${AUDIT_RETENTION_DAYS} * 86400) * 1000`;
  const text = `DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event WHERE at < min(:at, ${mayGo}) LIMIT :limit) RETURNING 1`;
  return (await rowsOf(db, statement(db, text, { at, limit }))).length;
}
