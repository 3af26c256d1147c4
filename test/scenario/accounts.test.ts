import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createSecretToken, hashSecretToken, TOKEN_PREFIX } from '../../src/crypto/secret-token.ts';
import { interruptDb } from '../support/spied-db.ts';
import { createVisitor } from '../support/visitor.ts';
import { createWorld, type World } from '../support/world.ts';

const PASSWORD = 'a quite unusual passphrase';
const freshEmail = (): string => `Somebody.${crypto.randomUUID()}@Example.org`;

async function insertLink(world: World, prefix: 'or_inv_' | 'or_pwr_', userId: number | null, lifeMs = 60_000): Promise<string> {
  const token = createSecretToken(prefix);
  await env.DB.prepare('INSERT INTO one_time_link (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)')
    .bind(await hashSecretToken(token), userId, world.clock.now, world.clock.now + lifeMs)
    .run();
  return token;
}

const login = (world: World, email: string, password: string) =>
  world.json<{ access_token: string; expires_in: number; detail: string }>('POST', '/api/auth/login', { body: { email, password } });

describe('registering and signing in', () => {
  it('goes from an account to a session, in any letter case of the email, to its end', async () => {
    const world = createWorld();
    const email = freshEmail();
    const registered = await world.json('POST', '/api/auth/register', { body: { email, password: PASSWORD } });
    expect(registered.status).toBe(201);
    expect(registered.body).toEqual({ id: expect.any(Number), email, created_at: new Date(world.clock.now).toISOString() });

    const signedIn = await login(world, email.toLowerCase(), PASSWORD);
    expect(signedIn).toMatchObject({ status: 200, body: { token_type: 'bearer', expires_in: 604_800 } });
    const token = signedIn.body.access_token;
    expect((await world.json('GET', '/api/auth/me', { token })).body).toEqual(registered.body);

    expect((await world.call('POST', '/api/auth/logout', { token })).status).toBe(204);
    const after = await world.call('GET', '/api/auth/me', { token });
    expect([after.status, after.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  it('refuses an email that is taken, in any letter case', async () => {
    const world = createWorld();
    const email = freshEmail();
    const register = (address: string) => world.call('POST', '/api/auth/register', { body: { email: address, password: PASSWORD } });
    expect((await register(email)).status).toBe(201);
    expect((await register(email.toUpperCase())).status).toBe(409);
  });

  it('lets one of many simultaneous registrations of an email win', async () => {
    const world = createWorld();
    const email = freshEmail();
    const statuses = await Promise.all(
      Array.from(
        { length: 8 },
        async () => (await world.call('POST', '/api/auth/register', { body: { email, password: PASSWORD } })).status,
      ),
    );
    expect(statuses.sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('says the same of an unknown email and a wrong password', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const compared: (string | null)[] = [];
    const { verify } = world.deps.passwords;
    world.deps.passwords.verify = (password, phc) => {
      compared.push(phc);
      return verify(password, phc);
    };
    const [unknown, wrong] = [await login(world, freshEmail(), PASSWORD), await login(world, user.email, 'another passphrase')];
    expect(unknown.status).toBe(401);
    expect(unknown.body).toEqual(wrong.body);
    const names = (headers: Headers) => [...headers.keys()].sort();
    expect(names(unknown.headers)).toEqual(names(wrong.headers));
    expect(compared).toEqual([null, expect.stringMatching(/^\$scrypt\$/)]);
  });

  it('ends a session when its time is over', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    world.clock.now += 7 * 86_400_000 - 1000;
    expect((await world.call('GET', '/api/auth/me', { token: user.token })).status).toBe(200);
    world.clock.now += 2000;
    expect((await world.call('GET', '/api/auth/me', { token: user.token })).status).toBe(401);
  });

  it('shows no session whose time is over', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const sessions = async (jwt: string) => JSON.parse((await createVisitor(world, jwt).visit('/account/export')).html).sessions.length;
    const second = await user.newSession();
    expect(await sessions(second)).toBe(2);
    world.clock.now += 7 * 86_400_000;
    expect(await sessions(await user.newSession())).toBe(1);
  });

  it('lets nobody in with a password that was changed while it was compared', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const { verify } = world.deps.passwords;
    world.deps.passwords.verify = async (password, phc) => {
      const isRight = await verify(password, phc);
      world.deps.passwords.verify = verify;
      const body = { current_password: user.password, new_password: 'another passphrase' };
      expect((await world.call('POST', '/api/auth/password', { token: user.token, body })).status).toBe(204);
      return isRight;
    };
    expect((await login(world, user.email, user.password)).status).toBe(401);
  });

  it('makes a hash of other parameters anew at sign-in', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const { hashPassword } = await import('../../src/crypto/password.ts');
    const set = env.DB.prepare('UPDATE user SET password_hash = ? WHERE id = ?');
    await set.bind(await hashPassword(user.password, { ln: 5, r: 1, p: 1 }), user.id).run();
    expect((await login(world, user.email, user.password)).status).toBe(200);
    const row = await env.DB.prepare('SELECT password_hash FROM user WHERE id = ?').bind(user.id).first<{ password_hash: string }>();
    expect(row?.password_hash).toMatch(/^\$scrypt\$ln=4,/);
    expect((await login(world, user.email, user.password)).status).toBe(200);
  });
});

describe('the throttle', () => {
  it('bears ten failures of an account in a quarter of an hour, however many come at once, and known or unknown alike', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (const email of [user.email, freshEmail()]) {
      const statuses = await Promise.all(Array.from({ length: 14 }, async () => (await login(world, email, 'wrong wrong wrong')).status));
      expect(statuses.filter((status) => status === 401)).toHaveLength(10);
      expect(statuses.filter((status) => status === 429)).toHaveLength(4);
    }
    world.clock.now += 60_000;
    const locked = await login(world, user.email, user.password);
    expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '840']);
    world.clock.now += 14 * 60_000;
    expect((await login(world, user.email, user.password)).status).toBe(200);
  });

  it('begins anew a quarter of an hour after the first failure', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (let failure = 0; failure < 10; failure++) await login(world, user.email, 'a wrong passphrase');
    world.clock.now += 15 * 60_000;
    for (let failure = 0; failure < 9; failure++) expect((await login(world, user.email, 'a wrong passphrase')).status).toBe(401);
    expect((await login(world, user.email, user.password)).status).toBe(200);
  });

  it('that is closed compares no password and writes nothing', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (let failure = 0; failure < 10; failure++) await login(world, user.email, 'a wrong passphrase');
    const failures = async () => (await env.DB.prepare('SELECT email_hash, failures FROM sign_in_failure ORDER BY 1').all()).results;
    const before = await failures();
    const compared: string[] = [];
    world.deps.passwords.verify = async (password) => compared.push(password) < 0;
    expect((await login(world, user.email, 'a wrong passphrase')).status).toBe(429);
    expect([compared, await failures()]).toEqual([[], before]);
  });

  it('answers no more than ten guesses at the end of a window either', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (let failure = 0; failure < 9; failure++) await login(world, user.email, 'a wrong passphrase');
    const last = world.clock.now + 15 * 60_000 - 1;
    const later: World = createWorld({
      now: last,
      db: interruptDb('INSERT INTO sign_in_failure', async () => {
        later.clock.now = last + 1;
      }),
    });
    let arrived = 0;
    const all = Promise.withResolvers<void>();
    later.deps.passwords.verify = async () => {
      arrived += 1;
      if (arrived === 20) all.resolve();
      await all.promise;
      return false;
    };
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await login(later, user.email, 'a wrong passphrase')).status),
    );
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(11);
  });

  it('does not count right passwords, however many come at once', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const statuses = await Promise.all(Array.from({ length: 14 }, async () => (await login(world, user.email, user.password)).status));
    expect(statuses).toEqual(Array(14).fill(200));
  });

  it('forgets failures after a success', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (let round = 0; round < 3; round++) {
      for (let failure = 0; failure < 4; failure++) await login(world, user.email, 'wrong wrong wrong');
      expect((await login(world, user.email, user.password)).status).toBe(200);
    }
  });

  it('stops an address after thirty attempts a minute, before anything is written', async () => {
    const world = createWorld();
    const headers = { 'cf-connecting-ip': '198.51.100.7' };
    const attempt = (path: string) =>
      world.call('POST', path, { headers, body: { email: freshEmail(), password: 'some other passphrase' } });
    const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await attempt('/api/auth/login')).status));
    expect(statuses.filter((status) => status === 401)).toHaveLength(30);
    const refused = await attempt('/api/auth/login');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    const count = () => env.DB.prepare('SELECT count(*) AS n FROM sign_in_failure').first<{ n: number }>();
    const before = await count();
    await attempt('/api/auth/login');
    expect(await count()).toEqual(before);
    expect((await attempt('/api/auth/register')).status).toBe(201);
  });
});

describe('the throttle by address', () => {
  const paths = ['/api/auth/register', '/api/auth/login', '/api/auth/reset-password', '/register', '/login', '/reset-password'];

  it.each(paths)('is in front of %s, whatever is sent', async (path) => {
    const world = createWorld();
    const headers = { 'cf-connecting-ip': `203.0.113.${paths.indexOf(path)}` };
    const attempt = async () => {
      if (path.startsWith('/api/')) return (await world.call('POST', path, { headers, body: {} })).status;
      return (await createVisitor(world).submit(path, {}, headers)).status;
    };
    for (let count = 0; count < 30; count++) expect(await attempt()).toBe(422);
    expect(await attempt()).toBe(429);
  });
});

describe('invitations', () => {
  it('let one person in, once, and leave nothing half-done', async () => {
    const world = createWorld({ config: { registration: 'invite' } });
    const register = (invite?: string, email = freshEmail()) =>
      world.call('POST', '/api/auth/register', { body: { email, password: PASSWORD, ...(invite && { invite }) } });
    expect((await register()).status).toBe(403);
    expect((await register('or_inv_nonsense')).status).toBe(403);
    expect((await register(createSecretToken(TOKEN_PREFIX.invitation))).status).toBe(403);
    expect((await register(await insertLink(world, 'or_inv_', null, -1))).status).toBe(403);

    const invite = await insertLink(world, 'or_inv_', null);
    const taken = await world.makeUser();
    expect((await register(invite, taken.email)).status).toBe(409);
    const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await register(invite)).status));
    expect(statuses.sort()).toEqual([201, 403, 403, 403, 403, 403]);
  });

  it('that do not hold tell nobody who has an account', async () => {
    const world = createWorld({ config: { registration: 'invite' } });
    const { email } = await world.makeUser();
    for (const invite of [createSecretToken(TOKEN_PREFIX.invitation), await insertLink(world, 'or_inv_', null, -1)])
      expect((await world.call('POST', '/api/auth/register', { body: { email, password: PASSWORD, invite } })).status).toBe(403);
  });
});

describe('passwords', () => {
  it('are changed with the present one, and all other sessions end', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const other = await user.newSession();
    const change = (current_password: string, new_password: string) =>
      world.json<{ errors: { path: string }[] }>('POST', '/api/auth/password', {
        token: user.token,
        body: { current_password, new_password },
      });
    const wrong = await change('not my password', 'another passphrase');
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ path: 'current_password' }] } });
    const weak = await change(user.password, 'password1234');
    expect(weak).toMatchObject({ status: 422, body: { errors: [{ path: 'new_password' }] } });
    const link = await insertLink(world, 'or_pwr_', user.id);
    expect((await change(user.password, 'another passphrase')).status).toBe(204);
    const reset = { token: link, new_password: 'a third passphrase' };
    expect((await world.call('POST', '/api/auth/reset-password', { body: reset })).status).toBe(403);
    expect((await world.call('GET', '/api/auth/me', { token: user.token })).status).toBe(200);
    expect((await world.call('GET', '/api/auth/me', { token: other })).status).toBe(401);
    expect((await login(world, user.email, user.password)).status).toBe(401);
    expect((await login(world, user.email, 'another passphrase')).status).toBe(200);
  });

  it('are changed by one of two who do so at once', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    world.deps.passwords.verify = async () => {
      arrived += 1;
      if (arrived === 2) both.resolve();
      await both.promise;
      return true;
    };
    const statuses = await Promise.all(
      ['another passphrase', 'a third passphrase'].map(async (new_password) => {
        const body = { current_password: user.password, new_password };
        return (await world.call('POST', '/api/auth/password', { token: user.token, body })).status;
      }),
    );
    expect(statuses.sort()).toEqual([204, 409]);
  });

  it('of a thousand characters at the most are compared: nobody has a book hashed', async () => {
    const world = createWorld();
    const { email } = await world.makeUser();
    const compared: number[] = [];
    world.deps.passwords.verify = async (password) => compared.push(password.length) < 0;
    expect((await login(world, email, 'x'.repeat(1000))).status).toBe(401);
    expect((await login(world, email, 'x'.repeat(1001))).status).toBe(422);
    expect(compared).toEqual([1000]);
  });

  it('stay as they were set, if a sign-in with the former one stores its hash anew after that', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const late: (() => Promise<unknown>)[] = [];
    const { defer } = world.deps;
    world.deps.passwords.needsRehash = () => true;
    world.deps.defer = (work) => void late.push(work);
    expect((await login(world, user.email, user.password)).status).toBe(200);
    world.deps.defer = defer;
    world.deps.passwords.needsRehash = () => false;
    const body = { current_password: user.password, new_password: 'another passphrase' };
    expect((await world.call('POST', '/api/auth/password', { token: user.token, body })).status).toBe(204);
    await Promise.all(late.map((work) => work()));
    expect((await login(world, user.email, user.password)).status).toBe(401);
    expect((await login(world, user.email, 'another passphrase')).status).toBe(200);
  });

  it('are none of the commonest, wherever they are set, and a link is not used up by one', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const token = await insertLink(world, 'or_pwr_', user.id);
    const set = (path: string, body: object) =>
      world.json<{ errors: unknown } | null>('POST', path, { body, ...(path.endsWith('password') && { token: user.token }) });
    const refused = (path: string) => ({
      status: 422,
      body: { errors: [{ path, message: 'Too common' }] },
    });
    expect(await set('/api/auth/register', { email: freshEmail(), password: '1QAZ2wsx3edc' })).toMatchObject(refused('password'));
    const change = { current_password: user.password, new_password: 'openrouter123' };
    expect(await set('/api/auth/password', change)).toMatchObject(refused('new_password'));
    expect(await set('/api/auth/reset-password', { token, new_password: 'leavemealone' })).toMatchObject(refused('new_password'));
    const good = { token, new_password: 'another passphrase' };
    expect((await world.call('POST', '/api/auth/reset-password', { body: good })).status).toBe(204);
  });

  it('are reset by a link, once, which ends all sessions and the throttle', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (let failure = 0; failure < 11; failure++) await login(world, user.email, 'wrong wrong wrong');
    const token = await insertLink(world, 'or_pwr_', user.id);
    const other = await insertLink(world, 'or_pwr_', user.id);
    const reset = (link: string) =>
      world.call('POST', '/api/auth/reset-password', { body: { token: link, new_password: 'another passphrase' } });
    expect((await reset('or_pwr_nonsense')).status).toBe(403);
    expect((await reset(await insertLink(world, 'or_pwr_', user.id, -1))).status).toBe(403);
    const statuses = await Promise.all(Array.from({ length: 4 }, async () => (await reset(token)).status));
    expect(statuses.sort()).toEqual([204, 403, 403, 403]);
    expect((await reset(other)).status).toBe(403);
    expect((await world.call('GET', '/api/auth/me', { token: user.token })).status).toBe(401);
    expect((await login(world, user.email, 'another passphrase')).status).toBe(200);
  });

  it('in requests that need them are throttled too', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const attempt = async () =>
      (await world.call('DELETE', '/api/auth/me', { token: user.token, body: { password: 'wrong wrong wrong' } })).status;
    for (let failure = 0; failure < 10; failure++) expect(await attempt()).toBe(422);
    expect(await attempt()).toBe(429);
  });
});

describe('deleting an account', () => {
  it('ends access at once and takes everything of the user, and nothing of others', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    for (const { token } of [user, other]) {
      const key = await world.makeKey(token);
      world.simulator.spend(key.text, { nano: 5 });
      world.clock.now += 60_000;
      await world.sync();
    }
    const made = await world.json<{ token: string }>('POST', '/api/tokens', { token: user.token, body: { name: 'ci' } });
    expect((await world.call('DELETE', '/api/auth/me', { token: user.token, body: { password: 'wrong wrong wrong' } })).status).toBe(422);
    expect((await world.call('DELETE', '/api/auth/me', { token: user.token, body: { password: user.password } })).status).toBe(204);
    expect((await world.call('GET', '/api/auth/me', { token: user.token })).status).toBe(401);
    expect((await world.call('GET', '/api/v1/stats', { token: made.body.token })).status).toBe(401);
    expect((await login(world, user.email, user.password)).status).toBe(401);
    await world.drain();
    for (const table of ['session', 'api_key', 'api_token', 'key_day', 'purge']) {
      const rows = (id: number) => env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE user_id = ?`).bind(id).first<{ n: number }>();
      expect([table, (await rows(user.id))?.n]).toEqual([table, 0]);
    }
    const stats = await world.json<{ totals: { cost_usd: number } }>('GET', '/api/v1/stats', { token: other.token });
    expect(stats.body.totals.cost_usd).toBe(5e-9);
  });

  it('takes its sums, though no key is left with which they would go', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    await env.DB.prepare("INSERT INTO day_sum VALUES (?, '2026-11-10', 0, '', '', '', '', '', '')").bind(user.id).run();
    const sums = () => env.DB.prepare('SELECT count(*) AS n FROM day_sum WHERE user_id = ?').bind(user.id).first<number>('n');
    expect(await sums()).toBe(1);
    expect((await world.call('DELETE', '/api/auth/me', { token: user.token, body: { password: user.password } })).status).toBe(204);
    expect(await sums()).toBe(0);
  });
});
