/**
 * `npm run deploy`: creates what the account lacks, migrates, deploys, and says what it did. Once more changes nothing that is
 * there. `-- --dry-run` says what it would do and builds the bundle, with or without an account.
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
  /** Keeps a copy of new secrets, since Cloudflare never shows them again. */
  keepSecrets(lines: string): Promise<void>;
}

const SECRETS_COPY = '.secrets.production';
const NOTHING: AccountState = { databaseId: null, queues: [], secrets: [] };

/** How wrangler says that there is no Worker yet, and so no secrets. Any other failure must not be taken for that. */
const NO_WORKER = /code: 10007|does not exist on your account/;

/**
 * Names of the secrets that the Worker has.
 * @throws Error if that cannot be told: making them anew would lock up everything that is stored
 */
async function readSecrets({ run }: Pipes): Promise<string[]> {
  const { code, output, errors } = await run(['secret', 'list', '--format', 'json']);
  if (code === 0) return (JSON.parse(output.slice(output.indexOf('['))) as { name: string }[]).map(({ name }) => name);
  if (NO_WORKER.test(output + errors)) return [];
  throw new Error(`Could not list the secrets of the Worker, so nothing was done:\n${output}${errors}`);
}

/** What the account has, or null if nobody is signed in. */
async function readAccount(pipes: Pipes): Promise<AccountState | null> {
  const databases = await pipes.run(['d1', 'list', '--json']);
  if (databases.code !== 0) return null;
  const queues: string[] = [];
  for (const name of QUEUES) if ((await pipes.run(['queues', 'info', name])).code === 0) queues.push(name);
  return { databaseId: findDatabaseId(databases.output), queues, secrets: await readSecrets(pipes) };
}

/** Deploys with new secrets out of a file that exists only meanwhile; a copy stays on this machine, readable by its owner alone. */
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

/** Runs `npm run deploy`; true if it succeeded. */
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
