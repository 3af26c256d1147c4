/** Keys, upstream keys and accounts as they are stored. */
import type { KeyRecord } from '../openrouter/account.ts';
import type { account, apiKey, management, reading } from './table.ts';

export type UpstreamKey = typeof reading.$inferSelect;

export type Account = typeof account.$inferSelect;

export type Management = typeof management.$inferSelect;

/** Part of the ciphertext's additional data. */
export const CIPHERTEXT_COLUMN = 'api_key.ciphertext';

export type KeyRow = typeof apiKey.$inferSelect & {
  upstreamKeyId: number;
  /** First and last sample, and the counters of the last one in nano-dollars. */
  seriesStartedAt: number | null;
  lastSampleAt: number | null;
  usageNano: number | null;
  usageDailyNano: number | null;
  usageWeeklyNano: number | null;
  usageMonthlyNano: number | null;
  byokUsageNano: number | null;
  byokUsageDailyNano: number | null;
  byokUsageWeeklyNano: number | null;
  byokUsageMonthlyNano: number | null;
};

export const KEY_ENDS = {
  disabled: 'The key is disabled at OpenRouter.',
  expired: 'The key has expired.',
  vanished: 'The key or its workspace was deleted at OpenRouter.',
} as const;

type Ending = Pick<KeyRecord, 'isDisabled' | 'expiresAt'> & { vanishedAt: number | null };

/** Null: it has not ended, as far as is known. A key that expired and then vanished has expired. */
export function endOf({ isDisabled, expiresAt, vanishedAt }: Ending, now: number): keyof typeof KEY_ENDS | null {
  const isExpired = expiresAt !== null && expiresAt <= (vanishedAt ?? now);
  if (vanishedAt !== null) return isExpired ? 'expired' : 'vanished';
  if (isDisabled) return 'disabled';
  return isExpired ? 'expired' : null;
}
