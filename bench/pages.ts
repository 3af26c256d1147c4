/**
 * `npm run bench`: CPU of the Worker for its pages, on the data of `npm run demo` (ninety days, nine keys). The time is that of the
 * Worker's own JavaScript as the runtime's sampling profiler sees it; the database, which production bills apart, is not in it.
 */
import { hasHistory, startDemo } from '../scripts/running-demo.ts';

const PORT = 9410;
const INSPECTOR = 9411;
const ORIGIN = `http://localhost:${PORT}`;
const WARM_UP = 40;
const REQUESTS = 100;
const SAMPLE_US = 100;
/** Not the Worker's own work: waiting, and the runtime around it. */
const OTHERS = new Set(['(idle)', '(program)', '(root)']);

interface Profile {
  nodes: { id: number; callFrame: { functionName: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/** A connection to the runtime's inspector. Source: https://chromedevtools.github.io/devtools-protocol/v8/ */
async function openInspector() {
  const targets = (await (await fetch(`http://127.0.0.1:${INSPECTOR}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  // The inspector refuses whoever names no origin; browsers cannot set it, Node can.
  const options = { headers: { origin: ORIGIN } } as unknown as string[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '', options);
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  let last = 0;
  const send = (method: string, params: object = {}) =>
    new Promise<Record<string, unknown>>((resolve) => {
      last += 1;
      const id = last;
      const receive = ({ data }: MessageEvent) => {
        const answer = JSON.parse(String(data));
        if (answer.id !== id) return;
        socket.removeEventListener('message', receive);
        resolve(answer.result ?? {});
      };
      socket.addEventListener('message', receive);
      socket.send(JSON.stringify({ id, method, params }));
    });
  return { send, close: () => socket.close() };
}

type Inspector = Awaited<ReturnType<typeof openInspector>>;

/** Milliseconds of the Worker's JavaScript in a profile. */
function busyMs({ nodes, samples, timeDeltas }: Profile): number {
  const idle = new Set(nodes.filter(({ callFrame }) => OTHERS.has(callFrame.functionName)).map(({ id }) => id));
  return samples.reduce((sum, id, index) => (idle.has(id) ? sum : sum + (timeDeltas[index] ?? 0)), 0) / 1000;
}

/** CPU of one request to a path, on average over many, in milliseconds; and the size of its answer. */
async function measure({ send }: Inspector, path: string, cookie: string): Promise<{ ms: number; bytes: number }> {
  const ask = async () =>
    (await (await fetch(ORIGIN + path, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' })).arrayBuffer()).byteLength;
  for (let count = 0; count < WARM_UP; count++) await ask();
  await send('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await send('Profiler.start');
  let bytes = 0;
  for (let count = 0; count < REQUESTS; count++) bytes = await ask();
  const { profile } = (await send('Profiler.stop')) as { profile: Profile };
  return { ms: busyMs(profile) / REQUESTS, bytes };
}

const PAGES = ['/login', '/dashboard', '/dashboard?tz=America/New_York', '/dashboard?range=90d', '/explore', '/keys', '/keys/1', '/tokens'];

const { stop, cookie } = await startDemo(['--quick', '--port', String(PORT), '--inspector-port', String(INSPECTOR)], hasHistory(90));
const inspector = await openInspector();
await inspector.send('Profiler.enable');
console.log('| Page | CPU, ms | HTML, kB |\n|---|---|---|');
for (const path of PAGES) {
  const { ms, bytes } = await measure(inspector, path, path === '/login' ? '' : cookie);
  console.log(`| \`${path}\` | ${ms.toFixed(2)} | ${(bytes / 1000).toFixed(1)} |`);
}
inspector.close();
await stop();
