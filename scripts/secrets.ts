/** Random secrets for a new deployment, and those of this machine. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Config, parseConfig } from '../src/config.ts';

export const createJwtSecret = (): string => randomBytes(48).toString('base64url');

/** A keyring with one 256-bit key, named after the day on which it was made and unlike any other of that day. */
export const createKeyring = (today = new Date()): string =>
  `k${today.toISOString().slice(0, 10).replaceAll('-', '')}${randomBytes(3).toString('hex')}:${randomBytes(32).toString('base64')}`;

/** Contents of a new `.dev.vars`. */
export const devVars = (): string =>
  `# Made by npm start for this machine. Keep it: the stored OpenRouter keys open only with ENCRYPTION_KEYS.
JWT_SECRET="${createJwtSecret()}"
ENCRYPTION_KEYS="${createKeyring()}"
REGISTRATION="open"
`;

/** The configuration of the Worker on this machine: the secrets of `.dev.vars`, and for the rest what is safe. */
export async function readDevConfig(): Promise<Config> {
  const secrets = await readFile(join(dirname(import.meta.dirname), '.dev.vars'), 'utf8');
  const values = Object.fromEntries([...secrets.matchAll(/^(\w+)="?(.*?)"?$/gm)].map(([, name, value]) => [name, value]));
  const rest = {
    OPENROUTER_BASE_URL: 'http://127.0.0.1',
    USAGE_STATS_RETENTION_DAYS: 365,
    HOURLY_RETENTION_DAYS: 92,
    MAX_API_TOKENS_PER_USER: 5,
    MAX_API_KEYS_PER_USER: 10,
    REGISTRATION: 'open',
  };
  return parseConfig({ ...rest, ...values });
}
