/** What an answer of OpenRouter changes of a key: its health, its error, its sample. */
import type { CipherError } from '../crypto/cipher.ts';
import { endOf, KEY_ENDS, type KeyRow } from '../inventory/model.ts';
import { SECOND_MS } from '../lib/day.ts';
import type { KeyRecord } from '../openrouter/account.ts';
import type { OpenRouterError } from '../openrouter/failure.ts';
import type { KeyState } from '../openrouter/schema.ts';
import type { Sample, SampleSeries } from '../usage/booking/counters.ts';

export type ReadError = OpenRouterError | { kind: 'undecipherable'; error: CipherError };

export interface Verdict {
  health: KeyRow['health'];
  lastError: string | null;
}

export interface KeyFailure {
  health: KeyRow['health'];
  lastError: string;
  rejectedRun: string | null;
  refusedAt: number | null;
  retryAfter: number | null;
  lastValidatedAt: number | null;
}

const ADDRESS_REFUSED =
  "OpenRouter's IP allowlist blocks this monitor. A Worker has no fixed address, so sync fails while the account has an allowlist.";

/** Our own words: OpenRouter's might contain the key. */
export function describeReadError(error: ReadError): string {
  switch (error.kind) {
    case 'unauthorized':
      return 'OpenRouter rejects the key: it was revoked, disabled, deleted, or has expired.';
    case 'forbidden':
      return 'OpenRouter accepts the key but does not let it read its usage.';
    case 'address_refused':
      return ADDRESS_REFUSED;
    case 'not_found':
      return 'OpenRouter did not find it.';
    case 'too_wide':
      return 'The request was too large for OpenRouter.';
    case 'refused':
      return 'OpenRouter rejected the request.';
    case 'rate_limited':
      return 'OpenRouter asked to wait before the next request.';
    case 'unavailable':
      return `OpenRouter could not be reached: ${error.reason}.`;
    case 'unexpected_shape':
      return `OpenRouter sent an unexpected response${error.path && ` (${error.path})`}.`;
    case 'undecipherable':
      return error.error.kind === 'missing_kid'
        ? `The encryption key "${error.error.kid}" is missing from ENCRYPTION_KEYS.`
        : 'The stored key cannot be decrypted. Replace the key.';
  }
}

export function judgeRecord(record: Pick<KeyRecord, 'isDisabled' | 'expiresAt'>, now: number): Verdict {
  const end = endOf({ ...record, vanishedAt: null }, now);
  return end === null ? { health: 'active', lastError: null } : { health: 'invalid', lastError: KEY_ENDS[end] };
}

export const retryAfterOf = (error: ReadError): number | null =>
  error.kind === 'rate_limited' || error.kind === 'unavailable' ? error.retryAfterS : null;

export const isTransient = (error: ReadError): boolean =>
  !['unauthorized', 'forbidden', 'address_refused', 'undecipherable'].includes(error.kind);

/** A 402 or 403 shows that the key is alive and clears an earlier 401; other failures keep it. */
function rejectedRunAfter(error: ReadError, before: string | null, run: string): string | null {
  if (error.kind === 'unauthorized') return run;
  return error.kind === 'forbidden' || error.kind === 'address_refused' ? null : before;
}

/**
 * A 401 makes a key invalid in two runs in a row, or at once if its time is over; 429, 5xx and no answer say nothing.
 * @param run names the run, so that a redelivered message counts once
 */
export function judgeFailure(
  key: Pick<KeyRow, 'health' | 'rejectedRun' | 'refusedAt' | 'lastValidatedAt'> & Partial<Pick<KeyRow, 'expiresAt'>>,
  error: ReadError,
  run: string,
  now: number,
): KeyFailure {
  const isRejected = error.kind === 'unauthorized';
  const isExpired = isRejected && key.expiresAt != null && key.expiresAt <= now;
  const isSecondRun = isRejected && key.rejectedRun !== null && key.rejectedRun !== run;
  const retryAfterS = retryAfterOf(error);
  const rejectedRun = rejectedRunAfter(error, key.rejectedRun, run);
  const begun = key.rejectedRun === null ? null : key.refusedAt;
  return {
    health: isSecondRun || isExpired ? 'invalid' : key.health,
    lastError: isExpired ? KEY_ENDS.expired : describeReadError(error),
    rejectedRun,
    refusedAt: rejectedRun === null ? null : (begun ?? (isExpired ? key.expiresAt : null) ?? now),
    retryAfter: retryAfterS === null ? null : now + retryAfterS * SECOND_MS,
    lastValidatedAt: isRejected ? now : key.lastValidatedAt,
  };
}

export const sampleOf = ({ counters }: Pick<KeyState, 'counters'>, at: number): Sample => ({
  at,
  credits: { totalNano: counters.usageNano, todayNano: counters.usageDailyNano },
  byok: { totalNano: counters.byokUsageNano, todayNano: counters.byokUsageDailyNano },
});

/** Null: the next sample is the first of its secret. */
export function sampleSeriesOf(row: KeyRow): SampleSeries | null {
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
