/**
 * `npm run deploy`: creates what is missing, migrates, deploys and reports. Running it again changes nothing else. `-- --dry-run` prints
 * the plan and builds the bundle, with or without an account.
 */
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AccountState, describeStep, planDeployment, QUEUES, type Step } from './deploy-plan.ts';
import { DATABASE_NAME, findDatabaseId, remoteConfig, writeRemoteConfig } from './remote-config.ts';
import { createJwtSecret, createKeyring } from './secrets.ts';
import { type Outcome, root, runOrThrow, runWrangler } from './wrangler.ts';

export interface Pipes {
  run(args: readonly string[]): Promise<Outcome>;
  mustRun(args: readonly string[]): Promise<string>;
  say(line: string): void;
  /** Cloudflare never shows them again. */
  keepSecrets(lines: string): Promise<void>;
}

const SECRETS_COPY = '.secrets.production';
const NOTHING: AccountState = { databaseId: null, queues: [], secrets: [] };

/** Wrangler's error where there is no Worker yet. No other failure may be taken for it. */
const NO_WORKER = /code: 10007|does not exist on your account/;

/** @throws Error if they cannot be listed: replacing them would make everything stored unreadable */
async function readSecrets({ run }: Pipes): Promise<string[]> {
  const { code, output, errors } = await run(['secret', 'list', '--format', 'json']);
  if (code === 0) return (JSON.parse(output.slice(output.indexOf('['))) as { name: string }[]).map(({ name }) => name);
  if (NO_WORKER.test(output + errors)) return [];
  throw new Error(`Could not list the secrets of the Worker, so nothing was done:\n${output}${errors}`);
}

async function readAccount(pipes: Pipes): Promise<AccountState | null> {
  const databases = await pipes.run(['d1', 'list', '--json']);
  if (databases.code !== 0) return null;
  const queues: string[] = [];
  for (const name of QUEUES) if ((await pipes.run(['queues', 'info', name])).code === 0) queues.push(name);
  return { databaseId: findDatabaseId(databases.output), queues, secrets: await readSecrets(pipes) };
}

/** New secrets pass through a temporary file; only a copy for its owner stays on this machine. */
async function deploy({ mustRun, say, keepSecrets }: Pipes, names: readonly string[]): Promise<void> {
  const config = await remoteConfig(mustRun);
  const values: Record<string, string> = { JWT_SECRET: createJwtSecret(), ENCRYPTION_KEYS: createKeyring() };
  const lines = names.map((name) => `${name}="${values[name]}"\n`).join('');
  const folder = await mkdtemp(join(tmpdir(), 'openrouter-monitor-'));
  try {
    const file = join(folder, 'secrets.env');
    await writeFile(file, lines, { mode: 0o600 });
    if (lines) await keepSecrets(lines);
    const output = await mustRun(['deploy', '--config', config, ...(lines ? ['--secrets-file', file] : [])]);
    say(output.trim());
    if (lines) say(`The new secrets are in ${SECRETS_COPY}. Keep it somewhere safe: stored keys open only with ENCRYPTION_KEYS.`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function take(pipes: Pipes, step: Step): Promise<void> {
  switch (step.kind) {
    case 'create_database': {
      await pipes.mustRun(['d1', 'create', DATABASE_NAME]);
      return;
    }
    case 'create_queue':
      await pipes.mustRun(['queues', 'create', step.name]);
      return;
    case 'migrate':
      pipes.say(
        (await pipes.mustRun(['d1', 'migrations', 'apply', 'DB', '--remote', '--config', await remoteConfig(pipes.mustRun)])).trim(),
      );
      return;
    case 'deploy':
      return deploy(pipes, step.newSecrets);
  }
}

export async function main(args: readonly string[], pipes: Pipes): Promise<boolean> {
  const isDryRun = args.includes('--dry-run');
  const account = await readAccount(pipes);
  if (!account && !isDryRun) {
    pipes.say('You are not signed in to Cloudflare. Run `npx wrangler login` first, or set CLOUDFLARE_API_TOKEN.');
    return false;
  }
  if (!account) pipes.say('Not signed in to Cloudflare: this is what a first deployment does.');
  const steps = planDeployment(account ?? NOTHING);
  for (const [index, step] of steps.entries()) {
    pipes.say(`${index + 1}. ${isDryRun ? 'would ' : ''}${describeStep(step)}`);
    if (!isDryRun) await take(pipes, step);
  }
  if (isDryRun) {
    const config = await writeRemoteConfig(account?.databaseId ?? 'the-id-of-the-new-database');
    pipes.say((await pipes.mustRun(['deploy', '--dry-run', '--outdir', 'dist/worker', '--config', config])).trim());
  }
  return true;
}

if (import.meta.main) {
  const pipes: Pipes = {
    run: (args) => runWrangler(args),
    mustRun: (args) => runOrThrow(args),
    say: console.log,
    keepSecrets: (lines) => appendFile(join(root, SECRETS_COPY), lines, { mode: 0o600 }),
  };
  const isDone = await main(process.argv.slice(2), pipes).catch((error: Error) => {
    console.error(error.message);
    return false;
  });
  process.exit(isDone ? 0 : 1);
}
