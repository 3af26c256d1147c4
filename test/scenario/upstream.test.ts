import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { addManagement, daysAgo, LEDGER_TABLES, spendAtRandom, startOfToday, WORKSPACES } from '../support/account.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { createScenario, expectTruth, total } from '../support/scenario.ts';
import { freshKeyText, type World } from '../support/world.ts';

const QUERY = '/analytics/query';
const queries = (world: World) => world.simulator.requests.filter(({ path }) => path === QUERY).length;

const isAbout = (path: string, fault: Fault) => (asked: string) => (asked.startsWith(path) ? fault : null);

describe('discovery', () => {
  it('finds every key of every workspace, names its place, and reads the balance', async () => {
    const set = await createScenario({ keys: 5 });
    set.world.simulator.changeKey(set.account.keys[4] as string, { isDisabled: true });
    const id = await set.add();
    const keys = await set.list();
    expect(keys.filter(({ kind }) => kind === 'discovered')).toHaveLength(5);
    expect(new Set(keys.map(({ workspace }) => workspace?.name))).toEqual(new Set([undefined, 'Default', 'Team', 'Lab']));
    expect(await set.find(set.account.keys[4] as string)).toMatchObject({ status: 'invalid', is_disabled: true, managed_by: id });
    expect((await set.find(set.account.keys[4] as string)).last_error).toContain('disabled');
    const { body: credits } = { body: keys.find((key) => key.id === id) };
    const used = [...set.account.keys, null].reduce(
      (sum, text) =>
        sum + (set.world.simulator.allSpends().find(([of]) => of === text)?.[1] ?? []).reduce((all, { nano }) => all + nano, 0),
      0,
    );
    expect(Math.round((credits?.balance_usd ?? 0) * 1e9)).toBe(1_000_000_000_000 - used);
    await expectTruth(set);
  });

  it('only reads upstream', async () => {
    const set = await createScenario({ keys: 2 });
    await set.add();
    await set.hours(30);
    const writes = set.world.simulator.requests.filter(({ method, path }) => method !== 'GET' && path !== QUERY);
    expect(writes).toEqual([]);
  });

  it('asks with each key only what that key may know', async () => {
    const set = await createScenario({ keys: 2 });
    const text = set.account.keys[0] as string;
    await set.world.json('POST', '/api/keys', { token: set.user.token, body: { name: 'mine', key: text } });
    await set.add();
    await set.hours(2);
    const asked = (keyHash: string | null) =>
      set.world.simulator.requests.filter((request) => request.keyHash === keyHash).map(({ path }) => path);
    expect(new Set(asked(await sha256Hex(text)))).toEqual(new Set(['/key']));
    expect(asked(null).filter((path) => path !== '/models')).toEqual([]);
    expect(asked(await sha256Hex(set.account.management))).toContain('/credits');
  });

  it('of an empty account finds nothing, and says so without an error', async () => {
    const set = await createScenario({ keys: 0, days: 40, chance: 0 });
    const id = await set.add();
    await set.hours(2);
    expect(await set.list()).toMatchObject([{ id, kind: 'management', status: 'active', last_error: null }]);
    expect(await total(set)).toBe(0);
  });

  it('follows renames and moves between workspaces; the hash identifies', async () => {
    const set = await createScenario({ keys: 3 });
    await set.add();
    const [first, second] = set.account.keys as [string, string];
    const before = await set.find(first);
    await set.world.json('PATCH', `/api/keys/${(await set.find(second)).id}`, { token: set.user.token, body: { name: 'mine' } });
    set.world.simulator.changeKey(first, { name: 'renamed', workspaceId: WORKSPACES[2]?.id as string });
    set.world.simulator.changeKey(second, { name: 'renamed too' });
    await set.hours(1);
    expect(await set.find(first)).toMatchObject({ id: before.id, name: 'renamed', workspace: { name: 'Lab' }, vanished_at: null });
    expect(await set.find(second)).toMatchObject({ name: 'mine' });
    await expectTruth(set);
  });

  it('marks keys that vanish and keeps their history; one that comes back is well again', async () => {
    const set = await createScenario({ keys: 3 });
    await set.add();
    const [first] = set.account.keys as [string];
    const before = await total(set, `&key_id=${(await set.find(first)).id}`);
    const gone = set.world.simulator.keys().find(({ text }) => text === first);
    set.world.simulator.removeKey(first);
    await set.hours(2);
    expect(await set.find(first)).toMatchObject({
      status: 'invalid',
      vanished_at: expect.any(String),
      last_error: expect.stringContaining('deleted'),
    });
    expect(await total(set, `&key_id=${(await set.find(first)).id}`)).toBe(before);
    set.world.simulator.addKey(first, gone);
    await set.hours(1);
    expect(await set.find(first)).toMatchObject({ status: 'active', vanished_at: null, last_error: null });
    await expectTruth(set);
  });

  it('keeps what it has of a key that was deleted while it spent', async () => {
    const set = await createScenario({ keys: 2 });
    await set.add();
    const [first] = set.account.keys as [string];
    const before = await total(set, `&key_id=${(await set.find(first)).id}`);
    set.world.simulator.spend(first, { nano: 5_000_000_000 });
    set.world.simulator.removeKey(first);
    await set.hours(3);
    expect(await total(set, `&key_id=${(await set.find(first)).id}`)).toBe(before);
    expect((await set.find(first)).backfill).toMatchObject({ done: 41, total: 41 });
  });
});

describe('a key that expires', () => {
  const HOUR = 3_600_000;
  const setUp = async () => {
    const set = await createScenario({ keys: 3 });
    const [first] = set.account.keys as [string];
    const expiresAt = new Date(set.world.clock.now + 90 * 60_000).toISOString();
    set.world.simulator.changeKey(first, { expiresAt });
    const spent = () => set.world.simulator.spentBetween(first, 0, set.world.clock.now + 1).nano;
    return { set, first, expiresAt, spent };
  };

  it('has expired, is not gone, and its last spend stays its own', async () => {
    const { set, first, expiresAt, spent } = await setUp();
    const management = await set.add();
    await set.hours(1);
    expect(await set.find(first)).toMatchObject({ status: 'active', is_expired: false, expires_at: expiresAt });
    set.world.simulator.spend(first, { nano: 7_000_000_000 });
    const spentAt = new Date(Math.floor(set.world.clock.now / 60_000) * 60_000).toISOString();
    await set.hours(3);
    const key = await set.find(first);
    expect(key).toMatchObject({ status: 'invalid', is_expired: true, vanished_at: null, expires_at: expiresAt });
    expect([key.last_error, key.last_used_at]).toEqual(['The key has expired.', spentAt]);
    expect(await total(set, `&key_id=${key.id}`)).toBe(spent());
    await set.hours(48);
    expect(await total(set, `&key_id=${key.id}`)).toBe(spent());
    await expectTruth(set, 42, 32);
    expect((await set.find(set.account.management)).id).toBe(management);
  });

  it('is said to have expired by its own key too, at once, with an account or without one', async () => {
    for (const isManaged of [true, false]) {
      const { set, first, expiresAt, spent } = await setUp();
      await set.world.json('POST', '/api/keys', { token: set.user.token, body: { name: 'mine', key: first } });
      if (isManaged) await set.add();
      await set.hours(1);
      set.world.simulator.spend(first, { nano: 7_000_000_000 });
      await set.hours(1);
      const key = await set.find(first);
      expect(key).toMatchObject({
        status: 'invalid',
        is_expired: true,
        last_error: 'The key has expired.',
        vanished_at: null,
        expires_at: expiresAt,
      });
      if (isManaged) expect(await total(set, `&key_id=${key.id}`)).toBe(spent());
    }
  });

  it('is found with its history where it had expired before', async () => {
    const { set, first, spent } = await setUp();
    set.world.simulator.changeKey(first, { expiresAt: new Date(set.world.clock.now - HOUR).toISOString() });
    await set.add();
    await set.hours(2);
    const key = await set.find(first);
    expect(key).toMatchObject({ kind: 'discovered', status: 'invalid', is_expired: true });
    expect(await total(set, `&key_id=${key.id}`)).toBe(spent());
  });

  it('and is deleted later has expired; one that is deleted before its time was deleted', async () => {
    const { set, first } = await setUp();
    const [, second] = set.account.keys as [string, string];
    set.world.simulator.changeKey(second, { expiresAt: new Date(set.world.clock.now + 5 * HOUR).toISOString() });
    await set.add();
    await set.hours(3);
    for (const text of [first, second]) set.world.simulator.removeKey(text);
    await set.hours(4);
    expect(await set.find(first)).toMatchObject({ is_expired: true, last_error: 'The key has expired.', vanished_at: expect.any(String) });
    expect(await set.find(second)).toMatchObject({ is_expired: false, last_error: expect.stringContaining('deleted') });
  });

  it('and was taken for gone before is right again', async () => {
    const { set, first } = await setUp();
    await set.add();
    await set.hours(2);
    const hidden = set.world.simulator.keys().find(({ text }) => text === first);
    set.world.simulator.removeKey(first);
    await set.hours(1);
    set.world.simulator.addKey(first, hidden);
    await set.hours(1);
    expect(await set.find(first)).toMatchObject({ is_expired: true, vanished_at: null, last_error: 'The key has expired.' });
  });
});

describe('an IP allowlist', () => {
  it('is named as what refuses keys and accounts, and no key dies of it', async () => {
    const set = await createScenario({ keys: 2 });
    const [first] = set.account.keys as [string];
    await set.world.json('POST', '/api/keys', { token: set.user.token, body: { name: 'mine', key: first } });
    await set.add();
    set.world.simulator.setFault('*', { kind: 'address_refused' });
    await set.hours(4);
    expect(await set.find(first)).toMatchObject({
      status: 'active',
      last_error: expect.stringMatching(/^OpenRouter's IP allowlist blocks/),
    });
    expect(await set.find(set.account.management)).toMatchObject({ status: 'active', last_error: expect.stringContaining('IP allowlist') });
    expect(await set.find(set.account.keys[1] as string)).toMatchObject({ last_error: expect.stringContaining('IP allowlist') });
    set.world.simulator.setFault('*', null);
    await set.hours(2);
    expect((await set.list()).map(({ last_error: error }) => error)).toEqual([null, null, null]);
    await expectTruth(set);
  });

  it('lets a new key be stored, with the reason why it is not verified', async () => {
    const set = await createScenario({ keys: 1 });
    set.world.simulator.setFault('*', { kind: 'address_refused' });
    const [text] = set.account.keys as [string];
    const { status, body } = await set.world.json('POST', '/api/keys', { token: set.user.token, body: { name: 'mine', key: text } });
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ status: 'unverified', last_error: expect.stringContaining('IP allowlist') }),
    ]);
  });
});

describe('requests to free models', () => {
  it('are told as each key was told of its account, and not of keys that tell nothing themselves', async () => {
    const set = await createScenario({ keys: 2 });
    const [first, second] = set.account.keys as [string, string];
    await set.world.json('POST', '/api/keys', { token: set.user.token, body: { name: 'mine', key: first } });
    await set.add();
    set.world.simulator.spend(second, { model: 'meta-llama/llama-3.3-70b-instruct:free', requests: 12 });
    await set.hours(1);
    const told = { free_requests_limit: 1000, free_requests_remaining: 988, free_requests_used: 12 };
    expect(await set.find(first)).toMatchObject(told);
    expect(await set.find(set.account.management)).toMatchObject({ ...told, last_used_at: null });
    expect(await set.find(second)).toMatchObject({ free_requests_limit: null, free_requests_remaining: null, free_requests_used: null });
    set.world.simulator.alter((path) => async (answer) => {
      if (path !== '/key') return answer;
      const { data } = (await answer.json()) as { data: Record<string, unknown> };
      delete data['free_model_daily_requests'];
      return Response.json({ data });
    });
    await set.hours(1);
    expect(await set.find(first)).toMatchObject({ status: 'active', free_requests_limit: null, last_error: null });
  });
});

describe('bad answers', () => {
  it('a workspace that is refused: the others are read, nothing counts as gone, and it is said', async () => {
    const set = await createScenario({ keys: 3 });
    await set.add();
    const lab = await set.find(set.account.keys[2] as string);
    set.world.simulator.chooseFaults(
      isAbout(`/keys?include_disabled=true&workspace_id=${WORKSPACES[2]?.id}`, { kind: 'status', status: 403 }),
    );
    for (const text of set.account.keys) set.world.simulator.spend(text, { nano: 7 }, set.world.clock.now + 60_000);
    await set.hours(2);
    expect(await set.find(set.account.keys[2] as string)).toMatchObject({ id: lab.id, vanished_at: null, status: 'active' });
    expect((await set.find(set.account.management)).last_error).toContain('1 of 3 workspaces');
    expect((await set.find(set.account.keys[0] as string)).usage_usd).not.toBe((await set.find(set.account.keys[2] as string)).usage_usd);
    set.world.simulator.chooseFaults(() => null);
    await set.hours(1);
    expect((await set.find(set.account.management)).last_error).toBeNull();
    await expectTruth(set);
  });

  it('a workspace that disappears takes its keys along, with their history kept', async () => {
    const set = await createScenario({ keys: 3 });
    await set.add();
    set.world.simulator.removeWorkspace(WORKSPACES[2]?.id as string);
    await set.hours(1);
    expect(await set.find(set.account.keys[2] as string)).toMatchObject({ status: 'invalid', vanished_at: expect.any(String) });
    expect(await set.find(set.account.keys[0] as string)).toMatchObject({ status: 'active', vanished_at: null });
    expect(await total(set, `&key_id=${(await set.find(set.account.keys[2] as string)).id}`)).toBeGreaterThan(0);
  });

  it('too wide, too long, too many rows: the range is cut until it fits', async () => {
    for (const change of [{ slowBeyondDays: 5 }, { maxDays: 7 }, { maxRows: 60 }]) {
      const set = await createScenario({ keys: 2 });
      Object.assign(set.world.simulator.analytics, change);
      await set.add();
      await expectTruth(set);
      expect([change, (await set.find(set.account.keys[0] as string)).last_error]).toEqual([change, null]);
    }
  });

  it('a day with more rows than an answer holds is read by the day, and without providers if it must be', async () => {
    const set = await createScenario({ keys: 1, days: 2, chance: 1 });
    set.world.simulator.analytics.maxRows = 4;
    await set.add();
    const { body } = await set.world.json<{ by_model: { model: string; requests: number | null }[] }>('GET', '/api/v1/stats', {
      token: set.user.token,
    });
    expect(body.by_model.length).toBeGreaterThan(0);
    expect((await set.find(set.account.keys[0] as string)).last_error).toContain('history could not be synced');
    set.world.simulator.analytics.maxRows = 9;
    await set.hours(1);
    expect((await set.find(set.account.keys[0] as string)).last_error).toBeNull();
    const wanted = set.world.simulator.allSpends().find(([text]) => text === set.account.keys[0])?.[1] ?? [];
    expect(await total(set, `&key_id=${(await set.find(set.account.keys[0] as string)).id}`)).toBe(
      wanted.reduce((sum, { nano }) => sum + nano, 0),
    );
  });

  it('of every spelling mean the same', async () => {
    for (const style of [
      { prefix: 'created_at', time: 'iso', countsAsStrings: false, includesEnd: true },
      { prefix: 'date', time: 'iso', countsAsStrings: true, includesEnd: true },
      { prefix: 'created_at', time: 'space', countsAsStrings: true, includesEnd: false },
    ] as const) {
      const set = await createScenario({ keys: 1 });
      set.world.simulator.analytics.style = style;
      await set.add();
      await expectTruth(set);
    }
  });

  it('that are late are asked for again until they are whole', async () => {
    const set = await createScenario({ keys: 2 });
    set.world.simulator.analytics.lagMs = 20 * 60_000;
    await set.add();
    for (let hour = 0; hour < 30; hour++) {
      spendAtRandom(set.world.simulator, set.account, set.world.clock.now, set.world.clock.now + HOUR_MS, set.random, 0.5);
      await set.hours(1);
    }
    await set.hours(2);
    await expectTruth(set, 41, 31);
  });

  it('refused analytics are made up for by daily activity, until they are open', async () => {
    const set = await createScenario({ keys: 2, days: 20 });
    set.world.simulator.chooseFaults(isAbout(QUERY, { kind: 'status', status: 403 }));
    await set.add();
    await set.hours(20);
    const { body } = await set.world.json<{
      by_model: { model: string; cost_usd: number }[];
      by_key: { cost_usd: number; requests: number }[];
    }>('GET', '/api/v1/stats?to=2026-11-14', { token: set.user.token });
    expect(body.by_model.map(({ model }) => model)).toContain('anthropic/claude-haiku-4.5');
    const known = set.world.simulator.spentBetween(set.account.keys[0] as string, 0, startOfToday(set.world.clock.now));
    const id = (await set.find(set.account.keys[0] as string)).id;
    const until = `&to=${daysAgo(set.world.clock.now, 1)}`;
    const { body: one } = await set.world.json<{ totals: { cost_usd: number; cached_tokens: number } }>(
      'GET',
      `/api/v1/stats?from=2026-10-01${until}&key_id=${id}`,
      {
        token: set.user.token,
      },
    );
    expect(Math.round(one.totals.cost_usd * 1e9)).toBe(known.nano);
    const cached = (set.world.simulator.allSpends().find(([text]) => text === set.account.keys[0])?.[1] ?? [])
      .filter(({ at }) => at < startOfToday(set.world.clock.now))
      .reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
    expect([one.totals.cached_tokens, cached > 0]).toEqual([cached, true]);
    expect((await set.find(set.account.keys[0] as string)).last_error).toContain('30 days');
    set.world.simulator.chooseFaults(() => null);
    await set.hours(2);
    expect((await set.find(set.account.keys[0] as string)).last_error).toBeNull();
    expect(await total(set, `&key_id=${id}`)).toBe(
      set.world.simulator.spentBetween(set.account.keys[0] as string, 0, set.world.clock.now + 1).nano,
    );
  });

  it('that ask to wait, or refuse, are not asked more often for it', async () => {
    for (const [path, fault] of [
      [QUERY, { kind: 'status', status: 403 }],
      ['/activity', { kind: 'rate_limited', retryAfter: '300' }],
    ] as const) {
      const set = await createScenario({ keys: 60, days: 3, chance: 0.1 });
      set.world.simulator.chooseFaults(isAbout(path, fault));
      await set.add();
      const times = set.world.simulator.requests.filter((request) => [QUERY, '/activity'].includes(request.path)).map(({ at }) => at);
      expect(Math.max(...times.map((start) => times.filter((at) => at >= start && at < start + 60_000).length))).toBeLessThanOrEqual(64);
      const waits = set.world.simulator.requests.filter((request) => request.path === path).map(({ at }) => at);
      if (fault.kind === 'rate_limited') expect(new Set(waits.map((at) => Math.floor(at / 60_000))).size).toBeLessThanOrEqual(4);
      set.world.simulator.chooseFaults(() => null);
      await set.hours(2);
      await expectTruth(set, 4);
    }
  }, 30_000);

  it('whole listings that fail are tried again in the same run, and then in the next', async () => {
    const set = await createScenario({ keys: 1 });
    let refusals = 0;
    set.world.simulator.chooseFaults((path) => (path.startsWith('/workspaces') && refusals++ < 2 ? { kind: 'status', status: 503 } : null));
    await set.add();
    await expectTruth(set);
    set.world.simulator.chooseFaults(isAbout('/workspaces', { kind: 'status', status: 503 }));
    await set.hours(1);
    expect((await set.find(set.account.management)).last_error).toContain('could not be listed');
  });
});

describe('a management key', () => {
  it('that is revoked leaves its keys as they are, and says why they are not fresh', async () => {
    const set = await createScenario({ keys: 2 });
    await set.add();
    const before = await total(set);
    set.world.simulator.setFault(set.account.management, { kind: 'status', status: 401 });
    await set.hours(2);
    expect(await set.find(set.account.management)).toMatchObject({ status: 'invalid' });
    expect(await set.find(set.account.keys[0] as string)).toMatchObject({
      status: 'unverified',
      last_error: expect.stringContaining('management key'),
    });
    expect(await total(set)).toBe(before);
    const sync = await set.world.call('POST', `/api/keys/${(await set.find(set.account.keys[0] as string)).id}/sync`, {
      token: set.user.token,
    });
    expect(sync.status).toBe(400);
  });

  it('that becomes an ordinary one is read as such, and its keys keep their history', async () => {
    const set = await createScenario({ keys: 2 });
    await set.add();
    const before = await total(set);
    set.world.simulator.changeKey(set.account.management, { isManagement: false });
    const asked = queries(set.world);
    await set.hours(2);
    expect(await set.find(set.account.management)).toMatchObject({ kind: 'inference', status: 'active' });
    expect(await set.find(set.account.keys[0] as string)).toMatchObject({ status: 'unverified' });
    expect([queries(set.world), await total(set)]).toEqual([asked, before]);
    const { body: stats } = await set.world.json<{ as_of: string }>('GET', '/api/v1/stats', { token: set.user.token });
    expect(stats.as_of).toBe((await set.find(set.account.management)).last_synced_at);
    set.world.simulator.changeKey(set.account.management, { isManagement: true });
    await set.hours(2);
    expect(await set.find(set.account.keys[0] as string)).toMatchObject({ status: 'active' });
  });

  it('that is the second one of an account counts nothing twice, and takes over when the first one goes', async () => {
    const set = await createScenario({ keys: 3 });
    const first = await set.add();
    const before = await total(set);
    const text = freshKeyText();
    set.world.simulator.addKey(text, { isManagement: true });
    const second = await addManagement(set.world, set.user.token, text);
    expect((await set.list()).filter(({ kind }) => kind === 'discovered')).toHaveLength(3);
    expect(await set.find(text)).toMatchObject({ kind: 'management', managed_by: first, backfill: null });
    await set.hours(2);
    expect(await total(set)).toBe(before);
    expect((await set.world.call('DELETE', `/api/keys/${first}`, { token: set.user.token })).status).toBe(204);
    expect(await total(set)).toBe(before);
    await set.hours(2);
    expect(await total(set)).toBe(before);
    expect((await set.find(set.account.keys[0] as string)).managed_by).toBe(second);
    await expectTruth(set);
  });

  it('takes the account over from one that died', async () => {
    const set = await createScenario({ keys: 2 });
    await set.add();
    const text = freshKeyText();
    set.world.simulator.addKey(text, { isManagement: true });
    const second = await addManagement(set.world, set.user.token, text);
    set.world.simulator.setFault(set.account.management, { kind: 'status', status: 401 });
    await set.hours(4);
    expect((await set.find(set.account.keys[0] as string)).managed_by).toBe(second);
    await expectTruth(set);
  });

  it('of one user is nothing to another with the same account', async () => {
    const set = await createScenario({ keys: 2 });
    await set.add();
    const other = await set.world.makeUser();
    await addManagement(set.world, other.token, set.account.management);
    expect(await total({ world: set.world, user: other })).toBe(await total(set));
    const id = (await set.find(set.account.keys[0] as string)).id;
    expect((await set.world.call('GET', `/api/keys/${id}`, { token: other.token })).status).toBe(403);
    await set.world.call('DELETE', '/api/auth/me', { token: other.token, body: { password: other.password } });
    await set.world.drain();
    for (const table of [...LEDGER_TABLES, 'model_name']) {
      const left = await env.DB.prepare(`SELECT count(*) AS count FROM ${table} WHERE user_id = ?`).bind(other.id).first();
      expect([table, left]).toEqual([table, { count: 0 }]);
    }
    await expectTruth(set);
  });
});

describe('the cost of an account', () => {
  it('is no query for keys whose counters stand still, one for each that moved, and no ledger row for what is unchanged', async () => {
    const set = await createScenario({ keys: 4 });
    await set.add();
    await set.hours(1);
    const before = queries(set.world);
    await set.hours(3);
    expect(queries(set.world)).toBe(before);
    set.world.simulator.spend(set.account.keys[1] as string, { nano: 1 });
    await set.hours(1);
    expect(queries(set.world)).toBe(before + 1);
    await set.hours(2);
    expect(queries(set.world)).toBe(before + 1);
  });

  it('stays within 64 queries a minute for 500 keys', async () => {
    const set = await createScenario({ keys: 500, days: 3, chance: 0.02 });
    await set.add();
    const times = set.world.simulator.requests.filter(({ path }) => path === QUERY).map(({ at }) => at);
    expect(times.length).toBeGreaterThanOrEqual(500);
    const most = Math.max(...times.map((start) => times.filter((at) => at >= start && at < start + 60_000).length));
    expect(most).toBeLessThanOrEqual(64);
    expect((await set.list()).filter(({ kind }) => kind === 'discovered')).toHaveLength(500);
    await expectTruth(set, 3);
  }, 60_000);
});
