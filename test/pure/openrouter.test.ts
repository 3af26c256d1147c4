import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { createOpenRouter } from '../../src/openrouter/client.ts';
import { parseRetryAfter } from '../../src/openrouter/retry-after.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { DEFAULT_WORKSPACE } from '../support/openrouter/management.ts';
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
        workspaceId: DEFAULT_WORKSPACE.id,
        organizationId: null,
        allowedDataRegions: ['global'],
        freeRequests: { limit: 50, remaining: 50, used: 0 },
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

  it('gives up what takes longer than ten seconds', async () => {
    const over = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(over.signal);
    const fetch = async (_: string, { signal }: RequestInit) => {
      over.abort(new DOMException('', 'TimeoutError'));
      return signal?.aborted ? Promise.reject(signal.reason) : Response.json({});
    };
    const client = createOpenRouter({ baseUrl: 'https://openrouter.test/api/v1', fetch, now: () => NOW });
    expect(await client.getKey(KEY)).toEqual({ ok: false, error: { kind: 'unavailable', reason: 'no answer in time', retryAfterS: null } });
    expect(timeout.mock.calls).toEqual([[10_000]]);
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

  it('knows an IP allowlist by what a 403 says, and takes no other refusal for it', async () => {
    const errorOf = async (message: string, status = 403, metadata?: object) => {
      const fetch = async () => Response.json({ error: { code: status, message, ...(metadata && { metadata }) } }, { status });
      const result = await createOpenRouter({ baseUrl: 'https://openrouter.test/api/v1', fetch, now: () => NOW }).getKey(KEY);
      return result.ok ? 'ok' : result.error.kind;
    };
    for (const message of [
      'Access denied: your IP address is not in the allowlist of this account',
      'IP 203.0.113.7 is not allowed',
      'Request blocked by IP allowlist',
      'Your IP is not authorized to use this API key',
      'This address is not on the allow-list',
      'ip_not_allowed',
    ])
      expect([message, await errorOf(message)]).toEqual([message, 'address_refused']);
    expect(await errorOf('Forbidden', 403, { error_type: 'ip_allowlist_denied' })).toBe('address_refused');
    for (const message of [
      'Only management keys can perform this operation',
      'Key limit exceeded (daily limit)',
      'This model is not allowed by your guardrails',
      'Only management keys can fetch activity for an account',
      'Access denied',
      'You do not have permission; skip this step',
    ])
      expect([message, await errorOf(message)]).toEqual([message, 'forbidden']);
    expect(await errorOf('IP not allowed', 402)).toBe('forbidden');
    expect(await errorOf('IP not allowed', 401)).toBe('unauthorized');
  });

  it('reads what newer accounts tell, and does without it', async () => {
    const tell = async (change: object) => {
      const { simulator, client } = setUp();
      simulator.alter(() => async (answer) => {
        const { data } = (await answer.json()) as { data: object };
        return Response.json({ data: { ...data, ...change } });
      });
      const result = await client.getKey(KEY);
      if (!result.ok) throw new Error(result.error.kind);
      return result.value;
    };
    const free = { limit: 50, remaining: 43, used: 7 };
    expect(
      await tell({ workspace_id: 'w', organization_id: 'o', allowed_data_regions: ['europe', 'moon'], free_model_daily_requests: free }),
    ).toMatchObject({ workspaceId: 'w', organizationId: 'o', allowedDataRegions: ['europe', 'moon'], freeRequests: free });
    const nothing = { workspaceId: null, organizationId: null, allowedDataRegions: [], freeRequests: null };
    const names = ['workspace_id', 'organization_id', 'allowed_data_regions', 'free_model_daily_requests'];
    for (const value of [undefined, null, 7, { limit: '50' }, [[]]])
      expect(await tell(Object.fromEntries(names.map((name) => [name, value])))).toMatchObject(nothing);
    expect((await tell({ free_model_daily_requests: { ...free, used: 0.5 } })).freeRequests).toBeNull();
  });

  it('reads the last use and the user of a key, and cached tokens of activity, where they are told', async () => {
    const { simulator, client } = setUp();
    const management = 'sk-or-v1-management';
    simulator.addKey(management, { isManagement: true });
    simulator.addKey(KEY, { externalUser: 'customer 7' });
    simulator.spend(KEY, { nano: 1, cachedTokens: 13 }, NOW - 86_400_000);
    const read = async () => {
      const [records, activity] = [await client.listKeys(management, DEFAULT_WORKSPACE.id), await client.getActivity(management, null)];
      return [records, activity].map((answer) => (answer.ok ? answer.value : answer.error));
    };
    expect(await read()).toMatchObject([[{ lastUsedAt: NOW, externalUser: 'customer 7' }], [{ cachedTokens: 13 }]]);
    simulator.alter(() => async (answer) => {
      const { data } = (await answer.json()) as { data: Record<string, unknown>[] };
      return Response.json({ data: data.map(({ last_used_at: _, external_user: __, cached_tokens: ___, ...rest }) => rest) });
    });
    expect(await read()).toMatchObject([[{ lastUsedAt: null, externalUser: null }], [{ cachedTokens: null }]]);
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

  it('takes a list without an end for no list', async () => {
    let calls = 0;
    const data = Array.from({ length: 100 }, () => ({ id: 'w', name: 'W' }));
    const fetch = async () => {
      calls += 1;
      return Response.json({ data: calls < 200 ? data : [] });
    };
    const client = createOpenRouter({ baseUrl: 'https://openrouter.test/api/v1', fetch, now: () => NOW });
    expect(await client.listWorkspaces(KEY)).toEqual({ ok: false, error: { kind: 'unexpected_shape', path: 'a list without an end' } });
    expect(calls).toBe(100);
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

  it('is one of the three forms of a date, which a past one makes zero', () => {
    const forms = ['Sun, 15 Nov 2026 12:01:00 GMT', 'Sunday, 15-Nov-26 12:01:00 GMT', 'Sun Nov 15 12:01:00 2026'];
    expect(forms.map((text) => parseRetryAfter(text, NOW))).toEqual([60, 60, 60]);
    expect(parseRetryAfter('Sun Nov  1 12:01:00 2026', NOW)).toBe(0);
    expect(parseRetryAfter('Sun, 06 Nov 1994 08:49:37 GMT', NOW)).toBe(0);
  });

  it('is nothing where it is junk: the caller backs off by itself', () => {
    const junk = ['1.5', '-5', '-1', '+5', '0.5', '1e3', '0x10', '5s', '5, 10', '1 2', '٣', '', ' ', 'NaN', 'Infinity', '2026-11-15'];
    const dates = [
      '2026-11-15T12:01:00Z',
      '15 Nov 2026 12:01:00 GMT',
      'Sun, 15 Nov 2026 12:01:00',
      'Sun, 15 Nov 2026 12:01:00 PST',
      'day 1',
    ];
    expect([...junk, ...dates].filter((text) => parseRetryAfter(text, NOW) !== null)).toEqual([]);
  });

  it('is what its digits say, and no other number is believed', () => {
    fc.assert(fc.property(fc.nat(), (seconds) => parseRetryAfter(` ${seconds}\t`, NOW) === Math.min(seconds, 86_400)));
    const notWhole = fc.oneof(
      fc.double().map(String),
      fc.integer({ max: -1 }).map(String),
      fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `${a}.${b}`),
      fc.tuple(fc.string({ minLength: 1 }), fc.nat()).map(([text, count]) => `${text}${count}`),
    );
    fc.assert(fc.property(notWhole, (text) => /^\d+$/.test(text.trim()) || parseRetryAfter(text, NOW) === null));
  });

  it('is the distance to any date, or zero', () => {
    const date = fc.date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (at) => {
        const wanted = Math.ceil((Math.floor(at.getTime() / 1000) * 1000 - NOW) / 1000);
        return parseRetryAfter(at.toUTCString(), NOW) === Math.min(86_400, Math.max(0, wanted));
      }),
    );
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
