/** Fails if the binding types or the migrations are not what their source would generate. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './wrangler.ts';

const run = (command: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  return { isSuccess: status === 0, output: `${stdout}${stderr}` };
};

/** Generates into a copy of the folder: a new file means that a table changed without a migration. */
function hasNewMigration(): boolean {
  mkdirSync(join(root, 'dist'), { recursive: true });
  const copy = mkdtempSync(join(root, 'dist/migrations-'));
  try {
    cpSync(join(root, 'migrations'), copy, { recursive: true });
    const before = readdirSync(copy).length;
    const { isSuccess, output } = run(
      'drizzle-kit',
      'generate',
      '--dialect',
      'sqlite',
      '--schema',
      './src/*/table.ts',
      '--out',
      relative(root, copy),
    );
    if (!isSuccess) throw new Error(output);
    return readdirSync(copy).length > before;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const problems = [
  ...(run('wrangler', 'types', '--include-runtime=false', '--strict-vars=false', '--check').isSuccess
    ? []
    : ['worker-configuration.d.ts is out of date']),
  ...(hasNewMigration() ? ['a table was changed without a migration'] : []),
];
for (const problem of problems) console.error(`${problem}: run \`npm run generate\`.`);
process.exit(problems.length > 0 ? 1 : 0);
