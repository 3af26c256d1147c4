import type { CipherError } from '../crypto/cipher.ts';
import type { KeyRow } from '../inventory/model.ts';
import { endOf, KEY_ENDS } from '../inventory/model.ts';
import { SECOND_MS } from '../lib/day.ts';
import type { KeyRecord } from '../openrouter/account.ts';
import type { OpenRouterError } from '../openrouter/client.ts';
import type { KeyState } from '../openrouter/schema.ts';
import type { Sample, SampleSeries } from '../usage/booking/counters.ts';

/** Why a key could not be read: OpenRouter's refusal or failure, or a ciphertext that does not open. */
export type ReadError = OpenRouterError | { kind: 'undecipherable'; error: CipherError };

/** What a successful reading says of a key's health. */
export interface Verdict {
  health: KeyRow['health'];
  lastError: string | null;
}

/** What a failed reading changes of a key. */
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

/** A sentence for the key's owner. It is ours: what OpenRouter writes might hold the key. */
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

/** What a row of an account's list says of a discovered key's health. */
export function judgeRecord(record: Pick<KeyRecord, 'isDisabled' | 'expiresAt'>, now: number): Verdict {
  const end = endOf({ ...record, vanishedAt: null }, now);
  return end === null ? { health: 'active', lastError: null } : { health: 'invalid', lastError: KEY_ENDS[end] };
}

/** Seconds after which OpenRouter wants to be asked again, or null. */
export const retryAfterOf = (error: ReadError): number | null =>
  error.kind === 'rate_limited' || error.kind === 'unavailable' ? error.retryAfterS : null;

/** Will the same reading perhaps succeed a little later? */
export const isTransient = (error: ReadError): boolean =>
  !['unauthorized', 'forbidden', 'address_refused', 'undecipherable'].includes(error.kind);

/** What a failure says of an earlier 401: another one, a sign that the key lives, or nothing. */
function rejectedRunAfter(error: ReadError, before: string | null, run: string): string | null {
  if (error.kind === 'unauthorized') return run;
  return error.kind === 'forbidden' || error.kind === 'address_refused' ? null : before;
}

/**
 * What changes after a failed reading. Only a 401 in two different runs in a row makes a key invalid, or one of a key whose time is over:
 * that is no incident. A 402 or 403 shows that the
 * key lives; what is said by nobody (429, 5xx, no answer) says nothing about the key and leaves a first 401 as it is.
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

/** The counters of an answer as a sample of the ledger. `at` is when the answer was asked for. */
export const sampleOf = ({ counters }: Pick<KeyState, 'counters'>, at: number): Sample => ({
  at,
  credits: { totalNano: counters.usageNano, todayNano: counters.usageDailyNano },
  byok: { totalNano: counters.byokUsageNano, todayNano: counters.byokUsageDailyNano },
});

/** The series that a key's next sample continues, or null if the next one is the first of its text. */
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
