/**
 * CPU of the jobs' own JavaScript, by message: what Cloudflare counts of an invocation, as far as Node can tell. Each message is delivered
 * twice: once to hear what the simulator answers, which is undone, and once, measured, with these answers at hand. The database's own CPU is
 * taken off; parsing its answers, decrypting, and the garbage collector's are in it.
 * `node bench/cpu.ts`
 */
import { parseConfig } from '../src/config.ts';
import { meterD1 } from '../src/d1.ts';
import { createDb } from '../src/db.ts';
import type { Deps } from '../src/deps.ts';
import { deliver, onCron } from '../src/jobs/index.ts';
import type { JobMessage } from '../src/jobs/model.ts';
import { HOUR_MS, MINUTE_MS } from '../src/lib/day.ts';
import { createOpenRouter } from '../src/openrouter/client.ts';
import { MODELS, PROVIDERS } from '../test/support/openrouter/catalog.ts';
import { createSimulator } from '../test/support/openrouter/simulator.ts';
import { openMigrated } from '../test/support/sqlite-d1.ts';
import { figure, table } from './cost.ts';
import { addAccount, addOwnKeys } from './crowd.ts';
import { bindTimed, cpuMicros } from './d1.ts';

const START = Date.parse('2026-11-16T04:03:00Z');
/** Hours before measuring, in which V8 learns what is often run. */
const WARM_UP_HOURS = 12;
const HOURS = 12;
const MODELS_A_KEY = 3;
const CONFIG = parseConfig({
  OPENROUTER_BASE_URL: 'https://openrouter.test/api/v1',
  USAGE_STATS_RETENTION_DAYS: 365,
  HOURLY_RETENTION_DAYS: 92,
  MAX_API_TOKENS_PER_USER: 5,
  MAX_API_KEYS_PER_USER: 10,
  REGISTRATION: 'open',
  JWT_SECRET: 'bench-0123456789-abcdefghijklmnopqrstuvwxyz',
  ENCRYPTION_KEYS: 'bench1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
});

interface Answer {
  status: number;
  body: string;
}

function createCpuWorld() {
  const clock = { now: START };
  const simulator = createSimulator({ now: () => clock.now });
  const database = openMigrated(':memory:');
  const { binding, spent } = bindTimed(database);
  const d1 = meterD1(binding, { random: () => 0, wait: async () => {} });
  const answers = new Map<string, Answer>();
  const waiting: { message: JobMessage; at: number }[] = [];

  async function answer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const name = `${request.url} ${request.headers.get('authorization')} ${init?.body ?? ''}`;
    const known = answers.get(name);
    if (known) return new Response(known.body, { status: known.status });
    const fresh = await simulator.answer(request);
    answers.set(name, { status: fresh.status, body: await fresh.clone().text() });
    return fresh;
  }

  const deps = {
    config: CONFIG,
    db: createDb(d1.binding),
    d1,
    openrouter: createOpenRouter({ baseUrl: CONFIG.openrouterBaseUrl, fetch: answer, now: () => clock.now }),
    now: () => clock.now,
    random: () => 0.5,
    enqueue: async (messages: JobMessage[], delayS = 0) => {
      for (const message of messages) waiting.push({ message, at: clock.now + delayS * 1000 });
    },
  } as unknown as Deps;

  /** Does work and undoes it, but for the answers that it heard. */
  async function rehearse(work: () => Promise<unknown>): Promise<void> {
    answers.clear();
    const before = waiting.length;
    database.exec('SAVEPOINT rehearsal');
    await work();
    database.exec('ROLLBACK TO rehearsal; RELEASE rehearsal');
    waiting.length = before;
  }

  /** Milliseconds of CPU that work takes, without the database's. */
  async function measure(work: () => Promise<unknown>): Promise<number> {
    await rehearse(work);
    const [before, database] = [cpuMicros(), spent.micros];
    await work();
    return (cpuMicros() - before - (spent.micros - database)) / 1000;
  }

  /** Rings at an instant and does what follows; tells the CPU of each part. */
  async function ringAt(at: number, note: (name: string, ms: number) => void): Promise<void> {
    clock.now = at;
    note('ring', await measure(() => onCron(deps, '3 * * * *', at)));
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { message } = next;
      clock.now = Math.max(clock.now, next.at);
      note(message.job, await measure(() => deliver(deps, structuredClone(message))));
    }
  }

  return { binding, simulator, deps, ringAt };
}

type CpuWorld = ReturnType<typeof createCpuWorld>;

function spendHour({ simulator }: CpuWorld, texts: readonly string[], at: number): void {
  for (const [index, text] of texts.entries()) {
    for (let pair = 0; pair < MODELS_A_KEY; pair++) {
      const place = { model: MODELS[(index + pair) % MODELS.length]?.permaslug ?? '', provider: PROVIDERS[pair] ?? '' };
      simulator.spend(text, { nano: 1_234_567 + index, ...place }, at - 30 * MINUTE_MS);
    }
  }
}

/** Rows of the table: each kind of message, its mean, its dearest twentieth, and its sum for a key and hour. */
async function measureShape(
  name: string,
  keys: number,
  isBusy: boolean,
  make: (world: CpuWorld) => Promise<string[]>,
): Promise<string[][]> {
  const world = createCpuWorld();
  const texts = await make(world);
  const samples = new Map<string, number[]>();
  for (let hour = 0; hour < WARM_UP_HOURS + HOURS; hour++) {
    const at = START + hour * HOUR_MS;
    if (isBusy) spendHour(world, texts, at);
    await world.ringAt(at, (job, ms) => {
      if (hour >= WARM_UP_HOURS) samples.set(job, [...(samples.get(job) ?? []), ms]);
    });
  }
  return [...samples].map(([job, list]) => {
    const sum = list.reduce((total, ms) => total + ms, 0);
    const dearest = list.toSorted((a, b) => a - b)[Math.floor(list.length * 0.95)] ?? 0;
    const what = isBusy ? 'each key spent' : 'nothing spent';
    return [name, what, job, ...[list.length, sum / list.length, dearest, sum / HOURS / keys].map(figure)];
  });
}

const own = (keysAUser: number) => async (world: CpuWorld) => (await addOwnKeys(world, 200, keysAUser)).map(({ text }) => text);

const SHAPES: [name: string, keys: number, make: (world: CpuWorld) => Promise<string[]>][] = [
  ['own, 10 a user', 200, own(10)],
  ['own, 1 a user', 200, own(1)],
  ['account of 10', 10, (world) => addAccount(world, 10)],
  ['account of 100', 100, (world) => addAccount(world, 100)],
  ['account of 300', 300, (world) => addAccount(world, 300)],
];

const rows: string[][] = [];
for (const [name, keys, make] of SHAPES) for (const isBusy of [false, true]) rows.push(...(await measureShape(name, keys, isBusy, make)));
console.log(table(['Keys', 'Hour', 'Message', 'Count', 'CPU, ms', '95 %, ms', 'ms a key and hour'], rows, 3));
