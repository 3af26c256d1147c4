/**
 * `npm run bench`: CPU of the built Worker for each page, and the page's size, on the data of `npm run demo` (ninety days, nine keys). It runs
 * in workerd; what the database answers is remembered, so its time is not in it, parsing its answers is. What the runtime takes to answer with
 * a ready text of the same size is told apart.
 */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasHistory, startDemo } from '../scripts/running-demo.ts';
import { root } from '../scripts/wrangler.ts';
import { createApp } from '../src/app.ts';
import { parseConfig } from '../src/config.ts';
import { signSession } from '../src/crypto/jwt.ts';
import { meterD1 } from '../src/d1.ts';
import { createDb } from '../src/db.ts';
import type { Deps } from '../src/deps.ts';
import { DAY_MS } from '../src/lib/day.ts';
import { bindRecording } from './d1.ts';
import { quantile } from './measure.ts';
import type { Answers } from './remembered.ts';
import { type Runtime, startRemembering, startTexts, VARS } from './runtimes.ts';
import { writeTable } from './table.ts';

const STORED = '.wrangler/demo/v3/d1/miniflare-D1DatabaseObject';
const PAGES = [
  '/tokens',
  '/keys',
  '/keys/1',
  '/explore',
  '/dashboard',
  '/dashboard?tz=America/New_York',
  '/dashboard?range=90d',
  '/api/v1/stats',
];
const WARM_UP = 300;
/**
 * Each page is asked for in so many batches, in turns with the others, so that whatever else the machine does falls on all of them. It only
 * ever adds to the CPU of a batch, and V8 optimises until the fifth or so: the least batch is what a page takes, the median what it took.
 */
const BATCHES = 15;
const REQUESTS_A_BATCH = 100;

const folder = mkdtempSync(join(tmpdir(), 'openrouter-monitor-bench-'));
const texts: Record<string, string> = {};
let headersOf: (path: string) => Record<string, string>;
let worker: Runtime;
let floor: Runtime;

/** The database of the demo, on its own. */
async function openDemo(): Promise<DatabaseSync> {
  const demo = await startDemo(['--quick', '--port', '9410', '--inspector-port', '9411'], hasHistory(90));
  await demo.stop();
  const files = readdirSync(join(root, STORED)).filter((name) => !name.startsWith('metadata'));
  for (const name of files) copyFileSync(join(root, STORED, name), join(folder, name));
  return new DatabaseSync(join(folder, files.find((name) => name.endsWith('.sqlite')) ?? ''));
}

/** A session of the demo's user, signed as the measured Worker signs. */
async function signIn(database: DatabaseSync): Promise<string> {
  const session = database.prepare('SELECT id, user_id FROM session ORDER BY id DESC LIMIT 1').get();
  const claims = { userId: Number(session?.['user_id']), sessionId: Number(session?.['id']) };
  return signSession(VARS.JWT_SECRET, claims, Date.now(), Date.now() + DAY_MS);
}

beforeAll(async () => {
  const database = await openDemo();
  const jwt = await signIn(database);
  headersOf = (path) => (path.startsWith('/api') ? { authorization: `Bearer ${jwt}` } : { cookie: `session=${jwt}` });
  const answers: Answers = {};
  const d1 = meterD1(bindRecording(database, answers), { random: Math.random, wait: async () => {} });
  const deferred: (() => Promise<unknown>)[] = [];
  const defer = (work: () => Promise<unknown>) => void deferred.push(work);
  const deps = { config: parseConfig(VARS), db: createDb(d1.binding), d1, build: 'bench', now: Date.now, defer } as unknown as Deps;
  const app = createApp(() => deps);
  const context = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
  /** The page as it is once everything that earlier looks leave behind is done: the sums of its days are made. */
  const look = async (path: string): Promise<string> => {
    const response = await app.request(`http://localhost${path}`, { headers: headersOf(path) }, {}, context);
    const text = await response.text();
    const works = deferred.splice(0);
    for (const work of works) await work();
    return works.length > 0 ? look(path) : text;
  };
  for (const path of PAGES) texts[path] = await look(path);
  worker = await startRemembering(answers);
  floor = await startTexts(texts);
});

afterAll(async () => {
  await Promise.all([worker.stop(), floor.stop()]);
  rmSync(folder, { recursive: true });
});

type Ask = () => Promise<void>;

/** Asks for a page, and reads what comes. */
const askerOf =
  (runtime: Runtime, path: string): Ask =>
  async () => {
    const response = await runtime.ask(path, headersOf(path));
    expect(response.status).toBe(200);
    const { byteLength } = await response.arrayBuffer();
    expect(byteLength).toBeGreaterThan(1000);
  };

async function repeat(ask: Ask, times: number): Promise<void> {
  for (let count = 0; count < times; count++) await ask();
}

/** Milliseconds of CPU of each request of a batch. */
async function measureBatch(runtime: Runtime, ask: Ask): Promise<number> {
  const before = runtime.cpuMs();
  await repeat(ask, REQUESTS_A_BATCH);
  return (runtime.cpuMs() - before) / REQUESTS_A_BATCH;
}

const least = (values: readonly number[]): number => quantile(values, 0);
const median = (values: readonly number[]): number => quantile(values, 0.5);

it('pages', async () => {
  const measured = PAGES.map((path) => ({
    path,
    ofWorker: { runtime: worker, ask: askerOf(worker, path), batches: [] as number[] },
    ofFloor: { runtime: floor, ask: askerOf(floor, path), batches: [] as number[] },
  }));
  const all = measured.flatMap(({ ofWorker, ofFloor }) => [ofWorker, ofFloor]);
  for (const { ask } of all) await repeat(ask, WARM_UP);
  for (let batch = 0; batch < BATCHES; batch++) {
    for (const { runtime, ask, batches } of all) batches.push(await measureBatch(runtime, ask));
  }
  const rows = measured.map(({ path, ofWorker, ofFloor }) => {
    const [leastOfFloor, medianOfFloor] = [least(ofFloor.batches), median(ofFloor.batches)];
    const size = new TextEncoder().encode(texts[path]).byteLength / 1000;
    const cells = [least(ofWorker.batches) - leastOfFloor, median(ofWorker.batches) - medianOfFloor, leastOfFloor, medianOfFloor, size];
    return [`\`${path}\``, ...cells.map((value) => value.toFixed(1))];
  });
  const head = ['Page', "Worker's CPU, ms: least", 'median', "The runtime's, ms: least", 'median', 'Answer, kB'];
  await writeTable('pages', head, rows);
});
