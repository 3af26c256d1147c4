/** `npm run demo` as a child process. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { originOf } from './serve.ts';
import { root } from './wrangler.ts';

export const DEMO_USER = { email: 'demo@example.org', password: 'look at all this spend' };

interface DemoKeyState {
  kind: string;
  backfill: { done: number; total: number } | null;
}

type IsReady = (keys: readonly DemoKeyState[]) => boolean;

/** Do all keys of the demo's account have at least that many days of history? */
export const hasHistory =
  (days: number): IsReady =>
  (keys) =>
    keys.some(({ kind }) => kind === 'discovered') &&
    keys.every(({ kind, backfill }) => kind === 'management' || backfill === null || backfill.done >= days);

async function signIn(origin: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${origin}/api/auth/login`, { method: 'POST', headers, body: JSON.stringify(DEMO_USER) });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** Resolves when the keys are ready. @param args those of `npm run demo` */
export async function startDemo(args: readonly string[], isReady: IsReady) {
  const demo = spawn(process.execPath, ['scripts/demo.ts', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let log = '';
  demo.stdout.on('data', (chunk) => {
    log += chunk;
  });
  const origin = originOf(args);
  while (!log.includes('The demo is at')) {
    if (demo.exitCode !== null) throw new Error(`the demo did not start:\n${log}`);
    await sleep(500);
  }
  const session = await signIn(origin);
  const list = async () =>
    (await (await fetch(`${origin}/api/keys`, { headers: { authorization: `Bearer ${session}` } })).json()) as DemoKeyState[];
  while (!isReady(await list())) await sleep(1000);

  async function stop(): Promise<void> {
    const ended = new Promise((resolve) => demo.on('exit', resolve));
    demo.kill('SIGTERM');
    await ended;
  }
  return { origin, cookie: `session=${session}`, session, stop };
}
