import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { verifyPassword } from '../../src/crypto/password.ts';
import worker from '../../src/worker.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';

const json = { 'content-type': 'application/json' };
const post = (path: string, body: unknown, headers = {}) =>
  exports.default.fetch(`https://monitor.test${path}`, { method: 'POST', body: JSON.stringify(body), headers: { ...json, ...headers } });

async function queue(name: string, body: unknown, attempts = 1) {
  const batch = createMessageBatch(name, [{ id: 'm1', timestamp: new Date(), attempts, body }]);
  const ctx = createExecutionContext();
  await worker.queue(batch as MessageBatch<unknown>, env, ctx);
  return getQueueResult(batch, ctx);
}

it('hashes passwords at full strength in its Durable Object, and signs in with them', async () => {
  const credentials = { email: 'real@example.org', password: 'a quite unusual passphrase' };
  expect((await post('/api/auth/register', credentials)).status).toBe(201);
  const row = await env.DB.prepare('SELECT password_hash FROM user WHERE email = ?')
    .bind(credentials.email)
    .first<{ password_hash: string }>();
  expect(row?.password_hash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
  expect(await verifyPassword(credentials.password, row?.password_hash ?? null)).toBe(true);
  const signedIn = await post('/api/auth/login', credentials);
  const { access_token } = (await signedIn.json()) as { access_token: string };
  const me = await exports.default.fetch('https://monitor.test/api/auth/me', { headers: { authorization: `Bearer ${access_token}` } });
  expect(await me.json()).toMatchObject({ email: credentials.email });
  expect((await post('/api/auth/login', { ...credentials, password: 'another passphrase' })).status).toBe(401);
});

it('rings a cron, whose messages reach its queue and are worked on', async () => {
  const ctx = createExecutionContext();
  await worker.scheduled(createScheduledController({ cron: '3 * * * *', scheduledTime: new Date('2026-11-15T10:03:00Z') }), env, ctx);
  await waitOnExecutionContext(ctx);
  const started = await env.DB.prepare("SELECT slot FROM job_run WHERE job = 'sync' AND part = 0").first<{ slot: string }>();
  expect(started?.slot).toBe('2026-11-15T10:03:00.000Z');
});

it('acknowledges a message that is done and retries one that failed', async () => {
  const done = await queue('openrouter-monitor-jobs', { job: 'sync', slot: '2026-11-15T10:03:00.000Z', part: 5, keyIds: [5] });
  expect(done.explicitAcks).toEqual(['m1']);
  const later = await env.DB.prepare(
    "INSERT INTO job_run (job, slot, part, started_at, lease_until, counts) VALUES ('sync', '2026-11-15T11:03:00.000Z', 5, 1, ?, '{}')",
  )
    .bind(Date.now() + 60_000)
    .run();
  expect(later.success).toBe(true);
  const leased = await queue('openrouter-monitor-jobs', { job: 'sync', slot: '2026-11-15T11:03:00.000Z', part: 5, keyIds: [5] });
  expect(leased.retryMessages).toEqual([{ msgId: 'm1' }]);
});

it('retries later when it is not configured, and says so in the log and to callers', async () => {
  const broken = { ...env, JWT_SECRET: 'short' };
  const batch = createMessageBatch('openrouter-monitor-jobs', [{ id: 'm1', timestamp: new Date(), attempts: 3, body: { job: 'purge' } }]);
  await worker.queue(batch as MessageBatch<unknown>, broken, createExecutionContext());
  expect((await getQueueResult(batch, createExecutionContext())).retryMessages).toHaveLength(1);
  await expect(worker.scheduled(createScheduledController({ cron: '3 * * * *' }), broken, createExecutionContext())).rejects.toThrow(
    'ring failed',
  );
  const response = await worker.fetch(new Request('https://monitor.test/health'), broken, createExecutionContext());
  expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([
    503,
    'This deployment is not configured: JWT_SECRET is too short: at least 32 characters.',
  ]);
  const logged = takeLoggedErrors();
  expect(logged).toHaveLength(3);
  expect(logged.every((line) => line.includes('JWT_SECRET is too short'))).toBe(true);
});

it('buries a dead letter where it is seen', async () => {
  const result = await queue('openrouter-monitor-jobs-dead', { job: 'sync', slot: '2026-11-15T12:03:00.000Z', part: 9, keyIds: [9] });
  expect(result.explicitAcks).toEqual(['m1']);
  const row = await env.DB.prepare("SELECT error FROM job_run WHERE slot = '2026-11-15T12:03:00.000Z'").first<{ error: string }>();
  expect(row?.error).toContain('gave up');
  expect(takeLoggedErrors()[0]).toContain('dead_letter');
});
