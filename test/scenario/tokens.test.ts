import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createSecretToken, TOKEN_PREFIX } from '../../src/crypto/secret-token.ts';
import { spyDb } from '../support/spied-db.ts';
import { createWorld } from '../support/world.ts';

interface Created {
  id: number;
  token: string;
}

describe('API tokens', () => {
  it('are shown once, read the public API, and are refused from the moment they are revoked', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const { status, body } = await world.json<Created>('POST', '/api/tokens', { token: user.token, body: { name: ' ci ' } });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'ci',
      token: expect.stringMatching(/^or_api_[0-9A-Za-z]{46}$/),
      created_at: new Date(world.clock.now).toISOString(),
    });

    for (const path of ['/api/v1/stats', '/api/v1/usage', '/api/v1/keys'])
      expect((await world.call('GET', path, { token: body.token })).status).toBe(200);
    for (const path of ['/api/keys', '/api/tokens', '/api/auth/me'])
      expect((await world.call('GET', path, { token: body.token })).status).toBe(401);

    const listed = (await world.json('GET', '/api/tokens', { token: user.token })).body;
    const used = new Date(world.clock.now).toISOString();
    expect(listed).toEqual([
      {
        id: body.id,
        name: 'ci',
        created_at: body['created_at' as never],
        last_used_at: used,
        is_active: true,
        prefix: body.token.slice(0, 11),
      },
    ]);

    expect((await world.call('DELETE', `/api/tokens/${body.id}`, { token: user.token })).status).toBe(204);
    expect((await world.call('GET', '/api/v1/stats', { token: body.token })).status).toBe(401);
    expect((await world.call('DELETE', `/api/tokens/${body.id}`, { token: user.token })).status).toBe(204);
    expect((await world.json('GET', '/api/tokens', { token: user.token })).body).toMatchObject([{ id: body.id, is_active: false }]);
  });

  it('are listed newest first', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    for (const name of ['one', 'two', 'three']) await world.json('POST', '/api/tokens', { token: user.token, body: { name } });
    const { body } = await world.json<{ name: string }[]>('GET', '/api/tokens', { token: user.token });
    expect(body.map(({ name }) => name)).toEqual(['three', 'two', 'one']);
  });

  it('stop at exactly the limit in 20 trials of 64 simultaneous requests', async () => {
    const world = createWorld();
    for (let trial = 0; trial < 20; trial++) {
      const user = await world.makeUser();
      const answers = await Promise.all(
        Array.from({ length: 64 }, (_, index) =>
          world.json('POST', '/api/tokens', { token: user.token, body: { name: `token ${index}` } }),
        ),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
      const refused = answers.filter(({ status }) => status === 400);
      expect(refused).toHaveLength(59);
      expect(refused[0]?.body).toMatchObject({ detail: 'Maximum 5 API tokens allowed' });
    }
  });

  it('make room when they are revoked', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const create = () => world.json<Created>('POST', '/api/tokens', { token: user.token, body: { name: 'x' } });
    const made = await Promise.all(Array.from({ length: 5 }, create));
    expect((await create()).status).toBe(400);
    await world.call('DELETE', `/api/tokens/${made[0]?.body.id}`, { token: user.token });
    expect((await create()).status).toBe(201);
  });

  it('note their use at most once a minute, and only of an answer that is no error', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const { body } = await world.json<Created>('POST', '/api/tokens', { token: user.token, body: { name: 'ci' } });
    const lastUsed = async () =>
      (await env.DB.prepare('SELECT last_used_at AS at FROM api_token WHERE id = ?').bind(body.id).first<{ at: number | null }>())?.at;
    await world.call('GET', '/api/v1/stats?from=nonsense', { token: body.token });
    expect(await lastUsed()).toBeNull();
    const first = world.clock.now;
    await world.call('GET', '/api/v1/stats', { token: body.token });
    expect(await lastUsed()).toBe(first);
    world.clock.now += 59_000;
    await world.call('GET', '/api/v1/stats', { token: body.token });
    expect(await lastUsed()).toBe(first);
    world.clock.now += 1000;
    await world.call('GET', '/api/v1/stats', { token: body.token });
    expect(await lastUsed()).toBe(first + 60_000);
  });

  it('bear 60 requests a minute', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const { body } = await world.json<Created>('POST', '/api/tokens', { token: user.token, body: { name: 'ci' } });
    const answers = await Promise.all(Array.from({ length: 64 }, () => world.call('GET', '/api/v1/keys', { token: body.token })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(60);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).toBe('60');
  });

  it('that are garbage or have a typing error cost no look into the database', async () => {
    const { binding, statements } = spyDb();
    const world = createWorld({ db: binding });
    const token = createSecretToken(TOKEN_PREFIX.api);
    const typo = token.slice(0, -1) + (token.endsWith('x') ? 'y' : 'x');
    for (const bad of [typo, 'or_api_', 'or_api_zzz', 'garbage', 'a.b.c', '']) {
      expect((await world.call('GET', '/api/v1/stats', { token: bad })).status).toBe(401);
    }
    expect(statements).toEqual([]);
    expect((await world.call('GET', '/api/v1/stats', { token })).status).toBe(401);
    expect(statements).toHaveLength(1);
  });
});
