/**
 * Requests at random to every operation of the document, mostly sound ones: a new route is tried without a change here. To repeat a run:
 * `FUZZ_SEED=… npx vitest run --project scenario test/scenario/fuzz.test.ts`
 */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createContract } from '../support/fuzz/contract.ts';
import { createScene, type Outcome, play } from '../support/fuzz/play.ts';
import { listOperations, type OpenApiDocument, type Plan, requestsTo } from '../support/fuzz/requests.ts';
import { createWorld } from '../support/world.ts';

/** About one in nine is sent twice. */
const REQUESTS = 5000;
/** Then two other users take over, in another world. */
const REQUESTS_A_SCENE = 500;
/** What was put into the queue is worked on so often, so that things happen between requests. */
const REQUESTS_A_DRAIN = 50;
/** Of a run that fails and looks for the smallest request that does. */
const MAX_MS = 240_000;

const seed = Number(env.FUZZ_SEED ?? crypto.getRandomValues(new Int32Array(1))[0]);
const { body: document } = await createWorld().json<OpenApiDocument>('GET', '/openapi.json');
const operations = listOperations(document);

/** How often each operation answered each status. */
const statuses = new Map<string, Map<number, number>>(operations.map(({ name }) => [name, new Map()]));

/** The most rows that the lists of an operation had. */
const mostRows = new Map<string, number>();

function count({ operation }: Plan, { status, rows }: Outcome): void {
  const counts = statuses.get(operation.name);
  counts?.set(status, (counts.get(status) ?? 0) + 1);
  if (rows !== null) mostRows.set(operation.name, Math.max(rows, mostRows.get(operation.name) ?? 0));
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, one) => total + one, 0);
const isSuccess = ([status]: [number, number]): boolean => status < 300;
const tell = ([name, counts]: [string, Map<number, number>]): string =>
  `${name}: ${[...counts]
    .sort()
    .map(([status, times]) => `${times} × ${status}`)
    .join(', ')}`;

/** Sends all requests; fails with the smallest one found whose answer is not as it should be. */
async function fuzz(): Promise<void> {
  const contract = createContract(document);
  const requests = fc.oneof(...operations.map((operation) => requestsTo(operation, document.components.schemas)));
  let scene = await createScene(operations);
  let sent = 0;
  const send = async (plan: Plan): Promise<void> => {
    sent += 1;
    if (sent % REQUESTS_A_SCENE === 0) scene = await createScene(operations);
    if (sent % REQUESTS_A_DRAIN === 0) await scene.world.drain();
    const outcome = await play(scene, contract, plan);
    count(plan, outcome);
    if (outcome.faults.length > 0) throw new Error(`${outcome.faults.join('\n')}\n${outcome.transcript}`);
  };
  const property = fc.asyncProperty(requests, async (plan) => {
    await send(plan);
    if (plan.isRepeated) await send(plan);
  });
  const result = await fc.check(property, { seed, numRuns: REQUESTS, interruptAfterTimeLimit: MAX_MS, markInterruptAsFailure: true });
  if (result.failed) throw new Error(`FUZZ_SEED=${seed}, request ${result.numRuns}: ${result.errorInstance ?? 'it took too long'}`);
}

it('every operation answers anything as its document says, and tells nobody what is not theirs', async () => {
  const began = Date.now();
  await fuzz();
  const total = sum([...statuses.values()].map((counts) => sum(counts.values())));
  console.info(`FUZZ_SEED=${seed}: ${total} requests in ${(Date.now() - began) / 1000} s\n${[...statuses].map(tell).join('\n')}`);
  expect(total).toBeGreaterThanOrEqual(5000);
  for (const [name, counts] of statuses) {
    expect([name, sum(counts.values()) >= REQUESTS / operations.length / 2]).toEqual([name, true]);
    expect([name, [...counts].some(isSuccess)]).toEqual([name, true]);
  }
  // The schema of a list says nothing of one that is always empty.
  expect(mostRows.size).toBeGreaterThanOrEqual(8);
  expect([...mostRows].filter(([, rows]) => rows === 0)).toEqual([]);
  const throttled = sum([...statuses.values()].map((counts) => counts.get(429) ?? 0));
  expect(throttled).toBeLessThan(total / 20);
}, 300_000);
