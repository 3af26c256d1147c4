/** Forms that went wrong, and forms that get other fields, in a real browser: where the focus is, and what is in view. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findViolations, hasChromium, keepShot, launch, openPage, overflowOf } from '../support/browser.ts';
import { type RunningWorker, startWorker } from '../support/running-worker.ts';

const PASSWORD = 'a canary sings at dawn';

let running: RunningWorker;
let browser: Browser;
let people = 0;

beforeAll(async () => {
  if (!hasChromium) return;
  running = await startWorker();
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await running?.stop();
});

/** Where the focus comes to, and whether all of it is in view. */
async function expectFocus(page: Page, id: string): Promise<void> {
  const focused = page.locator(`[id="${id}"]:focus`);
  await focused.waitFor();
  const box = await focused.boundingBox();
  const height = page.viewportSize()?.height ?? 0;
  expect([id, box !== null && box.y >= 0 && box.y + box.height <= height]).toEqual([id, true]);
}

const summary = (page: Page) => page.getByRole('alert');

/** The page that a browser's window shows to somebody who has just registered. */
async function openFor(width: number, javaScriptEnabled: boolean) {
  const opened = await openPage(browser, running.origin, { viewport: { width, height: 800 }, javaScriptEnabled });
  opened.page.setDefaultTimeout(60_000);
  people += 1;
  await opened.page.goto('/register');
  await opened.page.getByLabel('Email').fill(`forms-${people}@example.org`);
  await opened.page.getByLabel('Password').fill(PASSWORD);
  await opened.page.getByRole('button', { name: 'Create account' }).click();
  await opened.page.waitForURL('**/dashboard');
  return opened;
}

const SCREENS = [
  { width: 1280, script: true },
  { width: 1280, script: false },
  { width: 375, script: false },
];

describe.skipIf(!hasChromium).each(SCREENS)('a form ($width px, script: $script)', ({ width, script }) => {
  it('that failed comes back to its field; the summary leads to each', async () => {
    const { page, complaints, close } = await openFor(width, script);
    await page.goto('/alerts');
    await page.getByLabel('Amount (USD)').fill('lots');
    await page.getByLabel('Thresholds (%)').fill('2000');
    await page.getByRole('button', { name: 'Add rule' }).click();
    await expectFocus(page, 'alerts-rules-amount_usd');
    expect(await summary(page).getByRole('heading').textContent()).toBe('Check 2 fields');
    expect(await overflowOf(page)).toBe(0);
    if (script) expect(await findViolations(page)).toEqual([]);
    await keepShot(page, `failed-rule-${width}`);
    await summary(page).getByRole('link', { name: 'Thresholds (%): ' }).click();
    await expectFocus(page, 'alerts-rules-thresholds');

    await page.goto('/alerts');
    await page.getByRole('button', { name: 'Add channel' }).click();
    await expectFocus(page, 'alerts-channels-name');

    await page.goto('/explore');
    await page.getByLabel('Series', { exact: true }).fill('99');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await expectFocus(page, 'explore-top');
    expect(await summary(page).getByRole('link').allTextContents()).toEqual(['Series: Must be from 1 to 50']);
    if (script) expect(await findViolations(page)).toEqual([]);
    await keepShot(page, `failed-question-${width}`);
    await page.getByRole('button', { name: 'Save view' }).click();
    await expectFocus(page, 'explore-views-name');
    for (const query of ['key=x', 'cumulative=2', 'range=custom&from=2026-11-20&to=2026-11-02']) {
      await page.goto(`/explore?${query}`);
      const [href = ''] = await summary(page)
        .getByRole('link')
        .evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
      await expectFocus(page, href.slice(1));
    }
    expect(complaints).toEqual([]);
    await close();
  });

  it('of which nothing is wrong but the whole comes back to itself', async () => {
    const { page, complaints, close } = await openFor(width, script);
    await page.goto('/account');
    await page.getByLabel('Password, to confirm').fill('not this one, surely');
    await page.getByRole('button', { name: 'Delete account' }).click();
    await expectFocus(page, 'account-delete-password');
    const text = `sk-or-v1-${String(people).repeat(64).slice(0, 64)}`;
    running.simulator.addKey(text);
    await page.goto('/keys');
    await page.getByLabel('Name').fill('mine');
    await page.getByLabel('OpenRouter key').fill(text);
    await page.getByRole('button', { name: 'Add key' }).click();
    await page.getByRole('link', { name: 'mine' }).click();
    const path = new URL(page.url()).pathname;
    for (let times = 0; times < 2; times++) await page.getByRole('button', { name: 'Sync now' }).click();
    await expectFocus(page, `${path.slice(1).replace('/', '-')}-sync`);
    expect(await summary(page).textContent()).toBe('A key can be synced once a minute.');
    if (script) expect(await findViolations(page)).toEqual([]);
    await keepShot(page, `failed-sync-${width}`);
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Sync now');
    expect(complaints).toEqual([]);
    await close();
  });

  it('of another type keeps what was typed, and the focus; the Enter key sends it', async () => {
    const { page, complaints, close } = await openFor(width, script);
    await page.goto('/alerts');
    const kinds = page.getByRole('group', { name: 'Type of rule' });
    await page.getByLabel('Amount (USD)').fill('12');
    await page.locator('#new-rule').getByLabel('Name').fill('mine');
    await page.getByLabel('Period', { exact: true }).selectOption('week');
    await kinds.getByRole('button', { name: 'Spend spike' }).click();
    await page.locator('button[aria-current]:focus', { hasText: 'Spend spike' }).waitFor();
    expect(await page.locator('#new-rule').getByLabel('Name').inputValue()).toBe('mine');
    expect(await page.getByLabel('Count').inputValue()).toBe('both');
    expect(await summary(page).count()).toBe(0);
    if (script) expect(await findViolations(page)).toEqual([]);
    await keepShot(page, `other-type-${width}`);
    await kinds.getByRole('button', { name: 'Budget' }).click();
    expect(await page.getByLabel('Amount (USD)').inputValue()).toBe('12');
    expect(await page.getByLabel('Period', { exact: true }).inputValue()).toBe('week');
    await page.locator('#new-rule').getByLabel('Name').press('Enter');
    await page.waitForURL('**/alerts');
    expect(await page.getByRole('status').textContent()).toContain('$12.00 per week');

    await page.locator('#new-channel').getByLabel('Name').fill('ops');
    await page.getByRole('group', { name: 'Type of channel' }).getByRole('button', { name: 'Telegram' }).click();
    await page.locator('button[aria-current]:focus', { hasText: 'Telegram' }).waitFor();
    expect(await page.locator('#new-channel').getByLabel('Name').inputValue()).toBe('ops');
    await page.goto('/alerts?rule=spike#new-rule');
    expect(await kinds.locator('[aria-current]').textContent()).toBe('Spend spike');
    expect(complaints).toEqual([]);
    await close();
  });
});
