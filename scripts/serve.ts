import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCrons } from './crons.ts';
import { devVars } from './secrets.ts';
import { mustRunWrangler, option, root, startWrangler } from './wrangler.ts';

const DEFAULT_PORT = '8787';
/** Checks for the shell that started npm, which does not always pass its end on. */
const ORPHAN_CHECK_MS = 1000;

/** Never touches an existing file. @returns whether it was created */
export async function ensureDevVars(folder = root): Promise<boolean> {
  const path = join(folder, '.dev.vars');
  if (existsSync(path)) return false;
  await writeFile(path, devVars(), { mode: 0o600, flag: 'wx' });
  return true;
}

export const persistence = (args: readonly string[]): string[] => {
  const folder = option(args, 'persist-to');
  return folder === undefined ? [] : ['--persist-to', folder];
};

export async function migrate(args: readonly string[]): Promise<void> {
  await mustRunWrangler(['d1', 'migrations', 'apply', 'DB', '--local', ...persistence(args)]);
}

export const portOf = (args: readonly string[]): number => Number(option(args, 'port') ?? DEFAULT_PORT);

export const originOf = (args: readonly string[]): string => `http://localhost:${portOf(args)}`;

/** Otherwise we would announce somebody else's server. */
export async function requireFreePort(port: number): Promise<void> {
  const probe = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, 'localhost', () => resolve(true));
  });
  probe.close();
  if (isFree) return;
  console.error(`Port ${port} is in use. Choose another one with --port.`);
  process.exit(1);
}

/** The first answer of `/health`; null after two minutes without one. */
async function waitForHealth(origin: string): Promise<{ status: string | number; detail?: string } | null> {
  for (let tries = 0; tries < 240; tries++) {
    const response = await fetch(`${origin}/health`).catch(() => null);
    if (response) return response.json();
    await sleep(500);
  }
  return null;
}

const VERBOSE = '--verbose';

/** Logs only errors, unless `--verbose` or a level is given. */
export function devArgs(args: readonly string[]): string[] {
  const further = args.filter((arg) => arg !== VERBOSE);
  const isQuiet = further.length === args.length && option(args, 'log-level') === undefined;
  return ['dev', '--show-interactive-dev-session=false', ...(isQuiet ? ['--log-level=error'] : []), ...further];
}

/** @param args of `wrangler dev`, and `--verbose` @param announce called when it answers */
export async function serve(args: readonly string[], announce: (origin: string) => void | Promise<void>): Promise<void> {
  const server = startWrangler(devArgs(args));
  const stop = (signal: NodeJS.Signals) => server.kill(signal);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || stop('SIGTERM'), ORPHAN_CHECK_MS).unref();
  server.on('exit', (code) => process.exit(code ?? 0));
  const origin = originOf(args);
  const health = await waitForHealth(origin);
  if (!health) return;
  if (health.status === 'ok') await announce(origin);
  else console.error(`\nThe Worker at ${origin} does not serve: ${health.detail}\n`);
  await runCrons(origin);
}
