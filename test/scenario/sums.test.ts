import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { deliver } from '../../src/jobs/index.ts';
import { DAY_MS, dayOf, SECOND_MS } from '../../src/lib/day.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { interruptDb } from '../support/spied-db.ts';
import { createVisitor } from '../support/visitor.ts';
import { createWorld } from '../support/world.ts';

const RANGE = 'from=2026-10-10&to=2026-11-14';
const TOKENS = 'requests, prompt_tokens, completion_tokens, reasoning_tokens';
const ZONES = ['UTC', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia', 'Europe/London'];

interface StoredSum {
  day: string;
  cut: number;
}

const set = await createScenario({ keys: 8, days: 40, chance: 0.3 });
await set.add();
await set.hours(2);

const forgetSums = () => env.DB.prepare('DELETE FROM day_sum').run();
const sumsOf = async ({ user }: Pick<Scenario, 'user'> = set): Promise<StoredSum[]> =>
  (await env.DB.prepare('SELECT day, cut FROM day_sum WHERE user_id = ? ORDER BY day').bind(user.id).all<StoredSum>()).results;

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

const costOf = (name: string, { headers }: Pick<Answer, 'headers'>) =>
  Number(new RegExp(`${name}=(\\d+)`).exec(headers.get('server-timing') ?? '')?.[1]);
const tripsOf = (answer: Pick<Answer, 'headers'>) => costOf('trips', answer);

const rowsOf = (answer: Pick<Answer, 'headers'>) => costOf('rows_read', answer);

/** Asks until each settled day has its sum: the first time from rows alone, the last one from sums. */
async function askBoth(ask: () => Promise<Answer>, trips = 2): Promise<[string, string]> {
  await forgetSums();
  const first = await ask();
  expect([first.status, tripsOf(first)]).toEqual([200, trips]);
  for (let looks = 0; looks < 20; looks++) {
    const again = await ask();
    if (tripsOf(again) === trips && rowsOf(again) < rowsOf(first)) return [first.text, again.text];
  }
  throw new Error('the sums were never made');
}

async function askStats(query: string, { world, user }: Pick<Scenario, 'world' | 'user'> = set): Promise<Answer> {
  const { status, headers, body } = await world.json('GET', `/api/v1/stats?${query}`, { token: user.token });
  return { status, headers, text: JSON.stringify(body) };
}

beforeEach(forgetSums);

describe('answers', () => {
  it('of statistics are the same from rows and from sums, in any zone, to the byte', async () => {
    for (const zone of ZONES) {
      for (const days of [RANGE, 'from=2026-10-10&to=2026-10-31', 'from=2026-11-02&to=2026-11-02']) {
        const query = `${days}&tz=${zone}`;
        const [fromRows, fromSums] = await askBoth(() => askStats(query));
        expect([query, fromSums]).toEqual([query, fromRows]);
      }
    }
  });

  it('of the dashboard and of Explore too', async () => {
    const visitor = createVisitor(set.world, set.user.token);
    for (const zone of ['UTC', 'America/New_York']) {
      for (const [path, trips] of [
        [`/dashboard?tz=${zone}`, 2],
        [`/dashboard?range=90d&by=key&tz=${zone}`, 2],
        [`/dashboard?range=custom&from=2026-10-20&to=2026-10-20&by=provider&tz=${zone}`, 2],
        [`/explore?range=30d&by=model&tz=${zone}`, 3],
        [`/explore?range=90d&by=key&rollup=week&metric=requests&tz=${zone}`, 3],
      ] as const) {
        const [fromRows, fromSums] = await askBoth(async () => {
          const { html, ...visit } = await visitor.visit(path);
          return { ...visit, text: html };
        }, trips);
        expect([path, fromSums]).toEqual([path, fromRows]);
        expect(fromRows).toContain('<svg');
      }
    }
  });

  it('from sums read a fraction of the rows', async () => {
    const ask = () => askStats(RANGE);
    const first = await ask();
    await askBoth(ask);
    expect(rowsOf(await ask())).toBeLessThan(rowsOf(first) / 5);
    expect((await sumsOf()).length).toBeGreaterThan(30);
  });

  it('of few rows a day are read as rows, in two trips', async () => {
    const own = await createScenario({ keys: 1, days: 40 });
    await own.add();
    for (let looks = 0; looks < 3; looks++) expect(tripsOf(await askStats(RANGE, own))).toBe(2);
    expect(await sumsOf(own)).toEqual([]);
  });
});

describe('a sum', () => {
  it('is made of days before yesterday alone, and parted for the zone of the question', async () => {
    await askStats('from=2026-11-01&to=2026-11-15&tz=America/New_York');
    const stored = await sumsOf();
    expect(stored.at(-1)?.day).toBe(dayOf(set.world.clock.now - 2 * DAY_MS));
    expect(new Set(stored.map(({ cut }) => cut))).toEqual(new Set([4, 5]));
  });

  it('of one zone is put off by the question of another only if that is the user’s own', async () => {
    const { world, user } = set;
    const visitor = createVisitor(world, user.token);
    const zonesOf = async () => [...new Set((await sumsOf()).map(({ cut }) => cut))].sort();
    const range = 'from=2026-11-03&to=2026-11-11';
    await askStats(`${range}&tz=UTC`);
    expect(await zonesOf()).toEqual([0]);
    await askStats(`${range}&tz=Asia/Tokyo`);
    expect(await zonesOf()).toEqual([15]);
    await askStats(`${range}&tz=America/New_York`);
    expect(await zonesOf()).toEqual([15]);
    await askStats(`${range}&tz=UTC`);
    expect(await zonesOf()).toEqual([15]);
    const setZone = (zone: string) => env.DB.prepare('UPDATE user SET time_zone = ? WHERE id = ?').bind(zone, user.id).run();
    await setZone('America/New_York');
    await visitor.visit('/dashboard?range=30d');
    expect(await zonesOf()).toContain(5);
    await setZone('UTC');
  });

  it('ends with each change of a row of its day, and with no other', async () => {
    const day = '2026-11-05';
    const usage = "999, 'm', 'p', 1, 0, 1, 1, 1, 1";
    const amounts = `model, provider, cost_nano, byok_cost_nano, ${TOKENS}`;
    for (const [table, columns, values] of [
      ['key_day', 'upstream_key_id', '999'],
      ['usage_day', `upstream_key_id, ${amounts}`, usage],
      ['account_day', `account_id, ${amounts}`, usage],
      ['account_check', 'account_id, activity_nano, activity_byok_nano', '999, 1, 0'],
    ] as const) {
      const row = `user_id = ${set.user.id} AND day = '${day}' AND ${columns.split(',')[0]} = 999`;
      for (const change of [
        `INSERT INTO ${table} (user_id, day, ${columns}) VALUES (${set.user.id}, '${day}', ${values})`,
        `UPDATE ${table} SET user_id = user_id WHERE ${row}`,
        `DELETE FROM ${table} WHERE ${row}`,
      ]) {
        await askStats(RANGE);
        const before = (await sumsOf()).map(({ day }) => day);
        expect([change, before.includes(day)]).toEqual([change, true]);
        await env.DB.prepare(change).run();
        expect([change, (await sumsOf()).map(({ day }) => day)]).toEqual([change, before.filter((one) => one !== day)]);
      }
    }
  });

  it('ends, with all of its user, when a key goes, and when a secret or an account goes or belongs to another one', async () => {
    const own = await createScenario({ keys: 8, days: 10, chance: 0.3 });
    await own.add();
    await own.hours(2);
    const sumsAfter = async (change: string): Promise<number> => {
      await askBoth(() => askStats('from=2026-11-06', own));
      expect((await sumsOf(own)).length).toBeGreaterThan(3);
      await env.DB.prepare(change).bind(own.user.id).run();
      return (await sumsOf(own)).length;
    };
    const last = (table: string) => `id = (SELECT max(id) FROM ${table} WHERE user_id = ?1)`;
    const other = 'SELECT max(id) FROM api_key WHERE user_id = ?1 AND id <> api_key_id';
    expect(
      await sumsAfter(`UPDATE upstream_key SET read_at = read_at + 1, api_key_id = api_key_id WHERE ${last('upstream_key')}`),
    ).toBeGreaterThan(3);
    expect(await sumsAfter(`UPDATE upstream_key SET api_key_id = (${other}) WHERE ${last('upstream_key')}`)).toBe(0);
    expect(await sumsAfter(`UPDATE account SET done_from = done_from, listed_at = listed_at + 1 WHERE user_id = ?1`)).toBeGreaterThan(3);
    expect(await sumsAfter(`UPDATE api_key SET is_active = 0 WHERE ${last('api_key')}`)).toBe(0);
    await env.DB.prepare('UPDATE api_key SET is_active = 1 WHERE user_id = ?1').bind(own.user.id).run();
    expect(await sumsAfter('UPDATE account SET reader_id = NULL WHERE user_id = ?1')).toBe(0);
    await env.DB.prepare('UPDATE account SET reader_id = (SELECT api_key_id FROM management WHERE user_id = ?1) WHERE user_id = ?1')
      .bind(own.user.id)
      .run();
    expect(await sumsAfter(`UPDATE upstream_key SET account_id = NULL WHERE ${last('upstream_key')}`)).toBe(0);
    expect(await sumsAfter(`DELETE FROM upstream_key WHERE ${last('upstream_key')}`)).toBe(0);
    expect(await sumsAfter(`DELETE FROM api_key WHERE ${last('api_key')}`)).toBe(0);
  });

  it('is not kept where something changed between reading and keeping it', async () => {
    const change = (nano: number) =>
      env.DB.prepare('UPDATE usage_day SET cost_nano = cost_nano + ? WHERE user_id = ?').bind(nano, set.user.id).run();
    const world = createWorld({ db: interruptDb('RETURNING stats_version', () => change(1)), now: set.world.clock.now });
    await askStats(RANGE, { world, user: set.user });
    expect(await sumsOf()).toEqual([]);
    await askStats(RANGE, { world, user: set.user });
    expect((await sumsOf()).length).toBeGreaterThan(10);
    await change(-1);
  });

  it('that is made while the past is still being read ends with what comes after', async () => {
    const own = await createScenario({ keys: 18, days: 40 });
    const { world } = own;
    await world.call('POST', '/api/keys', { token: own.user.token, body: { name: 'account', key: own.account.management } });
    let kept = 0;
    while (world.queue.length > 0) {
      const message = world.queue.shift();
      if (message && (await deliver(world.deps, message)).kind === 'retry') world.queue.push(message);
      world.clock.now += 20 * SECOND_MS;
      await askStats(RANGE, own);
      kept += (await sumsOf(own)).length;
    }
    expect(kept).toBeGreaterThan(30);
    const [fromRows, fromSums] = [await askStats(RANGE, own), await askBoth(() => askStats(RANGE, own))];
    expect([fromRows.text, fromSums[1]]).toEqual([fromSums[0], fromSums[0]]);
  });

  it('is not made of days that are not kept', async () => {
    await askStats(RANGE);
    const before = (await sumsOf()).length;
    expect((await askStats('from=1500-01-01&to=1500-12-31')).status).toBe(200);
    expect((await sumsOf()).length).toBe(before);
  });

  it('that goes while it is read has the days read three times at most', async () => {
    await askBoth(() => askStats(RANGE));
    const end = (where: string) =>
      env.DB.prepare(`DELETE FROM day_sum WHERE user_id = ?1 AND day = (SELECT max(day) FROM day_sum WHERE user_id = ?1 AND ${where})`)
        .bind(set.user.id)
        .run();
    await end("day < '2026-11-01'");
    let reads = 0;
    const db = new Proxy(env.DB, {
      get(target, name) {
        if (name !== 'batch') return Reflect.get(target, name).bind(target);
        return async (batch: D1PreparedStatement[]) => {
          const results = await target.batch(batch);
          if (batch.length > 5 && reads++ < 6) await end("day < '2026-11-10'");
          return results;
        };
      },
    });
    const world = createWorld({ db, now: set.world.clock.now });
    const answer = await askStats(RANGE, { world, user: set.user });
    // One trip is for the session.
    expect([answer.status, tripsOf(answer)]).toEqual([200, 4]);
  });

  it('of another zone leaves answers at two trips', async () => {
    await askBoth(() => askStats(`${RANGE}&tz=Asia/Tokyo`));
    for (let looks = 0; looks < 3; looks++) expect(tripsOf(await askStats(`${RANGE}&tz=America/New_York`))).toBe(2);
  });

  it('goes with the user', async () => {
    const own = await createScenario({ keys: 8, days: 10, chance: 0.3 });
    await own.add();
    await askStats('from=2026-11-06', own);
    expect((await sumsOf(own)).length).toBeGreaterThan(3);
    const gone = await own.world.call('DELETE', '/api/auth/me', { token: own.user.token, body: { password: own.user.password } });
    expect([gone.status, await sumsOf(own)]).toEqual([204, []]);
  });
});
