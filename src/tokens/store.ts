/** All SQL of API tokens. */
import { and, desc, eq, getTableColumns, sql } from 'drizzle-orm';
import { type Db, prepareQuery, readTogether, rowsOf, statement } from '../db.ts';
import { type StatsVersion, toStatsVersion } from '../users/model.ts';
import { user } from '../users/table.ts';
import type { TokenRow } from './model.ts';
import { apiToken } from './table.ts';

/**
 * Adds a token, unless the user has `max` active ones or is gone: one statement decides, however many run at once.
 * @returns its id, or null at the limit
 */
export async function insertToken(
  db: Db,
  token: Pick<TokenRow, 'userId' | 'name' | 'tokenHash' | 'prefix' | 'createdAt'>,
  max: number,
): Promise<number | null> {
  const text = `INSERT INTO api_token (user_id, name, token_hash, prefix, created_at) SELECT :userId, :name, :tokenHash, :prefix, :createdAt
    WHERE (SELECT count(*) FROM api_token WHERE user_id = :userId AND is_active = 1) < :max AND EXISTS (SELECT 1 FROM user WHERE id = :userId) RETURNING id`;
  const { userId, name, tokenHash, prefix, createdAt } = token;
  const [row] = await rowsOf<{ id: number }>(db, statement(db, text, { userId, name, tokenHash, prefix, createdAt, max }));
  return row?.id ?? null;
}

/** A user's tokens, newest first, revoked ones too. */
export const listTokens = (db: Db, userId: number): Promise<TokenRow[]> =>
  db.select().from(apiToken).where(eq(apiToken.userId, userId)).orderBy(desc(apiToken.id));

/** A token, and the state of its user's data. */
export type FoundToken = TokenRow & { stats: StatsVersion };

const activeToken = prepareQuery(() => ({
  fields: { ...getTableColumns(apiToken), version: user.statsVersion, seen: user.statsSeen },
  rest: sql`FROM ${apiToken} JOIN ${user} ON ${eq(user.id, apiToken.userId)}
    WHERE ${apiToken.tokenHash} = ${sql.placeholder('tokenHash')} AND ${eq(apiToken.isActive, true)}`,
}));

/** The active token with this hash, whoever it belongs to. */
export async function findActiveTokenAcrossUsers(db: Db, tokenHash: string): Promise<FoundToken | null> {
  const [[row]] = await readTogether(db, [activeToken(db, { tokenHash })]);
  return row ? { ...row, stats: toStatsVersion(row) } : null;
}

/** Notes that a token was used, unless that was noted after `notAfter`. */
export async function touchToken(db: Db, userId: number, id: number, now: number, notAfter: number): Promise<void> {
  await db
    .update(apiToken)
    .set({ lastUsedAt: now })
    .where(
      and(eq(apiToken.userId, userId), eq(apiToken.id, id), sql`(${apiToken.lastUsedAt} IS NULL OR ${apiToken.lastUsedAt} <= ${notAfter})`),
    );
}

/** Revokes a token of the user. Null: the user has no such token. One that was revoked before stays as it is. */
export async function revokeToken(db: Db, userId: number, id: number, now: number): Promise<{ name: string; isChanged: boolean } | null> {
  const [row] = await db
    .update(apiToken)
    .set({ isActive: false, revokedAt: sql`coalesce(${apiToken.revokedAt}, ${now})` })
    .where(and(eq(apiToken.userId, userId), eq(apiToken.id, id)))
    .returning({ name: apiToken.name, revokedAt: apiToken.revokedAt });
  return row ? { name: row.name, isChanged: row.revokedAt === now } : null;
}

/** Does a token with this id belong to anybody? */
export async function hasTokenAcrossUsers(db: Db, id: number): Promise<boolean> {
  const rows = await db.select({ id: apiToken.id }).from(apiToken).where(eq(apiToken.id, id));
  return rows.length > 0;
}

/** Deletes all tokens of a user. */
export const deleteAllTokensStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM api_token WHERE user_id = :userId', { userId });

/** Deletes up to `limit` tokens that were revoked before `at`; returns how many. */
export async function deleteRevokedAcrossUsers(db: Db, at: number, limit: number): Promise<number> {
  const text =
    'DELETE FROM api_token WHERE id IN (SELECT id FROM api_token WHERE is_active = 0 AND revoked_at < :at LIMIT :limit) RETURNING 1';
  return (await rowsOf(db, statement(db, text, { at, limit }))).length;
}
