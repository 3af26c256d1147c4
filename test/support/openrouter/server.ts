/**
 * The simulator as an HTTP server on this machine, with a way to command it:
 *
 *   node test/support/openrouter/server.ts --port 9100
 *
 * `POST /control` takes `{"add_key": {"text": "sk-or-v1-…", "isManagement": false}}`, `{"spend": {"text": "…" or null for the
 * chatroom, "usd": 1.5, "byok_usd": 0, "model": "openai/gpt-4.1-2025-04-14", "provider": "OpenAI", "at": <epoch ms>}}`,
 * `{"change_key": {"text": "…", "name": "new"}}`, `{"remove_key": {"text": "…"}}`, `{"add_workspace": {"id": "…", "name": "…",
 * "slug": "…"}}`, `{"credits": {"usd": 100}}`, `{"fault": {"text": "…" or "*", "fault": {"kind": "status", "status": 503} or
 * null}}`, or `{"clock": {"at": <epoch ms> or null}}`; null lets the clock run again.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { nanoFromUsd } from '../../../src/lib/money.ts';
import type { Fault } from './faults.ts';
import type { Workspace } from './management.ts';
import { createSimulator, type SimulatedKey, type Simulator } from './simulator.ts';

interface Command {
  add_key?: Partial<SimulatedKey> & { text: string };
  change_key?: Partial<SimulatedKey> & { text: string };
  remove_key?: { text: string };
  add_workspace?: Workspace;
  credits?: { usd: number };
  spend?: { text: string | null; usd?: number; byok_usd?: number; at?: number; model?: string; provider?: string };
  fault?: { text: string; fault: Fault | null };
  clock?: { at: number | null };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}

/** Starts the server on 127.0.0.1; resolves when it listens. */
export function startSimulatorServer(port: number, simulator: Simulator, setClock: (at: number | null) => void) {
  function book({ text, usd = 0, byok_usd = 0, at, ...place }: NonNullable<Command['spend']>): void {
    const amounts = { nano: nanoFromUsd(usd), byokNano: nanoFromUsd(byok_usd), ...place };
    if (text === null) simulator.spendInChatroom(amounts, at);
    else simulator.spend(text, amounts, at);
  }

  function command({ add_key, change_key, remove_key, add_workspace, credits, spend, fault, clock }: Command): void {
    if (clock) setClock(clock.at);
    if (add_workspace) simulator.addWorkspace(add_workspace);
    if (add_key) simulator.addKey(add_key.text, add_key);
    if (change_key) simulator.changeKey(change_key.text, change_key);
    if (remove_key) simulator.removeKey(remove_key.text);
    if (credits) simulator.buyCredits(nanoFromUsd(credits.usd));
    if (spend) book(spend);
    if (fault) simulator.setFault(fault.text, fault.fault);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/control' && request.method === 'POST') {
      command(JSON.parse(await readBody(request)) as Command);
      response.writeHead(204).end();
      return;
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the caller went away')));
    const headers = new Headers(
      Object.entries(request.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    );
    const { method = 'GET' } = request;
    const content = method !== 'GET' && method !== 'HEAD' && { body: await readBody(request) };
    const answer = await simulator.answer(
      new Request(`http://simulator${request.url}`, { method, headers, signal: gone.signal, ...content }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  return new Promise<typeof server>((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

if (import.meta.main) {
  let frozenAt: number | null = null;
  const simulator = createSimulator({ now: () => frozenAt ?? Date.now() });
  const index = process.argv.indexOf('--port');
  const port = index < 0 ? 9100 : Number(process.argv[index + 1]);
  await startSimulatorServer(port, simulator, (at) => {
    frozenAt = at;
  });
  console.log(`Simulated OpenRouter at http://127.0.0.1:${port}/api/v1`);
}
