/** The Worker as a newcomer starts it: `npm start`'s own script, in front of a simulated OpenRouter, with a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { devVars } from '../../scripts/secrets.ts';
import { startSimulatorServer } from './openrouter/server.ts';
import { createSimulator } from './openrouter/simulator.ts';

const TRIES = 400;

const listen = (port: number): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

/** A free port below those that a system gives to connections: one of these would sometimes take it before the Worker does. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const probe = await listen(port);
    if (probe === null) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

async function waitUntilReady(worker: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; !log().includes('OpenRouter Monitor is at'); tries++) {
    if (tries > TRIES || worker.exitCode !== null) throw new Error(`the Worker did not start:\n${log()}`);
    await sleep(250);
  }
}

/** Starts it and waits until it serves. */
export async function startWorker() {
  const folder = await mkdtemp(join(tmpdir(), 'openrouter-monitor-test-'));
  const simulator = createSimulator({ now: Date.now });
  const simulated = await startSimulatorServer(0, simulator, () => {});
  const address = simulated.address();
  const base = `OPENROUTER_BASE_URL:http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/api/v1`;
  const secrets = join(folder, 'secrets.env');
  await writeFile(secrets, devVars());
  const port = await freePort();
  const state = join(folder, 'state');
  const ports = ['--port', String(port), '--inspector-port', String(await freePort())];
  const args = ['--verbose', ...ports, '--persist-to', state, '--env-file', secrets, '--var', base];
  const worker = spawn(process.execPath, ['scripts/start.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const collect = (chunk: Buffer) => {
    log += chunk;
  };
  worker.stdout.on('data', collect);
  worker.stderr.on('data', collect);
  await waitUntilReady(worker, () => log);

  async function stop(): Promise<void> {
    const ended = new Promise((resolve) => worker.on('exit', resolve));
    worker.kill('SIGTERM');
    await ended;
    simulated.closeAllConnections();
    simulated.close();
    await rm(folder, { recursive: true, force: true });
  }

  return { origin: `http://localhost:${port}`, simulator, state, log: () => log, stop };
}

export type RunningWorker = Awaited<ReturnType<typeof startWorker>>;
