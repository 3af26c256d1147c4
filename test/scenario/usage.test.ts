import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { createWorld } from '../support/world.ts';

interface Row {
  date?: string;
  hour?: string | null;
  key_id?: number;
  model?: null;
  cost_usd: number;
}
interface Page {
  data: Row[];
  next_cursor: string | null;
}

/** A user with two keys that spent every hour for two days, read every hour. */
async function watchTwoDays() {
  const world = createWorld({ now: Date.parse('2026-11-13T00:03:00Z') });
  const user = await world.makeUser();
  const keys = [await world.makeKey(user.token, 'first'), await world.makeKey(user.token, '=second')];
  const start = world.clock.now;
  for (let hour = 0; hour < 48; hour++) {
    for (const [index, key] of keys.entries())
      world.simulator.spend(key.text, { nano: 1_000_000 * (index + 1) + hour, byokNano: index }, start + (hour + 0.5) * HOUR_MS);
    world.clock.now = start + (hour + 1) * HOUR_MS;
    await world.sync();
  }
  const get = <T>(path: string) => world.json<T>('GET', path, { token: user.token });
  return { world, user, keys, get };
}

const two = await watchTwoDays();

describe('statistics', () => {
  it('have the shape and the sums of the contract', async () => {
    const { get, keys, world } = two;
    const { status, body } = await get<Record<string, never>>('/api/v1/stats?from=2026-11-13&to=2026-11-15');
    expect(status).toBe(200);
    const unknown = { requests: null, prompt_tokens: null, completion_tokens: null, reasoning_tokens: null, cached_tokens: null };
    const spent = (text: string, from: string, to: string) => world.simulator.spentBetween(text, Date.parse(from), Date.parse(to));
    const [first, second] = keys.map(({ text }) => spent(text, '2026-11-13', '2026-11-16')) as [
      { nano: number; byokNano: number },
      { nano: number; byokNano: number },
    ];
    const cost_usd = (first.nano + second.nano) / 1e9;
    expect(body).toMatchObject({
      range: { from: '2026-11-13', to: '2026-11-15', tz: 'UTC' },
      totals: { cost_usd, byok_cost_usd: 48e-9, ...unknown },
      by_model: [{ model: null, cost_usd, ...unknown }],
      by_provider: [{ provider: null, cost_usd, ...unknown }],
      by_key: [
        { key_id: keys[0]?.id, name: 'first', cost_usd: first.nano / 1e9 },
        { key_id: keys[1]?.id, name: '=second', cost_usd: second.nano / 1e9, byok_cost_usd: 48e-9 },
      ],
      coverage: keys.map(({ id }) => ({ key_id: id, known_since: '2026-11-13T00:03:00.000Z', source: 'counters' })),
      approximate_days: [],
      as_of: '2026-11-15T00:03:00.000Z',
    });
    expect(Object.keys(body).sort()).toEqual([
      'approximate_days',
      'as_of',
      'by_day',
      'by_key',
      'by_model',
      'by_provider',
      'coverage',
      'drift',
      'range',
      'totals',
    ]);
  });

  it('are by local day in any zone, and add up to the same', async () => {
    const { get } = two;
    const total = async (tz: string) =>
      (await get<{ totals: { cost_usd: number } }>(`/api/v1/stats?from=2026-11-11&to=2026-11-17&tz=${tz}`)).body.totals.cost_usd;
    const utc = await total('UTC');
    for (const tz of ['America/New_York', 'Asia/Kolkata', 'Pacific/Apia', 'Pacific/Pago_Pago']) expect(await total(tz)).toBe(utc);
    const { body } = await get<{ by_day: Row[] }>('/api/v1/stats?from=2026-11-12&to=2026-11-14&tz=America/New_York');
    const hours = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => 3_000_000 + 2 * (from + index)).reduce((sum, nano) => sum + nano, 0) / 1e9;
    expect(body.by_day.map(({ cost_usd }) => cost_usd)).toEqual([hours(0, 5), hours(5, 29), hours(29, 48)]);
  });

  it('know UTC by all its names', async () => {
    const { get } = two;
    for (const tz of ['utc', 'Etc/UTC']) {
      const { body } = await get<{ range: { tz: string }; approximate_days: string[] }>(`/api/v1/stats?from=2026-11-13&tz=${tz}`);
      expect([body.range.tz, body.approximate_days]).toEqual(['UTC', []]);
    }
  });

  it('beyond the retention are unknown, not zero', async () => {
    const { get, world } = two;
    const later = world.clock.now;
    world.clock.now += 400 * DAY_MS;
    const { token } = two.user;
    const fresh = await two.user.newSession();
    const { body } = await world.json<{ totals: Row; coverage: { known_since: string }[] }>(
      'GET',
      '/api/v1/stats?from=2026-11-01&to=2026-11-12',
      { token: fresh },
    );
    expect([body.totals.cost_usd, body.coverage[0]?.known_since]).toEqual([null, null]);
    world.clock.now = later;
    expect(token).toBeTruthy();
    expect((await get('/api/v1/keys')).status).toBe(200);
  });

  it('can be of one key only', async () => {
    const { get, keys } = two;
    const { body } = await get<{ by_key: Row[]; totals: Row }>(`/api/v1/stats?from=2026-11-13&key_id=${keys[0]?.id}`);
    expect(body.by_key.map(({ key_id }) => key_id)).toEqual([keys[0]?.id]);
    expect(body.totals.cost_usd).toBe(body.by_key[0]?.cost_usd);
  });

  it('of a key that is somebody else’s or nobody’s are refused', async () => {
    const { world, keys } = two;
    const stranger = await world.makeUser();
    expect((await world.call('GET', `/api/v1/stats?key_id=${keys[0]?.id}`, { token: stranger.token })).status).toBe(403);
    expect((await world.call('GET', '/api/v1/usage?key_id=987654321', { token: stranger.token })).status).toBe(404);
    const { body } = await world.json<{ totals: Row; by_key: Row[] }>('GET', '/api/v1/stats', { token: stranger.token });
    expect([body.totals.cost_usd, body.by_key]).toEqual([null, []]);
  });
});

describe('usage', () => {
  it('is by day unless said otherwise', async () => {
    const { get } = two;
    const { body } = await get<Page>('/api/v1/usage?from=2026-11-13');
    expect(body.data.map(({ date }) => date)).toEqual(['2026-11-13', '2026-11-14', '2026-11-15'].slice(0, body.data.length));
    expect(Object.keys(body.data[0] ?? {})).toEqual([
      'date',
      'cost_usd',
      'byok_cost_usd',
      'requests',
      'prompt_tokens',
      'completion_tokens',
      'reasoning_tokens',
      'cached_tokens',
      'correction_usd',
      'byok_correction_usd',
      'is_complete',
    ]);
  });

  it('comes in keyset pages that are whole together', async () => {
    const { get } = two;
    const path = '/api/v1/usage?from=2026-11-13&group_by=hour,key';
    const whole = (await get<Page>(`${path}&limit=1000`)).body;
    expect([whole.data.length, whole.next_cursor]).toEqual([96, null]);
    expect(whole.data[1]).toMatchObject({ date: '2026-11-13', hour: '2026-11-13T00:00:00Z', key_id: two.keys[1]?.id, cost_usd: 0.002 });
    const walked: Row[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: { body: Page } = await get<Page>(`${path}&limit=25${cursor && `&cursor=${cursor}`}`);
      expect(body.data.length).toBeLessThanOrEqual(25);
      walked.push(...body.data);
      cursor = body.next_cursor;
    }
    expect(walked).toEqual(whole.data);
    expect((await get<Page>('/api/v1/usage?from=2026-11-13&group_by=hour,key')).body.data).toHaveLength(96);
  });

  it('is grouped by what counters do not know as unknown, and filtered by it as nothing', async () => {
    const { get } = two;
    expect((await get<Page>('/api/v1/usage?from=2026-11-13&group_by=model')).body.data).toMatchObject([{ model: null }]);
    expect((await get<Page>('/api/v1/usage?from=2026-11-13&group_by=provider,key')).body.data).toMatchObject([
      { provider: null },
      { provider: null },
    ]);
    expect((await get<Page>('/api/v1/usage?from=2026-11-13&model=openai/gpt-4.1')).body.data).toEqual([]);
    expect((await get<Page>('/api/v1/usage?from=2026-11-13&provider=OpenAI')).body.data).toEqual([]);
  });

  it('has hours of the zone', async () => {
    const { get } = two;
    const { body } = await get<Page>('/api/v1/usage?from=2026-11-13&to=2026-11-13&group_by=hour&tz=Asia/Kolkata&limit=2');
    expect(body.data.map(({ hour, date }) => [date, hour])).toEqual([
      ['2026-11-13', '2026-11-13T05:30:00+05:30'],
      ['2026-11-13', '2026-11-13T06:30:00+05:30'],
    ]);
  });

  it('is CSV where that is asked for, with a link to the next page', async () => {
    const { world, user } = two;
    const path = '/api/v1/usage?from=2026-11-13&group_by=day,key&limit=3';
    const csv = await world.call('GET', path, { token: user.token, headers: { accept: 'text/csv' } });
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await csv.text()).trim().split('\n');
    expect(lines[0]).toBe(
      'date,key_id,cost_usd,byok_cost_usd,requests,prompt_tokens,completion_tokens,reasoning_tokens,cached_tokens,correction_usd,byok_correction_usd,is_complete',
    );
    expect(lines[2]).toBe(`2026-11-13,${two.keys[1]?.id},0.048000276,0.000000024,,,,,,,,true`);
    const next = /^<(.+)>; rel="next"$/.exec(csv.headers.get('link') ?? '')?.[1] ?? '';
    const rest = await (await world.call('GET', `${next}&format=csv`, { token: user.token })).text();
    expect(rest.trim().split('\n')).toHaveLength(2);
    expect(
      (await world.call('GET', path, { token: user.token, headers: { accept: 'text/html,*/*' } })).headers.get('content-type'),
    ).toContain('application/json');
    const forced = await world.call('GET', `${path}&format=json`, { token: user.token, headers: { accept: 'text/csv' } });
    expect(forced.headers.get('content-type')).toContain('application/json');
  });

  it('begins CSV with a byte order mark where that is asked for, and only its first page', async () => {
    const { world, user } = two;
    const path = '/api/v1/usage?from=2026-11-13&group_by=day,key&limit=3&format=csv';
    const bytes = async (of: string) => new Uint8Array(await (await world.call('GET', of, { token: user.token })).arrayBuffer());
    const [plain, marked] = [await bytes(path), await bytes(`${path}&bom=true`)];
    expect([...marked]).toEqual([0xef, 0xbb, 0xbf, ...plain]);
    expect(await bytes(`${path}&bom=false`)).toEqual(plain);
    const link = (await world.call('GET', `${path}&bom=true`, { token: user.token })).headers.get('link') ?? '';
    const next = /^<(.+)>/.exec(link)?.[1] ?? '';
    expect([next.includes('bom=true'), (await bytes(next))[0]]).toEqual([true, 'd'.charCodeAt(0)]);
    expect((await world.call('GET', `${path}&bom=1`, { token: user.token })).status).toBe(422);
    const json = await world.call('GET', `${path.replace('csv', 'json')}&bom=true`, { token: user.token });
    expect(Array.isArray(((await json.json()) as { data: unknown }).data)).toBe(true);
  });
});

describe('an answer that was given before', () => {
  const csv = { accept: 'text/csv' };
  const ask = (path: string, headers: Record<string, string> = {}) => two.world.call('GET', path, { token: two.user.token, headers });
  const tagOf = async (path: string, headers: Record<string, string> = {}) => (await ask(path, headers)).headers.get('etag') ?? '';

  it('is known by the media type that is chosen, however the wish for it is spelled', async () => {
    const path = '/api/v1/usage?from=2026-11-13';
    const wishes = ['application/json', 'APPLICATION/JSON', '*/*', 'application/json, text/plain, */*', 'text/html', 'application/*;q=0.3'];
    const [json, table] = [await tagOf(path), await tagOf(path, csv)];
    expect(json).not.toBe(table);
    for (const accept of wishes) expect([accept, await tagOf(path, { accept })]).toEqual([accept, json]);
    for (const accept of ['text/csv;q=0.9', 'Text/CSV', 'text/*', 'text/csv, application/json;q=0.5'])
      expect([accept, await tagOf(path, { accept })]).toEqual([accept, table]);
    expect(await tagOf(`${path}&format=json`, csv)).toBe(await tagOf(`${path}&format=json`));
    for (const accept of wishes) expect(await tagOf('/api/v1/stats', { accept })).toBe(await tagOf('/api/v1/stats'));
  });

  it('tells of `Accept` when it has not changed, and when it has', async () => {
    const path = '/api/v1/usage?from=2026-11-13';
    for (const headers of [{}, csv]) {
      const first = await ask(path, headers);
      const again = await ask(path, { ...headers, 'if-none-match': first.headers.get('etag') ?? '' });
      const varies = (response: Response) => [response.headers.get('vary'), response.headers.get('cache-control')];
      expect([first.status, again.status]).toEqual([200, 304]);
      expect([varies(first), varies(again)]).toEqual(Array(2).fill(['Accept', 'private, no-cache']));
    }
    const other = await ask(path, { ...csv, 'if-none-match': await tagOf(path) });
    expect([other.status, other.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
  });

  it('is the same by all names of a zone', async () => {
    for (const route of ['stats?from=2026-11-12', 'usage?from=2026-11-12&group_by=hour']) {
      for (const names of [
        ['Asia/Kolkata', 'Asia/Calcutta', 'asia/calcutta'],
        ['Europe/Kyiv', 'Europe/Kiev'],
        ['Asia/Kathmandu', 'Asia/Katmandu'],
      ]) {
        const answers = await Promise.all(names.map((tz) => ask(`/api/v1/${route}&tz=${tz}`)));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
        expect(new Set(answers.map(({ headers }) => headers.get('etag'))).size).toBe(1);
        expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
      }
    }
  });
});

describe('keys of the public API', () => {
  it('are the keys of the user', async () => {
    const { get } = two;
    expect((await get('/api/v1/keys')).body).toEqual((await get('/api/keys')).body);
  });
});

describe('a key that was not read for days', () => {
  it('has approximate days', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    world.simulator.spend(key.text, { nano: 9_000_000_000 }, world.clock.now + DAY_MS);
    world.clock.now += 4 * DAY_MS;
    await world.sync();
    const { body } = await world.json<{ approximate_days: string[]; totals: Row }>('GET', '/api/v1/stats', { token: user.token });
    expect(body.totals.cost_usd).toBe(9);
    expect(body.approximate_days).toEqual(['2026-11-15', '2026-11-16', '2026-11-17', '2026-11-18']);
  });
});
