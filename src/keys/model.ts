/** OpenRouter keys: what comes in, what goes out, and the pure step from an answer of OpenRouter to what changes. */
import * as z from 'zod';
import type { CipherError } from '../crypto/cipher.ts';
import { isoOrNull, SECOND_MS } from '../lib/day.ts';
import { usdFromNanoOrNull } from '../lib/money.ts';
import { nameSchema } from '../lib/name.ts';
import type { OpenRouterError } from '../openrouter/client.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import type { Sample, Series } from '../usage/ledger.ts';
import type { apiKey } from './table.ts';

/** The column that holds the ciphertext, as part of its additional data. */
export const CIPHERTEXT_COLUMN = 'api_key.ciphertext';

export type KeyRow = typeof apiKey.$inferSelect;

const keyTextSchema = z
  .string()
  .trim()
  .max(512, 'Is too long to be an OpenRouter key')
  .regex(/^sk-or-v1-[A-Za-z0-9_-]+$/, 'Must be an OpenRouter key: it starts with sk-or-v1-')
  .meta({ example: 'sk-or-v1-…' });

export const addKeySchema = z.strictObject({ name: nameSchema, key: keyTextSchema });
export const updateKeySchema = z.strictObject({
  name: nameSchema.optional(),
  is_active: z.boolean().optional().describe('false pauses the key: it is not read any more'),
  key: keyTextSchema.optional().describe('Replaces the text after a rotation; the history stays, counting starts anew'),
});

const usd = (description: string) => z.number().nullable().describe(description);
const instant = z.iso.datetime().nullable();

export const keySchema = z
  .object({
    id: z.int(),
    name: z.string(),
    kind: z.enum(['inference', 'management']),
    label: z.string().describe('The key, masked'),
    status: z.enum(['active', 'unverified', 'invalid', 'paused']),
    is_active: z.boolean(),
    usage_usd: usd('Credits spent in the lifetime of the key, as of last_synced_at'),
    usage_daily_usd: usd('The same of that UTC day'),
    usage_weekly_usd: usd('The same of that UTC week, from Monday'),
    usage_monthly_usd: usd('The same of that UTC month'),
    byok_usage_usd: usd("Spend on the user's own provider keys"),
    byok_usage_daily_usd: usd('The same of that UTC day'),
    byok_usage_weekly_usd: usd('The same of that UTC week'),
    byok_usage_monthly_usd: usd('The same of that UTC month'),
    limit_usd: usd("OpenRouter's limit of the key; null: none known"),
    limit_remaining_usd: usd('What is left of it in its period'),
    limit_reset: z.string().nullable().describe('daily, weekly or monthly; null: never'),
    expires_at: instant,
    balance_usd: usd('Balance of the account, where it is known'),
    last_synced_at: instant,
    last_validated_at: instant,
    last_error: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Key' });

/** Shows the kind of key and six characters of 64 at the most. OpenRouter's own label is not trusted to hide as much. */
export function maskKey(text: string): string {
  const body = text.slice('sk-or-v1-'.length);
  return body.length < 24 ? 'sk-or-v1-...' : `sk-or-v1-${body.slice(0, 3)}...${body.slice(-3)}`;
}

/** A key as users and programs see it. */
export function presentKey(row: KeyRow): z.infer<typeof keySchema> {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    label: row.label,
    status: row.isActive ? row.health : 'paused',
    is_active: row.isActive,
    usage_usd: usdFromNanoOrNull(row.usageNano),
    usage_daily_usd: usdFromNanoOrNull(row.usageDailyNano),
    usage_weekly_usd: usdFromNanoOrNull(row.usageWeeklyNano),
    usage_monthly_usd: usdFromNanoOrNull(row.usageMonthlyNano),
    byok_usage_usd: usdFromNanoOrNull(row.byokUsageNano),
    byok_usage_daily_usd: usdFromNanoOrNull(row.byokUsageDailyNano),
    byok_usage_weekly_usd: usdFromNanoOrNull(row.byokUsageWeeklyNano),
    byok_usage_monthly_usd: usdFromNanoOrNull(row.byokUsageMonthlyNano),
    limit_usd: usdFromNanoOrNull(row.limitNano),
    limit_remaining_usd: usdFromNanoOrNull(row.limitRemainingNano),
    limit_reset: row.limitReset,
    expires_at: isoOrNull(row.expiresAt),
    balance_usd: null,
    last_synced_at: isoOrNull(row.lastSampleAt),
    last_validated_at: isoOrNull(row.lastValidatedAt),
    last_error: row.lastError,
    created_at: new Date(row.createdAt).toISOString(),
  };
}

/** Why a key could not be read: OpenRouter's refusal or failure, or a ciphertext that does not open. */
export type ReadError = OpenRouterError | { kind: 'undecipherable'; error: CipherError };

/** What a failed reading changes of a key. */
export interface KeyFailure {
  health: KeyRow['health'];
  lastError: string;
  rejectedRun: string | null;
  retryAfter: number | null;
  lastValidatedAt: number | null;
}

/** A sentence for the key's owner. It is ours: what OpenRouter writes might hold the key. */
export function describeReadError(error: ReadError): string {
  switch (error.kind) {
    case 'unauthorized':
      return 'OpenRouter refuses the key: it was revoked, disabled, deleted, or has expired.';
    case 'forbidden':
      return 'OpenRouter accepts the key but does not let it read its usage.';
    case 'not_found':
      return 'OpenRouter does not know what was asked for.';
    case 'too_wide':
      return 'OpenRouter could not answer so much at once.';
    case 'refused':
      return 'OpenRouter refused the question.';
    case 'rate_limited':
      return 'OpenRouter asked to wait before the next request.';
    case 'unavailable':
      return `OpenRouter could not be reached: ${error.reason}.`;
    case 'unexpected_shape':
      return `OpenRouter answered in a shape that is not understood${error.path && ` (${error.path})`}.`;
    case 'undecipherable':
      return error.error.kind === 'missing_kid'
        ? `The encryption key "${error.error.kid}" is missing from ENCRYPTION_KEYS.`
        : 'The stored key does not decrypt. Replace its text.';
  }
}

/** Seconds after which OpenRouter wants to be asked again, or null. */
export const retryAfterOf = (error: ReadError): number | null =>
  error.kind === 'rate_limited' || error.kind === 'unavailable' ? error.retryAfterS : null;

/** Will the same reading perhaps succeed a little later? */
export const isTransient = (error: ReadError): boolean => !['unauthorized', 'forbidden', 'undecipherable'].includes(error.kind);

/** What a failure says of an earlier 401: another one, a sign that the key lives, or nothing. */
function rejectedRunAfter(error: ReadError, before: string | null, run: string): string | null {
  if (error.kind === 'unauthorized') return run;
  return error.kind === 'forbidden' ? null : before;
}

/**
 * What changes after a failed reading. Only a 401 in two different runs in a row makes a key invalid. A 402 or 403 shows that the
 * key lives; what is said by nobody (429, 5xx, no answer) says nothing about the key and leaves a first 401 as it is.
 * @param run names the run, so that a redelivered message counts once
 */
export function judgeFailure(
  key: Pick<KeyRow, 'health' | 'rejectedRun' | 'lastValidatedAt'>,
  error: ReadError,
  run: string,
  now: number,
): KeyFailure {
  const isRejected = error.kind === 'unauthorized';
  const isSecondRun = isRejected && key.rejectedRun !== null && key.rejectedRun !== run;
  const retryAfterS = retryAfterOf(error);
  return {
    health: isSecondRun ? 'invalid' : key.health,
    lastError: describeReadError(error),
    rejectedRun: rejectedRunAfter(error, key.rejectedRun, run),
    retryAfter: retryAfterS === null ? null : now + retryAfterS * SECOND_MS,
    lastValidatedAt: isRejected ? now : key.lastValidatedAt,
  };
}

/** The counters of an answer as a sample of the ledger. `at` is when the answer was asked for. */
export const sampleOf = ({ counters }: KeyInfo, at: number): Sample => ({
  at,
  credits: { totalNano: counters.usageNano, todayNano: counters.usageDailyNano },
  byok: { totalNano: counters.byokUsageNano, todayNano: counters.byokUsageDailyNano },
});

/** The series that a key's next sample continues, or null if the next one is the first of its text. */
export function seriesOf(row: KeyRow): Series | null {
  const { seriesStartedAt, lastSampleAt, usageNano, usageDailyNano, byokUsageNano, byokUsageDailyNano } = row;
  if (seriesStartedAt === null || lastSampleAt === null) return null;
  return {
    startedAt: seriesStartedAt,
    last: {
      at: lastSampleAt,
      credits: { totalNano: usageNano ?? 0, todayNano: usageDailyNano ?? 0 },
      byok: { totalNano: byokUsageNano ?? 0, todayNano: byokUsageDailyNano ?? 0 },
    },
  };
}
