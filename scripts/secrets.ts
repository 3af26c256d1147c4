import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type Config, parseConfig } from '../src/config.ts';
import { readSettings, root } from './wrangler.ts';

export const createJwtSecret = (): string => randomBytes(48).toString('base64url');

/** One 256-bit key with a unique id that begins with the day. */
export const createKeyring = (today = new Date()): string =>
  `k${today.toISOString().slice(0, 10).replaceAll('-', '')}${randomBytes(3).toString('hex')}:${randomBytes(32).toString('base64')}`;

export const devVars = (): string =>
  `# Made by npm start for this machine. Keep it: the stored OpenRouter keys open only with ENCRYPTION_KEYS.
JWT_SECRET="${createJwtSecret()}"
ENCRYPTION_KEYS="${createKeyring()}"
REGISTRATION="open"
`;

/** `.dev.vars` over wrangler.toml, as wrangler does it. */
export async function readDevConfig(folder = root): Promise<Config> {
  const { vars } = await readSettings(folder);
  return parseConfig({ ...vars, ...parseEnv(await readFile(join(folder, '.dev.vars'), 'utf8')) });
}
