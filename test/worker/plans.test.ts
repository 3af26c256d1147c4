import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createSecretToken, TOKEN_PREFIX } from '../../src/crypto/secret-token.ts';
import { HOUR_MS } from '../../src/lib/day.ts';
import { addManagement } from '../support/account.ts';
import { listRoutes, withId } from '../support/routes.ts';
import { createScenario } from '../support/scenario.ts';
import { explain, spyDb } from '../support/spied-db.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

/** A plan's line that reads a whole stored table. Walking `json_each`, a constant row or a subquery of ours is none. */
const SCAN = /^SCAN (?!CONSTANT ROW|json_each|\w+ VIRTUAL TABLE|next\b|\(subquery-\d+\)|h$)/;
/** One that walks the whole ledger of a user, day by day. */
const WALK = /^SEARCH (?:d|key_day|usage_day|account_day|account_check) USING PRIMARY KEY \(user_id=\?\)$/;
/** The weekly cleanup walks small tables as a whole. */
const CLEANUP = /^DELETE FROM (one_time_link|sign_in_failure|api_token|job_run) /;

async function expectNoScan(statements: readonly string[]): Promise<void> {
  const distinct = [...new Set(statements)].filter((text) => !text.startsWith('EXPLAIN') && !CLEANUP.test(text));
  expect(distinct.length).toBeGreaterThan(30);
  const scans: string[] = [];
  for (const text of distinct)
    for (const line of await explain(text)) if (SCAN.test(line) || WALK.test(line)) scans.push(`${line}: ${text}`);
  expect(scans).toEqual([]);
}

describe('no query of a user’s route', () => {
  it('reads a whole table', async () => {
    const { binding, statements } = spyDb();
    const world = createWorld({ db: binding });
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    for (const route of await listRoutes(world)) {
      const key = await world.makeKey(user.token);
      const made = await world.json<{ id: number; token: string }>('POST', '/api/tokens', { token: user.token, body: { name: 'x' } });
      const id = route.path.startsWith('/api/tokens') ? made.body.id : key.id;
      const body = route.path === '/api/auth/me' && route.method === 'DELETE' ? { password: user.password } : route.body;
      for (const token of [user.token, made.body.token, createSecretToken(TOKEN_PREFIX.api), other.token]) {
        if (body?.['password'] === user.password && token === user.token) continue;
        await world.call(route.method, withId(route.path, id), { token, ...(body && { body }) });
      }
      await world.call('DELETE', `/api/keys/${key.id}`, { token: user.token });
      await world.call('DELETE', `/api/tokens/${made.body.id}`, { token: user.token });
      if (route.path.endsWith('/logout')) user.token = await user.newSession();
    }
    const last = await world.makeUser();
    await world.call('POST', '/api/auth/login', { body: { email: last.email, password: last.password } });
    await world.call('POST', '/api/auth/password', {
      token: last.token,
      body: { current_password: last.password, new_password: 'another passphrase' },
    });
    await world.call('DELETE', '/api/auth/me', { token: last.token, body: { password: 'another passphrase' } });

    await expectNoScan(statements);
  });

  it('is part of reading an account, of a takeover, or of a key’s end either', async () => {
    const { binding, statements } = spyDb();
    const set = await createScenario({ days: 40, db: binding });
    const id = await set.add();
    const second = freshKeyText();
    set.world.simulator.addKey(second, { isManagement: true });
    await addManagement(set.world, set.user.token, second);
    const [first] = set.account.keys as [string];
    await set.world.call('POST', '/api/keys', { token: set.user.token, body: { name: 'mine', key: first } });
    await set.world.call('POST', `/api/keys/${(await set.find(set.account.keys[1] as string)).id}/sync`, { token: set.user.token });
    await set.hours(26);
    const next = freshKeyText();
    set.world.simulator.addKey(next);
    await set.hours(1);
    await set.world.call('PATCH', `/api/keys/${(await set.find(first)).id}`, { token: set.user.token, body: { key: next } });
    set.world.simulator.removeKey(set.account.keys[2] as string);
    await set.hours(1);
    expect((await set.find(set.account.keys[2] as string)).vanished_at).not.toBeNull();
    await set.world.call('DELETE', `/api/keys/${id}`, { token: set.user.token });
    await set.hours(1);
    await expectNoScan(statements);
  });

  it('would go unnoticed', async () => {
    expect((await explain('SELECT * FROM api_key WHERE name = ?1')).some((line) => SCAN.test(line))).toBe(true);
    expect((await explain('SELECT * FROM key_day WHERE user_id = ?1 AND source IS NULL')).some((line) => WALK.test(line))).toBe(true);
  });
});

describe('the cost of a sync', () => {
  /** What an hourly sync of `count` keys costs that did not change since the last one. */
  async function costOf(count: number) {
    const spied = spyDb();
    const world = createWorld({ db: spied.binding, config: { maxKeysPerUser: count } });
    await env.DB.batch(['api_key', 'job_run'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
    const user = await world.makeUser();
    for (let made = 0; made < count; made++) await world.makeKey(user.token);
    world.clock.now += HOUR_MS;
    await world.sync();
    world.clock.now += HOUR_MS;
    spied.statements.length = 0;
    spied.rowsWritten = 0;
    await world.sync();
    return { statements: spied.statements.length, rowsWritten: spied.rowsWritten };
  }

  it('is the same number of statements for 1 key and for 20, and one row for each key that did not change', async () => {
    await env.DB.exec('DELETE FROM alert_rule');
    const [one, twenty] = [await costOf(1), await costOf(20)];
    expect(twenty.statements).toBe(one.statements);
    expect(twenty.rowsWritten - one.rowsWritten).toBe(19);
    expect(one.rowsWritten).toBe(4);
    // Two of them for what a sample changes, of a key and of its secret, and one for what the ledger takes then. Four are for alerts (the rules with what was told, of whom no key is read, what is left to send, and what is left to do), and two
    // ask which encryption keys are in use, since the tests have two.
    expect(one.statements).toBe(18);
  });
});

describe('the migrations', () => {
  it('make every table from nothing, the ledger clustered by tenant', async () => {
    const { results } = await env.DB.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all<{
      name: string;
      sql: string;
    }>();
    const ours = new Map(results.map(({ name, sql }) => [name, sql]));
    for (const table of [
      'user',
      'session',
      'one_time_link',
      'sign_in_failure',
      'api_key',
      'account',
      'upstream_key',
      'management',
      'workspace',
      'model_name',
      'api_token',
      'purge',
      'job_run',
    ]) {
      expect([table, ours.has(table)]).toEqual([table, true]);
    }
    for (const [table, rest] of Object.entries({
      key_day: ['upstream_key_id'],
      usage_day: ['upstream_key_id', 'model', 'provider'],
      account_day: ['account_id', 'model', 'provider'],
      account_check: ['account_id'],
    })) {
      const key = ['user_id', 'day', ...rest].map((name) => `\`${name}\``).join(', ');
      expect([table, ours.get(table)?.replaceAll(/\s+/g, ' ')]).toEqual([
        table,
        expect.stringContaining(`PRIMARY KEY(${key}) ) WITHOUT ROWID`),
      ]);
    }
  });
});
