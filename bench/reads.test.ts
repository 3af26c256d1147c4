/**
 * `npm run bench`: reads of the built Worker in its runtime beside the same code in Node on node:sqlite (the ceiling) and a Worker that does
 * nothing (the floor), in one run, for accounts of 1, 10 and 100 keys with a year of spend. It writes the tables that docs/benchmarks.md shows.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signSession } from '../src/crypto/jwt.ts';
import { addDays, DAY_MS, dayOf } from '../src/lib/day.ts';
import { addReader, type Reader } from './fixture.ts';
import { type Measured, measure, settle } from './measure.ts';
import { type Runtime, SECRETS, startEmpty, startInNode, startWorker } from './runtimes.ts';
import { writeTable } from './table.ts';

const KEYS = [1, 10, 100];

interface Case {
  name: string;
  path: string;
  status: number;
  /** The present answer is held already. */
  isHeld?: boolean;
  /** The caller's credential, where it is not a session. */
  credential?: 'refused' | 'cookie';
}

const now = Date.now();
const since = (days: number): string => `from=${addDays(dayOf(now), 1 - days)}&to=${dayOf(now)}`;
const CASES: Case[] = [
  { name: 'Refused token', path: '/api/v1/stats', status: 401, credential: 'refused' },
  { name: 'Stats, unchanged', path: '/api/v1/stats', status: 304, isHeld: true },
  { name: 'Stats, 30 days', path: `/api/v1/stats?${since(30)}`, status: 200 },
  { name: 'Stats, 30 days, New York', path: `/api/v1/stats?${since(30)}&tz=America/New_York`, status: 200 },
  { name: 'Stats, 365 days', path: `/api/v1/stats?${since(365)}`, status: 200 },
  { name: 'Stats, 365 days, New York', path: `/api/v1/stats?${since(365)}&tz=America/New_York`, status: 200 },
  { name: 'Usage by day and model', path: `/api/v1/usage?${since(30)}&group_by=day,model`, status: 200 },
  { name: 'Keys', path: '/api/v1/keys', status: 200 },
  { name: 'Dashboard', path: '/dashboard', status: 200, credential: 'cookie' },
];

const readers = new Map<number, { reader: Reader; session: string }>();
let [worker, inNode, empty]: [Runtime, Runtime, Runtime] = [] as never;

beforeAll(async () => {
  worker = await startWorker();
  inNode = await startInNode();
  empty = await startEmpty();
  for (const [index, keys] of KEYS.entries()) {
    const reader = await addReader(worker.db, index + 1, keys, now);
    await addReader(inNode.db, index + 1, keys, now);
    readers.set(keys, { reader, session: await signSession(SECRETS.JWT_SECRET, reader, now, now + DAY_MS) });
  }
});

afterAll(async () => {
  for (const runtime of [worker, inNode, empty]) await runtime.stop();
});

async function headersFor(runtime: Runtime, { path, isHeld, credential }: Case, session: string): Promise<Record<string, string>> {
  if (credential === 'cookie') return { cookie: `session=${session}` };
  const headers = { authorization: `Bearer ${credential === 'refused' ? 'or_api_refused' : session}` };
  if (!isHeld) return headers;
  const etag = (await runtime.ask(path, headers)).headers.get('etag');
  return { ...headers, 'if-none-match': etag ?? '' };
}

async function measureCase(runtime: Runtime, asked: Case, keys: number): Promise<Measured> {
  const session = readers.get(keys)?.session ?? '';
  const headers = await headersFor(runtime, asked, session);
  if (asked.status === 200) await settle(runtime, asked.path, headers);
  const measured = await measure(runtime, asked.path, headers);
  expect([asked.name, measured.status]).toEqual([asked.name, asked.status]);
  return measured;
}

const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
const times = (value: number): string => `${value.toFixed(1)} ×`;

it('reads', async () => {
  const floor = await measure(empty, '/', {});
  const rows: string[][] = [['Empty Worker (the floor)', '', ms(floor.medianMs), ms(floor.p95Ms), ms(floor.cpuMs), '', '', '', '']];
  for (const asked of CASES) {
    for (const keys of asked.credential === 'refused' ? [1] : KEYS) {
      const here = await measureCase(worker, asked, keys);
      const ceiling = await measureCase(inNode, asked, keys);
      console.log(asked.name, keys, here, ceiling.cpuMs);
      rows.push([
        asked.name,
        asked.credential === 'refused' ? '' : String(keys),
        ms(here.medianMs),
        ms(here.p95Ms),
        ms(here.cpuMs),
        ms(ceiling.cpuMs),
        times(here.cpuMs / ceiling.cpuMs),
        here.trips === null ? '0' : String(here.trips),
        here.rowsRead === null ? '0' : String(here.rowsRead),
      ]);
    }
  }
  await writeTable('reads', ['Read', 'Keys', 'Median, ms', 'p95, ms', 'CPU, ms', 'CPU in Node, ms', 'Ratio', 'Trips', 'Rows read'], rows);
});
