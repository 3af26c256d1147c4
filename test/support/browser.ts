/** A real Chromium for the tests of pages. What it complains about (console errors, violations of the CSP, foreign hosts) is kept. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import AxeSource from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** The folder for pictures of the pages; without it none are taken, since each takes half a second. */
const { SHOTS } = process.env;

export const hasChromium = existsSync(EXECUTABLE);

if (!hasChromium) {
  console.warn(
    `\nSKIPPED: the browser tests, since there is no Chromium at ${EXECUTABLE}. Install it (Debian: apt-get install chromium), or name another one in CHROMIUM.\n`,
  );
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });

/** Statuses that tests provoke; browsers write them into the console. */
const EXPECTED = /Failed to load resource: the server responded with a status of (4\d\d)/;

/** A page with a memory of everything that went wrong on it, but answers with a 4xx status. */
export async function openPage(browser: Browser, origin: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ baseURL: origin, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    const isComplaint = ['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text());
    if (isComplaint) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) complaints.push(`asked ${request.url()}`);
  });
  return { page, complaints, close: () => context.close() };
}

export interface AxeViolation {
  id: string;
  nodes: string[];
}

/**
 * What axe-core finds wrong on the page. It runs in a world of its own, so that the page's CSP stays in force.
 * @param rules of axe-core, all without
 */
export async function findViolations(page: Page, rules?: readonly string[]): Promise<AxeViolation[]> {
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send('Page.getFrameTree');
  const { executionContextId } = await client.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await client.send('Runtime.evaluate', {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await evaluate(`${AxeSource.source}; undefined`);
  const violations = await evaluate(
    `axe.run(${JSON.stringify(rules ? { runOnly: rules } : {})}).then(({ violations }) => JSON.parse(JSON.stringify(violations)))`,
  );
  await client.detach();
  return violations.map(({ id, nodes }: { id: string; nodes: { failureSummary: string; html: string }[] }) => ({
    id,
    nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`),
  }));
}

/** How many pixels the page is wider than its window. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** Keeps a picture of the whole page, where SHOTS names a folder. */
export async function keepShot(page: Page, name: string): Promise<void> {
  if (!SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
