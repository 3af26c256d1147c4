/** `npm run screenshot`: the pictures of the dashboard in the README, taken of the demo by Chromium (named by CHROMIUM). */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { hasHistory, startDemo } from './running-demo.ts';
import { root } from './wrangler.ts';

const SIZE = { width: 1280, height: 1130 };
/** The keys are read then, the rest of the account's history is not. */
const SHOWN_DAYS = 90;

const { origin, session, stop } = await startDemo(['--port', '9420', '--inspector-port', '9421'], hasHistory(SHOWN_DAYS));
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
for (const colorScheme of ['light', 'dark'] as const) {
  const context = await browser.newContext({ baseURL: origin, colorScheme, viewport: SIZE });
  await context.addCookies([{ name: 'session', value: session, url: origin }]);
  const page = await context.newPage();
  await page.goto('/dashboard');
  await page.screenshot({ path: join(root, `docs/dashboard-${colorScheme}.png`) });
  await context.close();
}
await browser.close();
await stop();
