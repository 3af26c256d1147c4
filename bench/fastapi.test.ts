/**
 * `npm run bench -- fastapi`: statistics of the built Worker through the local runtime beside those of a process of FastAPI, SQLAlchemy and
 * SQLite with the same rows, sixteen connections each. Skipped where Python has no FastAPI. It writes the table that docs/benchmarks.md shows.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDays, dayOf } from '../src/lib/day.ts';
import { openMigrated } from '../test/support/sqlite-d1.ts';
import { bindSqlite } from './d1.ts';
import { isInstalled, startFastApi } from './fastapi/process.ts';
import { addReader, type Reader } from './fixture.ts';
import { settle } from './measure.ts';
import { type Runtime, startWorker } from './runtimes.ts';
import { writeTable } from './table.ts';

const CONNECTIONS = 16;
const WARM_UP_MS = 2000;
const MEASURED_MS = 10_000;
const PORT = 8765;
const KEYS = [10, 100];
const RANGES = [30, 365];
const now = Date.now();

type Ask = () => Promise<Response>;

/** Requests a second with every connection asking again as soon as it is answered. */
async function throughput(ask: Ask, status: number, ms: number): Promise<number> {
  let answered = 0;
  const startedAt = performance.now();
  const connection = async () => {
    while (performance.now() - startedAt < ms) {
      const response = await ask();
      await response.arrayBuffer();
      if (response.status !== status) throw new Error(`${response.status} in place of ${status}`);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return (answered * 1000) / (performance.now() - startedAt);
}

async function measured(ask: Ask, status = 200): Promise<number> {
  await throughput(ask, status, WARM_UP_MS);
  return throughput(ask, status, MEASURED_MS);
}

const authorize = (reader?: Reader) => ({ authorization: `Bearer ${reader?.apiToken}` });
const costOf = async (ask: Ask): Promise<number> => ((await (await ask()).json()) as { totals: { cost_usd: number } }).totals.cost_usd;

describe.skipIf(!isInstalled())('statistics beside FastAPI', () => {
  let worker: Runtime;
  let peer: Awaited<ReturnType<typeof startFastApi>>;
  const readers = new Map<number, { ours: Reader; theirs: Reader }>();

  beforeAll(async () => {
    worker = await startWorker();
    const sqlite = openMigrated();
    for (const [index, keys] of KEYS.entries()) {
      const ours = await addReader(worker.db, index + 1, keys, now);
      readers.set(keys, { ours, theirs: await addReader(bindSqlite(sqlite), index + 1, keys, now) });
    }
    peer = await startFastApi(sqlite, PORT);
    sqlite.close();
  });

  afterAll(async () => {
    await worker.stop();
    await peer.stop();
  });

  it('answers each size', async () => {
    const rows: string[][] = [];
    for (const keys of KEYS)
      for (const days of RANGES) {
        const [from, to] = [addDays(dayOf(now), 1 - days), dayOf(now)];
        const headers = authorize(readers.get(keys)?.ours);
        const path = `/api/v1/stats?from=${from}&to=${to}`;
        await settle(worker, path, headers);
        const etag = (await worker.ask(path, headers)).headers.get('etag') ?? '';
        const here = () => worker.ask(path, headers);
        const there = () =>
          fetch(`${peer.origin}/api/v1/stats?date_from=${from}&date_to=${to}`, { headers: authorize(readers.get(keys)?.theirs) });
        expect(await costOf(here)).toBeCloseTo(await costOf(there), 6);
        const [own, theirs] = [await measured(here), await measured(there)];
        const unchanged = await measured(() => worker.ask(path, { ...headers, 'if-none-match': etag }), 304);
        rows.push([keys, days, own, theirs, own / theirs, unchanged].map((value) => value.toFixed(Number.isInteger(value) ? 0 : 1)));
      }
    await writeTable('fastapi', ['Keys', 'Days', 'Worker, req/s', 'FastAPI, req/s', 'Ratio', 'Worker, unchanged, req/s'], rows);
  });
});
