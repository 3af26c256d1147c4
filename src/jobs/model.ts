/** Schedules and queue messages. Pure. */
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../lib/day.ts';
import { slicesOf } from '../lib/slices.ts';
import { SEALED_TABLES } from '../rewrap/model.ts';

export const JOBS = ['sync', 'validate', 'cleanup'] as const;
export type JobName = (typeof JOBS)[number];

/** As in wrangler.toml, UTC. */
export const CRONS: Record<string, JobName> = {
  '3 * * * *': 'sync',
  '0 2 * * *': 'validate',
  '0 3 * * SUN': 'cleanup',
};

/** 1970-01-04: the epoch was a Thursday. */
const FIRST_SUNDAY_MS = 3 * DAY_MS;

const RHYTHM: Record<JobName, { periodMs: number; offsetMs: number }> = {
  sync: { periodMs: HOUR_MS, offsetMs: 3 * MINUTE_MS },
  validate: { periodMs: DAY_MS, offsetMs: 2 * HOUR_MS },
  cleanup: { periodMs: 7 * DAY_MS, offsetMs: FIRST_SUNDAY_MS + 3 * HOUR_MS },
};

/** A run may be this late before its job is overdue. */
const GRACE_MS = HOUR_MS;

/** The job's last scheduled time up to `now`. */
export function latestSlot(job: JobName, now: number): number {
  const { periodMs, offsetMs } = RHYTHM[job];
  return Math.floor((now - offsetMs) / periodMs) * periodMs + offsetMs;
}

/** False for a job that never ran: `/health` reports that separately. */
export const isOverdue = (job: JobName, lastSuccessAt: number | null, now: number): boolean =>
  lastSuccessAt !== null && now - lastSuccessAt > RHYTHM[job].periodMs + GRACE_MS;

/** With 20 keys an invocation stays within the Free plan's 50 subrequests. */
export const KEYS_A_MESSAGE = 20;

const runSchema = { slot: z.iso.datetime(), part: z.int().positive() };

/** The current task, and the user after whom it continues. */
const cleanupStepSchema = z.object({ task: z.int().nonnegative(), afterUserId: z.int().nonnegative() });
export type CleanupStep = z.infer<typeof cleanupStepSchema>;

export const messageSchema = z.discriminatedUnion('job', [
  z.object({ job: z.enum(['sync', 'validate', 'manual']), ...runSchema, keyIds: z.array(z.int().positive()).max(KEYS_A_MESSAGE) }),
  z.object({ job: z.literal('cleanup'), ...runSchema, step: cleanupStepSchema }),
  /** A step of syncing an account. `failed`: upstream keys that this run skips. */
  z.object({
    job: z.literal('account'),
    slot: z.iso.datetime(),
    userId: z.int().positive(),
    keyId: z.int().positive(),
    failed: z.array(z.int()),
    /** Longest span of a query by hour and by day, in days, as far as this run knows. */
    reach: z.object({ hour: z.int().positive(), day: z.int().positive() }),
    attempt: z.int(),
  }),
  z.object({ job: z.literal('purge') }),
  z.object({ job: z.literal('rewrap'), table: z.enum(SEALED_TABLES), afterId: z.int().nonnegative() }),
  z.object({ job: z.literal('evaluate'), userIds: z.array(z.int().positive()).max(KEYS_A_MESSAGE) }),
  z.object({ job: z.literal('breaker'), actionId: z.int().positive() }),
  z.object({ job: z.literal('alert'), eventId: z.int().positive(), channelId: z.int().positive() }),
]);

/** Holds ids, never secrets. */
export type JobMessage = z.infer<typeof messageSchema>;
export type KeysMessage = Extract<JobMessage, { keyIds: number[] }>;

/** The part is a hash of the keys, so that overlapping runs make the same parts and each is done once. */
export function packKeys(job: KeysMessage['job'], slot: string, ids: readonly number[]): KeysMessage[] {
  return slicesOf(ids, KEYS_A_MESSAGE).map((keyIds) => ({ job, slot, part: crc32(keyIds.join()) + 1, keyIds }));
}

export type Counts = Record<string, number>;

export function addCounts(a: Counts, b: Counts): Counts {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export type Delivery = { kind: 'ack' } | { kind: 'retry'; delayS: number };

/** Outcomes that say nothing about a key. */
const INCONCLUSIVE = ['rate_limited', 'unavailable', 'unexpected_shape', 'undecipherable', 'not_found', 'too_wide', 'refused'];

/** The error of a finished part in which every key failed; null: success. */
export function partError(counts: Counts): string | null {
  const conclusive = ['read', 'unauthorized', 'forbidden', 'address_refused', 'superseded'].some(
    (outcome) => counts[outcome] !== undefined,
  );
  const failed = INCONCLUSIVE.filter((outcome) => counts[outcome] !== undefined);
  return conclusive || failed.length === 0 ? null : `No key could be read (${failed.join(', ')}).`;
}
