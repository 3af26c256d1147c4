/**
 * Takes guards out, one at a time, in a copy of the tree, and runs the tests that must notice: `npm run mutate -- --only src/accounts,src/http`. Fails if one
 * is not noticed, or does not stand in the code any more. What is taken out: test/mutation/guards.ts.
 */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { createVitest, type Vitest } from 'vitest/node';
import { findMutants, type Mutant } from '../test/mutation/find.ts';
import { GUARDS, KINDS, SPARED } from '../test/mutation/guards.ts';

const ROOT = join(import.meta.dirname, '..');
const LEFT_OUT = new Set(['.git', 'node_modules', 'coverage', '.wrangler']);

/** A copy of the tree in which the tests run. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-'));
  const isTaken = (path: string) => !LEFT_OUT.has(path.slice(ROOT.length + 1).split(sep)[0] ?? '');
  cpSync(ROOT, copy, { recursive: true, filter: isTaken });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** What fails of these tests; null: nothing does. */
async function failureOf(vitest: Vitest, tests: readonly string[]): Promise<string | null> {
  for (const test of tests) {
    const specifications = await vitest.globTestSpecifications([`test/${test}.test.`]);
    if (specifications.length === 0) throw new Error(`There are no tests at test/${test}.test.ts`);
    // Else modules of former runs are told of once more, and end this one.
    vitest.state.filesMap.clear();
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
    const failed = testModules.flatMap((one) => [...one.children.allTests('failed')].map(({ fullName }) => fullName));
    const broken = [...unhandledErrors, ...testModules.flatMap((one) => one.errors())].map((error) => String((error as Error).message));
    if (failed.length + broken.length > 0) return [...failed, ...broken].join('; ');
  }
  return null;
}

/** Puts a mutant in place of its file, as long as its tests run. */
async function tryOut(vitest: Vitest, copy: string, { file, mutated, tests }: Mutant): Promise<string | null> {
  const path = join(copy, file);
  const original = readFileSync(path);
  const put = (text: string | Buffer) => {
    writeFileSync(path, text);
    vitest.invalidateFile(path);
  };
  put(mutated);
  try {
    return await failureOf(vitest, tests);
  } finally {
    put(original);
  }
}

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, list: { type: 'boolean', default: false } } });
const files = globSync('src/**/*.{ts,tsx}', { cwd: ROOT });
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { mutants, lost } = findMutants({ guards: GUARDS, kinds: KINDS, spared: SPARED }, files, read);
const parts = values.only.split(',');
const asked = mutants.filter(({ file, out }) => parts.some((part) => `${file} ${out}`.includes(part)));
for (const text of lost) console.log(`LOST         ${text}`);
if (values.list) for (const { file, line, out } of asked) console.log(`${file}:${line}  ${out}`);
else {
  const copy = copyTree();
  const vitest = await createVitest('test', {
    root: copy,
    watch: false,
    bail: 1,
    testTimeout: 120_000,
    reporters: [{}],
    project: ['pure', 'scenario'],
  });
  let noticed = 0;
  try {
    const needed = [...new Set(asked.flatMap(({ tests }) => tests))];
    for (const test of needed) {
      const failure = await failureOf(vitest, [test]);
      if (failure !== null) throw new Error(`test/${test} fails as it is: ${failure}`);
    }
    for (const mutant of asked) {
      const failure = await tryOut(vitest, copy, mutant);
      noticed += failure === null ? 0 : 1;
      console.log(
        `${failure === null ? 'NOT NOTICED ' : 'noticed     '} ${mutant.file}:${mutant.line}  ${mutant.out}  (${failure ?? mutant.tests.join(', ')})`,
      );
    }
  } finally {
    await vitest.close();
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${noticed} of ${asked.length} guards that were taken out were noticed.`);
  process.exitCode = noticed < asked.length || lost.length > 0 ? 1 : 0;
}
