/**
 * `npm run invite` prints a one-time registration link, `npm run reset-password -- EMAIL` one for a new password. `-- --remote` uses the
 * deployed database. The origin is `--url`, else `--port` on this machine, else `PUBLIC_URL`.
 */
import { createSecretToken, hashSecretToken, TOKEN_PREFIX } from '../src/crypto/secret-token.ts';
import { INVITATION_MS, PASSWORD_RESET_MS } from '../src/users/model.ts';
import { readPublicUrl } from './public-url.ts';
import { remoteConfig } from './remote-config.ts';
import { migrate, originOf, persistence } from './serve.ts';
import { mustRunWrangler, option } from './wrangler.ts';

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Stores an invitation, or a password reset for `email`; returns a row on success. */
export function linkSql(tokenHash: string, now: number, email: string | null): string {
  const expiresAt = now + (email === null ? INVITATION_MS : PASSWORD_RESET_MS);
  const source = email === null ? `SELECT NULL` : `SELECT id FROM user WHERE email = ${quote(email)}`;
  return `INSERT INTO one_time_link (token_hash, created_at, expires_at, user_id) SELECT ${quote(tokenHash)}, ${now}, ${expiresAt}, s.* FROM (${source}) AS s RETURNING id`;
}

/** @param publicUrl the configured origin, or null @throws Error if `--url` is no address */
export function linkOrigin(args: readonly string[], publicUrl: string | null): string {
  const url = option(args, 'url');
  if (url !== undefined) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new Error(`--url must be an address such as https://monitor.example.org, not "${url}"`);
    return new URL(url).origin;
  }
  if (args.includes('--remote')) return publicUrl ?? 'https://YOUR-WORKER';
  return option(args, 'port') === undefined && publicUrl !== null ? publicUrl : originOf(args);
}

async function originOrExit(args: readonly string[]): Promise<string> {
  try {
    const isReported = option(args, 'url') !== undefined;
    const publicUrl = isReported ? null : await readPublicUrl(args, { isRemote: args.includes('--remote') });
    return linkOrigin(args, publicUrl?.origin ?? null);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return process.exit(1);
  }
}

async function createLink(purpose: 'invite' | 'reset-password', args: string[]): Promise<void> {
  const email = purpose === 'invite' ? null : (args.find((arg) => arg.includes('@')) ?? '');
  if (email === '') {
    console.error('Name the account: npm run reset-password -- somebody@example.org');
    process.exit(1);
  }
  const origin = await originOrExit(args);
  const isRemote = args.includes('--remote');
  const token = createSecretToken(purpose === 'invite' ? TOKEN_PREFIX.invitation : TOKEN_PREFIX.passwordReset);
  const sql = linkSql(await hashSecretToken(token), Date.now(), email);
  if (!isRemote) await migrate(args);
  const place = isRemote ? ['--remote', '--config', await remoteConfig()] : ['--local', ...persistence(args)];
  const output = await mustRunWrangler(['d1', 'execute', 'DB', ...place, '--json', '--yes', '--command', sql]);
  const [{ results = [] } = {}] = JSON.parse(output.slice(output.indexOf('['))) as { results?: unknown[] }[];
  if (results.length === 0) {
    console.error('No account has this email.');
    process.exit(1);
  }
  const path = purpose === 'invite' ? `/register?invite=${token}` : `/reset-password?token=${token}`;
  console.log(`${origin}${path}\nIt works once, for ${purpose === 'invite' ? '7 days' : '24 hours'}.`);
}

if (import.meta.main) {
  const [purpose, ...args] = process.argv.slice(2);
  if (purpose === 'invite' || purpose === 'reset-password') await createLink(purpose, args);
}
