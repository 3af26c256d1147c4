import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { createOpenRouter, parseRetryAfter } from '../../src/openrouter/client.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { createSimulator } from '../support/openrouter/simulator.ts';

const NOW = Date.parse('2026-11-15T12:00:00Z');
const KEY = `sk-or-v1-${'a1'.repeat(32)}`;

function setUp() {
  const simulator = createSimulator({ now: () => NOW });
  simulator.addKey(KEY, { limitNano: 20_000_000_000, limitReset: 'daily', expiresAt: '2027-01-01T00:00:00+00:00' });
  simulator.spend(KEY, { nano: 1_234_567_891, byokNano: 7 });
  const sent: Request[] = [];
  const client = createOpenRouter({
    baseUrl: 'https://openrouter.test/api/v1',
    fetch: (input, init) => {
      const request = new Request(input, init);
      sent.push(request);
      return simulator.answer(request);
    },
    now: () => NOW,
    timeoutMs: 30,
  });
  const withFault = (fault: Fault) => {
    simulator.setFault(KEY, fault);
    return client.getKey(KEY);
  };
  return { simulator, client, sent, withFault };
}

describe('reading a key', () => {
  it('gives its counters in nano-dollars, its limit and its kind', async () => {
    const { client, sent } = setUp();
    expect(await client.getKey(KEY)).toEqual({
      ok: true,
      value: {
        isManagementKey: false,
        counters: {
          usageNano: 1_234_567_891,
          usageDailyNano: 1_234_567_891,
          usageWeeklyNano: 1_234_567_891,
          usageMonthlyNano: 1_234_567_891,
          byokUsageNano: 7,
          byokUsageDailyNano: 7,
          byokUsageWeeklyNano: 7,
          byokUsageMonthlyNano: 7,
        },
        limitNano: 20_000_000_000,
        limitRemainingNano: 18_765_432_109,
        limitReset: 'daily',
        expiresAt: Date.parse('2027-01-01T00:00:00Z'),
      },
    });
    expect(sent[0]?.url).toBe('https://openrouter.test/api/v1/key');
    expect(sent[0]?.redirect).toBe('manual');
    expect(sent[0]?.headers.get('authorization')).toBe(`Bearer ${KEY}`);
  });

  it('recognises a management key by its flag', async () => {
    const { simulator, client } = setUp();
    simulator.addKey(KEY, { isManagement: true });
    expect(await client.getKey(KEY)).toMatchObject({ ok: true, value: { isManagementKey: true, limitNano: null } });
  });

  it('tells the ways of failing apart', async () => {
    const { withFault, client } = setUp();
    const errorOf = async (fault: Fault) => {
      const result = await withFault(fault);
      return result.ok ? 'ok' : result.error.kind;
    };
    expect(await errorOf({ kind: 'status', status: 401 })).toBe('unauthorized');
    expect(await errorOf({ kind: 'status', status: 402 })).toBe('forbidden');
    expect(await errorOf({ kind: 'status', status: 403 })).toBe('forbidden');
    expect(await errorOf({ kind: 'rate_limited', retryAfter: '7' })).toBe('rate_limited');
    expect(await errorOf({ kind: 'status', status: 404 })).toBe('not_found');
    expect(await errorOf({ kind: 'status', status: 400 })).toBe('refused');
    for (const status of [408, 500, 502, 503, 524, 529] as const) expect(await errorOf({ kind: 'status', status })).toBe('unavailable');
    for (const status of [200, 401, 503]) expect(await errorOf({ kind: 'html', status })).toBe('unavailable');
    expect(await errorOf({ kind: 'redirect', location: 'https://evil.example/' })).toBe('unavailable');
    expect(await errorOf({ kind: 'oversized' })).toBe('unavailable');
    expect(await errorOf({ kind: 'hang' })).toBe('unavailable');
    expect(await errorOf({ kind: 'drop' })).toBe('unavailable');
    expect((await client.getKey('sk-or-v1-unknown')).ok).toBe(false);
  });

  it('says where an answer has another shape', async () => {
    const { withFault } = setUp();
    expect(await withFault({ kind: 'missing_field', field: 'usage_daily' })).toEqual({
      ok: false,
      error: { kind: 'unexpected_shape', path: 'data.usage_daily' },
    });
    expect(await withFault({ kind: 'wrong_type', field: 'usage' })).toEqual({
      ok: false,
      error: { kind: 'unexpected_shape', path: 'data.usage' },
    });
    expect((await withFault({ kind: 'missing_field', field: 'expires_at' })).ok).toBe(true);
    expect((await withFault({ kind: 'missing_field', field: 'rate_limit' })).ok).toBe(true);
  });

  it('shows a limit that is too large to be exact, and passes no strange word on', async () => {
    const { simulator, client, withFault } = setUp();
    simulator.addKey(KEY, { limitNano: 10_000_000_000_000_000 });
    expect(await client.getKey(KEY)).toMatchObject({ ok: true, value: { limitNano: 1e16, limitReset: null } });
    expect(await withFault({ kind: 'echo_secret', secret: KEY })).toMatchObject({ ok: true, value: { limitReset: null } });
  });

  it('does not take a lost header for a dead key', async () => {
    const client = createOpenRouter({
      baseUrl: 'https://openrouter.test/api/v1',
      fetch: async () => Response.json({ error: { code: 401, message: 'Missing Authentication header' } }, { status: 401 }),
      now: () => NOW,
    });
    expect(await client.getKey(KEY)).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
  });

  it('reads an instant with, without and with another offset, and refuses an amount that cannot be exact', async () => {
    const { simulator, client, sent } = setUp();
    for (const [text, expected] of [
      ['2027-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
      ['2027-01-01 00:00:00', '2027-01-01T00:00:00Z'],
      ['2027-01-01T02:00:00.500+02:00', '2027-01-01T00:00:00.500Z'],
    ]) {
      simulator.addKey(KEY, { expiresAt: text ?? null });
      expect(await client.getKey(KEY)).toMatchObject({ ok: true, value: { expiresAt: Date.parse(expected ?? '') } });
    }
    simulator.addKey(KEY, { expiresAt: 'someday' });
    expect(await client.getKey(KEY)).toMatchObject({ ok: false, error: { kind: 'unexpected_shape', path: 'data.expires_at' } });
    const rich = createOpenRouter({
      baseUrl: 'https://openrouter.test/api/v1',
      fetch: async () => {
        const body = (await (await simulator.answer(sent[0] as Request)).json()) as { data: object };
        return Response.json({ data: { ...body.data, expires_at: null, usage: 1e10 } });
      },
      now: () => NOW,
    });
    expect(await rich.getKey(KEY)).toMatchObject({ ok: false, error: { kind: 'unexpected_shape', path: 'data.usage' } });
  });
});

describe('changing a key', () => {
  const MANAGEMENT = `sk-or-v1-${'b2'.repeat(32)}`;
  /** A client whose PATCH is answered with 200 and something else in the record. */
  async function setUpChange(lie: object) {
    const { simulator, client } = setUp();
    simulator.addKey(MANAGEMENT, { isManagement: true });
    simulator.alter((_, __, method) =>
      method === 'PATCH'
        ? async (answer) => {
            const body = (await answer.json()) as { data: object };
            return Response.json({ data: { ...body.data, ...lie } });
          }
        : null,
    );
    return { client, hash: await sha256Hex(KEY) };
  }

  it('takes a record that does not show the change for a refusal', async () => {
    for (const [lie, change] of [
      [{ disabled: false }, { disabled: true }],
      [{ limit: 20 }, { limit: 10, limit_reset: 'daily' }],
      [{ limit_reset: 'monthly' }, { limit: 10, limit_reset: 'daily' }],
      [{ limit: 20 }, { limit: null, limit_reset: null }],
      [{ limit: 10.000000002 }, { limit: 10.000000001 }],
    ] as const) {
      const { client, hash } = await setUpChange(lie);
      expect(await client.updateKey(MANAGEMENT, hash, change)).toEqual({ ok: false, error: { kind: 'unchanged' } });
    }
    const { client, hash } = await setUpChange({ limit: 10.100000000000001, name: 'renamed meanwhile' });
    expect(await client.updateKey(MANAGEMENT, hash, { limit: 10.1 })).toMatchObject({ ok: true });
  });

  it('does not take the record of another key for that of the one it asked about', async () => {
    const other = await setUpChange({ hash: '0'.repeat(64) });
    const error = { kind: 'unexpected_shape', path: 'data.hash' };
    expect(await other.client.updateKey(MANAGEMENT, other.hash, { disabled: true })).toEqual({ ok: false, error });
    const { simulator, client } = setUp();
    simulator.addKey(MANAGEMENT, { isManagement: true });
    simulator.alter(() => async (answer) => {
      const body = (await answer.json()) as { data: object };
      return Response.json({ data: { ...body.data, hash: '1'.repeat(64) } });
    });
    expect(await client.getKeyRecord(MANAGEMENT, await sha256Hex(KEY))).toEqual({ ok: false, error });
  });
});

describe('Retry-After', () => {
  it('is seconds or a date, bounded by a day', () => {
    expect(parseRetryAfter(null, NOW)).toBeNull();
    expect(parseRetryAfter('120', NOW)).toBe(120);
    expect(parseRetryAfter('Sun, 15 Nov 2026 12:01:00 GMT', NOW)).toBe(60);
    expect(parseRetryAfter('Sun, 15 Nov 2026 11:00:00 GMT', NOW)).toBe(0);
    expect(parseRetryAfter('99999999', NOW)).toBe(86_400);
    expect(parseRetryAfter('soon', NOW)).toBeNull();
  });

  it('never makes anybody wait longer than a day, whatever it says', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const seconds = parseRetryAfter(text, NOW);
        return seconds === null || (seconds >= 0 && seconds <= 86_400);
      }),
    );
  });
});
