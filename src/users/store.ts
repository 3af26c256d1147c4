/** All SQL of accounts. */
import { and, desc, eq, gt, ne, sql } from 'drizzle-orm';
import { askedOften, type Db, runBatch, statement } from '../db.ts';
import { type SessionRow, type StatsVersion, toStatsVersion, type UserRow } from './model.ts';
import { session, user } from './table.ts';

export async function findUserByEmail(db: Db, email: string): Promise<UserRow | null> {
  const [row] = await db.select().from(user).where(eq(user.email, email));
  return row ?? null;
}

export async function findUser(db: Db, userId: number): Promise<UserRow | null> {
  const [row] = await db.select().from(user).where(eq(user.id, userId));
  return row ?? null;
}

const IS_OPEN_LINK = 'used_at IS NULL AND expires_at > ?2';

/** Is there an unused invitation with this hash? */
export async function hasInvitation(db: Db, tokenHash: string, now: number): Promise<boolean> {
  const text = `SELECT 1 FROM one_time_link WHERE token_hash = ?1 AND user_id IS NULL AND ${IS_OPEN_LINK}`;
  const [rows = []] = await runBatch(db, [statement(db, text, tokenHash, now)]);
  return rows.length > 0;
}

/** The user whose password an unused link with this hash resets, or null. */
export async function findResetUserAcrossUsers(db: Db, tokenHash: string, now: number): Promise<number | null> {
  const text = `SELECT user_id FROM one_time_link WHERE token_hash = ?1 AND user_id IS NOT NULL AND ${IS_OPEN_LINK}`;
  const [rows = []] = await runBatch(db, [statement(db, text, tokenHash, now)]);
  return rows[0] ? Number(rows[0]['user_id']) : null;
}

/**
 * Adds a user with what belongs to every new one and, if an invitation is needed, uses it up: all or nothing.
 * @param others written in the same transaction
 * @param invitation hash of the invitation, or null if none is needed
 * @returns the user's id, or null if the invitation does not hold any more
 */
export async function insertUser(
  db: Db,
  row: Pick<UserRow, 'email' | 'passwordHash' | 'timeZone' | 'createdAt'>,
  invitation: string | null,
  others: readonly D1PreparedStatement[],
): Promise<number | null> {
  const insert = `INSERT INTO user (email, password_hash, time_zone, created_at) SELECT ?3, ?4, ?5, ?2
    WHERE ?1 IS NULL OR EXISTS (SELECT 1 FROM one_time_link WHERE token_hash = ?1 AND user_id IS NULL AND ${IS_OPEN_LINK}) RETURNING id`;
  const use = `UPDATE one_time_link SET used_at = ?2 WHERE token_hash = ?1 AND user_id IS NULL AND ${IS_OPEN_LINK}`;
  const [inserted = []] = await runBatch(db, [
    statement(db, insert, invitation, row.createdAt, row.email, row.passwordHash, row.timeZone),
    statement(db, use, invitation, row.createdAt),
    ...others,
  ]);
  return inserted[0] ? Number(inserted[0]['id']) : null;
}

/** Failed sign-ins of a window, and when it began. */
export interface Failures {
  count: number;
  startedAt: number;
}

const toFailures = (row: Record<string, unknown> | undefined): Failures | null =>
  row ? { count: Number(row['failures']), startedAt: Number(row['started_at']) } : null;

/** The last window of failures of an e-mail, or null. */
export async function findFailures(db: Db, emailHash: string): Promise<Failures | null> {
  const [rows = []] = await runBatch(db, [
    statement(db, 'SELECT failures, started_at FROM sign_in_failure WHERE email_hash = ?', emailHash),
  ]);
  return toFailures(rows[0]);
}

/** Counts a failure, in a window that begins anew after `windowMs`; gives the window with this failure in it. */
export async function countFailure(db: Db, emailHash: string, now: number, windowMs: number): Promise<Failures> {
  const text = `INSERT INTO sign_in_failure (email_hash, failures, started_at) VALUES (?1, 1, ?2)
    ON CONFLICT (email_hash) DO UPDATE SET failures = iif(started_at <= ?2 - ?3, 1, failures + 1), started_at = iif(started_at <= ?2 - ?3, ?2, started_at)
    RETURNING failures, started_at`;
  const [rows = []] = await runBatch(db, [statement(db, text, emailHash, now, windowMs)]);
  return toFailures(rows[0]) ?? { count: 1, startedAt: now };
}

const forgetFailuresStatement = (db: Db, emailHash: string): D1PreparedStatement =>
  statement(db, 'DELETE FROM sign_in_failure WHERE email_hash = ?', emailHash);

/** Forgets the failures of an e-mail, after a password was right. */
export const forgetFailures = (db: Db, emailHash: string) => runBatch(db, [forgetFailuresStatement(db, emailHash)]);

/**
 * Begins a session, if the user still has the password hash that was verified.
 * @returns the session's id, or null if the password was changed or the user deleted meanwhile
 */
export async function insertSession(
  db: Db,
  row: Pick<UserRow, 'id' | 'passwordHash'>,
  now: number,
  expiresAt: number,
  client: string | null,
): Promise<number | null> {
  const insert = `INSERT INTO session (user_id, created_at, expires_at, client)
    SELECT id, ?3, ?4, ?5 FROM user WHERE id = ?1 AND password_hash = ?2 RETURNING id`;
  const [inserted = []] = await runBatch(db, [statement(db, insert, row.id, row.passwordHash, now, expiresAt, client)]);
  return inserted[0] ? Number(inserted[0]['id']) : null;
}

/** Marks the version of a user's data as seen: the next change makes another one. Once more changes nothing. */
export const markSeenStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'UPDATE user SET stats_seen = stats_version WHERE id = ? AND stats_seen <> stats_version', userId);

const liveSession = askedOften((db) =>
  db
    .select({ email: user.email, timeZone: user.timeZone, version: user.statsVersion, seen: user.statsSeen })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(
      and(
        eq(session.id, sql.placeholder('sessionId')),
        eq(session.userId, sql.placeholder('userId')),
        gt(session.expiresAt, sql.placeholder('now')),
      ),
    ),
);

/** The user of a session that lives, or null. */
export async function findSessionUser(
  db: Db,
  userId: number,
  sessionId: number,
  now: number,
): Promise<(Pick<UserRow, 'email' | 'timeZone'> & { stats: StatsVersion }) | null> {
  const [[row]] = await db.batch([liveSession(db, { userId, sessionId, now })]);
  return row ? { email: row.email, timeZone: row.timeZone, stats: toStatsVersion(row) } : null;
}

/** A user's sessions that live, the newest first. */
export const listSessions = (db: Db, userId: number, now: number): Promise<SessionRow[]> =>
  db
    .select()
    .from(session)
    .where(and(eq(session.userId, userId), gt(session.expiresAt, now)))
    .orderBy(desc(session.id));

/** Ends all sessions of a user but one. */
export async function deleteOtherSessions(db: Db, userId: number, keptSessionId: number): Promise<void> {
  await db.delete(session).where(and(eq(session.userId, userId), ne(session.id, keptSessionId)));
}

/** Sets the zone whose days a user's pages show. */
export async function updateTimeZone(db: Db, userId: number, timeZone: string): Promise<void> {
  await db.update(user).set({ timeZone }).where(eq(user.id, userId));
}

export async function deleteSession(db: Db, userId: number, sessionId: number): Promise<void> {
  await db.delete(session).where(and(eq(session.id, sessionId), eq(session.userId, userId)));
}

/** Stores the same password under other parameters. */
export async function updatePasswordHash(db: Db, userId: number, oldHash: string, newHash: string): Promise<void> {
  await db
    .update(user)
    .set({ passwordHash: newHash })
    .where(and(eq(user.id, userId), eq(user.passwordHash, oldHash)));
}

/** Sets another password and ends all sessions but one and all links; false if the password was changed meanwhile. */
export async function changePassword(
  db: Db,
  userId: number,
  oldHash: string,
  newHash: string,
  keptSessionId: number,
  now: number,
): Promise<boolean> {
  const isChanged = 'EXISTS (SELECT 1 FROM user WHERE id = ?1 AND password_hash = ?3)';
  const [updated = []] = await runBatch(db, [
    statement(db, 'UPDATE user SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2 RETURNING id', userId, oldHash, newHash),
    statement(db, `DELETE FROM session WHERE user_id = ?1 AND id <> ?2 AND ${isChanged}`, userId, keptSessionId, newHash),
    statement(db, `UPDATE one_time_link SET used_at = ?2 WHERE user_id = ?1 AND used_at IS NULL AND ${isChanged}`, userId, now, newHash),
  ]);
  return updated.length > 0;
}

/** Sets the password that a link allows to set, ends all sessions and all links; false if the link does not hold any more. */
export async function resetPassword(db: Db, userId: number, tokenHash: string, newHash: string, now: number): Promise<boolean> {
  const isAllowed = `EXISTS (SELECT 1 FROM one_time_link WHERE token_hash = ?1 AND user_id = ?3 AND ${IS_OPEN_LINK})`;
  const [updated = []] = await runBatch(db, [
    statement(db, `UPDATE user SET password_hash = ?4 WHERE id = ?3 AND ${isAllowed} RETURNING id`, tokenHash, now, userId, newHash),
    statement(db, `DELETE FROM session WHERE user_id = ?3 AND ${isAllowed}`, tokenHash, now, userId),
    statement(db, `UPDATE one_time_link SET used_at = ?2 WHERE user_id = ?3 AND used_at IS NULL AND ${isAllowed}`, tokenHash, now, userId),
  ]);
  return updated.length > 0;
}

/** Deletes a user with sessions, links and failures. */
export const deleteUserStatements = (db: Db, userId: number, emailHash: string): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM session WHERE user_id = ?', userId),
  statement(db, 'DELETE FROM one_time_link WHERE user_id = ?', userId),
  forgetFailuresStatement(db, emailHash),
  statement(db, 'DELETE FROM user WHERE id = ?', userId),
];

/** Deletes up to `limit` rows that `condition` (with one instant) picks; returns how many. */
async function deleteOldAcrossUsers(db: Db, table: string, key: string, condition: string, at: number, limit: number): Promise<number> {
  const text = `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ?2) RETURNING 1`;
  const [deleted = []] = await runBatch(db, [statement(db, text, at, limit)]);
  return deleted.length;
}

/** Deletes up to `limit` sessions that ended before `at`. */
export const deleteSessionsBeforeAcrossUsers = (db: Db, at: number, limit: number) =>
  deleteOldAcrossUsers(db, 'session', 'id', 'expires_at < ?1', at, limit);

/** Deletes up to `limit` links that were used or expired before `at`. */
export const deleteLinksBeforeAcrossUsers = (db: Db, at: number, limit: number) =>
  deleteOldAcrossUsers(db, 'one_time_link', 'id', 'expires_at < ?1 OR used_at < ?1', at, limit);

/** Deletes up to `limit` counts of failures whose window began before `at`. */
export const deleteFailuresBeforeAcrossUsers = (db: Db, at: number, limit: number) =>
  deleteOldAcrossUsers(db, 'sign_in_failure', 'email_hash', 'started_at < ?1', at, limit);
