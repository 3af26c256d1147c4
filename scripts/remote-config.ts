/** A copy of wrangler.toml with the account's database id, ignored by git. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRunWrangler, root } from './wrangler.ts';

export const DATABASE_NAME = 'openrouter-monitor';
const PLACEHOLDER_ID = '00000000-0000-0000-0000-000000000000';
const REMOTE_CONFIG = 'wrangler.remote.toml';

export function withDatabaseId(config: string, id: string): string {
  if (!config.includes(PLACEHOLDER_ID)) throw new Error('wrangler.toml has no placeholder for the database id');
  return config.replace(PLACEHOLDER_ID, id);
}

/** @param list output of `wrangler d1 list --json` */
export function findDatabaseId(list: string): string | null {
  const databases = JSON.parse(list.slice(list.indexOf('['))) as { name: string; uuid: string }[];
  return databases.find(({ name }) => name === DATABASE_NAME)?.uuid ?? null;
}

export async function writeRemoteConfig(id: string): Promise<string> {
  const path = join(root, REMOTE_CONFIG);
  await writeFile(path, withDatabaseId(await readFile(join(root, 'wrangler.toml'), 'utf8'), id));
  return path;
}

export async function remoteConfig(mustRun: (args: readonly string[]) => Promise<string> = mustRunWrangler): Promise<string> {
  const id = findDatabaseId(await mustRun(['d1', 'list', '--json']));
  if (id !== null) return writeRemoteConfig(id);
  console.error('There is no database yet: run `npm run deploy` first.');
  return process.exit(1);
}
