/** What people do in the browser, from registration to a revoked token, with and without script; and what happens to wrong input. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fireCron } from '../../scripts/crons.ts';
import { hasChromium, launch, openPage } from '../support/browser.ts';
import { type RunningWorker, startWorker } from '../support/running-worker.ts';

const PASSWORD = 'a canary sings at dawn';
const keyText = (digit: string): string => `sk-or-v1-${digit.repeat(64)}`;

let running: RunningWorker;
let browser: Browser;

beforeAll(async () => {
  if (!hasChromium) return;
  running = await startWorker();
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await running?.stop();
});

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).first().click();
const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent();
const message = (page: Page) => page.getByRole('status').textContent();
const statusOf = async (token: string) =>
  (await fetch(`${running.origin}/api/v1/stats`, { headers: { authorization: `Bearer ${token}` } })).status;

async function register(page: Page, email: string): Promise<void> {
  await page.goto('/register');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await press(page, 'Create account');
  await page.waitForURL('**/dashboard');
}

/** A zone whose day is now that of UTC: there spend that is known by the UTC day alone is of today. */
const ZONE = new Date().getUTCHours() < 12 ? 'Asia/Dubai' : 'America/Denver';

describe.skipIf(!hasChromium)('a newcomer', () => {
  it.each([true, false])('goes from registration to a revoked token (script: %s)', async (javaScriptEnabled) => {
    const { page, complaints, close } = await openPage(browser, running.origin, { javaScriptEnabled, timezoneId: ZONE });
    const text = keyText(javaScriptEnabled ? '1' : '2');
    running.simulator.addKey(text, { limitNano: 5e9 });
    running.simulator.spend(text, { nano: 1_500_000_000 });

    await page.goto('/');
    await page.getByRole('link', { name: 'Create an account' }).click();
    await page.getByLabel('Email').fill(`newcomer-${javaScriptEnabled}@example.org`);
    await page.getByLabel('Password').fill(PASSWORD);
    await press(page, 'Create account');
    await page.waitForURL('**/dashboard');
    expect(await message(page)).toContain('Your account is ready');
    expect(await page.getByLabel('Time zone').inputValue()).toBe(javaScriptEnabled ? ZONE : 'UTC');

    await page.getByRole('link', { name: 'Add a key' }).click();
    await page.getByLabel('Name').fill('production');
    await page.getByLabel('OpenRouter key').fill(text);
    await press(page, 'Add key');
    expect(await message(page)).toContain('“production” added');
    expect(await page.content()).not.toContain(text);

    running.simulator.spend(text, { nano: 250_000_000 });
    await fireCron(running.origin, '3 * * * *', Date.now());
    const shown = page.locator('dt:has-text("Today") + dd data');
    for (let tries = 0; tries < 40; tries++) {
      await page.goto('/dashboard');
      if ((await shown.getAttribute('value')) === '1.75') break;
      await page.waitForTimeout(250);
    }
    // Of the hours before the UTC day in which the key was added nothing is known: of a day that began earlier this is a lower bound.
    const isPartlyKnown = javaScriptEnabled && ZONE === 'Asia/Dubai';
    expect(await shown.textContent()).toBe(isPartlyKnown ? '≥\u00a0$1.75' : '$1.75');

    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByLabel('Name').fill('grafana');
    await press(page, 'Create token');
    const token = (await page.locator('#token').textContent()) ?? '';
    expect(token).toMatch(/^or_api_\w{46}$/);
    const curl = (await page.locator('#token-curl').textContent()) ?? '';
    expect(curl).toBe(`curl -H 'Authorization: Bearer ${token}' '${running.origin}/api/v1/stats'`);
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(javaScriptEnabled ? 2 : 0);
    expect(await statusOf(token)).toBe(200);
    await page.reload();
    expect(await page.content()).not.toContain(token);

    await press(page, 'Revoke');
    expect(await heading(page)).toBe('Revoke “grafana”?');
    expect(await statusOf(token)).toBe(200);
    await press(page, 'Revoke');
    expect(await message(page)).toBe('Token revoked.');
    expect(await statusOf(token)).toBe(401);

    await press(page, 'Sign out');
    expect(await message(page)).toBe('You are signed out.');
    await page.goto('/dashboard?range=7d');
    expect(new URL(page.url()).pathname).toBe('/login');
    await page.getByLabel('Email').fill(`newcomer-${javaScriptEnabled}@example.org`);
    await page.getByLabel('Password').fill(PASSWORD);
    await press(page, 'Sign in');
    expect(page.url()).toBe(`${running.origin}/dashboard?range=7d`);
    expect(complaints).toEqual([]);
    await close();
  });

  it('renames, pauses, resumes, reads, replaces and deletes a key', async () => {
    const { page, complaints, close } = await openPage(browser, running.origin, { javaScriptEnabled: false });
    const [text, next] = [keyText('3'), keyText('4')];
    for (const one of [text, next]) running.simulator.addKey(one);
    await register(page, 'owner@example.org');
    await page.goto('/keys');
    await page.getByLabel('Name').fill('first');
    await page.getByLabel('OpenRouter key').fill(text);
    await press(page, 'Add key');
    await page.getByRole('link', { name: 'first' }).click();
    await page.getByLabel('Name').fill('second');
    await press(page, 'Rename');
    expect(await message(page)).toBe('Renamed to “second”.');
    await press(page, 'Pause');
    expect(await message(page)).toBe('Sync paused.');
    expect(await page.getByRole('button', { name: 'Sync now' }).isDisabled()).toBe(true);
    await press(page, 'Resume');
    await press(page, 'Sync now');
    expect(await message(page)).toContain('Sync started.');
    await press(page, 'Sync now');
    expect(await page.getByRole('alert').textContent()).toBe('A key can be synced once a minute.');
    await page.getByLabel('OpenRouter key').fill(next);
    await press(page, 'Replace');
    expect(await message(page)).toContain('Key replaced');
    await page.getByRole('link', { name: 'Delete…' }).click();
    await page.getByRole('link', { name: 'Keep it' }).click();
    await page.getByRole('link', { name: 'Delete…' }).click();
    await press(page, 'Delete key');
    expect(await message(page)).toBe('Key and history deleted.');
    expect(await page.getByText('No keys yet.').count()).toBe(1);
    expect(complaints).toEqual([]);
    await close();
  });

  it('changes zone and password, signs others out, takes the data along and goes', async () => {
    const { page, complaints, close } = await openPage(browser, running.origin);
    await register(page, 'leaver@example.org');
    const other = await openPage(browser, running.origin);
    await other.page.goto('/login');
    await other.page.getByLabel('Email').fill('leaver@example.org');
    await other.page.getByLabel('Password').fill(PASSWORD);
    await press(other.page, 'Sign in');

    await page.goto('/account');
    await page.getByLabel('Time zone').selectOption('America/St_Johns');
    await press(page, 'Save time zone');
    expect(await message(page)).toBe('Time zone set to America/St Johns.');
    const sessions = page.locator('section', { has: page.getByRole('heading', { name: 'Sessions' }) });
    expect(await sessions.getByText('Chrome on Linux').count()).toBe(2);
    await press(page, 'Sign out everywhere else');
    expect(await sessions.getByText('Chrome on Linux').count()).toBe(1);
    await other.page.goto('/account');
    expect(new URL(other.page.url()).pathname).toBe('/login');

    const exported = await page.request.get('/account/export');
    expect(exported.headers()['content-disposition']).toMatch(/^attachment; filename="openrouter-monitor-\d{4}-\d\d-\d\d\.json"$/);
    expect(await exported.json()).toMatchObject({ account: { email: 'leaver@example.org' }, keys: [], tokens: [], views: [], ledger: [] });

    await page.getByLabel('Current password').fill('not the password at all');
    await page.getByLabel('New password').fill('another canary altogether');
    await press(page, 'Change password');
    expect(await page.getByLabel('Current password').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByText('Wrong password', { exact: true }).count()).toBe(1);
    await page.getByLabel('Current password').fill(PASSWORD);
    await page.getByLabel('New password').fill('another canary altogether');
    await press(page, 'Change password');
    expect(await message(page)).toContain('Password changed');

    await page.getByLabel('Password, to confirm').fill('another canary altogether');
    await press(page, 'Delete account');
    expect(await message(page)).toBe('Your account is deleted.');
    await page.goto('/account');
    expect(new URL(page.url()).pathname).toBe('/login');
    expect([...complaints, ...other.complaints]).toEqual([]);
    await close();
    await other.close();
  });
});

describe.skipIf(!hasChromium)('wrong input', () => {
  it('is kept, with the error beside its field', async () => {
    const { page, complaints, close } = await openPage(browser, running.origin, { javaScriptEnabled: false });
    /** Field → what is typed, the button, and the error that is to stand beside a field, or above all of them. */
    const attempt = async (fields: Record<string, string>, button: string, field: string | null, error: string) => {
      for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
      await press(page, button);
      if (field === null) expect(await page.getByRole('alert').textContent()).toBe(error);
      else {
        const id = await page.getByLabel(field, { exact: true }).getAttribute('aria-describedby');
        const described = await Promise.all((id ?? '').split(' ').map((one) => page.locator(`#${one}`).textContent()));
        expect(described).toContain(error);
      }
    };
    await page.goto('/register');
    await attempt({ Email: 'no address', Password: PASSWORD }, 'Create account', 'Email', 'Must be an email address');
    expect(await page.getByLabel('Email').inputValue()).toBe('no address');
    expect(await page.getByLabel('Password').inputValue()).toBe('');
    await attempt({ Email: 'wrong@example.org', Password: 'short' }, 'Create account', 'Password', 'Must have 12 to 128 characters');
    await attempt({ Email: 'wrong@example.org', Password: 'PassWord1234' }, 'Create account', 'Password', 'Too common');
    await register(page, 'wrong@example.org');
    await page.context().clearCookies();
    await page.goto('/register');
    const taken = 'An account with this email already exists. Sign in.';
    await attempt({ Email: 'wrong@example.org', Password: PASSWORD }, 'Create account', null, taken);
    await page.goto('/login');
    await attempt({ Email: 'wrong@example.org', Password: 'not this one, surely' }, 'Sign in', null, 'Wrong email or password.');
    await attempt({ Email: 'wrong@example.org', Password: PASSWORD }, 'Sign in', 'Email', '').catch(() => {});
    expect(await heading(page)).toBe('Dashboard');

    await page.goto('/keys');
    await attempt({ Name: '', 'OpenRouter key': keyText('9') }, 'Add key', 'Name', 'Must have 1 to 100 characters');
    expect(await page.content()).not.toContain(keyText('9'));
    const shape = 'Must be an OpenRouter key: it starts with sk-or-v1-';
    await attempt({ Name: 'mine', 'OpenRouter key': 'nonsense' }, 'Add key', 'OpenRouter key', shape);
    expect(await page.getByLabel('Name').inputValue()).toBe('mine');
    await attempt(
      { Name: 'mine', 'OpenRouter key': keyText('9') },
      'Add key',
      'OpenRouter key',
      'OpenRouter rejects the key: it was revoked, disabled, deleted, or has expired.',
    );
    await page.goto('/tokens');
    await attempt({ Name: 'x'.repeat(101) }, 'Create token', 'Name', 'Must have 1 to 100 characters');
    expect(await page.getByLabel('Name').inputValue()).toHaveLength(101);
    for (let count = 0; count < 5; count++) {
      await page.getByLabel('Name').fill(`token ${count}`);
      await press(page, 'Create token');
    }
    await attempt({ Name: 'one too many' }, 'Create token', null, 'Maximum 5 API tokens allowed');

    await page.goto('/dashboard?range=custom&from=2026-11-20&to=2026-11-02');
    expect(await page.locator('.bar .error').textContent()).toBe('Start date must not be after end date');
    expect(await page.getByLabel('From').inputValue()).toBe('2026-11-20');
    await page.goto('/dashboard?tz=Mars/Olympus&range=century');
    expect(await page.locator('.bar .error').textContent()).toBe('Must be an IANA time zone like Europe/Rome');
    expect(await page.getByRole('alert').textContent()).toContain('range: Must be one of today');
    await page.goto('/explore?rollup=hour&range=90d');
    expect(await page.getByText('Hourly view is limited to 31 days', { exact: true }).count()).toBe(1);
    await page.goto('/explore?top=0');
    expect(await page.locator('.filters .error').textContent()).toBe('Must be from 1 to 50');
    await attempt({ 'View name': '' }, 'Save view', 'View name', 'Must have 1 to 100 characters');
    expect(complaints).toEqual([]);
    await close();
  });
});
