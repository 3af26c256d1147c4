/** A database of node:sqlite made from the migrations. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { root } from '../scripts/wrangler.ts';

/** @param file where it is kept; `:memory:` for nowhere */
export function createMigrated(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  const folder = join(root, 'migrations');
  for (const name of readdirSync(folder).sort()) if (name.endsWith('.sql')) database.exec(readFileSync(join(folder, name), 'utf8'));
  return database;
}
