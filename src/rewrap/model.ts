import { TARGET_COLUMN } from '../alerts/channels/model.ts';
import { CIPHERTEXT_COLUMN } from '../inventory/model.ts';

/** By table: the column in the additional data. */
export const SEALED = { api_key: CIPHERTEXT_COLUMN, channel: TARGET_COLUMN } as const;

export type SealedTable = keyof typeof SEALED;
export const SEALED_TABLES = Object.keys(SEALED) as [SealedTable, ...SealedTable[]];

export interface SealedRow {
  id: number;
  userId: number;
  hash: string;
  ciphertext: string;
}

export interface Resealed {
  id: number;
  was: string;
  ciphertext: string;
  kid: string;
}
