/**
 * The only module that talks to OpenRouter. A key's text goes nowhere but into the `Authorization` header of a request below
 * `OPENROUTER_BASE_URL`; redirects are never followed; nothing of a request or an answer is logged.
 */
import type * as z from 'zod';
import { DAY_MS, SECOND_MS } from '../lib/day.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { errorAnswerSchema, type KeyInfo, keyAnswerSchema } from './schema.ts';

/**
 * Why OpenRouter gave no answer. Only `unauthorized` says something about the key.
 * * `unauthorized`: 401 in OpenRouter's own words: revoked, disabled, deleted or expired
 * * `forbidden`: 402 or 403: the key lives but may not do this
 * * `rate_limited`, `unavailable`: come back later, not before `retryAfterS` seconds if that is set
 * * `unexpected_shape`: an answer that we cannot read; `path` says where
 */
export type OpenRouterError =
  | { kind: 'unauthorized' }
  | { kind: 'forbidden' }
  | { kind: 'rate_limited'; retryAfterS: number | null }
  | { kind: 'unavailable'; reason: string; retryAfterS: number | null }
  | { kind: 'unexpected_shape'; path: string };

export interface OpenRouter {
  /** What a key says about itself: `GET /key`. */
  getKey(key: string): Promise<Result<KeyInfo, OpenRouterError>>;
}

export interface OpenRouterOptions {
  baseUrl: string;
  fetch: (input: string, init: RequestInit) => Promise<Response>;
  now(): number;
  timeoutMs?: number;
}

const TIMEOUT_MS = 10 * SECOND_MS;
const MAX_ANSWER_BYTES = 5 * 1024 * 1024;
/** A longer `Retry-After` would take a key out of the monitor's sight on the word of one answer. */
const MAX_RETRY_AFTER_S = DAY_MS / SECOND_MS;

const unavailable = (reason: string, retryAfterS: number | null = null) => err({ kind: 'unavailable' as const, reason, retryAfterS });

/** Seconds of a `Retry-After` header, which holds seconds or an HTTP date. Source: RFC 9110, 10.2.3 */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : Math.ceil((Date.parse(value) - now) / SECOND_MS);
  return Number.isNaN(seconds) ? null : Math.min(Math.max(0, seconds), MAX_RETRY_AFTER_S);
}

/** The body as text, or null if it is larger than `limit` bytes. */
async function readCapped(response: Response, limit: number): Promise<string | null> {
  if (!response.body) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    size += chunk.value.byteLength;
    if (size > limit) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Does a 401 speak about the key? Not if it is a proxy's page, or if our header was lost on the way. */
function isAboutKey(body: string): boolean {
  if (body === '') return true;
  const parsed = errorAnswerSchema.safeParse(parseJson(body));
  return parsed.success && !/missing authentication header/i.test(parsed.data.error.message);
}

function classify(status: number, body: string, retryAfterS: number | null): Result<never, OpenRouterError> {
  if (status === 401) return isAboutKey(body) ? err({ kind: 'unauthorized' }) : unavailable('a 401 that is not about the key');
  if (status === 402 || status === 403) return err({ kind: 'forbidden' });
  if (status === 429) return err({ kind: 'rate_limited', retryAfterS });
  if (status >= 300 && status < 400) return unavailable('a redirect, which is never followed');
  return unavailable(`status ${status}`, retryAfterS);
}

export function createOpenRouter(options: OpenRouterOptions): OpenRouter {
  async function get<T>(path: string, key: string, schema: z.ZodType<T>): Promise<Result<T, OpenRouterError>> {
    try {
      const response = await options.fetch(`${options.baseUrl}${path}`, {
        headers: { authorization: `Bearer ${key}`, accept: 'application/json' },
        redirect: 'manual',
        signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
      });
      const body = await readCapped(response, MAX_ANSWER_BYTES);
      if (body === null) return unavailable('an answer that is too large');
      if (response.status !== 200) {
        return classify(response.status, body, parseRetryAfter(response.headers.get('retry-after'), options.now()));
      }
      const json = parseJson(body);
      if (json === undefined) return unavailable('an answer that is not JSON');
      const parsed = schema.safeParse(json);
      if (parsed.success) return ok(parsed.data);
      return err({ kind: 'unexpected_shape', path: parsed.error.issues[0]?.path.join('.') ?? '' });
    } catch (error) {
      return unavailable(error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : 'no connection');
    }
  }

  return { getKey: (key) => get('/key', key, keyAnswerSchema) };
}
