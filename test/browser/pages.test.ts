/** Every page with figures on it: what it says, how it looks, who may use it, and what it refuses. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fireCron } from '../../scripts/crons.ts';
import { addDays, DAY_MS, dayOf } from '../../src/lib/day.ts';
import { findViolations, hasChromium, keepShot, launch, openPage, overflowOf } from '../support/browser.ts';
import { MODELS, PROVIDERS } from '../support/openrouter/catalog.ts';
import { type RunningWorker, startWorker } from '../support/running-worker.ts';

const PASSWORD = 'a canary sings at dawn';
const MANAGEMENT = `sk-or-v1-${'a'.repeat(64)}`;
const OWN = `sk-or-v1-${'b'.repeat(64)}`;
const GONE = `sk-or-v1-${'c'.repeat(64)}`;
const DAYS = 40;

let running: RunningWorker;
let browser: Browser;
/** The last day on which something was spent. */
let spentOn = '';
/** Sessions of two users: one with an account full of figures, one with nothing. */
let [owner, stranger] = ['', ''];

async function callApi<T>(path: string, session: string, body?: unknown): Promise<T> {
  const response = await fetch(running.origin + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(session && { authorization: `Bearer ${session}` }), ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return response.json() as Promise<T>;
}

async function signUp(email: string): Promise<string> {
  await callApi('/api/auth/register', '', { email, password: PASSWORD });
  return (await callApi<{ access_token: string }>('/api/auth/login', '', { email, password: PASSWORD })).access_token;
}

/** Spends of forty days, by several keys and models, some of them on provider keys. */
function spend(): void {
  const { simulator } = running;
  spentOn = dayOf(Date.now() - 1000);
  const createdAt = new Date(Date.now() - DAYS * DAY_MS).toISOString();
  simulator.buyCredits(1_000e9);
  simulator.addKey(MANAGEMENT, { isManagement: true, name: 'account', createdAt });
  simulator.addKey(OWN, { name: 'own', createdAt, limitNano: 50e9 });
  simulator.addKey(GONE, { name: 'gone', createdAt });
  const keys = [OWN, ...['d', 'e', 'f'].map((digit) => `sk-or-v1-${digit.repeat(64)}`)];
  for (const [index, text] of keys.slice(1).entries()) simulator.addKey(text, { name: `discovered ${index}`, createdAt });
  // The last of it a moment ago: a day that has just begun has spend, too.
  for (let hour = 0; hour < DAYS * 24; hour += 5) {
    const text = keys[hour % keys.length] as string;
    simulator.spend(
      text,
      {
        nano: 100_000_001 * (1 + (hour % 7)),
        byokNano: hour % 3 === 0 ? 7 : 0,
        model: MODELS[hour % MODELS.length]?.permaslug ?? '',
        provider: PROVIDERS[hour % PROVIDERS.length] ?? '',
        requests: hour + 1,
        promptTokens: (hour + 1) * 1000,
        completionTokens: hour * 10,
        reasoningTokens: hour,
        cachedTokens: hour * 100,
      },
      Date.now() - hour * 3_600_000 - 1000,
    );
  }
}

interface ListedKey {
  id: number;
  backfill: { done: number; total: number } | null;
}

const listKeys = () => callApi<ListedKey[]>('/api/keys', owner);

beforeAll(async () => {
  if (!hasChromium) return;
  running = await startWorker();
  browser = await launch();
  spend();
  owner = await signUp('owner@example.org');
  stranger = await signUp('stranger@example.org');
  await callApi('/api/keys', owner, { name: 'own', key: OWN });
  await callApi('/api/keys', owner, { name: 'to be refused', key: GONE });
  await callApi('/api/keys', owner, { name: 'account', key: MANAGEMENT });
  await callApi('/api/tokens', owner, { name: 'grafana' });
  const channel = await callApi<{ id: number }>('/api/channels', owner, { type: 'slack', name: 'team', url: 'http://127.0.0.1:9/hook' });
  await callApi('/api/alert-rules', owner, { type: 'budget', amount_usd: 1, period: 'month', channel_ids: [channel.id] });
  running.simulator.setFault(GONE, { kind: 'status', status: 401 });
  for (const cron of ['3 * * * *', '0 2 * * *']) await fireCron(running.origin, cron, Date.now());
  const isRead = (keys: ListedKey[]) =>
    keys.length === 6 && keys.every(({ backfill }) => backfill === null || backfill.done === backfill.total);
  for (let tries = 0; tries < 240 && !isRead(await listKeys()); tries++) await new Promise((resolve) => setTimeout(resolve, 500));
  expect(isRead(await listKeys())).toBe(true);
});

afterAll(async () => {
  await browser?.close();
  await running?.stop();
});

/** A page of who holds the session, as if they had signed in. */
async function openAs(session: string, options: Parameters<typeof openPage>[2] = {}) {
  const opened = await openPage(browser, running.origin, options);
  await opened.page.context().addCookies([{ name: 'session', value: session, url: running.origin, httpOnly: true, sameSite: 'Lax' }]);
  return opened;
}

const PUBLIC = { start: '/', register: '/register', login: '/login', reset: '/reset-password', missing: '/nowhere' };
const PRIVATE = {
  dashboard: '/dashboard',
  day: '/dashboard?range=today&by=key',
  explore: '/explore?by=key&by2=model&top=3',
  ratio: '/explore?metric=cost_per_request&rollup=week',
  cumulative: '/explore?cumulative=1&by=provider&key=1',
  table: '/explore?rollup=none',
  keys: '/keys',
  key: '/keys/1',
  'key-delete': '/keys/1/delete',
  alerts: '/alerts',
  'alert-spike': '/alerts?rule=spike&channel=telegram',
  'alert-rule': '/alerts/rules/1',
  tokens: '/tokens',
  'token-revoke': '/tokens/1/revoke',
  account: '/account',
};

describe.skipIf(!hasChromium)('every page', () => {
  it.each(['light', 'dark'] as const)(
    'has nothing that axe-core finds, complains of nothing, and fits from 360 to 1920 pixels (%s)',
    async (colorScheme) => {
      for (const [session, pages] of [
        ['', PUBLIC],
        [owner, PRIVATE],
      ] as const) {
        const { page, complaints, close } = await openAs(session || 'none', { colorScheme });
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(path);
          // Only colors differ between the two.
          expect([name, await findViolations(page, colorScheme === 'dark' ? ['color-contrast'] : undefined)]).toEqual([name, []]);
          for (const width of [360, 390, 768, 1280, 1920]) {
            await page.setViewportSize({ width, height: 900 });
            expect([name, width, await overflowOf(page)]).toEqual([name, width, 0]);
            if (width === 390 || width === 1280) await keepShot(page, `${name}-${width}-${colorScheme}`);
          }
        }
        expect(complaints).toEqual([]);
        await close();
      }
    },
  );

  it('is private: kept by no cache, framed by nobody, and free of inline script and style', async () => {
    for (const path of [...Object.values(PUBLIC), ...Object.values(PRIVATE)]) {
      const response = await fetch(running.origin + path, {
        headers: { cookie: `session=${owner}`, accept: 'text/html' },
        redirect: 'manual',
      });
      const html = await response.text();
      const policy = response.headers.get('content-security-policy') ?? '';
      expect([path, response.headers.get('cache-control')]).toEqual([path, 'no-store']);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).toBe('same-origin');
      expect([path, html.match(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/)]).toEqual([path, null]);
    }
  });
});

const totalOn = async (page: Page) => Number(await page.locator('#total').getAttribute('value'));

/** Forty-two characters without a place to break. */
const LONG = 'production_backend_of_the_european_cluster';
const LONG_EMAIL = `${LONG}.and_its_owner@example.org`;

describe.skipIf(!hasChromium)('names without a break', () => {
  it('push no page sideways', async () => {
    const session = await signUp(LONG_EMAIL);
    const text = `sk-or-v1-${'9'.repeat(64)}`;
    running.simulator.addKey(text, { limitNano: 5e9 });
    running.simulator.spend(text, { nano: 2e9 });
    const key = await callApi<{ id: number }>('/api/keys', session, { name: LONG, key: text });
    await callApi('/api/tokens', session, { name: LONG });
    const url = `http://127.0.0.1:9/${LONG}${LONG}`;
    const channel = await callApi<{ id: number }>('/api/channels', session, { type: 'slack', name: LONG, url });
    const rule = { type: 'budget', name: LONG, key_id: key.id, amount_usd: 1, period: 'month', channel_ids: [channel.id] };
    const { id } = await callApi<{ id: number }>('/api/alert-rules', session, rule);
    // The account of the other tests is not to find the key.
    running.simulator.removeKey(text);
    const { page, complaints, close } = await openAs(session, { viewport: { width: 375, height: 800 } });
    const paths = [
      '/dashboard?by=key',
      '/explore?by=key',
      '/keys',
      `/keys/${key.id}`,
      `/keys/${key.id}/delete`,
      '/alerts',
      '/tokens',
      '/account',
    ];
    for (const path of [...paths, `/alerts/rules/${id}`]) {
      await page.goto(path);
      expect([path, (await page.content()).includes(LONG), await overflowOf(page)]).toEqual([path, true, 0]);
    }
    expect(complaints).toEqual([]);
    await close();
  });
});

/** The contrast of an element's text with what lies behind it. Source: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
const contrastOf = (page: Page, selector: string): Promise<number> =>
  page
    .locator(selector)
    .first()
    .evaluate(
      new Function(
        'element',
        `const channels = (color) => color.match(/[\\d.]+/g).map(Number);
      const light = (color) => channels(color).slice(0, 3).map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
      let behind = element;
      while (behind.parentElement && channels(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
      const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(light);
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);`,
      ) as (element: unknown) => number,
    );

describe.skipIf(!hasChromium)('the interactive reference', () => {
  it.each(['light', 'dark'] as const)('can be read (%s)', async (colorScheme) => {
    const { page, close } = await openAs('none', { colorScheme });
    await page.goto('/docs');
    await page.locator('.opblock-summary-path').first().waitFor();
    await keepShot(page, `docs-${colorScheme}`);
    for (const selector of ['.info .title', '.opblock-tag', '.opblock-summary-path', '.opblock-summary-description'])
      expect([selector, await contrastOf(page, `.swagger-ui ${selector}`)]).toEqual([
        selector,
        expect.toSatisfy((ratio: number) => ratio >= 4.5),
      ]);
    await close();
  });
});

describe.skipIf(!hasChromium)('figures', () => {
  it('are those of the API, in every range, grouping and zone', async () => {
    const { page, complaints, close } = await openAs(owner);
    const today = dayOf(Date.now());
    const back = (days: number) => addDays(today, -days);
    for (const [query, api] of [
      ['', ''],
      ['range=7d', `from=${back(6)}&to=${today}`],
      // Where midnight has passed since, nothing is known of the new day.
      ...(today === spentOn ? [['range=today', `from=${today}&to=${today}`] as const] : []),
      [`range=custom&from=${back(20)}&to=${back(10)}&tz=Asia/Kolkata&by=provider`, `from=${back(20)}&to=${back(10)}&tz=Asia/Kolkata`],
      ['range=90d&by=key', `from=${back(89)}&to=${today}`],
    ] as const) {
      const stats = await callApi<{ totals: { cost_usd: number } }>(`/api/v1/stats?${api}`, owner);
      await page.goto(`/dashboard?${query}`);
      expect([query, await totalOn(page)]).toEqual([query, stats.totals.cost_usd]);
      await page.goto(`/explore?${query}`);
      expect([query, await totalOn(page)]).toEqual([query, stats.totals.cost_usd]);
    }
    expect(complaints).toEqual([]);
    await close();
  });

  it('follow the form, stand in the address, and come as CSV', async () => {
    const { page, complaints, close } = await openAs(owner);
    await page.goto('/dashboard');
    await page.getByRole('link', { name: 'By key' }).click();
    await page.getByRole('link', { name: '7 days', exact: true }).click();
    expect(page.url()).toBe(`${running.origin}/dashboard?range=7d&by=key`);
    const legend = await page.locator('.legend li').allTextContents();
    expect(legend.map((text) => text.trim()).sort()).toEqual(['discovered 0', 'discovered 1', 'discovered 2', 'own']);
    await page.reload();
    expect(await page.locator('nav[aria-label="Group by"] a[aria-current]').textContent()).toBe('By key');

    const href = (await page.getByRole('link', { name: 'Download CSV' }).getAttribute('href')) ?? '';
    const lines = (await (await page.request.get(href)).text()).trim().split('\n');
    expect(lines).toHaveLength(8);
    expect(lines[0]?.split(',').toSorted()).toEqual(['day', 'discovered 0', 'discovered 1', 'discovered 2', 'is_complete', 'own', 'total']);
    const nano = (text: string | undefined) => Math.round(Number(text) * 1e9);
    const sum = lines.slice(1).reduce((all, line) => all + nano(line.split(',')[1]), 0);
    expect(sum).toBe(nano(String(await totalOn(page))));
    expect(complaints).toEqual([]);
    await close();
  });

  it('can be pointed at, reached with the keyboard, and read as a table', async () => {
    const { page, complaints, close } = await openAs(owner);
    await page.goto('/dashboard?range=7d');
    const bars = page.locator('.bucket');
    expect(await bars.count()).toBe(7);
    await bars.nth(2).hover();
    expect(await bars.nth(2).locator('.tip').isVisible()).toBe(true);
    await page.locator('.bucket[tabindex="0"], .bucket:not([tabindex])').first().focus();
    await page.keyboard.press('Home');
    expect(await bars.first().locator('.tip').isVisible()).toBe(true);
    await page.keyboard.press('ArrowRight');
    const label = (await bars.nth(1).getAttribute('aria-label')) ?? '';
    expect(await bars.nth(1).evaluate((bar) => bar === bar.ownerDocument.activeElement)).toBe(true);
    await page.getByText('Show as a table').first().click();
    const row = await page.locator('.chart .behind').first().locator('tbody tr').nth(1).allTextContents();
    expect(row.join('')).toContain(label.split(': ')[1] ?? 'nothing');
    await page.keyboard.press('Enter');
    expect(complaints).toEqual([]);
    await bars.nth(1).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**range=custom**');
    expect(await page.locator('.bucket').count()).toBe(24);
    await close();
  });

  it('are kept as views with names', async () => {
    const { page, complaints, close } = await openAs(owner, { javaScriptEnabled: false });
    await page.goto('/explore?metric=requests&by=provider&range=7d');
    await page.getByLabel('View name').fill('requests by <provider>');
    await page.getByRole('button', { name: 'Save view' }).click();
    expect(await page.getByRole('status').textContent()).toBe('View “requests by <provider>” saved.');
    await page.goto('/explore');
    await page.getByRole('link', { name: 'requests by <provider>' }).click();
    expect(await page.getByLabel('Metric').inputValue()).toBe('requests');
    const json = await page.request.get((await page.getByRole('link', { name: 'JSON' }).getAttribute('href')) ?? '');
    expect(await json.json()).toMatchObject({ metric: 'requests', by: ['provider'], total: await totalOn(page) });
    await page.getByRole('button', { name: 'Delete the view requests by <provider>' }).click();
    expect(await page.getByRole('link', { name: 'requests by <provider>' }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('come in at most 150 kB and 8 requests', async () => {
    const { page, close } = await openAs(owner);
    const sizes: number[] = [];
    page.on('response', async (response) => void sizes.push((await response.body()).length));
    await page.goto('/dashboard', { waitUntil: 'networkidle' });
    expect(sizes.length).toBeLessThanOrEqual(8);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150_000);
    await close();
  });

  it('tell what is wrong, and what is not known', async () => {
    const { page, close } = await openAs(owner);
    await page.goto('/dashboard');
    expect(await page.locator('.attention').textContent()).toContain('to be refused');
    expect(await page.locator('.as-of time').count()).toBe(1);
    const other = await openAs(stranger);
    await other.page.goto('/dashboard');
    expect(await other.page.locator('.tile .figure').allTextContents()).toEqual(['–', '–', '–', '–', '–', '–']);
    await close();
    await other.close();
  });
});

describe.skipIf(!hasChromium)('what belongs to somebody else', () => {
  it('is neither shown nor changed', async () => {
    const { page, close } = await openAs(stranger);
    for (const path of ['/keys/1', '/keys/1/delete', '/tokens/1/revoke']) {
      expect([path, (await page.goto(path))?.status()]).toEqual([path, 403]);
      expect(await page.content()).not.toContain('grafana');
    }
    for (const path of ['/keys/1/delete', '/keys/1/state', '/keys/1/name', '/keys/1/sync', '/tokens/1/revoke', '/explore/views/1/delete']) {
      const response = await page.request.post(path, { form: { name: 'x', is_active: '0' }, headers: { origin: running.origin } });
      expect([path, response.status()]).toEqual([path, path.startsWith('/explore') ? 404 : 403]);
    }
    for (const path of ['/keys/x', '/keys/0', '/tokens/1e3/revoke']) expect([path, (await page.goto(path))?.status()]).toEqual([path, 404]);
    expect((await listKeys()).length).toBe(6);
    await close();
  });

  it('cannot be sent from another site, and a cookie opens no API', async () => {
    const cookie = `session=${owner}`;
    const post = (
      path: string,
      headers: Record<string, string>,
      body = 'name=forged&email=x%40example.org&password=a+canary+sings+at+dawn',
    ) =>
      fetch(running.origin + path, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body,
      });
    const before = await listKeys();
    for (const path of [
      '/tokens',
      '/keys/1/delete',
      '/logout',
      '/login',
      '/register',
      '/account/delete',
      '/explore/views',
      '/alerts/rules',
      '/alerts/channels',
    ]) {
      for (const headers of [
        {},
        { origin: 'https://evil.example' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ]) {
        expect([path, headers, (await post(path, headers)).status]).toEqual([path, headers, 403]);
      }
      const json = await post(path, { origin: 'https://evil.example', 'content-type': 'application/json' });
      expect([path, json.status]).toEqual([path, 400]);
    }
    expect(await listKeys()).toEqual(before);
    expect((await fetch(`${running.origin}/api/keys`, { headers: { cookie } })).status).toBe(401);
    expect((await post('/tokens', { 'sec-fetch-site': 'same-origin' }, 'name=own')).status).toBe(303);
  });

  it('is not reached by a sign-in that leads elsewhere', async () => {
    const { page, close } = await openPage(browser, running.origin);
    await page.goto('/login?next=//evil.example/dashboard');
    await page.getByLabel('Email').fill('stranger@example.org');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/dashboard');
    expect(page.url()).toBe(`${running.origin}/dashboard`);
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === 'session');
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
    await close();
  });
});
