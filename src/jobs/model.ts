/** Jobs as values: when they ring, what their messages say, what was missed. Pure. */
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../lib/day.ts';
import { slicesOf } from '../lib/slices.ts';
import { SEALED_TABLES } from '../rewrap/model.ts';

export const JOBS = ['sync', 'validate', 'cleanup'] as const;
export type JobName = (typeof JOBS)[number];

/** The cron table of wrangler.toml (UTC). */
export const CRONS: Record<string, JobName> = {
  '3 * * * *': 'sync',
  '0 2 * * *': 'validate',
  '0 3 * * SUN': 'cleanup',
};

/** 1970-01-04, the first Sunday, counted from the epoch's Thursday. */
const FIRST_SUNDAY_MS = 3 * DAY_MS;

/** How often a job rings, and where in its period. */
const RHYTHM: Record<JobName, { periodMs: number; offsetMs: number }> = {
  sync: { periodMs: HOUR_MS, offsetMs: 3 * MINUTE_MS },
  validate: { periodMs: DAY_MS, offsetMs: 2 * HOUR_MS },
  cleanup: { periodMs: 7 * DAY_MS, offsetMs: FIRST_SUNDAY_MS + 3 * HOUR_MS },
};

/** A ring may be late by this much before its job counts as overdue. */
const GRACE_MS = HOUR_MS;

/** The last instant, not later than `now`, at which the job should have rung. */
export function latestSlot(job: JobName, now: number): number {
  const { periodMs, offsetMs } = RHYTHM[job];
  return Math.floor((now - offsetMs) / periodMs) * periodMs + offsetMs;
}

/** Has the job not succeeded for longer than its period and some grace? Not if it never ran: that is said apart. */
export const isOverdue = (job: JobName, lastSuccessAt: number | null, now: number): boolean =>
  lastSuccessAt !== null && now - lastSuccessAt > RHYTHM[job].periodMs + GRACE_MS;

/** Keys that one message holds: with 20, one invocation stays within the Free plan's 50 subrequests. */
export const KEYS_A_MESSAGE = 20;

const runSchema = { slot: z.iso.datetime(), part: z.int().positive() };

/** What a cleanup message goes on with: a task of the list, and the user after whom it goes on. */
const cleanupStepSchema = z.object({ task: z.int().nonnegative(), afterUserId: z.int().nonnegative() });
export type CleanupStep = z.infer<typeof cleanupStepSchema>;

export const messageSchema = z.discriminatedUnion('job', [
  z.object({ job: z.enum(['sync', 'validate', 'manual']), ...runSchema, keyIds: z.array(z.int().positive()).max(KEYS_A_MESSAGE) }),
  z.object({ job: z.literal('cleanup'), ...runSchema, step: cleanupStepSchema }),
  /** A step of reading the account behind a management key. `failed`: upstream keys that this run leaves alone. */
  z.object({
    job: z.literal('account'),
    slot: z.iso.datetime(),
    userId: z.int().positive(),
    keyId: z.int().positive(),
    failed: z.array(z.int()),
    /** How many days a query by the hour or by the day spans at the most, as far as this run found out. */
    reach: z.object({ hour: z.int().positive(), day: z.int().positive() }),
    attempt: z.int(),
  }),
  z.object({ job: z.literal('purge') }),
  /** A step of encrypting stored secrets with the present key. */
  z.object({ job: z.literal('rewrap'), table: z.enum(SEALED_TABLES), afterId: z.int().nonnegative() }),
  /** Rules of users are to be evaluated. */
  z.object({ job: z.literal('evaluate'), userIds: z.array(z.int().positive()).max(KEYS_A_MESSAGE) }),
  /** A step of the circuit breaker. */
  z.object({ job: z.literal('breaker'), actionId: z.int().positive() }),
  /** An event is to be sent to a channel. */
  z.object({ job: z.literal('alert'), eventId: z.int().positive(), channelId: z.int().positive() }),
]);

/** A queue message. It holds ids, never secrets. */
export type JobMessage = z.infer<typeof messageSchema>;
export type ReadMessage = Extract<JobMessage, { keyIds: number[] }>;

/**
 * Messages for due keys, `KEYS_A_MESSAGE` in each. A part is named after its keys, so that rings which find the same keys due
 * make the same parts, and only one of each is worked on.
 */
export function packKeys(job: ReadMessage['job'], slot: string, ids: readonly number[]): ReadMessage[] {
  return slicesOf(ids, KEYS_A_MESSAGE).map((keyIds) => ({ job, slot, part: crc32(keyIds.join()) + 1, keyIds }));
}

/** Numbers that a part of a run leaves behind. */
export type Counts = Record<string, number>;

export function addCounts(a: Counts, b: Counts): Counts {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** What the queue is told of a message: done, or to be delivered again after some seconds. */
export type Delivery = { kind: 'ack' } | { kind: 'retry'; delayS: number };

/** Outcomes that say nothing about a key: OpenRouter was out of reach, or the key's text. */
const INCONCLUSIVE = ['rate_limited', 'unavailable', 'unexpected_shape', 'undecipherable', 'not_found', 'too_wide', 'refused'];

/** Why a finished part was no success, or null: not one of its keys could be asked about. */
export function partError(counts: Counts): string | null {
  const conclusive = ['read', 'unauthorized', 'forbidden', 'address_refused', 'superseded'].some(
    (outcome) => counts[outcome] !== undefined,
  );
  const failed = INCONCLUSIVE.filter((outcome) => counts[outcome] !== undefined);
  return conclusive || failed.length === 0 ? null : `No key could be read (${failed.join(', ')}).`;
}
