/** Guards behind other guards: what would go unnoticed in every other test if one of them were taken out (`npm run mutate`). */
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Actor } from '../../src/actor.ts';
import { createChannel } from '../../src/alerts/channels/actions.ts';
import { createSecretToken, hashSecretToken, TOKEN_PREFIX } from '../../src/crypto/secret-token.ts';
import { saveView } from '../../src/explore/store.ts';
import { keysAnswerSchema, workspacesAnswerSchema } from '../../src/openrouter/account.ts';
import { deleteAccount } from '../../src/user-data/actions.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import { createSimulator } from '../support/openrouter/simulator.ts';
import { tapDb } from '../support/spied-db.ts';
import { createTwoUsers, ME, OTHER } from '../support/two-users.ts';
import { createVisitor } from '../support/visitor.ts';
import { createWorld, freshKeyText, type World } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const SECURE = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
  'cache-control': 'no-store',
};

describe('a session', () => {
  it('ends when its row says so, whatever its token says', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const look = async () => [
      (await world.call('GET', '/api/auth/me', { token: user.token })).status,
      (await createVisitor(world, user.token).visit('/dashboard')).status,
    ];
    expect(await look()).toEqual([200, 200]);
    await env.DB.prepare('UPDATE session SET expires_at = ? WHERE user_id = ?').bind(world.clock.now, user.id).run();
    expect(await look()).toEqual([401, 303]);
  });
});

describe('the lock of an account', () => {
  it('is asked for again once a password was found right: it may have been closed meanwhile', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const attempt = async (password: string) =>
      (await world.call('POST', '/api/auth/login', { body: { email: user.email, password } })).status;
    const { verify } = world.deps.passwords;
    const failed = Promise.withResolvers<void>();
    world.deps.passwords.verify = async (password, phc) => {
      if (password === user.password) await failed.promise;
      return verify(password, phc);
    };
    const right = attempt(user.password);
    for (let guess = 0; guess < 10; guess++) expect(await attempt('a wrong passphrase')).toBe(401);
    failed.resolve();
    expect(await right).toBe(429);
  });
});

describe('signing out everywhere else', () => {
  it('ends every other session of the user, and keeps the one that asks', async () => {
    const world = createWorld();
    const [user, stranger] = [await world.makeUser(), await world.makeUser()];
    const jwt = await user.newSession();
    expect((await createVisitor(world, jwt).submit('/account/sessions')).status).toBe(303);
    const statuses = [jwt, user.token, stranger.token].map(async (token) => (await world.call('GET', '/api/auth/me', { token })).status);
    expect(await Promise.all(statuses)).toEqual([200, 401, 200]);
  });
});

describe('a one-time link', () => {
  it('is refused by its form, before the database is asked', async () => {
    const asked: string[] = [];
    const world = createWorld({ db: tapDb((text) => void asked.push(text)), config: { registration: 'invite' } });
    const user = await world.makeUser();
    for (const [prefix, userId] of [
      [TOKEN_PREFIX.invitation, null],
      [TOKEN_PREFIX.passwordReset, user.id],
    ] as const) {
      // Stored, so that nothing but the form of it is wrong.
      const token = `${createSecretToken(prefix).slice(0, -6)}000000`;
      await env.DB.prepare('INSERT INTO one_time_link (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)')
        .bind(await hashSecretToken(token), userId, world.clock.now, world.clock.now + HOUR_MS)
        .run();
      const [path, body] =
        userId === null
          ? ['/api/auth/register', { email: 'new.one@example.org', password: 'another passphrase', invite: token }]
          : ['/api/auth/reset-password', { token, new_password: 'another passphrase' }];
      asked.length = 0;
      expect([path, (await world.call('POST', path, { body })).status, asked]).toEqual([path, 403, []]);
    }
  });
});

describe('guesses', () => {
  const attempt = async (world: World, email: string, address: string) => {
    const headers = { 'cf-connecting-ip': address };
    return (await world.call('POST', '/api/auth/login', { body: { email, password: 'a wrong passphrase' }, headers })).status;
  };

  it('count for one account, however its address is written', async () => {
    const world = createWorld();
    const { email } = await world.makeUser();
    for (let guess = 0; guess < 10; guess++)
      expect(await attempt(world, guess % 2 === 0 ? email : email.toUpperCase(), '192.0.2.77')).toBe(401);
    expect(await attempt(world, email.toUpperCase(), '192.0.2.77')).toBe(429);
    expect(await attempt(world, email, '192.0.2.77')).toBe(429);
  });

  it('count for one network of IPv6, whatever host of it they come from', async () => {
    const world = createWorld();
    const statuses: number[] = [];
    for (let guess = 0; guess < 31; guess++)
      statuses.push(await attempt(world, `nobody${guess}@example.org`, `2001:db8:7:1::${guess.toString(16)}`));
    expect(statuses).toEqual([...Array(30).fill(401), 429]);
    expect(await attempt(world, 'nobody@example.org', '2001:db8:7:2::1')).toBe(401);
  });
});

describe('an account that is deleted', () => {
  it('takes every row of its user, in every table, and none of anybody else', async () => {
    const users = createTwoUsers();
    const deferred: (() => Promise<unknown>)[] = [];
    const world = createWorld({ db: users.binding });
    await world.deps.enqueue([{ job: 'purge' }]);
    await world.drain();
    const before = users.rowsOf(OTHER);
    world.deps.passwords.verify = async () => true;
    world.deps.defer = (work) => void deferred.push(work);
    await deleteAccount(world.deps, { kind: 'user', userId: ME, sessionId: 0 }, { password: 'x' });
    await Promise.all(deferred.map((work) => work()));
    await world.drain();
    const left = Object.entries(users.rowsOf(ME)).filter(([, rows]) => rows.length > 0);
    expect(left).toEqual([['audit_event', [expect.objectContaining({ action: 'account_deleted' })]]]);
    expect(users.rowsOf(OTHER)).toEqual(before);
  });
});

describe('the audit log', () => {
  it('tells of what ended sessions, also of the one that did it', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const jwt = await user.newSession();
    expect((await createVisitor(world, jwt).submit('/account/sessions')).status).toBe(303);
    await world.call('POST', '/api/auth/logout', { token: jwt });
    const token = createSecretToken('or_pwr_');
    await env.DB.prepare('INSERT INTO one_time_link (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)')
      .bind(await hashSecretToken(token), user.id, world.clock.now, world.clock.now + HOUR_MS)
      .run();
    await world.call('POST', '/api/auth/reset-password', { body: { token, new_password: 'another passphrase' } });
    const { results } = await env.DB.prepare('SELECT action, session_id AS session FROM audit_event WHERE user_id = ?').bind(user.id).all();
    const session = expect.any(Number);
    expect(results).toEqual([
      { action: 'sessions_ended', session },
      { action: 'signed_out', session },
      { action: 'password_reset', session: null },
    ]);
  });
});

describe('a receiver of alerts', () => {
  /** A channel on this machine, and a way to send it a test. */
  async function setUp(world: World) {
    const { id: userId, token } = await world.makeUser();
    const actor: Actor = { kind: 'user', userId, sessionId: 0 };
    const { id } = await createChannel(
      world.deps,
      actor,
      { type: 'slack', name: 'x', url: 'http://localhost:9/x', add_to_rules: false },
      'http://localhost:8787',
    );
    return async () => {
      world.clock.now += 1000;
      await world.call('POST', `/api/channels/${id}/test`, { token });
      await world.drain();
      return (await world.json<{ last_error: string | null }[]>('GET', '/api/channels', { token })).body.map((one) => one.last_error);
    };
  }

  it('on this machine is sent nothing any more once the monitor is elsewhere', async () => {
    const world = createWorld();
    const test = await setUp(world);
    expect(await test()).toEqual([null]);
    await env.DB.prepare("UPDATE channel SET origin = 'https://monitor.test' WHERE origin = 'http://localhost:8787'").run();
    expect(await test()).toEqual(['The address is not https.']);
    expect(world.received).toHaveLength(1);
  });

  it('that does not answer is given up after ten seconds', async () => {
    const world = createWorld();
    const test = await setUp(world);
    const over = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(over.signal);
    world.receiver.answer = async () => {
      over.abort(new DOMException('', 'TimeoutError'));
      const { signal } = world.received.at(-1)?.init ?? {};
      return signal?.aborted ? Promise.reject(signal.reason) : new Response('late');
    };
    expect(await test()).toEqual(['The receiver did not answer within 10 seconds.']);
    expect(timeout.mock.calls).toEqual([[10_000]]);
    timeout.mockRestore();
  });
});

describe('every answer', () => {
  it.each(['/', '/login', '/dashboard', '/nowhere', '/api/keys', '/api/nowhere', '/health', '/openapi.json', '/docs'])(
    '%s has exactly the headers that keep a browser safe',
    async (path) => {
      const world = createWorld();
      for (const token of [undefined, (await world.makeUser()).token]) {
        const { headers } = await createVisitor(world, token).visit(path);
        const found = Object.fromEntries(Object.keys(SECURE).map((name) => [name, headers.get(name)]));
        expect(found).toEqual({ ...SECURE, 'cache-control': expect.stringMatching(/no-store|no-cache|max-age/) });
      }
    },
  );
});

describe('a route', () => {
  it('asks who is there before it looks at what was sent', async () => {
    const world = createWorld();
    for (const [method, path] of [
      ['POST', '/api/tokens'],
      ['POST', '/api/channels'],
      ['GET', '/api/v1/stats?from=nonsense'],
    ] as const) {
      const { status, headers } = await world.call(method, path, method === 'POST' ? { body: {} } : {});
      expect([path, status, headers.get('server-timing')]).toEqual([path, 401, null]);
    }
  });

  it('takes a name that people can read, of a length that fits, and a body of 64 KiB', async () => {
    const world = createWorld();
    const { token } = await world.makeUser();
    const add = async (name: string) => (await world.call('POST', '/api/tokens', { token, body: { name } })).status;
    expect(await add('x'.repeat(100))).toBe(201);
    for (const name of ['x'.repeat(101), '\ud800', 'a\u0000b', 'a\nb']) expect([name, await add(name)]).toEqual([name, 422]);
    expect(await add('x'.repeat(70_000))).toBe(413);
  });
});

describe('an answer’s tag', () => {
  it('is of its user: that of somebody else is not theirs', async () => {
    const world = createWorld();
    const tagOf = async () => {
      const { token } = await world.makeUser();
      return (await world.call('GET', '/api/v1/stats', { token })).headers.get('etag');
    };
    const [mine, theirs] = [await tagOf(), await tagOf()];
    expect(mine).toMatch(/^(W\/)?"/);
    expect(mine).not.toBe(theirs);
  });

  it('is of what is stored of the user, whose token asks', async () => {
    const world = createWorld();
    const users = [await world.makeUser(), await world.makeUser()];
    for (const { token } of users) {
      const made = await world.json<{ token: string }>('POST', '/api/tokens', { token, body: { name: 'x' } });
      const tag = async () => (await world.call('GET', '/api/v1/stats', { token: made.body.token })).headers.get('etag');
      const first = await tag();
      await world.makeKey(token);
      expect(await tag()).not.toBe(first);
    }
  });

  it('is another one for another question, and once anything else is stored', async () => {
    const world = createWorld();
    const { token } = await world.makeUser();
    const tagOf = async (query = '') => (await world.call('GET', `/api/v1/stats${query}`, { token })).headers.get('etag');
    const first = await tagOf();
    expect(await tagOf()).toBe(first);
    expect(await tagOf('?from=2026-11-01&to=2026-11-02')).not.toBe(first);
    await world.makeKey(token);
    expect(await tagOf()).not.toBe(first);
  });
});

describe('what goes wrong inside', () => {
  it.each(['no database failed', 'D1_ERROR: near "x": syntax error'])('reaches nobody, in the API and on pages: %s', async (inside) => {
    let isBroken = false;
    const world = createWorld({
      db: tapDb(() => {
        if (isBroken) throw new Error(inside);
      }),
    });
    const { token } = await world.makeUser();
    isBroken = true;
    const answers = [await world.call('GET', '/api/keys', { token }), await createVisitor(world, token).visit('/keys')];
    for (const answer of answers) {
      expect(answer.status).toBe(inside.startsWith('D1_') ? 503 : 500);
      expect('html' in answer ? answer.html : await answer.text()).not.toContain(inside);
    }
    expect(takeLoggedErrors()).toHaveLength(2);
  });
});

describe('a form', () => {
  it('shows no key that was typed into a wrong field', async () => {
    const world = createWorld();
    const visitor = createVisitor(world, (await world.makeUser()).token);
    const text = freshKeyText();
    for (const [path, fields] of Object.entries({
      '/keys': { name: text, key: 'nonsense' },
      '/tokens': { name: `${text} ${'x'.repeat(100)}` },
      '/login': { email: text, password: 'x' },
      '/alerts/channels': { type: 'slack', name: text, url: 'nonsense' },
    })) {
      const { status, html } = await visitor.submit(path, fields);
      expect([path, status >= 303, html.includes(text)]).toEqual([path, true, false]);
    }
  });
});

describe('saved views', () => {
  it('stop at the limit; one that is there is saved anew all the same', async () => {
    const world = createWorld();
    const { id: userId } = await world.makeUser();
    const save = (name: string) => saveView(world.deps.db, { userId, name, query: 'by=key', createdAt: world.clock.now }, 2);
    expect([await save('a'), await save('b'), await save('c'), await save('b')]).toEqual([true, true, false, true]);
  });
});

describe('what OpenRouter calls a thing', () => {
  it('is shown as far as it is a name, or the mask of a key', async () => {
    const simulator = createSimulator({ now: () => Date.parse('2026-11-15T12:00:00Z') });
    const management = freshKeyText();
    const long = 'n'.repeat(10_000);
    simulator.addKey(management, { isManagement: true });
    simulator.addKey(freshKeyText(), { name: long });
    const ask = async (path: string) => {
      const request = new Request(`https://openrouter.test/api/v1${path}`, { headers: { authorization: `Bearer ${management}` } });
      return (await (await simulator.answer(request)).json()) as { data: Record<string, unknown>[] };
    };
    const { data } = await ask('/keys?include_disabled=true');
    const relabelled = (label: string) => keysAnswerSchema.parse({ data: data.map((row) => ({ ...row, label })) }).data;
    expect(relabelled('sk-or-v1-abc...xyz').map(({ label }) => label)).toContain('sk-or-v1-abc...xyz');
    for (const label of [management, long, '<b>', 'sk-or-v1-abc...xyz and more'])
      expect(new Set(relabelled(label).map((row) => row.label))).toEqual(new Set(['sk-or-v1-...']));
    expect(Math.max(...relabelled('').map(({ name }) => name.length))).toBe(300);
    const workspaces = await ask('/workspaces');
    const named = (fields: object) => workspacesAnswerSchema.safeParse({ data: workspaces.data.map((row) => ({ ...row, ...fields })) });
    expect(named({ name: long }).data?.data[0]?.name).toHaveLength(300);
    expect(named({ id: long }).success).toBe(false);
  });
});
