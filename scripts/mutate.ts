/**
 * Removes guards one at a time in a copy of the tree and runs the tests that must fail: `npm run mutate -- --only src/users,src/http`.
 * Fails if no assertion notices one, or the code lacks it. The list: test/mutation/guards.ts.
 */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { parseArgs } from 'node:util';
import type { TestError } from 'vitest';
import { createVitest, type TestCase, type Vitest } from 'vitest/node';
import { findMutants, type Mutant } from '../test/mutation/find.ts';
import { GUARDS, KINDS, SPARED } from '../test/mutation/guards.ts';

const ROOT = join(import.meta.dirname, '..');
const LEFT_OUT = new Set(['.git', 'node_modules', 'coverage', '.wrangler']);

function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-'));
  const isTaken = (path: string) => !LEFT_OUT.has(path.slice(ROOT.length + 1).split(sep)[0] ?? '');
  cpSync(ROOT, copy, { recursive: true, filter: isTaken });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Only a failed assertion counts: not a timeout, not an exception. */
interface Failure {
  kind: 'asserted' | 'late' | 'thrown' | 'broken';
  text: string;
}

const LATE = /^(?:Test|Hook) timed out in /;
/** Other errors that mean a failed expectation: of a property, and of a value of another type. */
const EXPECTED = /^(?:Property failed after |\.\w+\(\) expects )/;

function failureOf({ fullName }: TestCase, errors: readonly TestError[]): Failure {
  const isAsserted = (error: TestError) => error.name === 'AssertionError' || EXPECTED.test(error.message);
  if (errors.some(isAsserted)) return { kind: 'asserted', text: fullName };
  const [{ name, message }] = [errors.find((error) => LATE.test(error.message)) ?? errors[0] ?? { name: '', message: 'no reason' }];
  return { kind: LATE.test(message) ? 'late' : 'thrown', text: `${fullName}: ${name}: ${message.split('\n')[0]}` };
}

const RANKS: Failure['kind'][] = ['asserted', 'broken', 'thrown', 'late'];

async function runTests(vitest: Vitest, tests: readonly string[]): Promise<Failure | null> {
  const failures: Failure[] = [];
  for (const test of tests) {
    const specifications = await vitest.globTestSpecifications([`test/${test}.test.`]);
    if (specifications.length === 0) throw new Error(`There are no tests at test/${test}.test.ts`);
    // Otherwise modules of earlier runs are reported again and end this one.
    vitest.state.filesMap.clear();
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
    const failed = testModules.flatMap((one) => [...one.children.allTests('failed')]);
    const broken = [...unhandledErrors, ...testModules.flatMap((one) => one.errors())].map((error) => String((error as Error).message));
    failures.push(...failed.map((one) => failureOf(one, one.result().errors ?? [])));
    failures.push(...broken.map((text): Failure => ({ kind: 'broken', text: text.split('\n')[0] ?? '' })));
    if (failures.some(({ kind }) => kind === 'asserted')) break;
  }
  return failures.toSorted((one, other) => RANKS.indexOf(one.kind) - RANKS.indexOf(other.kind))[0] ?? null;
}

async function tryOut(vitest: Vitest, copy: string, { file, mutated, tests }: Mutant): Promise<Failure | null> {
  const path = join(copy, file);
  const original = readFileSync(path);
  const put = (text: string | Buffer) => {
    writeFileSync(path, text);
    vitest.invalidateFile(path);
  };
  put(mutated);
  try {
    const failure = await runTests(vitest, tests);
    // A busy machine may also be the reason.
    return failure?.kind === 'late' ? await runTests(vitest, tests) : failure;
  } finally {
    put(original);
  }
}

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, list: { type: 'boolean', default: false } } });
const files = globSync(['src/**/*.{ts,tsx}', 'migrations/*.sql'], { cwd: ROOT });
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { mutants, lost } = findMutants({ guards: GUARDS, kinds: KINDS, spared: SPARED }, files, read);
const parts = values.only.split(',');
const asked = mutants.filter(({ file, out }) => parts.some((part) => `${file} ${out}`.includes(part)));
for (const text of lost) console.log(`LOST         ${text.replaceAll('\n', '\\n')}`);
if (values.list) for (const { file, line, out } of asked) console.log(`${file}:${line}  ${out}`);
else {
  const copy = copyTree();
  const vitest = await createVitest('test', {
    root: copy,
    watch: false,
    bail: 1,
    testTimeout: 60_000,
    pool: 'threads',
    reporters: [{}],
    project: ['pure', 'scenario'],
  });
  let noticed = 0;
  try {
    const needed = [...new Set(asked.flatMap(({ tests }) => tests))];
    for (const test of needed) {
      const failure = await runTests(vitest, [test]);
      if (failure !== null) throw new Error(`test/${test} fails as it is: ${failure.text}`);
    }
    for (const mutant of asked) {
      const failure = await tryOut(vitest, copy, mutant);
      const isNoticed = failure?.kind === 'asserted';
      noticed += isNoticed ? 1 : 0;
      const verdict = isNoticed ? 'noticed     ' : failure === null ? 'NOT NOTICED ' : failure.kind.toUpperCase().padEnd(12);
      const [out, why] = [JSON.stringify(mutant.out), failure?.text ?? mutant.tests.join(', ')];
      console.log(`${verdict} ${mutant.file}:${mutant.line}  ${out}  (${why})`);
    }
  } finally {
    await vitest.close();
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${noticed} of ${asked.length} guards that were taken out were noticed.`);
  process.exitCode = noticed < asked.length || lost.length > 0 ? 1 : 0;
}
