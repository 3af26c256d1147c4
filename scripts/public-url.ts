/** The configured `PUBLIC_URL`: the first source that has one wins. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { parsePublicUrl } from '../src/config.ts';
import { option, readSettings, root } from './wrangler.ts';

const NAME = 'PUBLIC_URL';

export interface PublicUrl {
  origin: string;
  source: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Place {
  isRemote?: boolean;
  folder?: string;
  env?: Environment;
}

const readOrEmpty = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });

const varOf = (args: readonly string[]): string | undefined =>
  args.map((arg) => new RegExp(`^(?:--var=)?${NAME}:(.*)$`).exec(arg)?.[1]).findLast((value) => value !== undefined);

/**
 * On this machine: arguments, environment, `.dev.vars`, wrangler.toml, in this order; deployed: without `.dev.vars`. Null: none.
 * @throws ConfigError if it is no origin
 */
export async function readPublicUrl(args: readonly string[], { isRemote = false, folder = root, env = process.env }: Place = {}) {
  const secrets = option(args, 'env-file') ?? '.dev.vars';
  const { vars } = await readSettings(folder);
  const said: [source: string, value: string | undefined][] = [
    ['--var', varOf(args)],
    ['the environment', env[NAME] || undefined],
    [secrets, isRemote ? undefined : parseEnv(await readOrEmpty(resolve(folder, secrets)))[NAME]],
    ['wrangler.toml', vars[NAME]],
  ];
  const [source, value = ''] = said.find(([, text]) => text !== undefined) ?? [''];
  const origin = parsePublicUrl(value);
  return origin === null ? null : ({ origin, source } satisfies PublicUrl);
}

/** Passes the environment's value to the local Worker, which reads only files. */
export const publicUrlVar = (args: readonly string[], env: Environment = process.env): string[] =>
  env[NAME] && varOf(args) === undefined ? ['--var', `${NAME}:${env[NAME]}`] : [];

export function describePublicUrl(publicUrl: PublicUrl | null, origin: string): string {
  if (publicUrl !== null) {
    const isElsewhere = publicUrl.origin !== origin;
    return `PUBLIC_URL is ${publicUrl.origin} (from ${publicUrl.source}): links in messages and invitations begin with it${isElsewhere ? `, and people sign in there, not at ${origin}` : ''}.`;
  }
  return `PUBLIC_URL is not set: links in messages begin with the address under which their channel was made. Behind a proxy that ends TLS, set PUBLIC_URL="https://…" in .dev.vars: it decides the links, and makes cookies Secure.`;
}
