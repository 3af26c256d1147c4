/** All SQL of accounts. */
import { and, desc, eq, gt, ne, sql } from 'drizzle-orm';
import { type Db, prepareQuery, readTogether, rowsOf, runBatch, statement, USER_ID } from '../db.ts';
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

const IS_OPEN_LINK = 'used_at IS NULL AND expires_at > :now';

/** Is there an unused invitation with this hash? */
export async function hasInvitation(db: Db, tokenHash: string, now: number): Promise<boolean> {
  const text = `SELECT 1 FROM one_time_link WHERE token_hash = :tokenHash AND user_id IS NULL AND ${IS_OPEN_LINK}`;
  return (await rowsOf(db, statement(db, text, { tokenHash, now }))).length > 0;
}

/** The user whose password an unused link with this hash resets, or null. */
export async function findResetUserAcrossUsers(db: Db, tokenHash: string, now: number): Promise<number | null> {
  const text = `SELECT user_id AS userId FROM one_time_link WHERE token_hash = :tokenHash AND user_id IS NOT NULL AND ${IS_OPEN_LINK}`;
  const [row] = await rowsOf<{ userId: number }>(db, statement(db, text, { tokenHash, now }));
  return row?.userId ?? null;
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
  const insert = `INSERT INTO user (email, password_hash, time_zone, created_at) SELECT :email, :passwordHash, :timeZone, :now
    WHERE :tokenHash IS NULL OR EXISTS (SELECT 1 FROM one_time_link WHERE token_hash = :tokenHash AND user_id IS NULL AND ${IS_OPEN_LINK}) RETURNING id`;
  const use = `UPDATE one_time_link SET used_at = :now WHERE token_hash = :tokenHash AND user_id IS NULL AND ${IS_OPEN_LINK}`;
  const { email, passwordHash, timeZone, createdAt } = row;
  const used = { tokenHash: invitation, now: createdAt };
  const [inserted = []] = await runBatch(db, [
    statement(db, insert, { ...used, email, passwordHash, timeZone }),
    statement(db, use, used),
    ...others,
  ]);
  return inserted[0] ? Number(inserted[0]['id']) : null;
}

/** Failed sign-ins of a window, and when it began. */
export interface Failures {
  count: number;
  startedAt: number;
}

const FAILURES = 'failures AS count, started_at AS startedAt';

/** The last window of failures of an email, or null. */
export async function findFailures(db: Db, emailHash: string): Promise<Failures | null> {
  const text = `SELECT ${FAILURES} FROM sign_in_failure WHERE email_hash = :emailHash`;
  const [found] = await rowsOf<Failures>(db, statement(db, text, { emailHash }));
  return found ?? null;
}

/** Counts a failure, in a window that begins anew after `windowMs`; gives the window with this failure in it. */
export async function countFailure(db: Db, emailHash: string, now: number, windowMs: number): Promise<Failures> {
  const text = `INSERT INTO sign_in_failure (email_hash, failures, started_at) VALUES (:emailHash, 1, :now)
    ON CONFLICT (email_hash) DO UPDATE SET failures = iif(started_at <= :now - :windowMs, 1, failures + 1),
      started_at = iif(started_at <= :now - :windowMs, :now, started_at) RETURNING ${FAILURES}`;
  const [counted] = await rowsOf<Failures>(db, statement(db, text, { emailHash, now, windowMs }));
  return counted ?? { count: 1, startedAt: now };
}

const forgetFailuresStatement = (db: Db, emailHash: string): D1PreparedStatement =>
  statement(db, 'DELETE FROM sign_in_failure WHERE email_hash = :emailHash', { emailHash });

/** Forgets the failures of an email, after a password was right. */
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
    SELECT id, :now, :expiresAt, :client FROM user WHERE id = :userId AND password_hash = :passwordHash RETURNING id`;
  const values = { userId: row.id, passwordHash: row.passwordHash, now, expiresAt, client };
  const [inserted] = await rowsOf<{ id: number }>(db, statement(db, insert, values));
  return inserted?.id ?? null;
}

/** Marks the version of a user's data as seen: the next change makes another one. Once more changes nothing. */
export const markSeenStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'UPDATE user SET stats_seen = stats_version WHERE id = :userId AND stats_seen <> stats_version', { userId });

const liveSession = prepareQuery(() => ({
  fields: { email: user.email, timeZone: user.timeZone, version: user.statsVersion, seen: user.statsSeen },
  rest: sql`FROM ${session} JOIN ${user} ON ${eq(user.id, session.userId)}
    WHERE ${session.id} = ${sql.placeholder('sessionId')} AND ${session.userId} = ${USER_ID} AND ${session.expiresAt} > ${sql.placeholder('now')}`,
}));

/** The user of a session that lives, or null. */
export async function findSessionUser(
  db: Db,
  userId: number,
  sessionId: number,
  now: number,
): Promise<(Pick<UserRow, 'email' | 'timeZone'> & { stats: StatsVersion }) | null> {
  const [[row]] = await readTogether(db, [liveSession(db, { userId, sessionId, now })]);
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
  const isChanged = 'EXISTS (SELECT 1 FROM user WHERE id = :userId AND password_hash = :newHash)';
  const set = 'UPDATE user SET password_hash = :newHash WHERE id = :userId AND password_hash = :oldHash RETURNING id';
  const end = `DELETE FROM session WHERE user_id = :userId AND id <> :keptSessionId AND ${isChanged}`;
  const use = `UPDATE one_time_link SET used_at = :now WHERE user_id = :userId AND used_at IS NULL AND ${isChanged}`;
  const [updated = []] = await runBatch(db, [
    statement(db, set, { userId, oldHash, newHash }),
    statement(db, end, { userId, keptSessionId, newHash }),
    statement(db, use, { userId, now, newHash }),
  ]);
  return updated.length > 0;
}

/** Sets the password that a link allows to set, ends all sessions and all links; false if the link does not hold any more. */
export async function resetPassword(db: Db, userId: number, tokenHash: string, newHash: string, now: number): Promise<boolean> {
  const isAllowed = `EXISTS (SELECT 1 FROM one_time_link WHERE token_hash = :tokenHash AND user_id = :userId AND ${IS_OPEN_LINK})`;
  const set = `UPDATE user SET password_hash = :newHash WHERE id = :userId AND ${isAllowed} RETURNING id`;
  const end = `DELETE FROM session WHERE user_id = :userId AND ${isAllowed}`;
  const use = `UPDATE one_time_link SET used_at = :now WHERE user_id = :userId AND used_at IS NULL AND ${isAllowed}`;
  const [updated = []] = await runBatch(db, [
    statement(db, set, { userId, tokenHash, newHash, now }),
    statement(db, end, { userId, tokenHash, now }),
    statement(db, use, { userId, tokenHash, now }),
  ]);
  return updated.length > 0;
}

/** Deletes a user with sessions, links and failures. */
export const deleteUserStatements = (db: Db, userId: number, emailHash: string): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM session WHERE user_id = :userId', { userId }),
  statement(db, 'DELETE FROM one_time_link WHERE user_id = :userId', { userId }),
  forgetFailuresStatement(db, emailHash),
  statement(db, 'DELETE FROM user WHERE id = :userId', { userId }),
];

/** Deletes up to `limit` rows that `condition` (with the instant `:at`) picks; returns how many. */
async function deleteOldAcrossUsers(db: Db, table: string, key: string, condition: string, at: number, limit: number): Promise<number> {
  const text = `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${condition} LIMIT :limit) RETURNING 1`;
  return (await rowsOf(db, statement(db, text, { at, limit }))).length;
}

/** Deletes up to `limit` sessions that ended before `at`. */
export const deleteSessionsBeforeAcrossUsers = (db: Db, at: number, limit: number) =>
  deleteOldAcrossUsers(db, 'session', 'id', 'expires_at < :at', at, limit);

/** Deletes up to `limit` links that were used or expired before `at`. */
export const deleteLinksBeforeAcrossUsers = (db: Db, at: number, limit: number) =>
  deleteOldAcrossUsers(db, 'one_time_link', 'id', 'expires_at < :at OR used_at < :at', at, limit);

/** Deletes up to `limit` counts of failures whose window began before `at`. */
export const deleteFailuresBeforeAcrossUsers = (db: Db, at: number, limit: number) =>
  deleteOldAcrossUsers(db, 'sign_in_failure', 'email_hash', 'started_at < :at', at, limit);
