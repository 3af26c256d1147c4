/** Figures of repeated requests. */
import type { Runtime } from './runtimes.ts';

export interface Measured {
  medianMs: number;
  p95Ms: number;
  /** CPU of all that answers, the database included. */
  cpuMs: number;
  status: number;
  bytes: number;
  /** What the answer tells of itself; null: nothing. */
  trips: number | null;
  rowsRead: number | null;
}

/** The value below which a share of the sorted values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** A stretch of requests ends after so many of them, or, for those that take long, after so long and a few. */
interface Stretch {
  requests: number;
  ms: number;
  atLeast: number;
}

/** Of an answer whose days are summed up a quarter at a time. */
const MOST_LOOKS = 60;
/** What a look leaves behind may be done only after the next one. */
const SAME_LOOKS = 3;
const WARM_UP: Stretch = { requests: 40, ms: 1000, atLeast: 2 };
const MEASURED: Stretch = { requests: 150, ms: 3000, atLeast: 5 };

/** Asks one after the other; gives how long each request took in milliseconds, and the last answer with its size. */
async function askFor(runtime: Runtime, path: string, headers: Record<string, string>, { requests, ms, atLeast }: Stretch) {
  const times: number[] = [];
  const startedAt = performance.now();
  let [response, bytes] = [new Response(), 0];
  while (times.length < requests && (times.length < atLeast || performance.now() - startedAt < ms)) {
    const before = performance.now();
    response = await runtime.ask(path, headers);
    bytes = (await response.arrayBuffer()).byteLength;
    times.push(performance.now() - before);
  }
  return { times, response, bytes };
}

const costOf = ({ headers }: Response): readonly [trips: number | null, rowsRead: number | null] => {
  const [, trips, rows] = /trips=(\d+) rows_read=(\d+)/.exec(headers.get('server-timing') ?? '') ?? [];
  return [trips === undefined ? null : Number(trips), rows === undefined ? null : Number(rows)];
};

/** How many sums of days are stored, and at which hours they part them. */
async function sumsIn({ db }: Runtime): Promise<string> {
  const { results } = await db.prepare('SELECT count(*) AS n, sum(cut) AS cuts FROM day_sum').all();
  return JSON.stringify(results);
}

/** Asks until no look leaves further days summed up behind it. */
export async function settle(runtime: Runtime, path: string, headers: Record<string, string>): Promise<void> {
  let [before, same] = ['', 0];
  for (let looks = 0; looks < MOST_LOOKS && same < SAME_LOOKS; looks++) {
    await (await runtime.ask(path, headers)).arrayBuffer();
    const after = await sumsIn(runtime);
    same = after === before ? same + 1 : 0;
    before = after;
  }
  if (same < SAME_LOOKS) throw new Error(`The days of ${path} were never summed up`);
}

/** What a request costs that is made again and again, after some that do not count. */
export async function measure(runtime: Runtime, path: string, headers: Record<string, string>): Promise<Measured> {
  await askFor(runtime, path, headers, WARM_UP);
  const cpu = runtime.cpuMs();
  const { times, response, bytes } = await askFor(runtime, path, headers, MEASURED);
  const [trips, rowsRead] = costOf(response);
  return {
    medianMs: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    cpuMs: (runtime.cpuMs() - cpu) / times.length,
    status: response.status,
    bytes,
    trips,
    rowsRead,
  };
}
