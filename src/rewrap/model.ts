/** Where ciphertexts are stored. Pure. */

import { TARGET_COLUMN } from '../alerts/channels/model.ts';
import { CIPHERTEXT_COLUMN } from '../inventory/model.ts';

/** Tables with a ciphertext, and what names its place in the additional data. */
export const SEALED = { api_key: CIPHERTEXT_COLUMN, channel: TARGET_COLUMN } as const;

export type SealedTable = keyof typeof SEALED;
export const SEALED_TABLES = Object.keys(SEALED) as [SealedTable, ...SealedTable[]];

/** A stored ciphertext. */
export interface SealedRow {
  id: number;
  userId: number;
  hash: string;
  ciphertext: string;
}

/** A ciphertext that is to stand where another stood. */
export interface Resealed {
  id: number;
  was: string;
  ciphertext: string;
  kid: string;
}
