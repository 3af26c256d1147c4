import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { hashSecretToken } from '../../src/crypto/secret-token.ts';
import { HOUR_MS } from '../../src/lib/day.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import { tapDb } from '../support/spied-db.ts';
import { createVisitor } from '../support/visitor.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

/** Everything that is stored, as text. */
async function dump(): Promise<string> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'",
  ).all<{ name: string }>();
  const tables = await Promise.all(results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all()));
  return JSON.stringify(tables.map((table) => table.results));
}

describe('secrets', () => {
  it('are in no answer, log, queue message or table', async () => {
    const logged: string[] = [];
    for (const method of ['log', 'info', 'warn', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...parts: unknown[]) => void logged.push(parts.map(String).join(' ')));
    }
    const world = createWorld();
    const answers: string[] = [];
    const sent: string[] = [];
    const record = async (method: string, path: string, options: Parameters<typeof world.call>[2] = {}) => {
      const response = await world.call(method, path, options);
      const text = await response.text();
      answers.push(JSON.stringify([...response.headers]) + text);
      sent.push(...world.queue.map((message) => JSON.stringify(message)));
      return { status: response.status, body: text ? JSON.parse(text) : null };
    };
    const password = `canary passphrase ${crypto.randomUUID()}`;
    const email = `canary.${crypto.randomUUID()}@example.org`;
    await record('POST', '/api/auth/register', { body: { email, password } });
    const signedIn = await world.json<{ access_token: string }>('POST', '/api/auth/login', { body: { email, password } });
    const token = signedIn.body.access_token;
    const texts = Array.from({ length: 4 }, freshKeyText);
    const [first = '', second = '', refused = '', echoing = ''] = texts;
    for (const text of [first, second, echoing]) world.simulator.addKey(text);
    world.simulator.setFault(echoing, { kind: 'echo_secret', secret: echoing });
    const added = await record('POST', '/api/keys', { token, body: { name: 'canary', key: first } });
    expect(added.status).toBe(201);
    for (const body of [
      { name: 'x', key: refused },
      { name: 'x', key: first },
      { name: '', key: first },
      { name: 'echo', key: echoing },
      { name: 'x', key: `${first}"` },
    ])
      await record('POST', '/api/keys', { token, body });
    for (const raw of [`{"name":"x","key":"${first}"`, `"${first}"`])
      await record('POST', '/api/keys', { token, raw, headers: { 'content-type': 'application/json' } });
    await record('PATCH', `/api/keys/${added.body.id}`, { token, body: { key: second } });
    await record('POST', `/api/keys/${added.body.id}/sync`, { token });
    const created = await world.json<{ token: string; id: number }>('POST', '/api/tokens', { token, body: { name: 'ci' } });
    const apiToken = created.body.token;
    for (const path of ['/api/v1/stats', '/api/v1/keys', '/api/v1/usage', '/api/tokens', '/api/keys', `/api/keys/${first}`, '/health']) {
      await record('GET', path, { token });
      await record('GET', path, { token: apiToken });
    }
    for (const fault of [
      { kind: 'status', status: 401 },
      { kind: 'html', status: 502 },
      { kind: 'redirect', location: `https://evil.example/?${first}` },
    ] as const) {
      world.simulator.setFault('*', fault);
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    const { html: exported } = await createVisitor(world, token).visit('/account/export');
    answers.push(exported);
    expect(exported).toContain('"ci"');
    expect(exported).not.toContain(await hashSecretToken(apiToken));
    await record('DELETE', `/api/tokens/${created.body.id}`, { token });
    await record('POST', '/api/auth/password', { token, body: { current_password: password, new_password: `${password}!` } });

    const stored = await dump();
    expect(stored).toContain(email);
    expect(answers.length).toBeGreaterThan(20);
    const secrets = {
      password,
      first,
      second,
      refused,
      echoing,
      apiToken,
      jwt: token,
      jwtSecret: env.JWT_SECRET,
      keyring: env.ENCRYPTION_KEYS,
    };
    for (const [name, secret] of Object.entries(secrets)) {
      for (const [place, content] of Object.entries({
        answers: answers.join('\n'),
        logged: logged.join('\n'),
        sent: sent.join('\n'),
        stored,
      })) {
        expect([name, place, content.includes(secret)]).toEqual([name, place, false]);
      }
    }
    for (const { path } of world.simulator.requests) expect(path).toBe('/key');
  });

  it('do not come out of a database that fails', async () => {
    let isBroken = false;
    const tapped = tapDb((text) => {
      if (isBroken && /api_token|api_key|user/.test(text)) throw new Error('D1_ERROR: Network connection lost.');
    });
    const broken = new Proxy(tapped, {
      get: (target, name) =>
        isBroken && name === 'prepare' ? () => env.DB.prepare('INSERT INTO no_such_table VALUES (?1)') : Reflect.get(target, name),
    });
    const world = createWorld({ db: broken });
    const user = await world.makeUser();
    const key = freshKeyText();
    world.simulator.addKey(key);
    const { body } = await world.json<{ token: string }>('POST', '/api/tokens', { token: user.token, body: { name: 'ci' } });
    isBroken = true;
    const attempts = [
      world.call('POST', '/api/auth/login', { body: { email: user.email, password: user.password } }),
      world.call('POST', '/api/keys', { token: user.token, body: { name: 'x', key } }),
      world.call('GET', '/api/v1/stats', { token: body.token }),
      world.call('POST', '/api/auth/register', { body: { email: 'new@example.org', password: 'a quite unusual passphrase' } }),
    ];
    const responses = await Promise.all(attempts);
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(responses.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    const output = texts.join() + takeLoggedErrors().join();
    expect(output).toContain('no such table');
    for (const secret of [user.password, key, body.token, user.email, user.token]) expect(output).not.toContain(secret);
  });
});
