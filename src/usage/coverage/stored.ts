
export interface StoredKey {
  id: number;
  name: string;
  kind: 'inference' | 'management' | 'discovered';
  /** Of its current secret. */
  hash: string;
  isActive: boolean;
  health: string;
  refusedAt: number | null;
}

export interface StoredUpstreamKey {
  id: number;
  apiKeyId: number;
  accountId: number | null;
  hash: string;
  createdAt: number;
  countedAt: number | null;
  seriesStartedAt: number | null;
  lastSampleAt: number | null;
  doneFrom: string | null;
  readAt: number | null;
  isAtRest: boolean;
  isManaged: boolean;
  isBehind: boolean;
  /** Analytics are complete until then; null: nothing read. */
  reportedUntil: number | null;
  vanishedAt: number | null;
}

/** How far an account's total is read, and which key shows its unattributed spend. */
export interface StoredAccount {
  id: number;
  readerId: number | null;
  doneFrom: string | null;
  openFrom: string | null;
}

export const isListed = ({ countedAt }: Pick<StoredUpstreamKey, 'countedAt'>): boolean => countedAt !== null;
