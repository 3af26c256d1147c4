/** All SQL of keys. */
import { and, eq, sql } from 'drizzle-orm';
import { builtStatement, type Db, runBatch, statement } from '../db.ts';
import type { KeyRow } from '../inventory/model.ts';
import { apiKey } from '../inventory/table.ts';
import { resolveUnreadStatement, resolveUserStatement } from '../usage/booking/source-store.ts';

/** Changes what does not concern the secret. */
export async function updateKey(
  db: Db,
  userId: number,
  id: number,
  change: Partial<Pick<KeyRow, 'name' | 'isActive' | 'syncRequestedAt' | 'health'>>,
): Promise<void> {
  const update = db
    .update(apiKey)
    .set(change)
    .where(and(eq(apiKey.userId, userId), eq(apiKey.id, id)));
  await runBatch(db, [builtStatement(db, update), resolveUserStatement(db, userId)]);
}

/** Deletes a key. */
export const deleteKeyStatement = (db: Db, userId: number, id: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM api_key WHERE user_id = :userId AND id = :id', { userId, id });

/** Deletes all keys of a user. */
export const deleteAllKeysStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM api_key WHERE user_id = :userId', { userId });

/** Notes that the user asked for a reading, unless one was asked for at or after `notAfter`; false if so. */
export async function claimSyncRequest(db: Db, userId: number, id: number, now: number, notAfter: number): Promise<boolean> {
  const rows = await db
    .update(apiKey)
    .set({ syncRequestedAt: now })
    .where(
      and(
        eq(apiKey.userId, userId),
        eq(apiKey.id, id),
        sql`(${apiKey.syncRequestedAt} IS NULL OR ${apiKey.syncRequestedAt} <= ${notAfter})`,
      ),
    )
    .returning({ id: apiKey.id });
  return rows.length > 0;
}

/** Another management key of the user that opens the account, one that is read itself before others; none if there is none. */
const FOLLOWER = `(SELECT m.api_key_id FROM management AS m JOIN api_key AS k ON k.id = m.api_key_id
  WHERE m.user_id = :userId AND m.account_id = account.id AND m.api_key_id <> :managementId ORDER BY k.is_active AND k.health <> 'invalid' DESC, m.api_key_id LIMIT 1)`;

/** The accounts that nobody opens any more without the management key. */
const ABANDONED = `SELECT account.id FROM account WHERE account.user_id = :userId AND account.reader_id = :managementId AND ${FOLLOWER} IS NULL`;

/**
 * Ends the reading of an account by a management key that goes: another one of the account goes on with everything; without one, what was discovered
 * is deleted. Keys that the user added stay with what was read of them, and the account, which a management key may open again, without its total.
 * @param days that are kept
 */
export const leaveAccountStatements = (db: Db, userId: number, managementId: number, days: readonly string[]): D1PreparedStatement[] => [
  ...[
    `DELETE FROM api_key WHERE user_id = :userId AND kind = 'discovered' AND id IN (SELECT u.api_key_id FROM upstream_key AS u
      WHERE u.user_id = :userId AND u.account_id IN (${ABANDONED}) AND u.account_id = (SELECT m.account_id FROM management AS m WHERE m.api_key_id = :managementId))`,
    `DELETE FROM upstream_key WHERE user_id = :userId AND account_id IN (${ABANDONED})
      AND NOT EXISTS (SELECT 1 FROM api_key AS k WHERE k.id = upstream_key.api_key_id)`,
    `DELETE FROM workspace WHERE user_id = :userId AND account_id IN (${ABANDONED})`,
    `UPDATE account SET reader_id = ${FOLLOWER}, read_version = read_version + 1, done_from = iif(${FOLLOWER} IS NULL, NULL, done_from),
        open_from = iif(${FOLLOWER} IS NULL, NULL, open_from), checked_to = iif(${FOLLOWER} IS NULL, NULL, checked_to)
      WHERE user_id = :userId AND reader_id = :managementId`,
    'DELETE FROM management WHERE user_id = :userId AND api_key_id = :managementId',
  ].map((text) => statement(db, text, { userId, managementId })),
  resolveUserStatement(db, userId),
  resolveUnreadStatement(db, userId, days),
];

/** Deletes what is known of a key upstream, and accounts of which nothing is left then. */
export const deleteUpstreamStatements = (db: Db, userId: number, keyId: number): D1PreparedStatement[] => [
  statement(db, 'DELETE FROM upstream_key WHERE user_id = :userId AND api_key_id = :keyId', { userId, keyId }),
  statement(
    db,
    `DELETE FROM account WHERE user_id = :userId AND reader_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM upstream_key AS u WHERE u.user_id = :userId AND u.account_id = account.id)`,
    { userId },
  ),
];

/** Deletes everything about the accounts of a user. */
export const deleteAllAccountsStatements = (db: Db, userId: number): D1PreparedStatement[] =>
  ['management', 'workspace', 'account', 'upstream_key', 'model_name'].map((table) =>
    statement(db, `DELETE FROM ${table} WHERE user_id = :userId`, { userId }),
  );
