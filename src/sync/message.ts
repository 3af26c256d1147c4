/** The queue message that has an account read. */
import { DAILY_REACH_DAYS, HOURLY_REACH_DAYS } from '../inventory/progress.ts';
import type { JobMessage } from '../jobs/model.ts';

export const accountMessageOf = (slot: string, userId: number, keyId: number): JobMessage => ({
  job: 'account',
  slot,
  userId,
  keyId,
  failed: [],
  reach: { hour: HOURLY_REACH_DAYS, day: DAILY_REACH_DAYS },
  attempt: 0,
});
