import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/lib/day.ts';
import { createScenario } from '../support/scenario.ts';
import { interruptDb } from '../support/spied-db.ts';
import { createWorld, type World } from '../support/world.ts';

/** Tables of which an answer with an `ETag` may be made. */
const TABLES = [
  'api_key',
  'upstream_key',
  'management',
  'workspace',
  'model_name',
  'account',
  'key_day',
  'usage_day',
  'account_day',
  'account_check',
];

interface Cost {
  trips: number;
  rowsRead: number;
  rowsWritten: number;
}

/** What an answer says that it cost. */
function costOf(response: Response): Cost {
  const [, trips, rowsRead, rowsWritten] =
    /^d1;desc="trips=(\d+) rows_read=(\d+) rows_written=(\d+)";dur=[\d.]+$/.exec(response.headers.get('server-timing') ?? '') ?? [];
  return { trips: Number(trips), rowsRead: Number(rowsRead), rowsWritten: Number(rowsWritten) };
}

const get = (world: World, token: string, path: string, etag?: string | null) =>
  world.call('GET', path, { token, headers: etag ? { 'if-none-match': etag } : {} });

/** The tag of an answer that is asked for without one. */
async function tagOf(world: World, token: string, path: string): Promise<string> {
  const response = await get(world, token, path);
  expect(response.status).toBe(200);
  const etag = response.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
  return etag;
}

async function apiTokenOf(world: World, token: string): Promise<string> {
  return (await world.json<{ token: string }>('POST', '/api/tokens', { token, body: { name: 'reader' } })).body.token;
}

/** The paths whose answers have an `ETag`, as the document tells. */
async function revalidatedPaths(world: World, keyId: number): Promise<string[]> {
  const { body } = await world.json<{ paths: Record<string, { get?: { responses: object } }> }>('GET', '/openapi.json');
  return Object.entries(body.paths).flatMap(([path, { get: read }]) =>
    read && '304' in read.responses ? path.replace('{id}', String(keyId)) : [],
  );
}

const set = await createScenario({ keys: 3, days: 40, chance: 0.3 });
const managementId = await set.add();
await set.hours(2);

describe('an answer that did not change', () => {
  it('is 304, after one round trip of at most three rows, of which none is written', async () => {
    const { world, user } = set;
    const apiToken = await apiTokenOf(world, user.token);
    const paths = await revalidatedPaths(world, managementId);
    expect(paths.length).toBe(6);
    for (const path of paths) {
      for (const token of path.startsWith('/api/v1') ? [user.token, apiToken] : [user.token]) {
        const again = await get(world, token, path, await tagOf(world, token, path));
        expect([path, again.status, await again.text()]).toEqual([path, 304, '']);
        expect(again.headers.get('cache-control')).toBe('private, no-cache');
        const cost = costOf(again);
        expect([path, cost.trips, cost.rowsWritten]).toEqual([path, 1, 0]);
        expect(cost.rowsRead).toBeGreaterThan(0);
        expect(cost.rowsRead).toBeLessThanOrEqual(3);
      }
    }
  });

  it('is known by a weak tag, among several, and by a star', async () => {
    const { world, user } = set;
    const etag = await tagOf(world, user.token, '/api/v1/stats');
    for (const held of [`W/${etag}`, `"other", ${etag}`, '*'])
      expect((await get(world, user.token, '/api/v1/stats', held)).status).toBe(304);
    expect((await get(world, user.token, '/api/v1/stats', '"other"')).status).toBe(200);
  });

  it('is another one for another question, zone, media type, day and user', async () => {
    const { world, user } = set;
    const other = await world.makeUser();
    const tags = [
      await tagOf(world, user.token, '/api/v1/usage'),
      await tagOf(world, user.token, '/api/v1/usage?tz=Asia/Tokyo'),
      await tagOf(world, user.token, '/api/v1/usage?group_by=model'),
      await tagOf(world, user.token, '/api/v1/usage?format=csv'),
      await tagOf(world, other.token, '/api/v1/usage'),
    ];
    const csv = await world.call('GET', '/api/v1/usage', { token: user.token, headers: { accept: 'text/csv' } });
    tags.push(csv.headers.get('etag') ?? '');
    world.clock.now += DAY_MS;
    tags.push(await tagOf(world, user.token, '/api/v1/usage'));
    world.clock.now -= DAY_MS;
    expect(new Set(tags).size).toBe(tags.length);
  });

  it('costs, when it changed, two trips, the sums of its settled days and the rows of the others', async () => {
    const { world, user } = set;
    const rename = (name: string) => env.DB.prepare('UPDATE api_key SET name = ? WHERE id = ?').bind(name, managementId).run();
    await rename('another name');
    await get(world, user.token, '/api/v1/stats');
    await rename('a third one');
    const response = await get(world, user.token, '/api/v1/stats');
    const [from, open] = ['2026-10-17', '2026-11-13'];
    const count = async (table: string, rest = '') => {
      const row = await env.DB.prepare(`SELECT count(*) AS rows FROM ${table} WHERE user_id = ? ${rest}`)
        .bind(user.id)
        .first<{ rows: number }>();
      return row?.rows ?? 0;
    };
    const days = ['key_day', 'usage_day', 'account_day', 'account_check'];
    const counts = await Promise.all([
      ...days.map((table) => count(table, `AND day >= '${open}'`)),
      count('day_sum', `AND day BETWEEN '${from}' AND '${open}'`),
      ...['upstream_key', 'account', 'management', 'model_name'].map((table) => count(table)),
    ]);
    expect(await count('day_sum')).toBeGreaterThan(20);
    /** Each key is sorted, and read with its secret; with a secret come its account, the management key that reads that, and this one as a key. */
    const ofKeys = 3 * (await count('api_key')) + 3 * (await count('upstream_key', 'AND account_id IS NOT NULL'));
    /** For each table of days: two spans, and whether the first and the last settled day have sums. And what it takes to know who asks. */
    const others = days.length * (2 + 2) + 3;
    const rows = counts.reduce((sum, one) => sum + one, 0) + ofKeys + others;
    expect([costOf(response).trips, costOf(response).rowsRead]).toEqual([2, rows]);
  });
});

describe('a version', () => {
  /** Who asks again learns of what happened in between. */
  async function expectTold(world: World, token: string, change: () => Promise<unknown>): Promise<void> {
    const etag = await tagOf(world, token, '/api/v1/stats');
    await change();
    expect((await get(world, token, '/api/v1/stats', etag)).status).toBe(200);
  }

  it('ends with whatever is written to a table that answers are made of', async () => {
    const { world, user } = set;
    for (const table of TABLES) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table} WHERE user_id = ? LIMIT 1`).bind(user.id).all();
      const [row] = results;
      const { results: stored } = await env.DB.prepare('SELECT name FROM pragma_table_info(?)').bind(table).all<{ name: string }>();
      const columns = row ? stored.map(({ name }) => name) : [];
      const insert = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
      const where = columns.filter((name) => row?.[name] !== null).map((name) => `${name} = ?`);
      const values = columns.flatMap((name) => row?.[name] ?? []);
      const run = (text: string, bound: unknown[]) => () =>
        env.DB.prepare(text)
          .bind(...bound)
          .run();
      expect([table, columns.length > 2]).toEqual([table, true]);
      await expectTold(world, user.token, run(`UPDATE ${table} SET user_id = user_id WHERE ${where.join(' AND ')}`, values));
      await expectTold(world, user.token, run(`DELETE FROM ${table} WHERE ${where.join(' AND ')}`, values));
      await expectTold(
        world,
        user.token,
        run(
          insert,
          columns.map((name) => row?.[name] ?? null),
        ),
      );
    }
  });

  it('ends with a sync, and with what the user does to a key', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    const change = (body: object) => world.call('PATCH', `/api/keys/${key.id}`, { token: user.token, body });
    await expectTold(world, user.token, async () => {
      world.clock.now += 3_600_000;
      world.simulator.spend(key.text, { nano: 5 }, world.clock.now - 1);
      await world.sync();
    });
    await expectTold(world, user.token, () => change({ name: 'renamed' }));
    await expectTold(world, user.token, () => change({ is_active: false }));
    await expectTold(world, user.token, () => world.call('DELETE', `/api/keys/${key.id}`, { token: user.token }));
  });

  it('does not end with what others do, and costs no row until somebody has seen it', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    const key = await world.makeKey(other.token);
    const etag = await tagOf(world, user.token, '/api/keys');
    await world.call('PATCH', `/api/keys/${key.id}`, { token: other.token, body: { name: 'renamed' } });
    expect((await get(world, user.token, '/api/keys', etag)).status).toBe(304);
    const rename = () => env.DB.prepare('UPDATE api_key SET name = ? WHERE id = ?').bind('x', key.id).run();
    const unseen = (await rename()).meta.rows_written;
    await tagOf(world, other.token, '/api/keys');
    expect([(await rename()).meta.rows_written - unseen, (await rename()).meta.rows_written - unseen]).toEqual([1, 0]);
  });

  it('misses nothing that is written while an answer is made', async () => {
    const plain = createWorld();
    const user = await plain.makeUser();
    const key = await plain.makeKey(user.token, 'before');
    const rename = (name: string) => env.DB.prepare('UPDATE api_key SET name = ? WHERE id = ?').bind(name, key.id).run();
    for (const moment of ['FROM "session"', 'FROM "api_key"']) {
      await rename('before');
      const world = createWorld({ db: interruptDb(moment, () => rename('after')), now: plain.clock.now });
      const first = await get(world, user.token, '/api/keys');
      const again = await get(world, user.token, '/api/keys', first.headers.get('etag'));
      const last = again.status === 304 ? first : again;
      const names = ((await last.json()) as { name: string }[]).map(({ name }) => name);
      expect([moment, names]).toEqual([moment, ['after']]);
    }
  });
});

describe('what garbage costs', () => {
  it('is no round trip', async () => {
    const world = createWorld({ db: new Proxy(env.DB, { get: () => () => Promise.reject(new Error('D1 was asked')) }) });
    for (const token of ['', 'garbage', 'a.b.c', 'or_api_0000000000000000000000000000000000000000000000']) {
      const response = await world.call('GET', '/api/v1/stats', { token });
      expect([token, response.status, response.headers.get('server-timing')]).toEqual([token, 401, null]);
    }
  });
});
