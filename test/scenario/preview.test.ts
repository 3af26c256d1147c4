import { describe, expect, it } from 'vitest';
import { createVisitor } from '../support/visitor.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

interface Preview {
  used_usd: number | null;
  amount_usd: number;
  would_do_now: string | null;
}

/** A key under a management key that has spent 12 USD today, and a user without any rule. */
async function setUp() {
  const world = createWorld({ now: Date.parse('2026-11-15T08:30:00.000Z') });
  const user = await world.makeUser();
  const [management, text] = [freshKeyText(), freshKeyText()];
  world.simulator.addKey(management, { isManagement: true, name: 'account' });
  world.simulator.addKey(text, { name: 'backend' });
  await world.json('POST', '/api/keys', { token: user.token, body: { name: 'account', key: management } });
  await world.drain();
  const { body: keys } = await world.json<{ id: number; name: string }[]>('GET', '/api/keys', { token: user.token });
  const keyId = keys.find(({ name }) => name === 'backend')?.id ?? 0;
  world.simulator.spend(text, { nano: 12e9 });
  const hours = async (count: number): Promise<void> => {
    for (let hour = 0; hour < count; hour++) {
      world.clock.now += 3_600_000;
      await world.sync();
    }
  };
  await hours(1);
  const token = async () => user.newSession();
  return {
    world,
    user,
    keyId,
    hours,
    isDisabled: () => world.simulator.keys().find((one) => one.text === text)?.isDisabled,
    preview: async (query: Record<string, string>) =>
      world.json<Preview>('GET', `/api/alert-rules/preview?${new URLSearchParams(query)}`, { token: await token() }),
    post: async (rule: object) =>
      world.json<{ id: number; acts_from?: string | null }>('POST', '/api/alert-rules', {
        token: await token(),
        body: { type: 'budget', amount_usd: 10, period: 'day', key_id: keyId, password: user.password, ...rule },
      }),
    patch: async (id: number, change: object) =>
      world.json<{ acts_from?: string | null }>('PATCH', `/api/alert-rules/${id}`, {
        token: await token(),
        body: { password: user.password, ...change },
      }),
    actions: async () => (await world.json<{ state: string }[]>('GET', '/api/breaker-actions', { token: await token() })).body,
    /** A form as a browser sends it. */
    submit: async (path: string, values: Record<string, string>) =>
      world.call('POST', path, {
        headers: {
          cookie: `__Host-session=${await token()}`,
          origin: 'https://monitor.test',
          'content-type': 'application/x-www-form-urlencoded',
        },
        raw: new URLSearchParams(values).toString(),
      }),
  };
}

describe('the preview of a budget', () => {
  it('tells how much is used, and what would be done at once', async () => {
    const set = await setUp();
    const fields = { amount_usd: '10', period: 'day', key_id: String(set.keyId), action: 'disable' };
    const answer = async (change: Record<string, string>) => (await set.preview({ ...fields, ...change })).body;
    expect(await answer({})).toEqual({ used_usd: 12, amount_usd: 10, would_do_now: 'disable' });
    expect(await answer({ action: 'limit', restore: 'true', thresholds: '0.5,1', forecast: 'false' })).toMatchObject({
      would_do_now: 'limit',
    });
    expect(await answer({ action: 'dry_run' })).toMatchObject({ would_do_now: 'dry_run' });
    expect(await answer({ action: 'none' })).toEqual({ used_usd: 12, amount_usd: 10, would_do_now: null });
    expect(await answer({ amount_usd: '12.000000001' })).toEqual({ used_usd: 12, amount_usd: 12.000000001, would_do_now: null });
    expect(await answer({ amount_usd: '12' })).toMatchObject({ would_do_now: 'disable' });
    expect(await answer({ act_from: 'next_period' })).toMatchObject({ used_usd: 12, would_do_now: null });
    expect(set.isDisabled()).toBe(false);
    expect(await set.actions()).toEqual([]);
  });

  it('says what is wrong, where, and takes no password', async () => {
    const set = await setUp();
    const fields = { amount_usd: '10', period: 'day', key_id: String(set.keyId), action: 'disable' };
    for (const [change, path] of [
      [{ amount_usd: 'ten' }, 'amount_usd'],
      [{ amount_usd: '0' }, 'amount_usd'],
      [{ period: 'year' }, 'period'],
      [{ key_id: '987654' }, 'key_id'],
      [{ thresholds: '0.5' }, 'thresholds'],
      [{ thresholds: 'half' }, 'thresholds'],
      [{ restore: 'perhaps' }, 'restore'],
      [{ password: 'a quite unusual passphrase' }, 'password'],
    ] as const) {
      const { status, body } = await set.preview({ ...fields, ...change });
      expect([status, (body as unknown as { errors: { path: string }[] }).errors[0]?.path]).toEqual([422, path]);
    }
    const other = await set.world.makeUser();
    const query = new URLSearchParams(fields);
    expect((await set.world.call('GET', `/api/alert-rules/preview?${query}`, { token: other.token })).status).toBe(422);
  });
});

describe('the largest budget there may be', () => {
  it('is shown, previewed and evaluated like any other', async () => {
    const set = await setUp();
    expect((await set.preview({ amount_usd: '1000000000', period: 'day', key_id: String(set.keyId) })).body).toMatchObject({
      used_usd: 12,
      amount_usd: 1e9,
    });
    expect((await set.post({ amount_usd: 1e9 })).status).toBe(201);
    await set.hours(1);
    const visitor = createVisitor(set.world, await set.user.newSession());
    for (const path of ['/dashboard', `/keys/${set.keyId}`, '/alerts'])
      expect([path, (await visitor.visit(path)).status]).toEqual([path, 200]);
  });
});

describe('arming a budget that is used up', () => {
  it('acts at once, or not before the next period, as was chosen: with a new rule and with a change', async () => {
    for (const arm of [
      async (set: Awaited<ReturnType<typeof setUp>>, choice: object) => set.post({ action: 'disable', ...choice }),
      async (set: Awaited<ReturnType<typeof setUp>>, choice: object) => {
        const { body } = await set.post({});
        await set.hours(1);
        return set.patch(body.id, { action: 'disable', ...choice });
      },
    ]) {
      for (const choice of [{}, { act_from: 'now' }]) {
        const set = await setUp();
        expect((await arm(set, choice)).body).toMatchObject({ acts_from: null });
        await set.world.drain();
        expect([set.isDisabled(), (await set.actions()).map(({ state }) => state)]).toEqual([true, ['done']]);
      }
      const later = await setUp();
      expect((await arm(later, { act_from: 'next_period' })).body).toMatchObject({ acts_from: '2026-11-16T00:00:00.000Z' });
      await later.hours(3);
      expect([later.isDisabled(), await later.actions()]).toEqual([false, []]);
      await later.hours(12);
      later.world.simulator.spend(later.world.simulator.keys()[1]?.text ?? '', { nano: 11e9 });
      await later.hours(1);
      expect([later.isDisabled(), (await later.actions()).length]).toEqual([true, 1]);
    }
  });

  it('keeps what was chosen until it is chosen anew', async () => {
    const set = await setUp();
    const { body } = await set.post({ action: 'disable', act_from: 'next_period' });
    expect((await set.patch(body.id, { name: 'renamed' })).body.acts_from).toBe('2026-11-16T00:00:00.000Z');
    await set.hours(1);
    expect(set.isDisabled()).toBe(false);
    expect((await set.patch(body.id, { act_from: 'now', password: undefined })).status).toBe(403);
    expect((await set.patch(body.id, { act_from: 'someday' })).status).toBe(422);
    expect((await set.patch(body.id, { act_from: 'now' })).body.acts_from).toBeNull();
    await set.world.drain();
    expect(set.isDisabled()).toBe(true);
  });

  it('asks on the page before anything happens, without a script', async () => {
    const set = await setUp();
    const values = { type: 'budget', amount_usd: '10', period: 'day', thresholds: '50, 100', key_id: String(set.keyId), action: 'disable' };
    const asked = await set.submit('/alerts/rules', { ...values, password: set.user.password });
    const page = await asked.text();
    expect(asked.status).toBe(422);
    expect(page).toContain('$12.00 of $10.00 is already used: the key would be disabled now.');
    expect(page).toMatch(/name="act_from" value="next_period"[\s\S]*name="act_from" value="now"/);
    expect(page).not.toContain(set.user.password);
    expect(await set.actions()).toEqual([]);
    expect((await set.submit('/alerts/rules', { ...values, password: 'wrong one here', act_from: 'now' })).status).toBe(403);
    expect((await set.submit('/alerts/rules', { ...values, password: set.user.password, act_from: 'next_period' })).status).toBe(303);
    await set.hours(1);
    expect(set.isDisabled()).toBe(false);
    const { body: rules } = await set.world.json<{ id: number }[]>('GET', '/api/alert-rules', { token: set.user.token });
    const path = `/alerts/rules/${rules.at(-1)?.id}`;
    const change = { ...values, amount_usd: '11' };
    expect((await set.submit(path, { ...change, password: set.user.password })).status).toBe(422);
    expect((await set.submit(path, { ...change, password: set.user.password, act_from: 'now' })).status).toBe(303);
    await set.world.drain();
    expect(set.isDisabled()).toBe(true);
    // What does not change its action is not asked about.
    expect((await set.submit(path, { ...change, name: 'cap', password: set.user.password })).status).toBe(303);
  });
});
