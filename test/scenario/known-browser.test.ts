/** Whoever fails on purpose locks out strangers, not the browsers in which the owner signed in before. */
import { describe, expect, it } from 'vitest';
import { TOKEN_PREFIX } from '../../src/crypto/secret-token.ts';
import { insertLink } from '../support/one-time-link.ts';
import { createVisitor, type Visit } from '../support/visitor.ts';
import { createWorld, type World } from '../support/world.ts';

const COOKIE = '__Host-browser';
const WRONG = 'not this one at all';

type User = Awaited<ReturnType<World['makeUser']>>;
type Visitor = ReturnType<typeof createVisitor>;

/** Another address each time, so that only the throttle of the account counts. */
let calls = 0;
const elsewhere = () => {
  calls += 1;
  return { 'cf-connecting-ip': `198.51.${calls % 250}.${Math.floor(calls / 250)}` };
};

const signIn = (visitor: Visitor, user: User, password = user.password): Promise<Visit> =>
  visitor.submit('/login', { email: user.email, password }, elsewhere());

/** A browser in which the user signed in, and out again. */
async function knownBrowser(world: World, user: User): Promise<Visitor> {
  const visitor = createVisitor(world);
  expect((await signIn(visitor, user)).status).toBe(303);
  await visitor.follow('/logout');
  return visitor;
}

/** A browser that shows this cookie and no other. */
function withCookie(world: World, value: string): Visitor {
  const visitor = createVisitor(world);
  visitor.cookies.set(COOKIE, value);
  return visitor;
}

async function attack(world: World, user: User): Promise<void> {
  const attacker = createVisitor(world);
  const statuses = await Promise.all(Array.from({ length: 14 }, async () => (await signIn(attacker, user, WRONG)).status));
  expect([statuses.filter((status) => status === 401).length, statuses.filter((status) => status === 429).length]).toEqual([10, 4]);
}

describe('a browser in which somebody signed in before', () => {
  it('gets in while strangers have locked the account, who stay locked out', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const owner = await knownBrowser(world, user);
    await attack(world, user);
    expect((await signIn(createVisitor(world), user)).status).toBe(429);
    expect((await signIn(owner, user)).status).toBe(303);
    expect((await signIn(createVisitor(world), user)).status).toBe(429);
    expect((await world.call('POST', '/api/auth/login', { body: { email: user.email, password: user.password } })).status).toBe(429);
  });

  it('is one in which somebody registered, too', async () => {
    const world = createWorld();
    const owner = createVisitor(world);
    const user = { ...(await world.makeUser()), email: `new.${crypto.randomUUID()}@example.org`, password: 'a canary sings at dawn' };
    await owner.follow('/register', { email: user.email, password: user.password });
    await owner.follow('/logout');
    await attack(world, user);
    expect((await signIn(owner, user)).status).toBe(303);
  });

  it('has ten failures of its own, however many come at once, which count for nobody else', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const [first, second] = [await knownBrowser(world, user), await knownBrowser(world, user)];
    const statuses = await Promise.all(Array.from({ length: 25 }, async () => (await signIn(first, user, WRONG)).status));
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(15);
    expect((await signIn(first, user)).status).toBe(429);
    expect((await signIn(createVisitor(world), user)).status).toBe(303);
    expect((await signIn(second, user)).status).toBe(303);
    world.clock.now += 15 * 60_000;
    expect((await signIn(first, user)).status).toBe(303);
  });

  it('stays one browser when it signs in again: no attempts are won by that', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const owner = await knownBrowser(world, user);
    const before = owner.cookies.get(COOKIE) ?? '';
    expect((await signIn(owner, user)).status).toBe(303);
    const after = owner.cookies.get(COOKIE) ?? '';
    expect(after).not.toBe(before);
    for (let failure = 0; failure < 10; failure++) await signIn(withCookie(world, before), user, WRONG);
    expect((await signIn(withCookie(world, after), user)).status).toBe(429);
  });

  it('has a cookie for a year that only this host gets, that tells nothing, and that opens nothing', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const line = (await signIn(createVisitor(world), user)).headers.getSetCookie().find((cookie) => cookie.startsWith(`${COOKIE}=`)) ?? '';
    expect(line).toMatch(/; Max-Age=31536000; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const value = decodeURIComponent(/=([^;]*)/.exec(line)?.[1] ?? '');
    expect(value).not.toContain(user.email);
    expect(value).toMatch(/^v1\.[\w-]+\.[\w-]+\.[\w-]+$/);
    const visitor = withCookie(world, value);
    for (const name of ['__Host-session', '__Host-flash', 'session']) visitor.cookies.set(name, value);
    for (const path of ['/dashboard', '/keys', '/account']) expect((await visitor.visit(path)).status).toBe(303);
    expect((await world.call('GET', '/api/auth/me', { token: value })).status).toBe(401);
    expect((await world.call('GET', '/api/v1/keys', { token: value })).status).toBe(401);
    expect((await signIn(visitor, user, WRONG)).status).toBe(401);
  });

  it('is known for its own account only', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    const owner = await knownBrowser(world, user);
    await attack(world, other);
    expect((await signIn(owner, other)).status).toBe(429);
    expect((await signIn(owner, user)).status).toBe(303);
  });

  it('has ten failures for each account that is signed in to in it', async () => {
    const world = createWorld();
    const [first, second] = [await world.makeUser(), await world.makeUser()];
    const visitor = await knownBrowser(world, first);
    const cookie = visitor.cookies.get(COOKIE) ?? '';
    expect((await signIn(visitor, second)).status).toBe(303);
    for (let failure = 0; failure < 10; failure++) await signIn(withCookie(world, cookie), first, WRONG);
    expect((await signIn(withCookie(world, cookie), first)).status).toBe(429);
    expect((await signIn(visitor, second)).status).toBe(303);
  });

  it('is a stranger with a cookie that was made up, altered, written for something else, or is a year old', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const owner = await knownBrowser(world, user);
    const cookie = owner.cookies.get(COOKIE) ?? '';
    const session = createVisitor(world);
    await signIn(session, user);
    await session.submit('/tokens', { name: 'x' });
    await attack(world, user);
    const altered = `${cookie.slice(0, -2)}${cookie.endsWith('A') ? 'BB' : 'AA'}`;
    const made = btoa(JSON.stringify({ userId: user.id, browserId: 'x', passwordMark: '', since: world.clock.now }));
    for (const value of [
      altered,
      made,
      'v1.k.x.y',
      '%',
      session.cookies.get('__Host-flash') ?? '',
      session.cookies.get('__Host-session') ?? '',
    ]) {
      expect([value, (await signIn(withCookie(world, value), user)).status]).toEqual([value, 429]);
    }
    world.clock.now += 365 * 86_400_000;
    await attack(world, user);
    expect((await signIn(withCookie(world, cookie), user)).status).toBe(429);
  });

  it('is a stranger after the password was changed or reset', async () => {
    const world = createWorld();
    for (const change of ['changed', 'reset']) {
      const user = await world.makeUser();
      const owner = await knownBrowser(world, user);
      const password = 'completely different words';
      if (change === 'changed') {
        const body = { current_password: user.password, new_password: password };
        expect((await world.call('POST', '/api/auth/password', { token: user.token, body })).status).toBe(204);
      } else {
        const token = await insertLink(world, TOKEN_PREFIX.passwordReset, user.id);
        await createVisitor(world).follow('/reset-password', { token, new_password: password });
      }
      await attack(world, user);
      expect([change, (await signIn(owner, user, password)).status]).toEqual([change, 429]);
    }
  });
});

describe('a session', () => {
  it('confirms with its password while strangers have locked the account, and has ten failures of its own', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    await attack(world, user);
    const change = (token: string, current_password: string) =>
      world.call('POST', '/api/auth/password', { token, body: { current_password, new_password: 'completely different words' } });
    const statuses = await Promise.all(Array.from({ length: 14 }, async () => (await change(user.token, WRONG)).status));
    expect(statuses.filter((status) => status === 422)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(4);
    expect((await change(user.token, user.password)).status).toBe(429);
    expect((await change(await user.newSession(), user.password)).status).toBe(204);
  });

  it('is not locked by a sign-in with an email of its throttle’s name', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (let session = 0; session < 30; session++) {
      for (const email of [`session:${session}`, `browser:${session}`]) {
        await world.call('POST', '/api/auth/login', { body: { email, password: WRONG }, headers: elsewhere() });
      }
    }
    const body = { password: user.password };
    expect((await world.call('DELETE', '/api/auth/me', { token: user.token, body })).status).toBe(204);
  });
});
