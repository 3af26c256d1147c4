/** What is stored of keys and of how far OpenRouter was read, as coverage is made from it. Pure. */

/** What is stored of a key. */
export interface StoredKey {
  id: number;
  name: string;
  kind: 'inference' | 'management' | 'discovered';
  /** Of its present secret. */
  hash: string;
  isActive: boolean;
  health: string;
  refusedAt: number | null;
}

/** What is stored of an upstream key: how far it was sampled and read. */
export interface StoredUpstreamKey {
  id: number;
  apiKeyId: number;
  accountId: number | null;
  hash: string;
  createdAt: number;
  /** Null: no account ever listed it. */
  countedAt: number | null;
  seriesStartedAt: number | null;
  lastSampleAt: number | null;
  doneFrom: string | null;
  readAt: number | null;
  isAtRest: boolean;
  isManaged: boolean;
  isBehind: boolean;
  /** Until when analytics hold everything; null: nothing was read. */
  reportedUntil: number | null;
  vanishedAt: number | null;
}

/** What is stored of an account: how far its total is read, and where what it spent without a key is shown. */
export interface StoredAccount {
  id: number;
  /** Null: nobody any more. */
  readerId: number | null;
  doneFrom: string | null;
  openFrom: string | null;
}

/** Does an account list it, or did one? */
export const isListed = ({ countedAt }: Pick<StoredUpstreamKey, 'countedAt'>): boolean => countedAt !== null;
