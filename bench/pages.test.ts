/**
 * `npm run bench`: CPU of the Worker's own JavaScript for each page, and the page's size, on the data of `npm run demo` (ninety days, nine
 * keys). It runs in process, in the V8 of Node, on the main thread; the database's time is not in it, parsing its answers is.
 */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasHistory, startDemo } from '../scripts/running-demo.ts';
import { readDevConfig } from '../scripts/secrets.ts';
import { root } from '../scripts/wrangler.ts';
import { createApp } from '../src/app.ts';
import { meterD1 } from '../src/d1.ts';
import { createDb } from '../src/db.ts';
import type { Deps } from '../src/deps.ts';
import { bindRemembered } from './d1.ts';
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
const WARM_UP = 100;
const REQUESTS = 200;

const folder = mkdtempSync(join(tmpdir(), 'openrouter-monitor-bench-'));
let session: string;
let app: ReturnType<typeof createApp>;

beforeAll(async () => {
  const demo = await startDemo(['--quick', '--port', '9410', '--inspector-port', '9411'], hasHistory(90));
  session = demo.session;
  await demo.stop();
  const files = readdirSync(join(root, STORED)).filter((name) => !name.startsWith('metadata'));
  for (const name of files) copyFileSync(join(root, STORED, name), join(folder, name));
  const database = new DatabaseSync(join(folder, files.find((name) => name.endsWith('.sqlite')) ?? ''));
  const d1 = meterD1(bindRemembered(database), { random: Math.random, wait: async () => {} });
  const deps = { config: await readDevConfig(), db: createDb(d1.binding), d1, build: 'bench', now: Date.now } as unknown as Deps;
  app = createApp(() => deps);
});

afterAll(() => rmSync(folder, { recursive: true }));

async function ask(path: string): Promise<number> {
  const headers: Record<string, string> = path.startsWith('/api')
    ? { authorization: `Bearer ${session}` }
    : { cookie: `session=${session}` };
  const context = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
  const response = await app.request(`http://localhost${path}`, { headers }, {}, context);
  expect(response.status).toBe(200);
  return (await response.arrayBuffer()).byteLength;
}

it('pages', async () => {
  const rows: string[][] = [];
  for (const path of PAGES) {
    for (let count = 0; count < WARM_UP; count++) await ask(path);
    const before = process.threadCpuUsage();
    let bytes = 0;
    for (let count = 0; count < REQUESTS; count++) bytes = await ask(path);
    const { user, system } = process.threadCpuUsage(before);
    rows.push([`\`${path}\``, ((user + system) / 1000 / REQUESTS).toFixed(1), (bytes / 1000).toFixed(1)]);
  }
  await writeTable('pages', ['Page', 'CPU, ms', 'Answer, kB'], rows);
});
