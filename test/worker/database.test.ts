import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { createWorld } from '../support/world.ts';

const LOST = 'D1_ERROR: Network connection lost.';

/** The test's database, whose next trips fail as planned: before they are made, or after, so that their answer is lost; null passes. */
function createFaultyDb() {
  const plan: ({ message: string; isAfter?: boolean } | null)[] = [];
  const binding = new Proxy(env.DB, {
    get(target, name) {
      if (name !== 'batch') return Reflect.get(target, name).bind(target);
      return async (statements: D1PreparedStatement[]) => {
        const fault = plan.shift();
        if (fault && !fault.isAfter) throw new Error(fault.message);
        const results = await target.batch(statements);
        if (fault) throw new Error(fault.message);
        return results;
      };
    },
  });
  return { binding, plan };
}

describe('a database that fails', () => {
  it('in passing is asked again by what only reads', async () => {
    const { binding, plan } = createFaultyDb();
    const world = createWorld({ db: binding });
    const user = await world.makeUser();
    plan.push({ message: LOST }, { message: LOST, isAfter: true });
    const { status, headers } = await world.json('GET', '/api/auth/me', { token: user.token });
    expect([status, headers.get('server-timing')]).toEqual([200, expect.stringContaining('trips=4 ')]);
    expect(plan).toEqual([]);
  });

  it('for longer, or by load, is a 503 that says when to come back, in the API and on pages', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { binding, plan } = createFaultyDb();
    const world = createWorld({ db: binding });
    const user = await world.makeUser();
    const overloaded = { message: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' };
    for (const faults of [[{ message: LOST }, { message: LOST }, { message: LOST }], [overloaded]]) {
      plan.push(...faults);
      const answer = await world.call('GET', '/api/v1/stats', { token: user.token });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await answer.text()).not.toMatch(/D1|overloaded|lost/);
      expect(plan).toEqual([]);
      plan.push(...faults);
      const page = await world.call('GET', '/dashboard', { headers: { cookie: `__Host-session=${user.token}`, accept: 'text/html' } });
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
      expect(plan).toEqual([]);
    }
    expect(logged).toHaveBeenCalledTimes(4);
    logged.mockRestore();
  });

  it('makes nothing twice where the answer to a write was lost', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { binding, plan } = createFaultyDb();
    const world = createWorld({ db: binding });
    const user = await world.makeUser();
    // The first trip finds the session, the second one makes the token.
    plan.push(null, { message: LOST, isAfter: true });
    expect((await world.call('POST', '/api/tokens', { token: user.token, body: { name: 'robot' } })).status).toBe(503);
    const { results } = await env.DB.prepare('SELECT name FROM api_token WHERE user_id = ?').bind(user.id).all();
    expect(results).toEqual([{ name: 'robot' }]);
    expect(logged).toHaveBeenCalledTimes(1);
    logged.mockRestore();
  });
});
