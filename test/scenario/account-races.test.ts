import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { KeyRow } from '../../src/inventory/model.ts';
import { findKey } from '../../src/inventory/store.ts';
import { deliver } from '../../src/jobs/index.ts';
import type { JobMessage } from '../../src/jobs/model.ts';
import { DAY_MS, dayOf, HOUR_MS } from '../../src/lib/day.ts';
import { readListing } from '../../src/sync/listing.ts';
import { accountMessageOf } from '../../src/sync/message.ts';
import { addManagement, daysAgo, LEDGER_TABLES, WORKSPACES } from '../support/account.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { DEFAULT_WORKSPACE } from '../support/openrouter/management.ts';
import { createSimulator } from '../support/openrouter/simulator.ts';
import { createScenario, expectTruth, type ListedKey, type Scenario, total } from '../support/scenario.ts';
import { tapDb } from '../support/spied-db.ts';
import { freshKeyText } from '../support/world.ts';

const QUERY = '/analytics/query';
const queries = (fault: Fault) => (path: string) => (path.startsWith(QUERY) ? fault : null);
/** In the batch that applies a listing. */
const LISTED_LAST = 'UPDATE account SET listed_at';
const first = ({ account }: Scenario): string => account.keys[0] as string;
const spent = ({ world }: Scenario, text: string): number => world.simulator.spentBetween(text, 0, world.clock.now + 1).nano;
const call = (set: Scenario, method: string, path: string, body?: object) =>
  set.world.call(method, path, { token: set.user.token, ...(body && { body }) });
const own = async (set: Scenario, text: string): Promise<ListedKey> =>
  (await set.world.json<ListedKey>('POST', '/api/keys', { token: set.user.token, body: { name: 'mine', key: text } })).body;
const ofKey = (set: Scenario, id: number) => total(set, `&key_id=${id}`);
const driftOf = async (set: Scenario): Promise<unknown[]> =>
  (await set.world.json<{ drift: unknown[] }>('GET', '/api/v1/stats?from=2026-11-01&to=2026-11-30', { token: set.user.token })).body.drift;

/** A second management key of the account, added by its user. */
async function addSecond(set: Scenario): Promise<{ text: string; id: number }> {
  const text = freshKeyText();
  set.world.simulator.addKey(text, { isManagement: true });
  return { text, id: await addManagement(set.world, set.user.token, text) };
}

/** The test's database; `act` runs once, after the first batch with a statement of this text, when it is armed. */
function armedDb(fragment: string) {
  const state = { isArmed: false, isSeen: false, hasRun: false, act: (): Promise<unknown> => Promise.resolve() };
  const tapped = tapDb((text) => {
    if (state.isArmed && !state.hasRun && text.includes(fragment)) state.isSeen = true;
  });
  const db = new Proxy(tapped, {
    get(target, name) {
      if (name !== 'batch') return Reflect.get(target, name);
      return async (batch: D1PreparedStatement[]) => {
        const results = await env.DB.batch(batch);
        if (state.isSeen && !state.hasRun) {
          state.hasRun = true;
          await state.act();
        }
        return results;
      };
    },
  });
  return { db, state };
}

describe('money is counted once', () => {
  it('when a listing that was begun earlier and answered later is applied first', async () => {
    const set = await createScenario({ keys: 1, days: 2, chance: 0 });
    const id = await set.add();
    const { deps, clock, simulator } = set.world;
    const manager = (await findKey(deps.db, set.user.id, id)) as KeyRow;
    const [key] = set.account.keys as [string];
    const list = (runId: string) => readListing(deps, manager, set.account.management, runId);
    clock.now += HOUR_MS;
    const startedAt = clock.now;
    const ask = deps.openrouter.listKeys;
    let isFirst = true;
    deps.openrouter.listKeys = async (text, workspaceId) => {
      const answer = await ask(text, workspaceId);
      if (!isFirst) return answer;
      isFirst = false;
      simulator.spend(key, { nano: 7 }, startedAt - 10_000);
      clock.now = startedAt - 5000;
      await list('earlier');
      clock.now = startedAt;
      return answer;
    };
    await list('later');
    clock.now += HOUR_MS;
    await list('next');
    const { results } = await env.DB.prepare(
      'SELECT counted_nano AS cost_nano, correction_nano FROM key_day WHERE user_id = ? AND counted_nano IS NOT NULL',
    )
      .bind(set.user.id)
      .all();
    expect(results).toEqual([{ cost_nano: 7, correction_nano: 0 }]);
  });

  it('when the monitor was off for days: what the counters shared out does not stand beside analytics', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0 });
    await set.add();
    await set.hours(1);
    set.world.simulator.spend(first(set), { nano: 9_000_000_000 }, set.world.clock.now + HOUR_MS);
    set.world.clock.now += 4 * DAY_MS;
    await set.hours(26);
    expect(await total(set)).toBe(9_000_000_000);
  });

  it('when two runs come close together and analytics are late', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0, now: Date.parse('2026-11-15T12:01:30Z') });
    set.world.simulator.analytics.lagMs = 3 * 60_000;
    set.world.simulator.spend(first(set), { nano: 5_000_000_000 }, set.world.clock.now - 60_000);
    await set.add();
    set.world.clock.now = Date.parse('2026-11-15T12:03:00Z');
    await set.world.sync();
    await set.hours(72);
    expect(await total(set)).toBe(5_000_000_000);
    expect(await driftOf(set)).toEqual([]);
  });

  it('when a key is deleted before analytics told its spend', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0 });
    await set.add();
    set.world.simulator.chooseFaults(queries({ kind: 'status', status: 503 }));
    set.world.simulator.spend(first(set), { nano: 5_000_000_000 });
    await set.hours(1);
    set.world.simulator.chooseFaults(() => null);
    set.world.simulator.removeKey(first(set));
    await set.hours(30);
    expect(await total(set)).toBe(5_000_000_000);
    // Analytics have nothing of it, which is said; the account as a whole adds up.
    expect(await driftOf(set)).toMatchObject([{ source: 'counters', key_id: (await set.find(first(set))).id, drift_usd: 5 }]);
  });

  it('when a key of its own is deleted while the account is read', async () => {
    const set = await createScenario({ keys: 2, chance: 0.3 });
    const mine = await own(set, first(set));
    await own(set, set.account.management);
    await deliver(set.world.deps, structuredClone(set.world.queue[0] as JobMessage));
    await call(set, 'DELETE', `/api/keys/${mine.id}`);
    expect(await driftOf(set)).toEqual([]);
    await set.world.drain();
    await set.hours(30);
    await expectTruth(set, 41, 31);
  });

  it('when a key of its own is deleted right after the account was listed, before the listing is noted', async () => {
    const { db, state } = armedDb(LISTED_LAST);
    const set = await createScenario({ keys: 2, days: 20, chance: 0.4, db });
    const mine = await own(set, first(set));
    state.act = () => call(set, 'DELETE', `/api/keys/${mine.id}`);
    state.isArmed = true;
    await set.add();
    expect(state.hasRun).toBe(true);
    await set.hours(30);
    await expectTruth(set, 41, 31);
  });

  it('when a key is deleted under one leader, and the one before it can list the account in part only', async () => {
    const set = await createScenario({ keys: 2, days: 20, chance: 0.4 });
    const mine = await own(set, first(set));
    set.world.simulator.chooseFaults(queries({ kind: 'status', status: 503 }));
    const leader = await set.add();
    const second = await addSecond(set);
    const hand = async (from: number, to: number) => {
      await call(set, 'PATCH', `/api/keys/${from}`, { is_active: false });
      await call(set, 'PATCH', `/api/keys/${to}`, { is_active: true });
      await set.hours(1);
    };
    await hand(leader, second.id);
    await call(set, 'DELETE', `/api/keys/${mine.id}`);
    set.world.simulator.chooseFaults((path) =>
      path.includes(`workspace_id=${DEFAULT_WORKSPACE.id}`) ? { kind: 'status', status: 503 } : null,
    );
    await hand(second.id, leader);
    set.world.simulator.chooseFaults(() => null);
    await set.hours(30);
    await expectTruth(set, 41, 31);
  });

  it('when the management key gets another text, not verified yet, while it lists the account for the first time', async () => {
    const set = await createScenario({ keys: 2, days: 20, chance: 0.4 });
    const { deps, simulator } = set.world;
    const text = freshKeyText();
    simulator.addKey(text, { isManagement: true });
    const ask = deps.openrouter.listKeys;
    deps.openrouter.listKeys = async (...question) => {
      deps.openrouter.listKeys = ask;
      const answer = await ask(...question);
      simulator.chooseFaults((path) => (path.endsWith('/key') ? { kind: 'status', status: 503 } : null));
      await call(set, 'PATCH', `/api/keys/${(await set.find(set.account.management)).id}`, { key: text });
      simulator.chooseFaults(() => null);
      return answer;
    };
    await set.add();
    expect(deps.openrouter.listKeys).toBe(ask);
    await set.hours(30);
    await expectTruth(set, 41, 31);
  });

  it('when the leader is overtaken between two writes of its listing, and a workspace is gone', async () => {
    const { db, state } = armedDb('UPDATE account AS a SET reader_id');
    const set = await createScenario({ keys: 2, days: 20, chance: 0.4, db });
    set.world.simulator.chooseFaults(queries({ kind: 'status', status: 503 }));
    const leader = await set.add();
    const second = await addSecond(set);
    const { deps, clock } = set.world;
    const ask = deps.openrouter.listWorkspaces;
    deps.openrouter.listWorkspaces = async (text) => {
      const answer = await ask(text);
      return answer.ok ? { ...answer, value: answer.value.filter(({ id }) => id !== WORKSPACES[2]?.id) } : answer;
    };
    clock.now += 60_000;
    const slot = new Date(clock.now).toISOString();
    const readOn = () => deliver(deps, accountMessageOf(slot, set.user.id, second.id));
    state.act = async () => {
      await call(set, 'PATCH', `/api/keys/${leader}`, { is_active: false });
      await readOn();
    };
    state.isArmed = true;
    await deliver(deps, accountMessageOf(slot, set.user.id, leader));
    expect(state.hasRun).toBe(true);
    set.world.simulator.chooseFaults(() => null);
    clock.now += 60_000;
    await readOn();
    await set.hours(30);
    await expectTruth(set, 41, 31);
  });

  it('when another management key takes over from one that died, and a key had vanished', async () => {
    const set = await createScenario({ keys: 2, days: 5, chance: 0.5 });
    await set.add();
    const second = await addSecond(set);
    set.world.simulator.spend(first(set), { nano: 5_000_000_000 });
    await set.hours(2);
    set.world.simulator.removeKey(first(set));
    await set.hours(20);
    const before = await total(set);
    set.world.simulator.setFault(set.account.management, { kind: 'status', status: 401 });
    await set.hours(30);
    expect([await total(set), await driftOf(set)]).toEqual([before, []]);
    const dead = (await set.find(set.account.management)).id;
    expect((await call(set, 'DELETE', `/api/keys/${dead}`)).status).toBe(204);
    expect([await total(set), (await set.find(first(set))).managed_by]).toEqual([before, second.id]);
  });

  it('when the leader is paused while it lists, and another one takes over meanwhile', async () => {
    const { db, state } = armedDb(LISTED_LAST);
    const set = await createScenario({ keys: 2, days: 20, chance: 0.4, db });
    await set.add();
    const second = await addSecond(set);
    const leader = (await set.find(set.account.management)).id;
    state.act = async () => {
      await call(set, 'PATCH', `/api/keys/${leader}`, { is_active: false });
      const slot = new Date(set.world.clock.now + 1).toISOString();
      await deliver(set.world.deps, accountMessageOf(slot, set.user.id, second.id));
    };
    set.world.clock.now += 60_000;
    state.isArmed = true;
    await deliver(set.world.deps, accountMessageOf(new Date(set.world.clock.now).toISOString(), set.user.id, leader));
    expect(state.hasRun).toBe(true);
    await set.hours(30);
    await expectTruth(set, 41, 31);
  });

  it('when readings of the account in parts overlap', async () => {
    const { db, state } = armedDb('INSERT INTO account_day');
    const set = await createScenario({ keys: 2, chance: 0.3, db });
    set.world.simulator.analytics.maxDays = 7;
    state.act = () => env.DB.prepare('UPDATE account SET read_version = read_version + 1 WHERE user_id = ?').bind(set.user.id).run();
    state.isArmed = true;
    await set.add();
    expect(state.hasRun).toBe(true);
    await set.hours(30);
    await expectTruth(set, 41, 31);
  });
});

describe('money is not lost', () => {
  it('when a key is deleted at OpenRouter, and read once more before a listing could tell so', async () => {
    const set = await createScenario({ keys: 2, days: 10, chance: 1 });
    set.world.simulator.chooseFaults((path) => (path.startsWith('/activity') ? { kind: 'status', status: 503 } : null));
    await set.add();
    await set.hours(2);
    set.world.simulator.chooseFaults(() => null);
    const { id } = await set.find(first(set));
    const path = `/api/v1/stats?key_id=${id}&from=${dayOf(set.world.clock.now - 9 * DAY_MS)}&to=${dayOf(set.world.clock.now - DAY_MS)}`;
    const modelsOf = async () => (await set.world.json<{ by_model: object[] }>('GET', path, { token: set.user.token })).body.by_model;
    const before = await modelsOf();
    expect(before.length).toBeGreaterThan(1);
    // The key's counters move, so that it is read, and it goes right after the listing that tells them. Analytics do not know it any more,
    // and `/activity`, which is asked instead, has nothing of it.
    set.world.simulator.spend(first(set), { nano: 5_000_000_000 });
    const ask = set.world.deps.openrouter.queryAnalytics;
    set.world.deps.openrouter.queryAnalytics = async (...question) => {
      set.world.simulator.removeKey(first(set));
      return ask(...question);
    };
    await set.hours(1);
    expect(await modelsOf()).toEqual(before);
    await set.hours(30);
    expect(await modelsOf()).toEqual(before);
  });

  it('when the management key goes: the counters have the rest of the day', async () => {
    for (const end of ['delete', 'pause'] as const) {
      const set = await createScenario({ keys: 1, days: 5, chance: 0 });
      const mine = await own(set, first(set));
      set.world.simulator.spend(first(set), { nano: 100 });
      const management = await set.add();
      await set.hours(1);
      if (end === 'delete') await call(set, 'DELETE', `/api/keys/${management}`);
      else await call(set, 'PATCH', `/api/keys/${management}`, { is_active: false });
      set.world.simulator.spend(first(set), { nano: 5_000_000_000 });
      await set.hours(2);
      expect([end, await ofKey(set, mine.id)]).toEqual([end, spent(set, first(set))]);
      await set.hours(28);
      expect([end, await ofKey(set, mine.id)]).toEqual([end, spent(set, first(set))]);
    }
  });

  it('when a linked key gets a text of another account', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0 });
    const mine = await own(set, first(set));
    set.world.simulator.spend(first(set), { nano: 100 });
    await set.add();
    const next = freshKeyText();
    set.world.simulator.addKey(next, { workspaceId: 'elsewhere' });
    await call(set, 'PATCH', `/api/keys/${mine.id}`, { key: next });
    await set.hours(1);
    set.world.simulator.spend(next, { nano: 3_000_000_000 });
    await set.hours(30);
    expect(await ofKey(set, mine.id)).toBe(3_000_000_100);
  });

  it('when analytics refuse a part of the history, shortly after midnight', async () => {
    const set = await createScenario({ chance: 0.3, now: Date.parse('2026-11-15T00:30:00Z') });
    let asked = 0;
    set.world.simulator.chooseFaults((path) => {
      if (path.startsWith(QUERY)) asked += 1;
      return path.startsWith(QUERY) && asked >= 5 && asked <= 7 ? { kind: 'status', status: 403 } : null;
    });
    await set.add();
    set.world.simulator.chooseFaults(() => null);
    await set.hours(6);
    await expectTruth(set);
  });

  it('when a management key gets a text of another account: both accounts keep what they spent', async () => {
    const set = await createScenario({ keys: 2, days: 10, chance: 0.4 });
    const id = await set.add();
    const before = await total(set);
    const other = await createScenario({ keys: 2, days: 10, chance: 0.3 });
    const [workspace] = WORKSPACES;
    other.world.simulator.removeWorkspace(workspace?.id as string);
    for (const known of WORKSPACES.slice(1)) other.world.simulator.removeWorkspace(known.id);
    const moved = { id: '0b7d6d1e-54b1-4c0c-9f3e-5f4d3f2a1b0c', name: 'Other', slug: 'other' };
    other.world.simulator.addWorkspace(moved);
    for (const text of other.account.keys) other.world.simulator.changeKey(text, { workspaceId: moved.id });
    set.world.simulator.answer = other.world.simulator.answer;
    expect((await call(set, 'PATCH', `/api/keys/${id}`, { key: other.account.management })).status).toBe(200);
    set.world.clock.now += 1000;
    other.world.clock.now = set.world.clock.now;
    await call(set, 'POST', `/api/keys/${id}/sync`);
    await set.world.drain();
    const spentThere = other.world.simulator
      .allSpends()
      .flatMap(([text, spends]) =>
        text === null ? spends.filter(({ at }) => at < Date.parse(`${daysAgo(set.world.clock.now, 0)}T00:00:00Z`)) : spends,
      )
      .reduce((sum, { nano }) => sum + nano, 0);
    expect(await total(set)).toBe(before + spentThere);
  });

  it('hours and providers of a key that rested for more than a month', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0 });
    await set.add();
    set.world.simulator.spend(first(set), { nano: 1000 });
    await set.hours(30);
    const look = () =>
      env.DB.prepare('SELECT day, provider, hours FROM usage_day WHERE user_id = ? AND cost_nano = 1000').bind(set.user.id).first();
    const before = await look();
    for (let day = 0; day < 40; day++) {
      set.world.clock.now += DAY_MS - HOUR_MS;
      await set.hours(1);
    }
    set.world.simulator.spend(first(set), { nano: 7 });
    await set.hours(2);
    expect(await look()).toEqual(before);
    expect(before).toMatchObject({ provider: 'Anthropic', hours: expect.any(String) });
  }, 30_000);
});

/** Another account at the same OpenRouter, with a management key and no keys yet. */
function addOtherAccount(set: Scenario) {
  const other = createSimulator({ now: () => set.world.clock.now });
  const management = freshKeyText();
  other.addKey(management, { isManagement: true });
  other.removeWorkspace(DEFAULT_WORKSPACE.id);
  const workspace = { id: '0b7d6d1e-54b1-4c0c-9f3e-5f4d3f2a1b0c', name: 'Other', slug: 'other' };
  other.addWorkspace(workspace);
  const { answer } = set.world.simulator;
  set.world.simulator.answer = async (request) => {
    const text = (request.headers.get('authorization') ?? '').slice('Bearer '.length);
    return other.keys().some((key) => key.text === text) ? other.answer(request) : answer(request);
  };
  return { simulator: other, management, workspaceId: workspace.id };
}

describe('an account is known again', () => {
  const outside = 5_000_000_000;
  /** A key that spent 3 dollars and a chatroom that spent 5, days ago, in the default workspace. */
  async function known() {
    const set = await createScenario({ keys: 1, days: 10, chance: 0 });
    const at = set.world.clock.now - 3 * DAY_MS;
    set.world.simulator.spend(first(set), { nano: 3_000_000_000 }, at);
    set.world.simulator.spendInChatroom({ nano: outside }, at);
    return set;
  }

  it('after an answer without any workspace, or with new ones', async () => {
    const set = await known();
    await set.add();
    const empty = (answer: Response) => Promise.resolve(answer.ok ? Response.json({ data: [], total_count: 0 }) : answer);
    set.world.simulator.alter((path) => (path === '/workspaces' ? empty : null));
    await set.hours(1);
    set.world.simulator.alter(() => null);
    const renewed = { id: '11111111-54b1-4c0c-9f3e-5f4d3f2a1b0c', name: 'Default', slug: 'default' };
    for (const { id } of WORKSPACES) set.world.simulator.removeWorkspace(id);
    set.world.simulator.addWorkspace(renewed);
    set.world.simulator.changeKey(first(set), { workspaceId: renewed.id });
    await set.hours(30);
    expect(await total(set)).toBe(8_000_000_000);
  });

  it('and another one is another, when the management key gets its secret while the first one is listed, and neither has a key', async () => {
    const set = await createScenario({ keys: 0, days: 10, chance: 0 });
    set.world.simulator.spendInChatroom({ nano: outside }, set.world.clock.now - 3 * DAY_MS);
    const id = await set.add();
    await set.hours(2);
    const other = addOtherAccount(set);
    other.simulator.spendInChatroom({ nano: 2_000_000_000 }, set.world.clock.now - 2 * DAY_MS);
    const ask = set.world.deps.openrouter.listWorkspaces;
    set.world.deps.openrouter.listWorkspaces = async (text) => {
      const answer = await ask(text);
      set.world.deps.openrouter.listWorkspaces = ask;
      await call(set, 'PATCH', `/api/keys/${id}`, { key: other.management });
      return answer;
    };
    await set.hours(30);
    expect(await total(set)).toBe(outside + 2_000_000_000);
  });

  it('after its management key had a text of another account for a while', async () => {
    const set = await known();
    const id = await set.add();
    const other = addOtherAccount(set);
    await call(set, 'PATCH', `/api/keys/${id}`, { key: other.management });
    await set.hours(2);
    await call(set, 'PATCH', `/api/keys/${id}`, { key: set.account.management });
    await set.hours(30);
    expect(await total(set)).toBe(8_000_000_000);
  });

  it('after its management key was deleted and added once more, and a linked key had vanished', async () => {
    const set = await known();
    await own(set, first(set));
    const id = await set.add();
    set.world.simulator.removeKey(first(set));
    await set.hours(1);
    await call(set, 'DELETE', `/api/keys/${id}`);
    await set.add();
    await set.hours(30);
    expect(await total(set)).toBe(8_000_000_000);
  });

  it('by another management key when OpenRouter refuses the first one for hours', async () => {
    const set = await known();
    await set.add();
    await addSecond(set);
    set.world.simulator.setFault(set.account.management, { kind: 'status', status: 403 });
    set.world.simulator.spend(first(set), { nano: 7 });
    await set.hours(6);
    expect(await total(set)).toBe(8_000_000_007);
  });
});

describe('texts of several accounts', () => {
  it('of one key count all that the old one spends, whatever stops', async () => {
    const stops: ((set: Scenario, management: number) => unknown)[] = [
      (set) =>
        set.world.simulator.chooseFaults((path) =>
          path.startsWith('/workspaces') || path.startsWith(QUERY) ? { kind: 'status', status: 503 } : null,
        ),
      (set, id) => call(set, 'PATCH', `/api/keys/${id}`, { is_active: false }),
    ];
    for (const stop of stops) {
      const set = await createScenario({ keys: 2, days: 5, chance: 0 });
      const mine = await own(set, first(set));
      const management = await set.add();
      await call(set, 'PATCH', `/api/keys/${mine.id}`, { key: set.account.keys[1] });
      await set.hours(1);
      set.world.simulator.spend(first(set), { nano: 3_000_000_000 });
      set.world.simulator.spend(set.account.keys[1] as string, { nano: 1_000_000_000 });
      await set.hours(1);
      await stop(set, management);
      await set.hours(5);
      expect(await ofKey(set, mine.id)).toBe(4_000_000_000);
    }
  });

  it('keep each account’s own total: what another account’s text spends is not subtracted', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0 });
    const mine = await own(set, first(set));
    const id = await set.add();
    const other = addOtherAccount(set);
    const next = freshKeyText();
    other.simulator.addKey(next, { workspaceId: other.workspaceId });
    await call(set, 'PATCH', `/api/keys/${mine.id}`, { key: next });
    await set.hours(24);
    other.simulator.spend(next, { nano: 3_000_000_000 });
    set.world.simulator.spendInChatroom({ nano: 2_000_000_000 });
    await set.hours(30);
    expect([await ofKey(set, mine.id), await ofKey(set, id)]).toEqual([3_000_000_000, 2_000_000_000]);
    expect(await driftOf(set)).toEqual([]);
  });

  it('keep what the former text spent on the day of a replacement', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0 });
    const other = addOtherAccount(set);
    const former = freshKeyText();
    other.simulator.addKey(former, { workspaceId: other.workspaceId });
    const mine = await own(set, former);
    await set.add();
    other.simulator.spend(former, { nano: 3_000_000_000 });
    set.world.simulator.spend(first(set), { nano: 1_000_000_000 });
    await set.hours(1);
    await call(set, 'PATCH', `/api/keys/${mine.id}`, { key: first(set) });
    await set.hours(30);
    expect(await ofKey(set, mine.id)).toBe(4_000_000_000);
  });
});

describe('models stay known', () => {
  it('of completed days, while a workspace is refused for good', async () => {
    const set = await createScenario({ days: 5, chance: 0 });
    await set.add();
    set.world.simulator.chooseFaults((path) =>
      path.includes(`workspace_id=${WORKSPACES[2]?.id}`) ? { kind: 'status', status: 403 } : null,
    );
    set.world.simulator.spend(first(set), { nano: 3_000_000_000 });
    await set.hours(30);
    const { body } = await set.world.json<{ by_model: { model: string | null }[] }>('GET', '/api/v1/stats', { token: set.user.token });
    expect(body.by_model.map(({ model }) => model)).toEqual(['anthropic/claude-haiku-4.5']);
  });

  it('of what was spent right before midnight, when analytics are an hour late', async () => {
    const set = await createScenario({ keys: 1, days: 5, chance: 0, now: Date.parse('2026-11-15T10:03:00Z') });
    set.world.simulator.analytics.lagMs = 70 * 60_000;
    await set.add();
    set.world.simulator.spend(first(set), { nano: 1_000_000_000 }, set.world.clock.now + 60_000);
    set.world.simulator.spend(first(set), { nano: 3_000_000_000 }, Date.parse('2026-11-15T23:58:00Z'));
    await set.hours(72);
    expect(await ofKey(set, (await set.find(first(set))).id)).toBe(4_000_000_000);
    expect([await total(set), await driftOf(set)]).toEqual([4_000_000_000, []]);
  });
});

describe('a run comes to its end', () => {
  it('when every key’s range is too wide', async () => {
    const set = await createScenario({ keys: 6 });
    set.world.simulator.analytics.slowBeyondDays = 5;
    await set.add();
    await expectTruth(set);
  });

  it('when OpenRouter goes on asking to wait, and it waits', async () => {
    for (const retryAfter of ['1', '90', '86400']) {
      const set = await createScenario({ keys: 1, days: 5 });
      await set.add();
      set.world.simulator.chooseFaults(queries({ kind: 'rate_limited', retryAfter }));
      set.world.simulator.spend(first(set), { nano: 5 });
      const before = set.world.simulator.requests.length;
      await set.hours(1);
      const times = set.world.simulator.requests.slice(before).flatMap(({ path, at }) => (path === QUERY ? at : []));
      expect([retryAfter, times.length]).toEqual([retryAfter, retryAfter === '86400' ? 1 : 4]);
      for (const [index, at] of times.slice(1).entries())
        expect(at - (times[index] as number)).toBeGreaterThanOrEqual(Math.max(20, Number(retryAfter)) * 1000);
      set.world.simulator.chooseFaults(() => null);
      await set.hours(2);
      await expectTruth(set, 6);
    }
  });

  it('when a message is lost, comes twice, or a step dies', async () => {
    const set = await createScenario({ chance: 0.2 });
    await own(set, set.account.management);
    const message = set.world.queue.shift() as JobMessage;
    for (let time = 0; time < 3; time++) await deliver(set.world.deps, structuredClone(message));
    set.world.queue.splice(0);
    await set.hours(1);
    const working = set.world.deps.openrouter.listWorkspaces;
    set.world.deps.openrouter.listWorkspaces = () => Promise.reject(new Error('the isolate is gone'));
    set.world.clock.now += HOUR_MS;
    await expect(
      deliver(
        set.world.deps,
        accountMessageOf(new Date(set.world.clock.now).toISOString(), set.user.id, (await set.find(set.account.management)).id),
      ),
    ).rejects.toThrow();
    set.world.deps.openrouter.listWorkspaces = working;
    await set.hours(2);
    await expectTruth(set);
  });

  it('when the management key is deleted in the middle of a step: nothing is left behind', async () => {
    for (const fragment of ['UPDATE account SET listed_at', 'INSERT INTO account_day', 'INSERT INTO usage_day', 'AND NOT is_active']) {
      const { db, state } = armedDb(fragment);
      const set = await createScenario({ keys: 2, days: 10, chance: 0.3, db });
      await set.add();
      const { id } = await set.find(set.account.management);
      for (const text of set.account.keys) set.world.simulator.spend(text, { nano: 77 });
      set.world.simulator.spendInChatroom({ nano: 5 });
      set.world.clock.now += DAY_MS;
      state.act = () => call(set, 'DELETE', `/api/keys/${id}`);
      state.isArmed = true;
      await deliver(set.world.deps, accountMessageOf(new Date(set.world.clock.now).toISOString(), set.user.id, id));
      await set.world.drain();
      for (const table of LEDGER_TABLES) {
        const left = await env.DB.prepare(`SELECT count(*) AS count FROM ${table} WHERE user_id = ?`).bind(set.user.id).first();
        expect([fragment, state.hasRun, table, left]).toEqual([fragment, true, table, { count: 0 }]);
      }
    }
  });

  it('when both management keys of an account are deleted at once', async () => {
    const set = await createScenario({ keys: 2, days: 5 });
    const leader = await set.add();
    const second = await addSecond(set);
    const answers = await Promise.all([second.id, leader].map((id) => call(set, 'DELETE', `/api/keys/${id}`)));
    expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    for (const { id } of await set.list()) expect((await call(set, 'DELETE', `/api/keys/${id}`)).status).toBe(204);
    expect(await set.list()).toEqual([]);
  });
});

describe('answers', () => {
  it('with rows and a warning are sound', async () => {
    const set = await createScenario({ keys: 1, days: 5 });
    set.world.simulator.alter((path) =>
      path === QUERY
        ? async (answer) => {
            const body = (await answer.json()) as { data: object };
            return Response.json({ data: { ...body.data, warnings: ['the last hour may be incomplete'] } });
          }
        : null,
    );
    await set.add();
    await expectTruth(set);
  });

  it('of activity that cross midnight say nothing of the day that left their window', async () => {
    const set = await createScenario({ keys: 1, days: 40, chance: 0.5, now: Date.parse('2026-11-15T23:59:59.500Z') });
    await own(set, set.account.management);
    let depth = 0;
    const { answer } = set.world.simulator;
    set.world.simulator.alter((path) =>
      path === '/activity' && depth++ === 0
        ? async () => {
            set.world.clock.now = Date.parse('2026-11-16T00:00:01Z');
            return answer(
              new Request('https://openrouter.test/api/v1/activity', { headers: { authorization: `Bearer ${set.account.management}` } }),
            );
          }
        : null,
    );
    await set.world.drain();
    const left = await env.DB.prepare(
      "SELECT count(*) AS count FROM key_day WHERE user_id = ? AND day = '2026-10-16' AND activity_nano = 0",
    )
      .bind(set.user.id)
      .first();
    expect(left).toEqual({ count: 0 });
  });

  it('count what paused keys go on spending as unattributed, and say so', async () => {
    const set = await createScenario({ keys: 2, days: 5 });
    const id = await set.add();
    await set.hours(1);
    await call(set, 'PATCH', `/api/keys/${(await set.find(first(set))).id}`, { is_active: false });
    set.world.simulator.spend(first(set), { nano: 5 });
    set.world.simulator.spendInChatroom({ nano: 3_000_000_000 });
    await set.hours(30);
    const chatroom = set.world.simulator.allSpends().flatMap(([text, spends]) => (text === null ? spends : []));
    const known = chatroom.reduce((sum, { nano }) => sum + nano, 0);
    expect(await ofKey(set, id)).toBe(known + 5);
    expect((await set.find(set.account.management)).last_error).toContain('paused');
    await call(set, 'PATCH', `/api/keys/${(await set.find(first(set))).id}`, { is_active: true });
    await set.hours(1);
    expect(await ofKey(set, id)).toBe(known);
    expect((await set.find(set.account.management)).last_error).toBeNull();
  });
});
