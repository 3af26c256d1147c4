/** Serves the Worker on this machine: secrets, migrations, development server, crons. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ringCrons } from './crons.ts';
import { devVars } from './secrets.ts';
import { mustRunWrangler, option, root, startWrangler } from './wrangler.ts';

const DEFAULT_PORT = '8787';
/** Where `npm start` serves, unless it is told otherwise. */
export const DEFAULT_ORIGIN = `http://localhost:${DEFAULT_PORT}`;
/** How often we look whether the npm that started us is still there: it does not always pass its end on. */
const ORPHAN_CHECK_MS = 1000;

/**
 * Creates `.dev.vars` in the folder if there is none; one that is there is never touched.
 * @returns whether it made one
 */
export async function ensureDevVars(folder = root): Promise<boolean> {
  const path = join(folder, '.dev.vars');
  if (existsSync(path)) return false;
  await writeFile(path, devVars(), { mode: 0o600, flag: 'wx' });
  console.log('Created .dev.vars with fresh random secrets.');
  return true;
}

/** The arguments that say where the local database lies. */
export const persistence = (args: readonly string[]): string[] => {
  const folder = option(args, 'persist-to');
  return folder === undefined ? [] : ['--persist-to', folder];
};

/** Applies the migrations to the local database. */
export async function migrate(args: readonly string[]): Promise<void> {
  await mustRunWrangler(['d1', 'migrations', 'apply', 'DB', '--local', ...persistence(args)]);
}

async function waitUntilServed(origin: string): Promise<boolean> {
  for (let tries = 0; tries < 240; tries++) {
    const response = await fetch(`${origin}/health`).catch(() => null);
    if (response) return true;
    await sleep(500);
  }
  return false;
}

/**
 * Runs the development server until it ends.
 * @param args further arguments of `wrangler dev`
 * @param announce what to print when it answers
 */
export async function serve(args: readonly string[], announce: (origin: string) => void | Promise<void>): Promise<void> {
  const server = startWrangler(['dev', '--show-interactive-dev-session=false', ...args]);
  const stop = (signal: NodeJS.Signals) => server.kill(signal);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || stop('SIGTERM'), ORPHAN_CHECK_MS).unref();
  server.on('exit', (code) => process.exit(code ?? 0));
  const origin = `http://localhost:${option(args, 'port') ?? DEFAULT_PORT}`;
  if (!(await waitUntilServed(origin))) return;
  await announce(origin);
  await ringCrons(origin);
}
