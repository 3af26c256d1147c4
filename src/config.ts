/** Variables and secrets, parsed once. */
import * as z from 'zod';
import type { Keyring } from './crypto/cipher.ts';
import { isLoopback } from './lib/address.ts';
import { fromBase64 } from './lib/base64.ts';

export interface Config {
  openrouterBaseUrl: string;
  retentionDays: number;
  hourlyRetentionDays: number;
  maxTokensPerUser: number;
  maxKeysPerUser: number;
  registration: 'invite' | 'open';
  /** Origin of links. Null: that of each request. */
  publicUrl: string | null;
  /** Whether HSTS includes subdomains. */
  isHstsForSubdomains: boolean;
  /** Null: no email. */
  emailFrom: string | null;
  jwtSecret: string;
  keyring: Keyring;
}

/** Names variables and what is wrong with them, never values. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Period of the rate-limit bindings in wrangler.toml. They do not say when a bucket refills, so this is the longest wait. */
export const RATE_LIMIT_PERIOD_S = 60;

const MIN_SECRET_LENGTH = 32;
const AES_256_KEY_BYTES = 32;
const PLACEHOLDER = /example|change.?me|replace.?me|placeholder|your.?secret|<.*>/i;

/** So few different characters are a placeholder (`aaaa…`, all zeros), not a random secret. */
const isMonotonous = (value: Iterable<unknown>): boolean => new Set(value).size < 8;

/** Secrets are sent there: only over https or to this machine. */
function isSafeOrigin(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** Scheme, host and port only; empty: not set. */
const publicUrlSchema = z
  .string('must be an https URL')
  .trim()
  .max(300, 'is too long')
  .refine((url) => url === '' || isSafeOrigin(url), 'must be an https URL; http only for a loopback address')
  .refine((url) => {
    if (url === '' || !URL.canParse(url)) return true;
    const { origin, href } = new URL(url);
    return href === `${origin}/`;
  }, 'must be an origin alone, without path, query, or user')
  .transform((url) => (url === '' ? null : new URL(url).origin));

const count = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number(message).int(message).min(min, message).max(max, message);
};

const jwtSecretSchema = z
  .string('is missing')
  .min(MIN_SECRET_LENGTH, `is too short: at least ${MIN_SECRET_LENGTH} characters`)
  .refine((value) => !PLACEHOLDER.test(value) && !isMonotonous(value), 'is an example, not a random secret');

function parseKeyring(text: string, context: z.RefinementCtx): Keyring {
  const refuse = (message: string): Keyring => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  const entries: { kid: string; secret: Uint8Array }[] = [];
  for (const part of text.split(',')) {
    const [, kid, encoded] = /^\s*([A-Za-z0-9_-]{1,16}):([A-Za-z0-9+/]+={0,2})\s*$/.exec(part) ?? [];
    if (!kid || !encoded) return refuse('must be a list of kid:base64, separated by commas');
    let secret: Uint8Array;
    try {
      secret = fromBase64(encoded);
    } catch {
      return refuse(`holds no base64 for "${kid}"`);
    }
    if (secret.length !== AES_256_KEY_BYTES) return refuse(`must hold ${AES_256_KEY_BYTES} bytes for "${kid}"`);
    if (isMonotonous(secret)) return refuse(`holds an example for "${kid}", not a random key`);
    if (entries.some((entry) => entry.kid === kid)) return refuse(`names "${kid}" twice`);
    entries.push({ kid, secret });
  }
  return entries;
}

const configSchema = z
  .object({
    OPENROUTER_BASE_URL: z.string('is missing').refine(isSafeOrigin, 'must be an https URL; http only for a loopback address'),
    USAGE_STATS_RETENTION_DAYS: count(1, 3650),
    HOURLY_RETENTION_DAYS: count(1, 3650),
    MAX_API_TOKENS_PER_USER: count(1, 1000),
    MAX_API_KEYS_PER_USER: count(1, 1000),
    REGISTRATION: z.enum(['invite', 'open'], 'must be "invite" or "open"'),
    PUBLIC_URL: publicUrlSchema.optional(),
    HSTS_SUBDOMAINS: z.enum(['false', 'true'], 'must be "true" or "false"').default('false'),
    EMAIL_FROM: z.email('must be an email address').optional(),
    JWT_SECRET: jwtSecretSchema,
    ENCRYPTION_KEYS: z.string('is missing').min(1, 'is missing').transform(parseKeyring),
  })
  .transform(
    (env): Config => ({
      openrouterBaseUrl: env.OPENROUTER_BASE_URL.replace(/\/+$/, ''),
      retentionDays: env.USAGE_STATS_RETENTION_DAYS,
      hourlyRetentionDays: env.HOURLY_RETENTION_DAYS,
      maxTokensPerUser: env.MAX_API_TOKENS_PER_USER,
      maxKeysPerUser: env.MAX_API_KEYS_PER_USER,
      registration: env.REGISTRATION,
      publicUrl: env.PUBLIC_URL ?? null,
      isHstsForSubdomains: env.HSTS_SUBDOMAINS === 'true',
      emailFrom: env.EMAIL_FROM ?? null,
      jwtSecret: env.JWT_SECRET,
      keyring: env.ENCRYPTION_KEYS,
    }),
  );

/** Null: not set. @throws ConfigError if it is not an origin */
export function parsePublicUrl(text: string): string | null {
  const parsed = publicUrlSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`PUBLIC_URL ${parsed.error.issues[0]?.message}`);
}

/** @throws ConfigError naming every variable that is missing, short or an example */
export function parseConfig(env: Record<string, unknown>): Config {
  const parsed = configSchema.safeParse(env);
  if (parsed.success) return parsed.data;
  const problems = new Map<string, string>();
  for (const { path, message } of parsed.error.issues) problems.set(path.join('.'), problems.get(path.join('.')) ?? message);
  throw new ConfigError([...problems].map(([name, problem]) => `${name} ${problem}`).join('; '));
}
