/** `npm run bench`: does the time of a refused sign-in tell whether an email has an account? 200 of each kind, in turn, at full strength. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashPassword } from '../src/crypto/password.ts';
import { quantile } from './measure.ts';
import { type Runtime, startWorker } from './runtimes.ts';
import { writeTable } from './table.ts';

/** An account answers so many wrong passwords in a quarter of an hour. */
const GUESSES = 10;
const ACCOUNTS = 20;

let worker: Runtime;

beforeAll(async () => {
  worker = await startWorker();
  const hash = await hashPassword('a password that nobody guesses');
  for (let index = 0; index < ACCOUNTS; index++) {
    const user = worker.db.prepare('INSERT INTO user (email, password_hash, created_at) VALUES (?, ?, ?)');
    await user.bind(`known${index}@example.org`, hash, Date.now()).run();
  }
});

afterAll(() => worker.stop());

async function refuse(email: string): Promise<number> {
  const before = performance.now();
  const body = JSON.stringify({ email, password: 'not this one' });
  const response = await worker.ask('/api/auth/login', { 'content-type': 'application/json' }, body);
  await response.arrayBuffer();
  expect(response.status).toBe(401);
  return performance.now() - before;
}

it('sign-ins', async () => {
  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
  for (let guess = 0; guess < GUESSES; guess++) {
    for (let index = 0; index < ACCOUNTS; index++) {
      for (const kind of ['known', 'unknown'] as const) times[kind].push(await refuse(`${kind}${index}@example.org`));
    }
  }
  const medians = { known: quantile(times.known, 0.5), unknown: quantile(times.unknown, 0.5) };
  const difference = Math.abs(medians.known / medians.unknown - 1);
  await writeTable(
    'sign-in',
    ['Email', 'Rejected sign-ins', 'Median, ms', 'p95, ms', 'Difference of medians'],
    (['known', 'unknown'] as const).map((kind) => [
      kind,
      String(times[kind].length),
      medians[kind].toFixed(1),
      quantile(times[kind], 0.95).toFixed(1),
      `${(difference * 100).toFixed(1)} %`,
    ]),
  );
});
