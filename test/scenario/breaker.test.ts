import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { claimAction, confirmStep, settleAction } from '../../src/alerts/breaker/store.ts';
import { applyChanges } from '../../src/alerts/events/store.ts';
import { deliver, onCron } from '../../src/jobs/index.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { interruptDb } from '../support/spied-db.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

const HOUR_MS = 3_600_000;

interface Listed {
  id: number;
  kind: string;
  name: string;
}

interface Action {
  action: string;
  state: string;
  answer: string;
  restore_at: string;
}

/** A key under a management key, and a budget of ten dollars a day for it. */
async function setUp(rule: object, db?: D1Database) {
  const world = createWorld({ now: Date.parse('2026-11-15T08:30:00.000Z'), ...(db && { db }) });
  const user = await world.makeUser();
  const [management, text] = [freshKeyText(), freshKeyText()];
  world.simulator.addKey(management, { isManagement: true, name: 'account' });
  world.simulator.addKey(text, { name: 'backend', limitNano: 500e9, limitReset: 'monthly' });
  world.simulator.addKey(freshKeyText(), { name: 'other' });
  const managed = await world.json<{ id: number }>('POST', '/api/keys', { token: user.token, body: { name: 'account', key: management } });
  await world.drain();
  const keys = (await world.json<Listed[]>('GET', '/api/keys', { token: user.token })).body;
  const [key, other] = ['backend', 'other'].map((name) => keys.find((one) => one.name === name)) as [Listed, Listed];
  const body = { type: 'budget', amount_usd: 10, period: 'day', key_id: key.id, password: user.password, ...rule };
  const made = await world.json<{ id: number; action: string }>('POST', '/api/alert-rules', { token: user.token, body });
  const hash = await sha256Hex(text);
  return {
    world,
    user,
    text,
    key,
    other,
    management,
    managementId: managed.body.id,
    made,
    upstream: () => world.simulator.keys().find((one) => one.text === text),
    writes: () =>
      world.simulator.requests
        .filter(({ method, path }) => method !== 'GET' && path !== '/analytics/query')
        .map(({ method, path }) => `${method} ${path.replace(hash, 'HASH')}`),
    actions: async () => (await world.json<Action[]>('GET', '/api/breaker-actions', { token: await user.newSession() })).body,
    spend: (usd: number) => world.simulator.spend(text, { nano: usd * 1e9 }),
    async hours(count: number) {
      for (let hour = 0; hour < count; hour++) {
        world.clock.now += HOUR_MS;
        await world.sync();
      }
    },
  };
}

describe('arming the breaker', () => {
  it('needs the password, in the same body, and stores it nowhere', async () => {
    const { world, user, key, made } = await setUp({ action: 'disable' });
    expect(made).toMatchObject({ status: 201, body: { action: 'disable', restore: false } });
    expect(JSON.stringify(made.body)).not.toContain(user.password);
    const rule = { type: 'budget', amount_usd: 10, period: 'day', key_id: key.id, action: 'limit' };
    const post = (body: object) => world.json('POST', '/api/alert-rules', { token: user.token, body });
    expect((await post(rule)).status).toBe(403);
    expect((await post({ ...rule, password: 'a wrong passphrase' })).status).toBe(403);
    expect((await post({ ...rule, action: 'dry_run' })).status).toBe(201);
    const patch = (body: object) => world.json('PATCH', `/api/alert-rules/${made.body.id}`, { token: user.token, body });
    expect((await patch({ action: 'limit' })).status).toBe(403);
    expect((await patch({ action: 'limit', password: user.password })).status).toBe(200);
    expect((await patch({ action: 'none' })).status).toBe(200);
    for (let tries = 0; tries < 10; tries++) await post({ ...rule, password: 'a wrong passphrase' });
    expect((await post({ ...rule, password: user.password })).status).toBe(429);
    expect((await patch({ action: 'limit', password: user.password })).status).toBe(429);
    const { body: document } = await world.json<{ paths: Record<string, Record<string, { responses: object }>> }>('GET', '/openapi.json');
    for (const operation of [document.paths['/api/alert-rules']?.['post'], document.paths['/api/alert-rules/{id}']?.['patch']])
      expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(['403', '429']));
    const stored = JSON.stringify((await env.DB.prepare('SELECT * FROM alert_rule').all()).results);
    expect(stored).not.toContain(user.password);
  });

  it('is only possible for a key under a management key, and at the whole amount', async () => {
    const { world, user, key, managementId } = await setUp({ action: 'none' });
    const own = await world.makeKey(user.token, 'own');
    const rule = { type: 'budget', amount_usd: 10, period: 'day', action: 'disable', password: user.password };
    const refuse = async (body: object) => {
      const answer = await world.json<{ errors: { path: string }[] }>('POST', '/api/alert-rules', {
        token: user.token,
        body: { ...rule, ...body },
      });
      return [answer.status, answer.body.errors?.[0]?.path];
    };
    expect(await refuse({})).toEqual([422, 'key_id']);
    expect(await refuse({ key_id: own.id })).toEqual([422, 'key_id']);
    expect(await refuse({ key_id: managementId })).toEqual([422, 'key_id']);
    expect(await refuse({ key_id: key.id, thresholds: [0.5] })).toEqual([422, 'thresholds']);
    expect(await refuse({ key_id: key.id, action: 'explode' })).toEqual([422, 'action']);
  });
});

describe('the breaker', () => {
  it('does nothing while it is off, and only says so in a dry run', async () => {
    for (const action of ['none', 'dry_run']) {
      const set = await setUp({ action });
      set.spend(12);
      await set.hours(2);
      expect(set.writes()).toEqual([]);
      expect(await set.actions()).toMatchObject(
        action === 'none' ? [] : [{ action: 'dry_run', state: 'done', answer: expect.stringContaining('Nothing was changed') }],
      );
    }
  });

  it('disables the key once the budget is spent, once, and enables it when the next day begins', async () => {
    const set = await setUp({ action: 'disable', restore: true });
    set.spend(9);
    await set.hours(1);
    expect([set.writes(), set.upstream()?.isDisabled]).toEqual([[], false]);
    set.spend(2);
    await set.hours(3);
    expect([set.writes(), set.upstream()?.isDisabled]).toEqual([['PATCH /keys/HASH'], true]);
    expect(await set.actions()).toMatchObject([
      { state: 'done', answer: 'The key is disabled at OpenRouter.', restore_at: '2026-11-16T00:00:00.000Z' },
    ]);
    await set.hours(13);
    expect([set.writes(), set.upstream()?.isDisabled]).toEqual([['PATCH /keys/HASH', 'PATCH /keys/HASH'], false]);
    expect(await set.actions()).toMatchObject([{ state: 'restored' }]);
    const { body } = await set.world.json<{ data: { title: string; text: string }[] }>('GET', '/api/alerts', {
      token: await set.user.newSession(),
    });
    expect(body.data.filter(({ title }) => title === 'Circuit breaker of backend').map(({ text }) => text)).toEqual([
      'The key is enabled again at OpenRouter.',
      'The key is disabled at OpenRouter.',
    ]);
  });

  it('gives the key the budget as its limit, and its former limit back', async () => {
    const set = await setUp({ action: 'limit', restore: true });
    set.spend(11);
    await set.hours(2);
    expect(set.upstream()).toMatchObject({ limitNano: 10e9, limitReset: 'daily', isDisabled: false });
    await set.hours(14);
    expect(set.upstream()).toMatchObject({ limitNano: 500e9, limitReset: 'monthly' });
  });

  it('leaves a key alone that somebody changed meanwhile, or that was like that before', async () => {
    const set = await setUp({ action: 'limit', restore: true });
    set.spend(11);
    await set.hours(2);
    set.world.simulator.changeKey(set.text, { limitNano: 77e9 });
    await set.hours(14);
    expect(set.upstream()).toMatchObject({ limitNano: 77e9 });
    expect(await set.actions()).toMatchObject([{ state: 'left', answer: 'Somebody else has changed the key, so it is left alone.' }]);

    const other = await setUp({ action: 'limit', restore: true });
    other.world.simulator.changeKey(other.text, { limitNano: 10e9, limitReset: 'daily' });
    other.spend(11);
    await other.hours(2);
    expect([other.writes(), (await other.actions())[0]?.state]).toEqual([[], 'skipped']);
    await other.hours(14);
    expect(other.upstream()).toMatchObject({ limitNano: 10e9 });
  });

  it('notes what OpenRouter refused, and tries again what failed in passing', async () => {
    const refused = await setUp({ action: 'disable' });
    refused.world.simulator.chooseFaults((path, text) =>
      path.startsWith('/keys/') && text === refused.management ? { kind: 'status', status: 403 } : null,
    );
    refused.spend(12);
    await refused.hours(1);
    expect(await refused.actions()).toMatchObject([{ state: 'refused', answer: 'OpenRouter did not allow the change.' }]);
    expect(refused.upstream()?.isDisabled).toBe(false);

    const passing = await setUp({ action: 'disable' });
    let failures = 0;
    passing.world.simulator.chooseFaults((path) => (path.startsWith('/keys/') && failures++ < 2 ? { kind: 'status', status: 503 } : null));
    passing.spend(12);
    await passing.hours(1);
    expect(passing.upstream()?.isDisabled).toBe(true);
    expect(await passing.actions()).toMatchObject([{ state: 'done' }]);
  });

  it('says that a change was refused which OpenRouter answers with 200 and does not make', async () => {
    const set = await setUp({ action: 'disable' });
    set.world.simulator.alter((path, _, method) =>
      method === 'PATCH' && path.startsWith('/keys/')
        ? async (answer) => {
            set.world.simulator.changeKey(set.text, { isDisabled: false });
            const body = (await answer.json()) as { data: object };
            return Response.json({ data: { ...body.data, disabled: false } });
          }
        : null,
    );
    set.spend(12);
    await set.hours(2);
    expect(await set.actions()).toMatchObject([{ state: 'refused', answer: 'OpenRouter accepted the change but did not apply it.' }]);
  });

  it('knows its own change when it was interrupted after making it', async () => {
    const set = await setUp({ action: 'disable', restore: true });
    set.spend(12);
    set.world.clock.now += HOUR_MS;
    await set.world.sync();
    // As if the Worker had died between the change and the note of it.
    await env.DB.prepare("UPDATE breaker_action SET state = 'planned', next_at = 0, attempts = 1 WHERE user_id = ?")
      .bind(set.user.id)
      .run();
    const row = await env.DB.prepare('SELECT id FROM breaker_action WHERE user_id = ?').bind(set.user.id).first<{ id: number }>();
    await Promise.all([1, 2, 3].map(() => deliver(set.world.deps, { job: 'breaker', actionId: row?.id ?? 0 })));
    expect([set.writes(), (await set.actions())[0]?.state]).toEqual([['PATCH /keys/HASH'], 'done']);
    await set.hours(16);
    expect(set.upstream()?.isDisabled).toBe(false);
  });

  it('writes nothing any more once the rule is disarmed or deleted', async () => {
    const set = await setUp({ action: 'disable' });
    set.world.simulator.chooseFaults((path) => (path.startsWith('/keys/') ? { kind: 'status', status: 503 } : null));
    set.spend(12);
    set.world.clock.now += HOUR_MS;
    await onCron(set.world.deps, '3 * * * *', set.world.clock.now);
    while (set.world.queue.length > 0 && (await set.actions()).length === 0) await deliver(set.world.deps, set.world.queue.shift());
    await set.world.json('PATCH', `/api/alert-rules/${set.made.body.id}`, { token: set.user.token, body: { action: 'none' } });
    set.world.simulator.chooseFaults(() => null);
    await set.world.drain();
    expect([set.writes(), await set.actions()]).toMatchObject([[], [{ state: 'skipped', answer: 'The rule has changed.' }]]);
  });

  /** Its action waits: OpenRouter is out of reach. */
  async function setUpWaiting() {
    const set = await setUp({ action: 'disable' });
    set.world.simulator.chooseFaults((path) => (path.startsWith('/keys/') ? { kind: 'status', status: 503 } : null));
    set.spend(12);
    set.world.clock.now += HOUR_MS;
    await onCron(set.world.deps, '3 * * * *', set.world.clock.now);
    while (set.world.queue.length > 0 && (await set.actions()).length === 0) await deliver(set.world.deps, set.world.queue.shift());
    expect(await set.actions()).toMatchObject([{ state: 'planned' }]);
    const path = `/api/alert-rules/${set.made.body.id}`;
    const change = (body: object) =>
      set.world.json('PATCH', path, { token: set.user.token, body: { password: set.user.password, ...body } });
    const remove = () => set.world.json('DELETE', path, { token: set.user.token });
    const recover = async () => {
      set.world.simulator.chooseFaults(() => null);
      await set.world.drain();
      await set.hours(1);
    };
    return { ...set, change, remove, recover };
  }

  it('does nothing for a budget that was raised, moved to another key or deleted while its action waited', async () => {
    for (const edit of [
      async (set: Awaited<ReturnType<typeof setUpWaiting>>) => set.change({ amount_usd: 1000 }),
      async (set: Awaited<ReturnType<typeof setUpWaiting>>) => set.change({ key_id: set.other.id }),
      async (set: Awaited<ReturnType<typeof setUpWaiting>>) => set.remove(),
    ]) {
      const set = await setUpWaiting();
      expect((await edit(set)).status).toBeLessThan(300);
      await set.recover();
      expect([set.writes(), set.upstream()?.isDisabled]).toEqual([[], false]);
      expect(await set.actions()).toMatchObject([{ state: 'skipped', answer: 'The rule has changed.' }]);
    }
  });

  it('acts all the same where only the name or the thresholds were changed while it waited', async () => {
    const set = await setUpWaiting();
    expect((await set.change({ name: 'renamed', thresholds: [0.9, 1] })).status).toBe(200);
    await set.recover();
    expect([set.writes(), set.upstream()?.isDisabled]).toEqual([['PATCH /keys/HASH'], true]);
  });

  it('does nothing for a rule that is changed between the look at the key and the change of it', async () => {
    const set = await setUp({ action: 'disable' });
    let isRaised = false;
    set.world.simulator.alter((path, _, method) =>
      path.startsWith('/keys/') && method === 'GET' && !isRaised
        ? async (answer) => {
            isRaised = true;
            await env.DB.prepare('UPDATE alert_rule SET armed_version = armed_version + 1 WHERE id = ?').bind(set.made.body.id).run();
            return answer;
          }
        : null,
    );
    set.spend(12);
    set.world.clock.now += HOUR_MS;
    await onCron(set.world.deps, '3 * * * *', set.world.clock.now);
    while (set.world.queue.length > 0 && !isRaised) await deliver(set.world.deps, set.world.queue.shift());
    expect(isRaised).toBe(true);
    expect([set.writes(), set.upstream()?.isDisabled]).toEqual([[], false]);
  });

  it('does nothing for a rule that is changed between the look at the rule and the change of the key', async () => {
    const change = () => env.DB.prepare('UPDATE alert_rule SET armed_version = armed_version + 1').run();
    const set = await setUp({ action: 'disable' }, interruptDb('from "alert_rule" inner join "api_key"', change));
    set.spend(12);
    await set.hours(1);
    expect([set.writes(), set.upstream()?.isDisabled]).toEqual([[], false]);
    expect(await set.actions()).toMatchObject([{ state: 'skipped', answer: 'The rule has changed.' }]);
  });

  /** An action that waits, taken by somebody who works on it. */
  async function setUpTaken() {
    const set = await setUpWaiting();
    const { db } = set.world.deps;
    const at = set.world.clock.now + HOUR_MS;
    const id = await env.DB.prepare('SELECT id FROM breaker_action WHERE user_id = ?').bind(set.user.id).first<number>('id');
    const take = (now: number) => claimAction(db, id ?? 0, now, HOUR_MS);
    const action = await take(at);
    if (!action) throw new Error('the action is not to be had');
    const mayGoOn = (change: object = {}) => confirmStep(db, { ...action, ...change }, null, at + HOUR_MS);
    return { ...set, at, take, action, mayGoOn };
  }

  it('asks once more right before it changes the key: for a rule that was armed anew, or a key with another text, the answer is no', async () => {
    for (const change of [
      'UPDATE alert_rule SET armed_version = armed_version + 1 WHERE user_id = ?',
      "UPDATE api_key SET hash = 'another' WHERE user_id = ? AND name = 'backend'",
    ]) {
      const { user, mayGoOn } = await setUpTaken();
      expect(await mayGoOn()).toBe(true);
      await env.DB.prepare(change).bind(user.id).run();
      expect([change, await mayGoOn()]).toEqual([change, false]);
    }
  });

  it('is at an action once at a time, and goes on only with one that nobody else took meanwhile', async () => {
    const { at, take, action, mayGoOn, ...set } = await setUpTaken();
    expect(await take(at + HOUR_MS - 1)).toBeNull();
    expect([await mayGoOn({ state: 'done' }), await mayGoOn({ attempts: action.attempts - 1 }), await mayGoOn()]).toEqual([
      false,
      false,
      true,
    ]);
    expect(await take(at + HOUR_MS)).toMatchObject({ attempts: action.attempts + 1 });
    expect(await mayGoOn()).toBe(false);
    await settleAction(set.world.deps.db, action, { state: 'refused', answer: 'late', before: null }, undefined, at);
    expect(await set.actions()).toMatchObject([{ state: 'planned' }]);
  });

  it('writes with no management key that is paused, or none any more', async () => {
    for (const change of ['is_active = 0', "kind = 'inference'"]) {
      const set = await setUpWaiting();
      await env.DB.prepare(`UPDATE api_key SET ${change} WHERE id = ?`).bind(set.managementId).run();
      set.world.simulator.chooseFaults(() => null);
      await set.world.drain();
      expect([change, set.writes(), await set.actions()]).toMatchObject([
        change,
        [],
        [{ state: 'refused', answer: 'The management key is paused or gone.' }],
      ]);
    }
  });

  it('plans nothing for a rule that was armed anew while it was looked at', async () => {
    const { world, user, key, made, managementId } = await setUp({ action: 'disable' });
    const plan = (ruleVersion: number) =>
      applyChanges(world.deps.db, user.id, [], world.clock.now, [
        {
          ruleId: made.body.id,
          ruleVersion,
          keyId: key.id,
          managementId,
          hash: 'h',
          kind: 'disable',
          period: 'day',
          periodFrom: '2026-11-15',
          amountUsd: 10,
          restore: true,
          restoreAt: world.clock.now,
        },
      ]);
    expect((await plan(1)).actionIds).toEqual([]);
    expect((await plan(0)).actionIds).toHaveLength(1);
  });

  it('acts again in the period where a budget was raised and is used up again', async () => {
    const set = await setUp({ action: 'disable', restore: true });
    set.spend(12);
    await set.hours(1);
    expect(set.upstream()?.isDisabled).toBe(true);
    const path = `/api/alert-rules/${set.made.body.id}`;
    const body = { amount_usd: 20, password: set.user.password };
    expect((await set.world.json('PATCH', path, { token: set.user.token, body })).status).toBe(200);
    set.world.simulator.changeKey(set.text, { isDisabled: false });
    await set.hours(1);
    expect(set.upstream()?.isDisabled).toBe(false);
    set.spend(9);
    await set.hours(1);
    expect([set.writes().length, set.upstream()?.isDisabled]).toEqual([2, true]);
    await set.hours(14);
    expect([set.writes().length, set.upstream()?.isDisabled]).toEqual([3, false]);
    expect((await set.actions()).map(({ state }) => state)).toEqual(['restored', 'left']);
  });

  it('takes its change back though an earlier budget without a way back changed the key before', async () => {
    const set = await setUp({ action: 'disable', restore: false });
    set.spend(12);
    await set.hours(20);
    expect(set.upstream()?.isDisabled).toBe(true);
    set.world.simulator.changeKey(set.text, { isDisabled: false });
    const path = `/api/alert-rules/${set.made.body.id}`;
    await set.world.json('PATCH', path, { token: await set.user.newSession(), body: { restore: true, password: set.user.password } });
    set.spend(13);
    await set.hours(2);
    expect(set.upstream()?.isDisabled).toBe(true);
    await set.hours(24);
    expect([set.upstream()?.isDisabled, (await set.actions())[0]?.state]).toEqual([false, 'restored']);
  });

  it('gives back the limit that the owner had set, not the one that another budget had', async () => {
    const set = await setUp({ action: 'limit', restore: true });
    const body = { type: 'budget', amount_usd: 15, period: 'month', key_id: set.key.id, action: 'limit', restore: true };
    await set.world.json('POST', '/api/alert-rules', { token: set.user.token, body: { ...body, password: set.user.password } });
    set.spend(11);
    await set.hours(2);
    expect(set.upstream()).toMatchObject({ limitNano: 10e9, limitReset: 'daily' });
    set.spend(6);
    await set.hours(2);
    expect(set.upstream()).toMatchObject({ limitNano: 15e9, limitReset: 'monthly' });
    await set.hours(24);
    expect(set.upstream()).toMatchObject({ limitNano: 15e9, limitReset: 'monthly' });
    set.world.clock.now = Date.parse('2026-12-01T00:30:00.000Z');
    await set.world.sync();
    expect(set.upstream()).toMatchObject({ limitNano: 500e9, limitReset: 'monthly' });
  });

  it('takes a change back of which it never learned that it was made', async () => {
    const set = await setUp({ action: 'disable', restore: true });
    set.world.simulator.alter((path, _, method) =>
      path.startsWith('/keys/') && method === 'PATCH' && set.world.clock.now < Date.parse('2026-11-16T00:00:00Z')
        ? async (answer) => Response.json({ data: { ...((await answer.json()) as { data: object }).data, disabled: false } })
        : null,
    );
    set.spend(12);
    await set.hours(2);
    expect([set.upstream()?.isDisabled, (await set.actions())[0]?.state]).toEqual([true, 'refused']);
    await set.hours(14);
    expect([set.upstream()?.isDisabled, (await set.actions())[0]?.state]).toEqual([false, 'restored']);
  });

  it('does not enable a key for a new day while its month is spent', async () => {
    const set = await setUp({ action: 'disable', restore: true });
    const month = {
      type: 'budget',
      amount_usd: 15,
      period: 'month',
      key_id: set.key.id,
      action: 'disable',
      restore: true,
      password: set.user.password,
    };
    expect((await set.world.json('POST', '/api/alert-rules', { token: set.user.token, body: month })).status).toBe(201);
    set.spend(16);
    await set.hours(2);
    expect((await set.actions()).map(({ state }) => state)).toEqual(['done', 'done']);
    await set.hours(24);
    expect([set.writes(), set.upstream()?.isDisabled]).toEqual([['PATCH /keys/HASH'], true]);
    expect((await set.actions()).map(({ state, answer }) => [state, answer])).toEqual([
      ['done', 'The key is disabled at OpenRouter.'],
      ['left', 'Another budget of the key is used up too.'],
    ]);
    set.world.clock.now = Date.parse('2026-12-01T00:30:00.000Z');
    await set.world.sync();
    expect([set.writes().length, set.upstream()?.isDisabled]).toEqual([2, false]);
  });

  it('goes on trying to take back what it did while OpenRouter is out of reach', async () => {
    const set = await setUp({ action: 'disable', restore: true });
    set.spend(12);
    await set.hours(2);
    let failures = 0;
    set.world.simulator.chooseFaults((path) => (path.startsWith('/keys/') && failures++ < 12 ? { kind: 'status', status: 503 } : null));
    await set.hours(14);
    expect(failures).toBeGreaterThan(12);
    expect([set.upstream()?.isDisabled, (await set.actions())[0]?.state]).toEqual([false, 'restored']);
  });
});
