/** What holds at any time, and what holds once everything is quiet. */
import { HOUR_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { expectAccountTruth, expectKeyTruth, expectSeriesTruth, expectSumsTruth, expectUnattributedTruth } from './money.ts';
import type { Person } from './people.ts';
import { violated } from './violation.ts';
import type { World } from './world.ts';

/** Checked after each step. */
export function checkStep({ d1, config, expectSound }: World): void {
  expectSound();
  const text = 'SELECT user_id FROM api_token WHERE is_active = 1 GROUP BY user_id HAVING count(*) > ?';
  const [beyond] = d1.ask(text, config.maxTokensPerUser);
  if (beyond) violated(`user ${beyond['user_id']} has more than ${config.maxTokensPerUser} active tokens`);
}

/** Tables whose rows name a key and, beside it, the user to whom they belong; and the table that the name leads to. */
const OWNED: readonly [table: string, column: string, owner: string][] = [
  ['key_day', 'upstream_key_id', 'upstream_key'],
  ['usage_day', 'upstream_key_id', 'upstream_key'],
  ['account_day', 'account_id', 'account'],
  ['account_check', 'account_id', 'account'],
  ['upstream_key', 'api_key_id', 'api_key'],
  ['upstream_key', 'account_id', 'account'],
  ['account', 'reader_id', 'api_key'],
  ['management', 'api_key_id', 'api_key'],
  ['management', 'account_id', 'account'],
  ['workspace', 'account_id', 'account'],
  ['alert_event', 'key_id', 'api_key'],
  ['alert_event', 'rule_id', 'alert_rule'],
];

/** No row of one user leads to another user's. */
function checkOwners({ d1 }: World): void {
  for (const [table, column, owner] of OWNED) {
    const [row] = d1.ask(`SELECT t.* FROM ${table} AS t JOIN ${owner} AS o ON o.id = t.${column} WHERE o.user_id <> t.user_id LIMIT 1`);
    if (row) violated(`a row of ${table} belongs to somebody else than what it names: ${JSON.stringify(row)}`);
  }
}

/** No secret stands in a column of a table, or in the log. */
function checkSecrets({ d1, secrets }: World, log: readonly string[]): void {
  for (const { name } of d1.ask<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'"))
    secrets.expectNone(`the table ${name}`, JSON.stringify(d1.ask(`SELECT * FROM ${name}`)));
  secrets.expectNone('the log', log.join('\n'));
}

/** Checked every few hours. */
export async function checkState(world: World, people: readonly Person[], log: readonly string[]): Promise<void> {
  checkOwners(world);
  checkSecrets(world, log);
  for (const person of people) await expectSeriesTruth(world, person);
}

/** Nothing is under way any more, in the queue or out of it. */
function checkIdle({ queue, running }: World): void {
  if (running() > 0) violated(`${running()} pieces of work do not end`);
  if (queue.waiting.length > 0) violated(`the queue does not come to rest: ${JSON.stringify(queue.waiting)}`);
}

/** Every part of a run came to its end, unless the queue lost its message. */
function checkRuns({ d1, queue }: World): void {
  const lost = new Set(queue.lost.flatMap((message) => ('part' in message ? `${message.job} ${message.slot} ${message.part}` : [])));
  const open = d1.ask<{ job: string; slot: string; part: number }>('SELECT job, slot, part FROM job_run WHERE finished_at IS NULL');
  for (const { job, slot, part } of open)
    if (!lost.has(`${job} ${slot} ${part}`)) violated(`part ${part} of the run ${job} ${slot} does not end`);
}

/** What was deleted is gone, and nobody waits for it any more. */
function checkPurge({ d1 }: World): void {
  const [marked] = d1.ask('SELECT * FROM purge LIMIT 1');
  if (marked) violated(`user ${marked['user_id']} still waits for rows to be deleted`);
  for (const [table, column, owner] of OWNED.slice(0, 4)) {
    const [row] = d1.ask(`SELECT t.* FROM ${table} AS t WHERE NOT EXISTS (SELECT 1 FROM ${owner} AS o WHERE o.id = t.${column}) LIMIT 1`);
    if (row) violated(`a row of ${table} has outlived what it is about: ${JSON.stringify(row)}`);
  }
}

interface KeyState {
  id: number;
  kind: string;
  hash: string;
  status: string;
  vanished_at: string | null;
  last_synced_at: string | null;
  backfill: { done: number; total: number } | null;
}

/** Longer than crons are apart in the quiet. */
const MAX_AGE_MS = 6 * HOUR_MS;

/** Every key that OpenRouter has is read again, and read back to the end. */
async function checkKeys(world: World, person: Person): Promise<void> {
  const { body } = await world.call('GET', '/api/keys', { token: person.session });
  const all = [...person.simulator.keys(), ...person.second.simulator.keys()];
  const alive = new Set(await Promise.all(all.map(({ text }) => sha256Hex(text))));
  const oldest = world.clock.now() - MAX_AGE_MS;
  for (const key of body as KeyState[]) {
    if (!alive.has(key.hash)) continue;
    if (key.status !== 'active') violated(`key ${key.id} of ${person.mark} is ${key.status}`);
    if (Date.parse(key.last_synced_at ?? '1970-01-01') < oldest)
      violated(`key ${key.id} of ${person.mark} was last read at ${key.last_synced_at}`);
    const { backfill } = key;
    if (backfill && backfill.done < backfill.total)
      violated(`of key ${key.id} of ${person.mark} ${backfill.done} of ${backfill.total} days are read`);
  }
}

/** Checked once everything is quiet. */
export async function checkRest(world: World, people: readonly Person[]): Promise<void> {
  checkIdle(world);
  checkRuns(world);
  checkPurge(world);
  for (const person of people) {
    await checkKeys(world, person);
    await expectSumsTruth(world, person);
    await expectUnattributedTruth(world, person);
    if (person.isManager) await expectAccountTruth(world, person);
    else await expectKeyTruth(world, person);
  }
}
