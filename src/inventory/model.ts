import type { KeyRecord } from '../openrouter/account.ts';
import type { account, apiKey, management, reading } from './table.ts';

export type UpstreamKey = typeof reading.$inferSelect;

export type Account = typeof account.$inferSelect;

export type Management = typeof management.$inferSelect;

/** The column that holds the ciphertext, as part of its additional data. */
export const CIPHERTEXT_COLUMN = 'api_key.ciphertext';

/** A key with the series of its present secret. */
export type KeyRow = typeof apiKey.$inferSelect & {
  upstreamKeyId: number;
  /** First and last sample of the secret, and its counters then, in nano-dollars. */
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

/** How keys end at OpenRouter, as far as their account tells. */
export const KEY_ENDS = {
  disabled: 'The key is disabled at OpenRouter.',
  expired: 'The key has expired.',
  vanished: 'The key or its workspace was deleted at OpenRouter.',
} as const;

/** What decides how a key ended. `vanishedAt`: since when its account does not list it. */
type Ending = Pick<KeyRecord, 'isDisabled' | 'expiresAt'> & { vanishedAt: number | null };

/** How a key ended; null: it did not, as far as is known. What expired and went later has expired. */
export function endOf({ isDisabled, expiresAt, vanishedAt }: Ending, now: number): keyof typeof KEY_ENDS | null {
  const isExpired = expiresAt !== null && expiresAt <= (vanishedAt ?? now);
  if (vanishedAt !== null) return isExpired ? 'expired' : 'vanished';
  if (isDisabled) return 'disabled';
  return isExpired ? 'expired' : null;
}
