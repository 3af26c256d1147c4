/** The main job as a newcomer sees it: `npm start`'s own script, the bundled Worker over HTTP, crons, files on the disk. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fireCron } from '../../scripts/crons.ts';
import { type RunningWorker, startWorker } from '../support/running-worker.ts';

const KEY = `sk-or-v1-${'c0ffee'.repeat(10)}abcd`;
const PASSWORD = 'canary in the coal mine';

let running: RunningWorker;
let origin: string;

beforeAll(async () => {
  running = await startWorker();
  origin = running.origin;
});

afterAll(() => running.stop());

async function call(method: string, path: string, token?: string, body?: unknown) {
  const response = await fetch(origin + path, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null, text };
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a fresh start', () => {
  it('goes from registration to a revoked token, and leaves no secret in the log or on the disk', async () => {
    const { simulator } = running;
    simulator.addKey(KEY, { limitNano: 50_000_000_000 });
    simulator.spend(KEY, { nano: 1_234_567_891 });
    const credentials = { email: 'journey@example.org', password: PASSWORD };
    expect((await call('POST', '/api/auth/register', undefined, credentials)).status).toBe(201);
    const session = (await call('POST', '/api/auth/login', undefined, credentials)).body.access_token;
    expect((await call('POST', '/api/keys', session, { name: 'production', key: KEY })).status).toBe(201);

    simulator.spend(KEY, { nano: 765_432_109, byokNano: 1 });
    await sleep(5);
    await fireCron(origin, '3 * * * *', Date.now());
    const made = await call('POST', '/api/tokens', session, { name: 'ci' });
    expect(made.status).toBe(201);
    const stats = async () => (await call('GET', '/api/v1/stats', made.body.token)).body;
    for (let tries = 0; tries < 60 && (await stats()).totals.cost_usd !== 2; tries++) await sleep(500);
    expect((await stats()).totals).toMatchObject({ cost_usd: 2, byok_cost_usd: 1e-9, requests: null });

    expect((await call('DELETE', `/api/tokens/${made.body.id}`, session)).status).toBe(204);
    expect((await call('GET', '/api/v1/stats', made.body.token)).status).toBe(401);
    expect((await call('GET', '/health')).body.jobs.sync).toMatchObject({ never_ran: false, is_overdue: false });

    const files = await filesBelow(running.state);
    const contents = await Promise.all(files.map((file) => readFile(file, 'latin1')));
    expect(files.some((file) => file.endsWith('.sqlite'))).toBe(true);
    expect(contents.join('')).toContain('journey@example.org');
    for (const [name, secret] of Object.entries({ KEY, PASSWORD, session, token: made.body.token })) {
      expect([name, running.log().includes(secret), contents.some((content) => content.includes(secret))]).toEqual([name, false, false]);
    }
  });

  it('answers as its own document says, also about an account behind a management key', async () => {
    const [management, member] = [`sk-or-v1-${'c'.repeat(64)}`, `sk-or-v1-${'d'.repeat(64)}`];
    const { simulator } = running;
    simulator.addKey(management, { isManagement: true });
    simulator.addKey(member, { name: 'member', createdAt: new Date(Date.now() - 40 * 86_400_000).toISOString() });
    for (let day = 0; day < 40; day++) simulator.spend(member, { nano: 1_000_001, byokNano: 2 }, Date.now() - day * 86_400_000);
    const credentials = { email: 'account@example.org', password: PASSWORD };
    await call('POST', '/api/auth/register', undefined, credentials);
    const signedIn = await call('POST', '/api/auth/login', undefined, credentials);
    const session = signedIn.body.access_token;
    const added = await call('POST', '/api/keys', session, { name: 'account', key: management });
    expect(added.status).toBe(201);
    const cost = async () => (await call('GET', '/api/v1/stats', session)).body.totals.cost_usd;
    for (let tries = 0; tries < 60 && (await cost()) !== 2.03000003; tries++) await sleep(500);
    expect(await cost()).toBe(2.03000003);

    const document = (await call('GET', '/openapi.json')).body;
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(ajv);
    ajv.addSchema(document, 'api');
    const expectSound = (method: string, path: string, status: number, body: unknown) => {
      const place = `${path.replaceAll('/', '~1')}/${method}/responses/${status}/content/application~1json/schema`;
      const validate = ajv.compile({ $ref: `api#/paths/${encodeURIComponent(place).replaceAll('%2F', '/')}` });
      expect([path, validate(body), validate.errors]).toEqual([path, true, null]);
      expect([path, validate({ unlike: 'anything' })]).toEqual([path, false]);
    };
    expectSound('post', '/api/auth/login', 200, signedIn.body);
    expectSound('post', '/api/keys', 201, added.body);
    for (const path of ['/api/auth/me', '/api/v1/keys', '/api/v1/stats', '/api/v1/usage', '/api/v1/reconciliation', '/health']) {
      expectSound('get', path, 200, (await call('GET', path, session)).body);
    }
  });

  it('says that PUBLIC_URL is not set, and begins an invitation with it where it is', async () => {
    expect(running.log()).toContain('PUBLIC_URL is not set');
    const args = ['scripts/link.ts', 'invite', '--persist-to', running.state];
    const env = { ...process.env, PUBLIC_URL: 'https://people.example' };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    expect(stdout).toMatch(/^https:\/\/people\.example\/register\?invite=or_inv_\w+\n/m);
    const refused = promisify(execFile)(process.execPath, args, { env: { ...env, PUBLIC_URL: 'people.example' } });
    await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^PUBLIC_URL must be an https URL/) });
  });

  it('serves its reference and its assets', async () => {
    expect((await call('GET', '/openapi.json')).body.openapi).toBe('3.1.0');
    const html = await (await fetch(`${origin}/docs`)).text();
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets).toHaveLength(5);
    for (const path of assets) {
      const response = await fetch(origin + path);
      await response.arrayBuffer();
      const { headers } = response;
      expect([path, response.status, headers.get('x-content-type-options')]).toEqual([path, 200, 'nosniff']);
      expect(headers.get('content-type')).toMatch(/^(text\/(css|javascript)|image\/svg\+xml); charset=utf-8$/);
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
      expect(headers.get('content-security-policy')).toBe("frame-ancestors 'none'");
      expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    }
  });
});
