import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'smol-toml';

export const root = dirname(import.meta.dirname);

const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js');
const quiet = { WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };

export function startWrangler(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [wrangler, ...args], { cwd: root, stdio: 'inherit', env: { ...process.env, ...quiet, ...env } });
}

export interface Outcome {
  code: number;
  output: string;
  errors: string;
}

/** Asks no questions. @param input stdin */
export function runWrangler(args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [wrangler, ...args], { cwd: root, env: { ...process.env, ...quiet, CI: 'true' } });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output, errors }));
    child.stdin.end(input);
  });
}

/** @throws Error with wrangler's output */
export async function runOrThrow(args: readonly string[], input = ''): Promise<string> {
  const { code, output, errors } = await runWrangler(args, input);
  if (code === 0) return output;
  throw new Error(`wrangler ${args.slice(0, 3).join(' ')} failed:\n${output}${errors}`);
}

/** Ends the program on failure. */
export async function mustRunWrangler(args: readonly string[], input = ''): Promise<string> {
  try {
    return await runOrThrow(args, input);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return process.exit(1);
  }
}

export interface Settings {
  vars: Record<string, string>;
  triggers: { crons: string[] };
}

export const readSettings = async (folder = root): Promise<Settings> =>
  parse(await readFile(join(folder, 'wrangler.toml'), 'utf8')) as unknown as Settings;

/** Accepts `--name value` and `--name=value`. */
export function option(args: readonly string[], name: string): string | undefined {
  const index = args.indexOf(`--${name}`);
  if (index >= 0) return args[index + 1];
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}
