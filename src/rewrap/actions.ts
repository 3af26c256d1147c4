/**
 * The keyring's rotation: what was encrypted with a former key is encrypted anew with the present one, in steps. A step may run twice or
 * stop anywhere: each ciphertext is set only where the one that was read still stands.
 */
import { decrypt, encrypt, type Keyring } from '../crypto/cipher.ts';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { logError } from '../log.ts';
import { type Resealed, SEALED, SEALED_TABLES, type SealedRow, type SealedTable } from './model.ts';
import * as store from './store.ts';

/** Some milliseconds of CPU. */
const ROWS_A_STEP = 100;

/** Where a rotation goes on. */
export interface RewrapStep {
  table: SealedTable;
  afterId: number;
}

/** The ids of the encryption keys in use, from the rows of `kidsStatementsAcrossUsers`. */
export const kidsOf = (rows: readonly Record<string, unknown>[][]): string[] =>
  [...new Set(rows.flat().map((row) => String(row['kid'])))].sort();

/** The ids of the keyring's former keys. */
const formerKids = (keyring: Keyring): string[] => keyring.slice(1).map(({ kid }) => kid);

/** The first steps of a rotation, if anything is still encrypted with a former key. A keyring of one key costs nothing. */
export async function startRewrap({ db, config }: Deps): Promise<RewrapStep[]> {
  const former = formerKids(config.keyring);
  if (former.length === 0) return [];
  const inUse = kidsOf(await runBatch(db, store.kidsStatementsAcrossUsers(db)));
  return inUse.some((kid) => former.includes(kid)) ? SEALED_TABLES.map((table) => ({ table, afterId: 0 })) : [];
}

/** The same secret under the present key; null if it does not open: it stays as it is, and reading its key says why. */
async function reseal(keyring: Keyring, table: SealedTable, { id, userId, hash, ciphertext }: SealedRow): Promise<Resealed | null> {
  const place = { column: SEALED[table], userId, hash };
  const opened = await decrypt(keyring, place, ciphertext);
  if (!opened.ok) return null;
  const { envelope, kid } = await encrypt(keyring, place, opened.value);
  return { id, was: ciphertext, ciphertext: envelope, kid };
}

/** Does a step of a rotation; returns the next one, or null at the end of the table. */
export async function rewrapStep({ db, config }: Deps, { table, afterId }: RewrapStep, limit = ROWS_A_STEP): Promise<RewrapStep | null> {
  const rows = await store.listSealedAcrossUsers(db, table, formerKids(config.keyring), afterId, limit);
  const resealed = await Promise.all(rows.map((row) => reseal(config.keyring, table, row)));
  const sound = resealed.filter((row) => row !== null);
  if (sound.length < rows.length)
    logError('not_rewrapped', new Error('Ciphertexts do not open'), { table, count: rows.length - sound.length });
  await store.resealAcrossUsers(db, table, sound);
  const last = rows.at(-1);
  return last && rows.length === limit ? { table, afterId: last.id } : null;
}
