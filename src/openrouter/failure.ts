/** What an answer of OpenRouter that is no success means. Pure. */
import { err, type Result } from '../lib/result.ts';
import { isAboutRange, maxDaysOf } from './analytics.ts';
import { errorAnswerSchema } from './schema.ts';

/**
 * Why OpenRouter gave no answer. Only `unauthorized` says something about the key.
 * * `unauthorized`: 401 in OpenRouter's own words: revoked, disabled, deleted or expired
 * * `forbidden`: 402 or 403: the key is alive but may not do this
 * * `address_refused`: 403 of an IP allowlist: the key is alive, but the monitor's address is blocked
 * * `not_found`: 404
 * * `too_wide`: analytics only: 408, an answer too large, or a 400 about the range: ask for less, at most `maxDays` if set
 * * `refused`: any other 400: do not retry
 * * `rate_limited`, `unavailable`: retry, not before `retryAfterS` seconds if set
 * * `unexpected_shape`: an unreadable answer; `path` says where
 */
export type OpenRouterError =
  | { kind: 'unauthorized' }
  | { kind: 'forbidden' }
  | { kind: 'address_refused' }
  | { kind: 'not_found' }
  | { kind: 'too_wide'; maxDays: number | null }
  | { kind: 'refused' }
  | { kind: 'rate_limited'; retryAfterS: number | null }
  | { kind: 'unavailable'; reason: string; retryAfterS: number | null }
  | { kind: 'unexpected_shape'; path: string };

export const unavailable = (reason: string, retryAfterS: number | null = null) =>
  err({ kind: 'unavailable' as const, reason, retryAfterS });

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Not if a proxy answered, or if the header was lost on the way. */
function isAboutKey(body: string): boolean {
  if (body === '') return true;
  const parsed = errorAnswerSchema.safeParse(parseJson(body));
  return parsed.success && !/missing authentication header/i.test(parsed.data.error.message);
}

const ADDRESS = /(?<![a-z])(ips?|cidr|network)(?![a-z])|(?<!e-?mail )\baddress/i;

const REFUSAL = /allow|white-?list|permit|authori[sz]|restrict|reject|refus|block|denied|not (in|on)\b/i;

/** OpenRouter's words for a blocked address are not documented. */
function isAboutAddress(status: number, body: string): boolean {
  const parsed = errorAnswerSchema.safeParse(parseJson(body));
  if (status !== 403 || !parsed.success) return false;
  const { message, metadata } = parsed.data.error;
  return [message, metadata?.error_type ?? ''].some((text) => ADDRESS.test(text) && REFUSAL.test(text));
}

/** A 400 about the range asks for a narrower one and mostly says how narrow; any other is final. */
function classifyBadRequest(body: string): OpenRouterError {
  const parsed = errorAnswerSchema.safeParse(parseJson(body));
  if (!parsed.success || !isAboutRange(parsed.data.error.message)) return { kind: 'refused' };
  return { kind: 'too_wide', maxDays: maxDaysOf(parsed.data.error.message) };
}

/**
 * What a status other than 200 means.
 * @param canNarrow whether less can be asked for
 */
export function classify(status: number, body: string, retryAfterS: number | null, canNarrow: boolean): Result<never, OpenRouterError> {
  if (status === 400) return err(canNarrow ? classifyBadRequest(body) : { kind: 'refused' });
  if (status === 401) return isAboutKey(body) ? err({ kind: 'unauthorized' }) : unavailable('a 401 that is not about the key');
  if (status === 402 || status === 403) return err({ kind: isAboutAddress(status, body) ? 'address_refused' : 'forbidden' });
  if (status === 404) return err({ kind: 'not_found' });
  if (status === 408 && canNarrow) return err({ kind: 'too_wide', maxDays: null });
  if (status === 429) return err({ kind: 'rate_limited', retryAfterS });
  if (status >= 300 && status < 400) return unavailable('a redirect, which is never followed');
  return unavailable(`status ${status}`, retryAfterS);
}
