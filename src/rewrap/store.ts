/** SQL of ciphertexts, whatever they hold. All of it is across users: which encryption keys are in use is a matter of the deployment. */
import { type Db, jsonField, rowsOf, statement } from '../db.ts';
import { type Resealed, SEALED_TABLES, type SealedRow, type SealedTable } from './model.ts';

/** Ids (`kid`) of the encryption keys that a table's ciphertexts need, by skipping from one to the next in their index. */
const kidsStatement = (db: Db, table: SealedTable): D1PreparedStatement =>
  statement(
    db,
    `WITH RECURSIVE next(kid) AS (
      SELECT (SELECT min(kid) FROM ${table})
      UNION ALL SELECT (SELECT min(kid) FROM ${table} WHERE kid > next.kid) FROM next WHERE next.kid IS NOT NULL)
    SELECT kid FROM next WHERE kid IS NOT NULL`,
  );

/** A statement for each table with ciphertexts; their rows name the ids of the encryption keys in use. */
export const kidsStatementsAcrossUsers = (db: Db): D1PreparedStatement[] => SEALED_TABLES.map((table) => kidsStatement(db, table));

/** Up to `limit` ciphertexts of a table that need one of these encryption keys, in the order of their ids after `afterId`. */
export function listSealedAcrossUsers(
  db: Db,
  table: SealedTable,
  kids: readonly string[],
  afterId: number,
  limit: number,
): Promise<SealedRow[]> {
  const text = `SELECT id, user_id AS userId, hash, ciphertext FROM ${table} WHERE kid IN (SELECT value FROM json_each(:kids)) AND id > :afterId
    ORDER BY id LIMIT :limit`;
  return rowsOf<SealedRow>(db, statement(db, text, { kids: JSON.stringify(kids), afterId, limit }));
}

/** Sets ciphertexts anew where the old ones still stand: a secret that was replaced meanwhile is left alone. Returns how many were set. */
export async function resealAcrossUsers(db: Db, table: SealedTable, rows: readonly Resealed[]): Promise<number> {
  if (rows.length === 0) return 0;
  const text = `UPDATE ${table} SET ciphertext = ${jsonField('ciphertext')}, kid = ${jsonField('kid')} FROM json_each(:rows) AS j
    WHERE ${table}.id = ${jsonField('id')} AND ${table}.ciphertext = ${jsonField('was')} RETURNING ${table}.id`;
  return (await rowsOf(db, statement(db, text, { rows: JSON.stringify(rows) }))).length;
}
