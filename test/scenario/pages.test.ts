import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { alertPages } from '../../src/alerts/pages.tsx';
import { TOKEN_PREFIX } from '../../src/crypto/secret-token.ts';
import { dashboardPages } from '../../src/dashboard/pages.tsx';
import { explorePages } from '../../src/explore/pages.tsx';
import { keyPages } from '../../src/key-pages/pages.tsx';
import { DAY_MS } from '../../src/lib/day.ts';
import { tokenPages } from '../../src/tokens/pages.tsx';
import { userDataPages } from '../../src/user-data/pages.tsx';
import { userPages } from '../../src/users/pages.tsx';
import { signInPages } from '../../src/users/sign-in-pages.tsx';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import { insertLink } from '../support/one-time-link.ts';
import { makeThing } from '../support/routes.ts';
import { createScenario } from '../support/scenario.ts';
import { countTrips, spyDb, tapDb } from '../support/spied-db.ts';
import { createVisitor, messageIn } from '../support/visitor.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

const PASSWORD = 'a quite unusual passphrase';
const freshEmail = () => `${crypto.randomUUID().slice(0, 8)}@example.org`;

const rooms = [signInPages, dashboardPages, explorePages, keyPages, alertPages, tokenPages, userPages, userDataPages];
const routes = rooms.flatMap(({ router }) => router.routes);
const forms = [...new Set(routes.filter(({ method }) => method === 'POST').map(({ path }) => path))];
const pages = rooms.flatMap((room) => [...room.pages]);
const OPEN = new Set(['/', '/login', '/register', '/reset-password']);

describe('the way in', () => {
  it('registers, signs in and out, with a cookie that only this host gets back', async () => {
    const world = createWorld();
    const visitor = createVisitor(world);
    const email = freshEmail();
    const registered = await visitor.submit('/register', { email, password: PASSWORD, time_zone: 'Europe/Rome' });
    expect([registered.status, registered.location]).toEqual([303, '/dashboard']);
    const cookie = registered.headers.getSetCookie().find((line) => line.startsWith('__Host-session='));
    expect(cookie).toMatch(/; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const first = await visitor.visit('/dashboard');
    expect(messageIn(first)).toContain('Your account is ready');
    expect(first.html).toContain('value="Europe/Rome"');
    expect(messageIn(await visitor.visit('/dashboard'))).toBeNull();
    for (const path of ['/', '/login']) expect([path, (await visitor.visit(path)).location]).toEqual([path, '/dashboard']);

    const session = visitor.cookies.get('__Host-session') ?? '';
    expect(messageIn(await visitor.follow('/logout'))).toBe('You are signed out.');
    expect(visitor.cookies.has('__Host-session')).toBe(false);
    expect((await createVisitor(world, session).visit('/dashboard')).location).toBe('/login?next=%2Fdashboard');
    const signedIn = await visitor.submit('/login', { email, password: PASSWORD, next: '/keys?x=1' });
    expect(signedIn.location).toBe('/keys?x=1');
    await visitor.follow('/logout');
    expect((await visitor.submit('/login', { email, password: PASSWORD, next: 'https://evil.example/' })).location).toBe('/dashboard');
  });

  it('ends the session that the browser had when another one begins, and only then', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    const visitor = createVisitor(world, user.token);
    const isAlive = async (token: string) => (await world.call('GET', '/api/auth/me', { token })).status === 200;
    expect((await visitor.submit('/login', { email: other.email, password: 'not this one at all' })).status).toBe(401);
    expect(await isAlive(user.token)).toBe(true);
    expect((await visitor.submit('/login', { email: other.email, password: other.password })).status).toBe(303);
    const second = visitor.cookies.get('__Host-session') ?? '';
    expect([await isAlive(user.token), await isAlive(second), await isAlive(other.token)]).toEqual([false, true, true]);
    expect((await visitor.submit('/register', { email: freshEmail(), password: PASSWORD })).status).toBe(303);
    expect([await isAlive(second), await isAlive(visitor.cookies.get('__Host-session') ?? '')]).toEqual([false, true]);
  });

  it('takes a zone that is none for UTC, and asks for an invitation where one is needed', async () => {
    const world = createWorld({ config: { registration: 'invite' } });
    const visitor = createVisitor(world);
    expect((await visitor.visit('/register')).html).toContain('Registration is by invitation. Open your invitation link');
    expect((await visitor.visit('/register?invite=%3Cscript%3Ealert(1)%3C/script%3E')).html).not.toContain('<script>');
    const invite = await insertLink(world, TOKEN_PREFIX.invitation, null);
    expect((await visitor.visit(`/register?invite=${invite}`)).html).toContain('Create account');
    const refused = await visitor.submit('/register', { email: freshEmail(), password: PASSWORD, invite: 'or_inv_wrong' });
    expect([refused.status, messageIn(refused)]).toEqual([403, 'Registration needs a valid invitation: unused and not expired.']);
    const accepted = await visitor.follow('/register', { email: freshEmail(), password: PASSWORD, invite, time_zone: 'Mars/Olympus' });
    expect(accepted.html).toContain('value="UTC"');
  });

  it('sets a new password with a link, once', async () => {
    const world = createWorld();
    const [visitor, user] = [createVisitor(world), await world.makeUser()];
    const token = await insertLink(world, TOKEN_PREFIX.passwordReset, user.id);
    const password = 'completely different words';
    expect((await visitor.visit(`/reset-password?token=${token}`)).html).toContain(token);
    const short = await visitor.submit('/reset-password', { token, new_password: 'short' });
    expect([short.status, short.html.includes('Must have 12 to 128 characters'), short.html.includes(token)]).toEqual([422, true, true]);
    expect(messageIn(await visitor.follow('/reset-password', { token, new_password: password }))).toContain('Password set');
    expect((await visitor.submit('/reset-password', { token, new_password: password })).status).toBe(403);
    expect((await visitor.submit('/login', { email: user.email, password })).status).toBe(303);
  });

  it('keeps what was typed, but no password, and says how long to wait', async () => {
    const world = createWorld();
    const visitor = createVisitor(world);
    const user = await world.makeUser();
    const wrong = await visitor.submit('/login', { email: user.email, password: 'not this one at all' });
    expect([wrong.status, messageIn(wrong)]).toEqual([401, 'Wrong email or password.']);
    expect(wrong.html).toContain(`value="${user.email}"`);
    expect(wrong.html).not.toContain('not this one at all');
    for (let tries = 0; tries < 9; tries++) await visitor.submit('/login', { email: user.email, password: 'not this one at all' });
    const locked = await visitor.submit('/login', { email: user.email, password: PASSWORD });
    expect([locked.status, Number(locked.headers.get('retry-after')) > 0]).toEqual([429, true]);
    for (let tries = 0; tries < 30; tries++) await visitor.submit('/login', { email: user.email, password: PASSWORD });
    const throttled = await visitor.submit('/login', { email: user.email, password: PASSWORD });
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '60']);
    expect(throttled.html).toContain('Too many attempts from this address');
  });
});

describe('every form', () => {
  it('is known to this table', () => {
    expect(forms.length).toBeGreaterThanOrEqual(17);
    expect(pages.length).toBeGreaterThanOrEqual(11);
  });

  it.each(forms)('%s refuses what another site sends, and what is no form', async (path) => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    const visitor = createVisitor(world, user.token);
    const here = path.replace(':id', String(key.id));
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'https://sub.monitor.test' },
      { 'sec-fetch-site': '', origin: 'https://evil.example' },
      { 'sec-fetch-site': '', origin: 'null' },
    ])
      expect([headers, (await visitor.submit(here, {}, headers)).status]).toEqual([headers, 403]);
    expect((await visitor.submit(here, {}, { 'content-type': 'application/json' })).status).toBe(400);
    expect((await visitor.submit(here, {}, { 'content-type': 'text/plain', 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await visitor.send('PUT', here)).status).toBe(405);
    const large = await visitor.submit(here, { name: 'x'.repeat(70_000) });
    expect(large.status).toBe(413);
    expect((await world.json('GET', '/api/keys', { token: user.token })).body).toMatchObject([{ id: key.id, is_active: true }]);
  });

  it.each(forms.filter((path) => !OPEN.has(path)))('%s does nothing for nobody, and says so after the sign-in page', async (path) => {
    const visitor = createVisitor(createWorld());
    const sent = await visitor.submit(path.replace(':id', '1'), { name: 'x' });
    expect([sent.status, sent.location]).toEqual([303, '/login']);
    expect(messageIn(await visitor.visit('/login'))).toContain('nothing was done');
  });

  it.each(forms.filter((path) => path.includes(':id')))('%s refuses what is somebody else’s, and what is not there', async (path) => {
    const world = createWorld();
    const [owner, other] = [await world.makeUser(), await world.makeUser()];
    const id = await makeThing(world, owner, path);
    const visitor = createVisitor(world, other.token);
    const fields = {
      ...(path.endsWith('/rules/:id') && { type: 'key_invalid' }),
      ...(path.endsWith('/snooze') && { hours: '24' }),
      ...(path.endsWith('/name') && { name: 'x' }),
      ...(path.endsWith('/secret') && { key: freshKeyText() }),
      ...(path.endsWith('/state') && { is_active: '0' }),
    };
    expect((await visitor.submit(path.replace(':id', String(id)), fields)).status).toBe(path.startsWith('/explore') ? 404 : 403);
    expect((await visitor.submit(path.replace(':id', '987654321'), fields)).status).toBe(404);
    expect((await visitor.submit(path.replace(':id', 'x'), fields)).status).toBe(404);
  });
});

describe('every page', () => {
  it.each(pages.filter((path) => !OPEN.has(path)))('%s leads who is not signed in to the sign-in page, and back', async (path) => {
    const visitor = createVisitor(createWorld());
    const here = `${path.replace(':id', '1')}?range=7d`;
    expect((await visitor.visit(here)).location).toBe(`/login?next=${encodeURIComponent(here)}`);
    expect((await visitor.send('GET', here, undefined, { cookie: '__Host-session=garbage' })).status).toBe(303);
  });

  it('is where a form’s own address leads who asks for it', async () => {
    const visitor = createVisitor(createWorld());
    for (const [path, above] of Object.entries({
      '/logout': '/',
      '/keys/7/name': '/keys/7',
      '/explore/views': '/explore',
      '/explore/views/7/delete': '/explore',
      '/account/password': '/account',
    }))
      expect([path, (await visitor.visit(path)).location]).toEqual([path, above]);
  });

  it('takes no bearer, and no page’s cookie opens the API', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    expect((await world.call('GET', '/dashboard', { token: user.token })).status).toBe(303);
    expect((await world.call('GET', '/api/keys', { headers: { cookie: `__Host-session=${user.token}` } })).status).toBe(401);
    expect((await world.call('GET', '/dashboard', { headers: { cookie: `session=${user.token}` } })).status).toBe(303);
  });

  it('is an error for people where there is none, and a problem for programs', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    const missing = await visitor.visit('/nowhere');
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'text/html; charset=UTF-8']);
    expect(missing.html).toContain('There is nothing at this address.');
    expect((await world.call('GET', '/nowhere')).headers.get('content-type')).toBe('application/problem+json');
    expect((await world.call('GET', '/api/nowhere', { headers: { accept: 'text/html' } })).headers.get('content-type')).toBe(
      'application/problem+json',
    );
  });
});

describe('a message to the next page', () => {
  it('is read by whom it was meant for, and by nobody else', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    const visitor = createVisitor(world, user.token);
    await visitor.submit('/tokens', { name: 'mine' });
    const flash = visitor.cookies.get('__Host-flash') ?? '';
    const thief = createVisitor(world, other.token);
    thief.cookies.set('__Host-flash', flash);
    const seen = await thief.visit('/tokens');
    expect([messageIn(seen), /or_api_\w{46}/.exec(seen.html)]).toEqual([null, null]);
    thief.cookies.set('__Host-flash', 'v1.forged.text.here');
    expect(messageIn(await thief.visit('/tokens'))).toBeNull();
    expect(flash).not.toContain('or_api_');
    await visitor.visit('/dashboard');
    await visitor.send('HEAD', '/tokens');
    expect((await visitor.visit('/tokens')).html).toMatch(/or_api_\w{46}/);
    expect((await visitor.visit('/tokens')).html).not.toMatch(/or_api_\w{46}/);
  });

  it('says strange names as they are, never as markup', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    const name = '<img src=x onerror=alert(1)>"&\'';
    const page = await visitor.follow('/tokens', { name });
    expect(page.html).not.toContain('<img src=x');
    expect(page.html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });
});

describe('keys', () => {
  it('go through everything that can be done with them', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    const [text, next] = [freshKeyText(), freshKeyText()];
    for (const one of [text, next]) world.simulator.addKey(one, { limitNano: 10e9 });
    world.simulator.spend(text, { nano: 9_500_000_000 });
    const added = await visitor.follow('/keys', { name: 'mine', key: text });
    expect(messageIn(added)).toContain('It syncs every hour');
    expect(added.html).toContain('95% of its $10.00 limit');
    const id = /\/keys\/(\d+)"/.exec(added.html)?.[1];
    const twice = await visitor.submit('/keys', { name: 'again', key: text });
    expect([twice.status, twice.html.includes(text)]).toEqual([409, false]);
    expect(messageIn(await visitor.follow(`/keys/${id}/name`, { name: 'ours' }))).toContain('“ours”');
    const empty = await visitor.submit(`/keys/${id}/name`, { name: '' });
    expect([empty.status, empty.html.includes('Must have 1 to 100 characters')]).toEqual([422, true]);
    expect((await visitor.follow(`/keys/${id}/state`, { is_active: '0' })).html).toContain('Resume');
    expect((await visitor.submit(`/keys/${id}/sync`)).status).toBe(400);
    expect((await visitor.follow(`/keys/${id}/state`, { is_active: '1' })).html).toContain('Pause');
    expect(messageIn(await visitor.follow(`/keys/${id}/sync`))).toContain('Sync started');
    expect((await visitor.submit(`/keys/${id}/sync`)).status).toBe(429);
    expect((await visitor.submit(`/keys/${id}/secret`, { key: 'nonsense' })).status).toBe(422);
    expect(messageIn(await visitor.follow(`/keys/${id}/secret`, { key: next }))).toContain('replaced');
    expect((await visitor.visit(`/keys/${id}/delete`)).html).toContain('Delete “ours”?');
    expect((await visitor.follow(`/keys/${id}/delete`)).html).toContain('No keys yet.');
  });

  it('say what they were added as', async () => {
    const world = createWorld({ timeoutMs: 20 });
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    const unreachable = freshKeyText();
    world.simulator.addKey(unreachable);
    world.simulator.setFault(unreachable, { kind: 'status', status: 503 });
    expect(messageIn(await visitor.follow('/keys', { name: 'later', key: unreachable }))).toContain('retried every hour');
    const management = freshKeyText();
    world.simulator.addKey(management, { isManagement: true });
    expect(messageIn(await visitor.follow('/keys', { name: 'account', key: management }))).toContain('Its account is syncing');
  });
});

describe('colours', () => {
  it('stay with models and keys from range to range, on every page that shows them', async () => {
    const set = await createScenario({ keys: 4, days: 40, chance: 0.05 });
    await set.add();
    const visitor = createVisitor(set.world, set.user.token);
    const coloursOn = async (path: string) => {
      const { html } = await visitor.visit(path);
      const rows = [...html.matchAll(/<th scope="row"[^>]*>((?:(?!<\/th>).)*)<\/th>(?:(?!<\/tr>).)*?<svg class="(tone-[^"]+)"/gs)];
      return new Map(rows.map(([, name = '', tone = '']) => [name.replace(/<[^>]*>/g, '').trim(), tone]));
    };
    const days = Array.from({ length: 12 }, (_, index) => `range=custom&from=2026-11-0${(index % 8) + 1}&to=2026-11-${index + 10}`);
    for (const by of ['model', 'key']) {
      const all = await coloursOn(`/explore?range=90d&by=${by}&top=20`);
      expect([new Set(all.values()).size, all.size > 3]).toEqual([all.size, true]);
      for (const day of [...days, 'range=custom&from=2026-11-12&to=2026-11-12', 'range=7d']) {
        const shown = [...(await coloursOn(`/explore?${day}&by=${by}&top=3`))].filter(([name]) => name !== 'Other');
        expect(shown).toEqual(shown.map(([name]) => [name, all.get(name)]));
      }
      const inChart = ([name, tone]: [string, string]) => all.has(name) && tone !== 'tone-other';
      const onDashboard = [...(await coloursOn(`/dashboard?range=30d&by=${by}`))].filter(inChart);
      expect(onDashboard.length).toBeGreaterThan(0);
      expect(onDashboard).toEqual(onDashboard.map(([name]) => [name, all.get(name)]));
    }
  });
});

describe('an account full of figures', () => {
  it('is shown, explored and exported as the API tells it', async () => {
    const set = await createScenario({ keys: 5, days: 40 });
    await set.add();
    await set.hours(2);
    const { world, user } = set;
    const visitor = createVisitor(world, user.token);
    const keys = await set.list();
    const total = async (query: string) =>
      (await world.json<{ totals: { cost_usd: number } }>('GET', `/api/v1/stats?${query}`, { token: user.token })).body.totals.cost_usd;
    const shown = async (path: string) => {
      const { status, html } = await visitor.visit(path);
      expect([path, status]).toEqual([path, 200]);
      return Number(/id="total"[^>]* value="([^"]*)"|value="([^"]*)" id="total"/.exec(html)?.slice(1).find(Boolean));
    };
    const month = 'from=2026-10-17&to=2026-11-15';
    expect(await total(month)).toBeGreaterThan(1);
    expect(await shown('/dashboard')).toBe(await total(month));
    expect(await shown('/dashboard?range=today&by=provider')).toBe(await total('from=2026-11-15&to=2026-11-15'));
    expect(await shown('/dashboard?tz=Asia/Kolkata&range=7d&by=key')).toBe(await total('from=2026-11-09&to=2026-11-15&tz=Asia/Kolkata'));
    expect(await shown('/explore?rollup=none&by=key&by2=provider&top=2')).toBe(await total(month));
    expect(await shown(`/explore?key=${keys[1]?.id}&rollup=hour&range=7d`)).toBe(
      await total(`from=2026-11-09&to=2026-11-15&key_id=${keys[1]?.id}`),
    );
    for (const metric of ['byok_cost', 'requests', 'cost_per_request', 'cost_per_million_tokens', 'reasoning_tokens'])
      for (const rollup of ['none', 'week', 'month'])
        await shown(`/explore?metric=${metric}&rollup=${rollup}&cumulative=1&model=(unknown)&model=x`);
    for (const key of keys) expect((await visitor.visit(`/keys/${key.id}`)).html).toContain(key.name);

    const csv = await visitor.visit('/explore/export?by=key&rollup=day');
    expect([...csv.bytes.slice(0, 4)]).toEqual([0xef, 0xbb, 0xbf, 'd'.charCodeAt(0)]);
    const columns = csv.html.split('\n')[0]?.split(',') ?? [];
    expect(new Set(columns).size).toBe(columns.length);
    const sum = csv.html
      .trim()
      .split('\n')
      .slice(1)
      .reduce((all, line) => all + Math.round(Number(line.split(',')[1]) * 1e9), 0);
    expect(sum).toBe(Math.round((await total(month)) * 1e9));
    expect(JSON.parse((await visitor.visit('/explore/export?by=key&rollup=none&format=json')).html)).toMatchObject({
      total: await total(month),
    });
    expect((await visitor.visit('/explore/export?metric=happiness')).status).toBe(422);
    const strange = await visitor.visit(
      '/explore?metric=happiness&by=key&tz=Mars/X&range=custom&from=2026-11-20&to=2026-11-10&junk=1&cumulative=2',
    );
    expect(strange.status).toBe(422);
    expect(strange.html).toMatch(/<option value="key" selected/);
    expect(strange.html).toContain('Must be an IANA time zone');
    expect(messageIn(strange)).toContain('Cumulative: Must be one of 1');

    const exported = JSON.parse((await visitor.visit('/account/export')).html);
    const days = exported.ledger.filter(({ source }: { source: string }) => source === 'analytics');
    const whole = days.reduce((all: number, row: { cost_usd: number }) => all + Math.round(row.cost_usd * 1e9), 0);
    expect(whole).toBe(Math.round((await total('from=2026-09-01&to=2026-11-15')) * 1e9));
    expect(exported.keys).toHaveLength(keys.length);
    expect(JSON.stringify(exported)).not.toMatch(/ciphertext|token_?hash|sk-or-v1-\w{20}/i);
  });
});

describe('a look', () => {
  it('takes two trips to the database, one of them for the session; Explore reads the saved views as well', async () => {
    const counted = countTrips();
    const world = createWorld({ db: counted.binding });
    const user = await world.makeUser();
    await world.makeKey(user.token);
    const visitor = createVisitor(world, user.token);
    for (const [path, trips] of [
      ['/dashboard', 2],
      ['/dashboard?range=90d&by=key&tz=Asia/Kolkata', 2],
      ['/keys', 2],
      ['/tokens', 2],
      ['/explore', 3],
    ] as const) {
      // The first one sums days up.
      await visitor.visit(path);
      counted.trips = 0;
      expect([path, (await visitor.visit(path)).status, counted.trips]).toEqual([path, 200, trips]);
    }
    counted.trips = 0;
    await world.call('GET', '/api/v1/stats', { token: user.token });
    expect(counted.trips).toBe(2);
  });
});

describe('an export', () => {
  it('takes fewer statements than the Free plan allows, and breaks where the database does', async () => {
    const { binding, statements } = spyDb();
    const world = createWorld({ db: binding });
    const user = await world.makeUser();
    await world.makeKey(user.token);
    statements.length = 0;
    const visitor = createVisitor(world, user.token);
    await visitor.send('HEAD', '/account/export');
    expect(statements.length).toBeLessThan(5);
    await visitor.visit('/account/export');
    expect(statements.length).toBeLessThan(50);

    let left = 12;
    const failing = createWorld({
      db: tapDb(() => {
        left -= 1;
        if (left < 0) throw new Error('D1_ERROR: Network connection lost.');
      }),
    });
    const response = await failing.call('GET', '/account/export', { headers: { cookie: `__Host-session=${user.token}` } });
    await expect(response.text()).rejects.toThrow('export failed');
    expect(takeLoggedErrors().join()).toContain('export_failed');
  });
});

describe('a user without figures', () => {
  it('is told what to do, and what is not known', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    const { html } = await visitor.visit('/dashboard');
    for (const text of ['Add your first key', 'No sync yet', 'No data for this period.', 'No hourly data yet.', 'No keys with a limit'])
      expect(html).toContain(text);
    expect((await visitor.visit('/explore')).html).toContain('No data for this period.');
    expect((await visitor.visit('/tokens')).html).toContain('No tokens yet.');
    await world.makeKey(user.token, 'quiet');
    const quiet = (await visitor.visit('/dashboard?range=today&by=key')).html;
    expect(quiet).toContain('No spend in this period.');
    expect(quiet).toContain('All clear.');
    expect((await visitor.visit('/explore?range=today')).html).toContain('No spend in this period.');
  });

  it('sees what is the matter with each kind of key, and who is refused', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    const late = new Date(world.clock.now + 3 * DAY_MS).toISOString();
    const [spent, expiring, refused, paused] = [freshKeyText(), freshKeyText(), freshKeyText(), freshKeyText()];
    world.simulator.addKey(spent, { limitNano: 10e9, limitReset: 'daily' });
    world.simulator.spend(spent, { nano: 11e9, byokNano: 2e9 });
    world.simulator.addKey(expiring, { expiresAt: late });
    for (const text of [refused, paused]) world.simulator.addKey(text);
    for (const [name, key] of Object.entries({ spent, expiring, refused, paused })) await visitor.follow('/keys', { name, key });
    world.simulator.setFault(refused, { kind: 'status', status: 401 });
    world.clock.now += 3_600_000;
    await world.sync();
    world.clock.now += 3_600_000;
    await world.sync();
    const ids = (await world.json<{ id: number; name: string }[]>('GET', '/api/keys', { token: user.token })).body;
    await visitor.follow(`/keys/${ids.find(({ name }) => name === 'paused')?.id}/state`, { is_active: '0' });
    const dashboard = (await visitor.visit('/dashboard')).html;
    expect(dashboard).toContain('100% of its $10.00 limit for today is used; $0.00 left.');
    expect(dashboard).toContain('Expires on');
    expect(dashboard).toContain('Replace the key or delete it.');
    expect(dashboard).toContain('+ ≥\u00a0$2.00 BYOK');
    const keys = (await visitor.visit('/keys')).html;
    for (const word of ['Active', 'Invalid', 'Paused']) expect(keys).toMatch(new RegExp(`<span class="badge \\w+">${word}</span>`));
    for (const { id } of ids) expect((await visitor.visit(`/keys/${id}`)).status).toBe(200);
  });
});

describe('saved views', () => {
  it('are saved by name, replaced, listed and deleted by their owner', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    const visitor = createVisitor(world, user.token);
    const saved = await visitor.submit('/explore/views?metric=requests&range=7d&junk=1', { name: 'mine' });
    expect(saved.location).toBe('/explore?range=7d&metric=requests&by=model&rollup=day&top=6');
    await visitor.follow('/explore/views?metric=cost', { name: 'mine' });
    const { html } = await visitor.visit('/explore');
    expect(html.match(/\/explore\/views\/\d+\/delete/g)).toHaveLength(1);
    expect(html).toContain('/explore?range=30d&amp;metric=cost&amp;by=model&amp;rollup=day&amp;top=6"');
    const path = /\/explore\/views\/\d+\/delete/.exec(html)?.[0] ?? '';
    const stranger = createVisitor(world, other.token);
    expect((await stranger.submit(path)).status).toBe(404);
    expect((await stranger.visit('/explore')).html).not.toContain('mine');
    expect((await visitor.submit('/explore/views?metric=happiness', { name: 'x' })).status).toBe(422);
    await visitor.follow(path);
    expect((await visitor.visit('/explore')).html).not.toContain('mine');
  });

  it('are fifty at the most, and go with their user', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    for (let count = 0; count < 50; count++) expect((await visitor.submit('/explore/views', { name: `view ${count}` })).status).toBe(303);
    const over = await visitor.submit('/explore/views', { name: 'one more' });
    expect([over.status, messageIn(over)]).toEqual([400, 'Maximum 50 views allowed. Delete one first.']);
    expect((await visitor.submit('/explore/views', { name: 'view 7' })).status).toBe(303);
    expect((await visitor.submit('/account/delete', { password: user.password })).location).toBe('/');
    expect(await env.DB.prepare('SELECT count(*) AS count FROM saved_view WHERE user_id = ?').bind(user.id).first('count')).toBe(0);
  });
});
