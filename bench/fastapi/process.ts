/** The process of FastAPI, SQLAlchemy and SQLite, with the rows that a database of this project holds. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian's Python, for which `apt-get install python3-fastapi python3-sqlalchemy uvicorn` installs. */
const PYTHON = '/usr/bin/python3';
const TRIES = 100;
const MEASURES = 'cost_nano, byok_cost_nano, requests, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens';

/** Whether what it needs is installed on this machine. */
export const isInstalled = (): boolean => spawnSync(PYTHON, ['-c', 'import fastapi, sqlalchemy, uvicorn']).status === 0;

function copyRows(from: DatabaseSync, path: string): void {
  from.exec(`
    ATTACH '${path}' AS peer;
    CREATE TABLE peer.token AS SELECT token_hash, user_id FROM api_token;
    CREATE TABLE peer.usage (id INTEGER PRIMARY KEY, user_id INTEGER, date TEXT, key_id INTEGER, model TEXT, provider TEXT, ${MEASURES});
    INSERT INTO peer.usage (user_id, date, key_id, model, provider, ${MEASURES})
      SELECT user_id, day, upstream_key_id, model, provider, ${MEASURES} FROM usage_day ORDER BY user_id, day;
    CREATE INDEX peer.usage_by_date ON usage (user_id, date);
    CREATE UNIQUE INDEX peer.token_by_hash ON token (token_hash);
    DETACH peer;`);
}

async function waitUntilReady(origin: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < TRIES && child.exitCode === null; tries++) {
    if (await fetch(`${origin}/openapi.json`).catch(() => null)) return;
    await sleep(100);
  }
  throw new Error('FastAPI did not start');
}

/** @param from a database of this project, which is left as it is */
export async function startFastApi(from: DatabaseSync, port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'openrouter-monitor-fastapi-'));
  const database = join(folder, 'usage.db');
  copyRows(from, database);
  const args = ['-m', 'uvicorn', 'app:app', '--port', String(port), '--log-level', 'warning'];
  const child = spawn(PYTHON, args, {
    cwd: import.meta.dirname,
    env: { ...process.env, DATABASE: database, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: 'inherit',
  });
  const origin = `http://127.0.0.1:${port}`;
  await waitUntilReady(origin, child);
  return {
    origin,
    async stop() {
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
