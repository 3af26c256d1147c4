/** Re-encrypts with the current encryption key, in steps. Steps may repeat or stop anywhere: only an unchanged ciphertext is replaced. */
import { decrypt, encrypt, type Keyring } from '../crypto/cipher.ts';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { logError } from '../log.ts';
import { type Resealed, SEALED, SEALED_TABLES, type SealedRow, type SealedTable } from './model.ts';
import * as store from './store.ts';

/** Some milliseconds of CPU. */
const ROWS_A_STEP = 100;

export interface RewrapStep {
  table: SealedTable;
  afterId: number;
}

export const kidsOf = (rows: readonly Record<string, unknown>[][]): string[] =>
  [...new Set(rows.flat().map((row) => String(row['kid'])))].sort();

const formerKids = (keyring: Keyring): string[] => keyring.slice(1).map(({ kid }) => kid);

/** Empty if nothing needs a former key. */
export async function startRewrap({ db, config }: Deps): Promise<RewrapStep[]> {
  const former = formerKids(config.keyring);
  if (former.length === 0) return [];
  const inUse = kidsOf(await runBatch(db, store.kidsStatementsAcrossUsers(db)));
  return inUse.some((kid) => former.includes(kid)) ? SEALED_TABLES.map((table) => ({ table, afterId: 0 })) : [];
}

/** Null: it does not decrypt and stays as it is; the sync of its key reports why. */
async function reseal(keyring: Keyring, table: SealedTable, { id, userId, hash, ciphertext }: SealedRow): Promise<Resealed | null> {
  const place = { column: SEALED[table], userId, hash };
  const opened = await decrypt(keyring, place, ciphertext);
  if (!opened.ok) return null;
  const { envelope, kid } = await encrypt(keyring, place, opened.value);
  return { id, was: ciphertext, ciphertext: envelope, kid };
}

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
