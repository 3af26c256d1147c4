/**
 * `npm run bench`: what it takes to start the Worker. CPU: parsing and evaluating the bundle in a fresh V8 (Node's). Time: from the start of
 * the local runtime to the first answer, beside a Worker that does nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Bundle, buildBundle } from '../scripts/bundle.ts';
import { createJwtSecret, createKeyring } from '../scripts/secrets.ts';
import { root } from '../scripts/wrangler.ts';
import { writeTable } from './table.ts';

const STARTS = 11;
const EMPTY = "export class PasswordHasher {} export default { fetch: () => new Response('') }";

const folder = mkdtempSync(join(tmpdir(), 'openrouter-monitor-startup-'));
const { vars, compatibility_date: compatibilityDate } = parse(readFileSync(join(root, 'wrangler.toml'), 'utf8'));
const secrets = { JWT_SECRET: createJwtSecret(), ENCRYPTION_KEYS: createKeyring() };
const bindings = { ...(vars as Record<string, string>), ...secrets, VERSION: { id: 'bench', tag: '', timestamp: '' } };
let bundle: Bundle;

beforeAll(async () => {
  bundle = await buildBundle();
});

afterAll(() => rmSync(folder, { recursive: true }));

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function evaluate(code: string): number {
  const file = join(folder, 'worker.mjs');
  writeFileSync(file, code);
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'bench/evaluate.ts'), file], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return Number(stdout);
}

/** Milliseconds until `/docs`, which reads nothing, is answered for the first time, and for the second. */
async function answerFirst(code: string): Promise<[first: number, second: number]> {
  const start = performance.now();
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'worker.js', contents: code }],
      compatibilityDate: String(compatibilityDate),
      compatibilityFlags: ['nodejs_compat'],
      bindings,
      d1Databases: ['DB'],
    }),
  );
  const ask = async (): Promise<number> => {
    const response = await worker.dispatchFetch('http://localhost/docs');
    await response.text();
    expect(response.status).toBe(200);
    return performance.now();
  };
  const first = await ask();
  const second = await ask();
  await worker.dispose();
  return [first - start, second - first];
}

it('starts', async () => {
  const rows: string[][] = [];
  for (const [name, code, bytes] of [['empty', EMPTY, 0] as const, ['this one', bundle.code, bundle.gzipBytes] as const]) {
    const cpu = median(Array.from({ length: STARTS }, () => evaluate(code)));
    const answers: [number, number][] = [];
    for (let count = 0; count < STARTS; count++) answers.push(await answerFirst(code));
    const [first, second] = [median(answers.map(([time]) => time)), median(answers.map(([, time]) => time))];
    rows.push([name, (bytes / 1000).toFixed(1), cpu.toFixed(1), first.toFixed(0), second.toFixed(1)]);
  }
  await writeTable('startup', ['Worker', 'gzip, kB', 'Evaluation, ms of CPU', 'First answer, ms', 'Second answer, ms'], rows);
});
