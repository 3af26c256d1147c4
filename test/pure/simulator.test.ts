import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startOfDay } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { createOpenRouter } from '../../src/openrouter/client.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { startSimulatorServer } from '../support/openrouter/server.ts';
import { createSimulator } from '../support/openrouter/simulator.ts';

/** OpenRouter's own specification. It is not ours to publish, so a clone may lack it. */
const SPECIFICATION = join(import.meta.dirname, '../../../shared/openrouter/openapi.yaml');
const hasSpecification = existsSync(SPECIFICATION);
if (!hasSpecification)
  console.log('SKIPPED: the simulator is not checked against OpenRouter’s specification, because this clone has no copy of it.');

const KEY = 'sk-or-v1-simulated';
const ask = (headers: Record<string, string> = { authorization: `Bearer ${KEY}` }, path = '/key') =>
  new Request(`http://sim/api/v1${path}`, { headers });
const MANAGEMENT = 'sk-or-v1-management';
const TEAM = { id: '550e8400-e29b-41d4-a716-446655440000', name: 'Team', slug: 'team' };

/** The day before the account's today, and today. */
const TWO_DAYS = { start: '2026-11-14T00:00:00Z', end: '2026-11-16T00:00:00Z' };

/** An account with a management key, two workspaces and 103 keys in one of them. */
function createAccount() {
  const simulator = createSimulator({ now: () => Date.parse('2026-11-15T12:00:00Z') });
  simulator.addKey(MANAGEMENT, { isManagement: true });
  simulator.addWorkspace(TEAM);
  simulator.addKey(KEY, { name: 'default', limitNano: 5_000_000_000, limitReset: 'weekly', expiresAt: '2027-01-01T00:00:00Z' });
  for (let index = 0; index < 103; index++)
    simulator.addKey(`${KEY}-${index}`, { name: 'same name', workspaceId: TEAM.id, isDisabled: index === 0 });
  simulator.spend(KEY, { nano: 1_000_000_001, byokNano: 3 });
  simulator.buyCredits(20_000_000_000);
  const get = (path: string, text = MANAGEMENT) => simulator.answer(ask({ authorization: `Bearer ${text}` }, path));
  return { simulator, get };
}

function createValidator() {
  const document = parse(readFileSync(SPECIFICATION, 'utf8'));
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  addFormats(ajv);
  ajv.addSchema(document, 'openrouter');
  const validatorAt = (path: string, rest: string) => {
    const pointer = `openrouter#/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${rest}/content/application~1json/schema`;
    return ajv.getSchema(pointer) ?? ajv.compile({ $ref: pointer });
  };
  return (path: string, status: number | 'body', verb = 'get') =>
    validatorAt(path, status === 'body' ? `${verb}/requestBody` : `${verb}/responses/${status}`);
}

describe.skipIf(!hasSpecification)('the simulator speaks as OpenRouter’s specification says', () => {
  const setUp = () => {
    const simulator = createSimulator({ now: () => Date.parse('2026-11-15T12:00:00Z') });
    simulator.addKey(KEY, { limitNano: 5_000_000_000, limitReset: 'weekly', expiresAt: '2027-01-01T00:00:00Z' });
    simulator.spend(KEY, { nano: 1_000_000_001, byokNano: 3 });
    return { simulator, validatorFor: createValidator() };
  };

  it('about a key', async () => {
    const { simulator, validatorFor } = setUp();
    const validate = validatorFor('/key', 200);
    const body = (await (await simulator.answer(ask())).json()) as { data: Record<string, unknown> };
    expect(validate(body), JSON.stringify(validate.errors)).toBe(true);
    delete body.data['usage'];
    expect(validate(body)).toBe(false);
  });

  it('about an account', async () => {
    const { get } = createAccount();
    const validatorFor = createValidator();
    const hash = await sha256Hex(KEY);
    for (const [path, route] of [
      ['/workspaces', '/workspaces'],
      ['/keys', '/keys'],
      ['/credits', '/credits'],
      [`/keys/${hash}`, '/keys/{hash}'],
    ] as const) {
      const validate = validatorFor(route, 200);
      expect(validate(await (await get(path)).json()), `${path}: ${JSON.stringify(validate.errors)}`).toBe(true);
    }
    expect(validatorFor('/credits', 403)(await (await get('/credits', KEY)).json())).toBe(true);
    expect(validatorFor('/keys/{hash}', 404)(await (await get(`/keys/${'0'.repeat(64)}`)).json())).toBe(true);
  });

  it('about a key that is changed, and the client asks for changes as it says', async () => {
    const { simulator } = createAccount();
    const validatorFor = createValidator();
    const [isRequest, isAnswer] = [validatorFor('/keys/{hash}', 'body', 'patch'), validatorFor('/keys/{hash}', 200, 'patch')];
    const hash = await sha256Hex(KEY);
    const seen: unknown[] = [];
    const client = createOpenRouter({
      baseUrl: 'http://sim/api/v1',
      now: () => 0,
      async fetch(input, init) {
        seen.push(JSON.parse(String(init.body)));
        const answer = await simulator.answer(new Request(input, init));
        expect(isAnswer(await answer.clone().json()), JSON.stringify(isAnswer.errors)).toBe(true);
        return answer;
      },
    });
    const changes = [{ disabled: true }, { limit: 10.5, limit_reset: 'daily' }, { disabled: false }, { limit: null, limit_reset: null }];
    for (const change of changes) expect((await client.updateKey(MANAGEMENT, hash, change)).ok).toBe(true);
    expect(seen).toEqual(changes);
    for (const body of seen) expect(isRequest(body), JSON.stringify(isRequest.errors)).toBe(true);
    expect(isRequest({ limit_reset: 'hourly' })).toBe(false);
    expect(simulator.keys().find(({ text }) => text === KEY)).toMatchObject({ isDisabled: false, limitNano: null, limitReset: null });
  });

  it('about activity, analytics and models', async () => {
    const { simulator, get } = createAccount();
    const validatorFor = createValidator();
    const hash = await sha256Hex(KEY);
    simulator.spend(KEY, { nano: 5, model: 'openai/gpt-4.1-2025-04-14', provider: 'OpenAI' }, Date.parse('2026-11-14T12:00:00Z'));
    const expectSound = async (validate: ReturnType<typeof validatorFor>, response: Response) => {
      const body = await response.json();
      expect(validate(body), JSON.stringify(validate.errors)).toBe(true);
      return body;
    };
    const activity = await expectSound(validatorFor('/activity', 200), await get(`/activity?api_key_hash=${hash}`));
    expect(activity).toMatchObject({ data: [{ date: '2026-11-14', model: 'openai/gpt-4.1', usage: 0.000000005 }] });
    await expectSound(validatorFor('/activity', 400), await get('/activity?date=2026-11-15'));
    await expectSound(validatorFor('/analytics/meta', 200), await get('/analytics/meta'));
    await expectSound(validatorFor('/models', 200), await get('/models'));
    const query = (change: object) => {
      const body = {
        metrics: ['credits_usage', 'request_count'],
        dimensions: ['model', 'provider'],
        granularity: 'hour',
        time_range: TWO_DAYS,
        ...change,
      };
      expect(validatorFor('/analytics/query', 'body', 'post')(body)).toBe(true);
      return simulator.answer(
        new Request('http://sim/api/v1/analytics/query', {
          method: 'POST',
          headers: { authorization: `Bearer ${MANAGEMENT}` },
          body: JSON.stringify(body),
        }),
      );
    };
    const byHash = { filters: [{ field: 'api_key_id', operator: 'eq', value: hash }] };
    expect(await expectSound(validatorFor('/analytics/query', 200, 'post'), await query(byHash))).toMatchObject({
      data: {
        data: [{ date__hour: '2026-11-14 12:00:00', credits_usage: 0.000000005, request_count: '1' }, { credits_usage: 1.000000001 }],
      },
    });
    const unknown = { filters: [{ field: 'api_key_id', operator: 'eq', value: '0'.repeat(64) }] };
    expect(await (await query(unknown)).json()).toMatchObject({ data: { data: [], warnings: [expect.any(String)] } });
    const wide = await query({ time_range: { start: '2026-01-01T00:00:00Z', end: '2026-11-01T00:00:00Z' } });
    expect([wide.status, await wide.json()]).toEqual([400, { error: { code: 400, message: expect.stringContaining('31 days') } }]);
    for (let count = 0; count < 61; count++) expect((await query({})).status).toBe(200);
    expect((await query({})).status).toBe(429);
  });

  it('when it refuses or fails', async () => {
    const { simulator, validatorFor } = setUp();
    for (const status of [401, 500] as const) {
      const validate = validatorFor('/key', status);
      simulator.setFault(KEY, { kind: 'status', status } as Fault);
      expect(validate(await (await simulator.answer(ask())).json()), JSON.stringify(validate.errors)).toBe(true);
    }
    const unknown = await simulator.answer(ask({ authorization: 'Bearer sk-or-v1-unknown' }));
    expect(unknown.status).toBe(401);
    expect(validatorFor('/key', 401)(await unknown.json())).toBe(true);
  });
});

describe('the simulator', () => {
  it('counts by UTC day, week from Monday, and month, and lags', async () => {
    let now = Date.parse('2026-11-30T23:59:50Z');
    const simulator = createSimulator({ now: () => now, lagMs: 30_000 });
    simulator.addKey(KEY, { limitNano: 10_000_000_000, limitReset: 'monthly' });
    simulator.spend(KEY, { nano: 1_000_000_000 }, startOfDay('2026-11-28'));
    simulator.spend(KEY, { nano: 2_000_000_000 });
    const counters = async () => {
      const { data } = (await (await simulator.answer(ask())).json()) as { data: Record<string, number> };
      return [data['usage'], data['usage_daily'], data['usage_weekly'], data['usage_monthly'], data['limit_remaining']];
    };
    expect(await counters()).toEqual([1, 0, 0, 1, 9]);
    now += 40_000;
    expect(await counters()).toEqual([3, 0, 2, 0, 10]);
  });

  it('lists keys by workspace, a hundred a page, disabled ones only when asked', async () => {
    const { get } = createAccount();
    const names = async (query: string) =>
      ((await (await get(`/keys${query}`)).json()) as { data: { name: string }[] }).data.map(({ name }) => name);
    expect(await names('')).toEqual(['default']);
    expect(await names(`?workspace_id=${TEAM.id}`)).toHaveLength(100);
    expect(await names(`?workspace_id=${TEAM.id}&offset=100`)).toHaveLength(2);
    expect(await names(`?workspace_id=${TEAM.id}&offset=100&include_disabled=true`)).toHaveLength(3);
    expect(await (await get('/workspaces?limit=1&offset=1')).json()).toMatchObject({ data: [{ id: TEAM.id }], total_count: 2 });
    expect(await (await get('/credits')).json()).toEqual({ data: { total_credits: 20, total_usage: 1.000000001 } });
    expect((await get('/keys', KEY)).status).toBe(403);
  });

  it('changes a key as OpenRouter does: what makes sense, of a key that is there', async () => {
    const { simulator } = createAccount();
    const hash = await sha256Hex(KEY);
    const patch = async (body: unknown, path = `/keys/${hash}`, method = 'PATCH') => {
      const init = {
        method,
        headers: { authorization: `Bearer ${MANAGEMENT}` },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      };
      return (await simulator.answer(new Request(`http://sim/api/v1${path}`, init))).status;
    };
    const key = () => simulator.keys().find(({ text }) => text === KEY);
    const before = { ...key() };
    const bad = ['no JSON', '', 'null', '[]', { disabled: 'true' }, { limit: '10' }, { limit: -1 }, { limit_reset: 'hourly' }, { name: 1 }];
    expect(await Promise.all(bad.map((body) => patch(body)))).toEqual(bad.map(() => 400));
    expect(await patch({ disabled: true }, `/keys/${'0'.repeat(64)}`)).toBe(404);
    expect(await patch({ disabled: true }, `/keys/${await sha256Hex(MANAGEMENT)}`)).toBe(404);
    expect(await patch({ disabled: true }, '/keys')).toBe(404);
    expect(await patch({ disabled: true }, '/credits')).toBe(404);
    expect(await patch({ disabled: true }, `/keys/${hash}`, 'POST')).toBe(404);
    expect(key()).toEqual(before);
    expect(await patch({ disabled: true })).toBe(200);
    expect(key()).toEqual({ ...before, isDisabled: true, updatedAt: '2026-11-15T12:00:00.000Z' });
    expect(await patch({ name: 'x', limit: 0.1, limit_reset: null, include_byok_in_limit: true, what: 1 })).toBe(200);
    expect(key()).toMatchObject({ name: 'x', isDisabled: true, limitNano: 1e8, limitReset: null, isByokInLimit: true });
  });

  it('lists expired keys only when asked, and tells of one by its hash', async () => {
    const { simulator, get } = createAccount();
    const list = async (query: string) =>
      ((await (await get(`/keys${query}`)).json()) as { data: { name: string }[] }).data.map(({ name }) => name);
    const expired = `${KEY}-expired`;
    simulator.addKey(expired, { name: 'expired', expiresAt: '2026-11-15T12:00:00Z' });
    expect(await list('')).toEqual(['default']);
    expect(await list('?include_disabled=true&include_expired=false')).toEqual(['default']);
    expect(await list('?include_expired=true')).toEqual(['default', 'expired']);
    simulator.changeKey(expired, { isDisabled: true });
    expect(await list('?include_expired=true')).toEqual(['default']);
    expect(await list('?include_expired=true&include_disabled=true')).toEqual(['default', 'expired']);
    expect((await get('/keys?include_expired=1')).status).toBe(400);
    const { data } = (await (await get(`/keys/${await sha256Hex(expired)}`)).json()) as { data: object };
    expect(data).toMatchObject({ name: 'expired', expires_at: '2026-11-15T12:00:00Z', last_used_at: null, external_user: null });
    expect((await get('/key', expired)).status).toBe(401);
  });

  it('tells what is newer than the copy of the specification: use, place, and free requests of the account', async () => {
    const { simulator, get } = createAccount();
    simulator.spend(KEY, { model: 'meta-llama/llama-3.3-70b-instruct:free', requests: 3 });
    simulator.spend(`${KEY}-1`, { model: 'meta-llama/llama-3.3-70b-instruct:free', requests: 4 });
    simulator.spend(KEY, { model: 'meta-llama/llama-3.3-70b-instruct:free', requests: 9 }, Date.parse('2026-11-14T23:59:59Z'));
    for (const text of [KEY, `${KEY}-2`, MANAGEMENT])
      expect(((await (await get('/key', text)).json()) as { data: object }).data).toMatchObject({
        workspace_id: expect.any(String),
        organization_id: null,
        allowed_data_regions: ['global'],
        free_model_daily_requests: { limit: 1000, remaining: 993, used: 7 },
      });
    const { data } = (await (await get('/keys')).json()) as { data: object[] };
    expect(data).toMatchObject([{ last_used_at: '2026-11-15T12:00:00.000Z', external_user: null }]);
    const { data: rows } = (await (await get('/activity')).json()) as { data: { cached_tokens: number }[] };
    expect(rows.map(({ cached_tokens: tokens }) => tokens)).toEqual([10]);
  });

  it('refuses a range to the minute', async () => {
    const { simulator } = createAccount();
    const ask = async (end: string) => {
      const body = JSON.stringify({ metrics: ['request_count'], time_range: { start: '2026-11-14T00:00:00Z', end } });
      const headers = { authorization: `Bearer ${MANAGEMENT}` };
      return (await simulator.answer(new Request('http://sim/api/v1/analytics/query', { method: 'POST', headers, body }))).status;
    };
    expect([await ask('2026-11-15T00:00Z'), await ask('2026-11-15T00:00:00Z'), await ask('2026-11-15T00:00:00.5Z')]).toEqual([
      400, 200, 200,
    ]);
  });

  it('serves over HTTP and obeys commands', async () => {
    let frozenAt: number | null = null;
    const simulator = createSimulator({ now: () => frozenAt ?? Date.now() });
    const server = await startSimulatorServer(0, simulator, (at) => {
      frozenAt = at;
    });
    const address = server.address();
    const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const command = (body: object) => fetch(`${origin}/control`, { method: 'POST', body: JSON.stringify(body) });
    const read = () => fetch(`${origin}/api/v1/key`, { headers: { authorization: `Bearer ${KEY}` } });
    try {
      await command({ add_key: { text: KEY }, clock: { at: Date.parse('2026-11-15T12:00:00Z') } });
      await command({ spend: { text: KEY, usd: 0.25 } });
      expect(await (await read()).json()).toMatchObject({ data: { usage: 0.25, usage_daily: 0.25 } });
      await command({ fault: { text: KEY, fault: { kind: 'rate_limited', retryAfter: '9' } } });
      const limited = await read();
      expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '9']);
      await command({ fault: { text: KEY, fault: { kind: 'drop' } } });
      await expect(read()).rejects.toThrow();
      await command({ fault: { text: KEY, fault: null }, add_key: { text: MANAGEMENT, isManagement: true } });
      const client = createOpenRouter({ baseUrl: `${origin}/api/v1`, fetch: (input, init) => fetch(input, init), now: Date.now });
      const hash = await sha256Hex(KEY);
      const change = { disabled: true, limit: 7.5, limit_reset: 'weekly' };
      expect(await client.updateKey(MANAGEMENT, hash, change)).toMatchObject({ ok: true, value: { isDisabled: true, limitNano: 7.5e9 } });
      expect(simulator.keys()[0]).toMatchObject({ isDisabled: true, limitNano: 7.5e9, limitReset: 'weekly' });
      expect(await client.updateKey(MANAGEMENT, hash, { limit_reset: 'hourly' })).toEqual({ ok: false, error: { kind: 'refused' } });
      expect(await client.updateKey(MANAGEMENT, '0'.repeat(64), change)).toEqual({ ok: false, error: { kind: 'not_found' } });
      const requests = simulator.requests.map(({ method }) => method);
      expect(requests.filter((method) => method === 'PATCH')).toHaveLength(3);
    } finally {
      server.close();
    }
  });
});
