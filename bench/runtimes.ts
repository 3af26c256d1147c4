/** What is measured beside each other: the built Worker in its runtime, the same code in Node, and a Worker that does nothing. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { buildBundle } from '../scripts/bundle.ts';
import { root } from '../scripts/wrangler.ts';
import { createApp } from '../src/app.ts';
import { parseConfig } from '../src/config.ts';
import { meterD1 } from '../src/d1.ts';
import { createDb } from '../src/db.ts';
import type { Deps } from '../src/deps.ts';
import { openMigrated } from '../test/support/sqlite-d1.ts';
import { bindSqlite } from './d1.ts';
import type { Answers } from './remembered.ts';

export const SECRETS = {
  JWT_SECRET: 'bench-0123456789-abcdefghijklmnopqrstuvwxyz',
  ENCRYPTION_KEYS: 'bench1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
};
export const VARS = {
  OPENROUTER_BASE_URL: 'http://127.0.0.1:1/api/v1',
  USAGE_STATS_RETENTION_DAYS: '365',
  HOURLY_RETENTION_DAYS: '92',
  MAX_API_TOKENS_PER_USER: '5',
  MAX_API_KEYS_PER_USER: '10',
  REGISTRATION: 'open',
  ...SECRETS,
};
const UNLIMITED = { namespace_id: '1', simple: { limit: 1_000_000_000, period: 60 } } as const;
const COMPATIBILITY = { compatibilityDate: '2026-11-01', compatibilityFlags: ['nodejs_compat'] };

/** Something that answers requests. `cpuMs` is the CPU that its process used so far, this process's where it has none of its own. */
export interface Runtime {
  db: D1Database;
  ask(path: string, headers: Record<string, string>, body?: string): Promise<Response>;
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Ticks of the clock by which Linux counts the CPU of processes: 10 ms. */
const TICK_MS = 10;

/** CPU of a process so far. Source: proc(5), /proc/pid/stat, fields 14 and 15 */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

const childrenNow = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(process.pid);
      } catch {
        return false;
      }
    });

/** @param others what the script imports, by path: text */
async function startMiniflare(script: string, bindings: object, others: Record<string, string> = {}): Promise<Runtime> {
  const folder = mkdtempSync(join(tmpdir(), 'openrouter-monitor-bench-'));
  const before = new Set(childrenNow());
  const typeOf = (path: string) => (path.endsWith('.js') ? ('ESModule' as const) : ('Text' as const));
  const modules = Object.entries({ 'main.js': script, ...others }).map(([path, contents]) => ({ type: typeOf(path), path, contents }));
  const worker = { name: 'worker', modules, ...COMPATIBILITY, ...bindings };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ resourcePersistencePath: folder, workers: [worker] } as never));
  const origin = (await miniflare.ready).origin;
  const pids = childrenNow().filter((pid) => !before.has(pid));
  return {
    db: (await miniflare.getD1Database('DB', 'worker')) as unknown as D1Database,
    ask: (path, headers, body) =>
      fetch(`${origin}${path}`, { headers, redirect: 'manual', ...(body !== undefined && { method: 'POST', body }) }),
    cpuMs: () => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0),
    async stop() {
      await miniflare.dispose();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The tables, from nothing. */
async function migrate(db: D1Database): Promise<void> {
  const files = readdirSync(join(root, 'migrations')).filter((name) => name.endsWith('.sql'));
  for (const file of files.sort()) {
    const text = readFileSync(join(root, 'migrations', file), 'utf8');
    for (const statement of text.split('--> statement-breakpoint')) await db.prepare(statement.trim()).run();
  }
}

const BINDINGS = {
  bindings: { ...VARS, VERSION: { id: 'bench' } },
  d1Databases: { DB: 'bench' },
  queueProducers: { JOBS: 'jobs' },
  ratelimits: { TOKEN_RATE_LIMIT: UNLIMITED, ADDRESS_RATE_LIMIT: { ...UNLIMITED, namespace_id: '2' } },
  durableObjects: { PASSWORD_HASHER: { className: 'PasswordHasher', useSQLite: true } },
};

/** This Worker, as it is deployed, in workerd. */
export async function startWorker(): Promise<Runtime> {
  const { code } = await buildBundle();
  const runtime = await startMiniflare(code, BINDINGS);
  await migrate(runtime.db);
  return runtime;
}

/** The same without a database: what it would answer is remembered, so that a measurement holds nothing of it but the parsing of its answers. */
export async function startRemembering(answers: Answers): Promise<Runtime> {
  const { code } = await buildBundle();
  const main = `import worker, { PasswordHasher } from './worker.js';
    import text from './answers.json';
    import { bindRemembered } from './remembered.js';
    export { PasswordHasher };
    const DB = bindRemembered(JSON.parse(text));
    let known;
    export default { fetch: (request, env, ctx) => worker.fetch(request, (known ??= { ...env, DB }), ctx) };`;
  const remembered = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'remembered.ts'), 'utf8'));
  return startMiniflare(main, BINDINGS, { 'worker.js': code, 'answers.json': JSON.stringify(answers), 'remembered.js': remembered });
}

/** A Worker that answers with ready texts, by path and query: what the runtime itself takes for an answer of their size. */
export const startTexts = (texts: Record<string, string>): Promise<Runtime> =>
  startMiniflare(
    `import text from './texts.json';
    const texts = JSON.parse(text);
    export default { fetch(request) { const { pathname, search } = new URL(request.url); return new Response(texts[pathname + search]); } };`,
    { d1Databases: { DB: 'empty' } },
    { 'texts.json': JSON.stringify(texts) },
  );

/** A Worker that answers nothing: the floor. */
export const startEmpty = (): Promise<Runtime> =>
  startMiniflare("export default { fetch: () => new Response('') }", { d1Databases: { DB: 'empty' } });

/** The same code in this process, on node:sqlite: the ceiling. */
export async function startInNode(): Promise<Runtime> {
  const sqlite = openMigrated();
  const db = bindSqlite(sqlite);
  const config = parseConfig(VARS);
  const deferred: (() => Promise<unknown>)[] = [];
  const defer = (work: () => Promise<unknown>) => void deferred.push(work);
  const app = createApp(() => {
    const d1 = meterD1(db, { random: Math.random, wait: async () => {} });
    const limits = { address: async () => true, token: async () => true };
    return { config, db: createDb(d1.binding), d1, build: 'bench', now: Date.now, limits, defer } as unknown as Deps;
  });
  const context = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
  return {
    db,
    async ask(path, headers) {
      const response = await app.request(`http://localhost${path}`, { headers }, {}, context);
      for (const work of deferred.splice(0)) await work();
      return response;
    },
    cpuMs() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    stop: async () => sqlite.close(),
  };
}
