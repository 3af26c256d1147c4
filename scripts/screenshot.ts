/** `npm run screenshot`: takes the pictures in the documents from the demo with Chromium (named by CHROMIUM). */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { hasHistory, startDemo } from './running-demo.ts';
import { root } from './wrangler.ts';

const PICTURES = {
  dashboard: { path: '/dashboard', height: 1130 },
  explore: { path: '/explore?range=90d&by=key&by2=model&rollup=week&top=8', height: 1130 },
  alerts: { path: '/alerts', height: 432 },
};
const WIDTH = 1280;
/** By then the keys are synced; the rest of the account's history is not. */
const SHOWN_DAYS = 90;

const { origin, session, stop } = await startDemo(['--quick', '--port', '9420', '--inspector-port', '9421'], hasHistory(SHOWN_DAYS));
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
for (const colorScheme of ['light', 'dark'] as const)
  for (const [name, { path, height }] of Object.entries(PICTURES)) {
    const context = await browser.newContext({ baseURL: origin, colorScheme, viewport: { width: WIDTH, height } });
    await context.addCookies([{ name: 'session', value: session, url: origin }]);
    const page = await context.newPage();
    await page.goto(path);
    await page.screenshot({ path: join(root, `docs/${name}-${colorScheme}.png`) });
    await context.close();
  }
await browser.close();
await stop();
