import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startOfDay } from '../../src/lib/day.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { startSimulatorServer } from '../support/openrouter/server.ts';
import { createSimulator } from '../support/openrouter/simulator.ts';

/** OpenRouter's own specification. It is not ours to publish, so a clone may lack it. */
const SPECIFICATION = join(import.meta.dirname, '../../../shared/openrouter/openapi.yaml');
const hasSpecification = existsSync(SPECIFICATION);
if (!hasSpecification)
  console.log('SKIPPED: the simulator is not checked against OpenRouter’s specification, because this clone has no copy of it.');

const KEY = 'sk-or-v1-simulated';
const ask = (headers: Record<string, string> = { authorization: `Bearer ${KEY}` }) => new Request('http://sim/api/v1/key', { headers });

function createValidator() {
  const document = parse(readFileSync(SPECIFICATION, 'utf8'));
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  addFormats(ajv);
  ajv.addSchema(document, 'openrouter');
  return (path: string, status: number) => {
    const pointer = `openrouter#/paths/${path.replaceAll('/', '~1')}/get/responses/${status}/content/application~1json/schema`;
    return ajv.getSchema(pointer) ?? ajv.compile({ $ref: pointer });
  };
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
    } finally {
      server.close();
    }
  });
});
