import { env } from 'cloudflare:workers';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { evaluateUsers, loadRuleContextsAcrossUsers } from '../../src/alerts/evaluation/evaluate.ts';
import { deliverEvent } from '../../src/alerts/events/delivery.ts';
import type { Finding } from '../../src/alerts/events/describe.ts';
import { applyChanges } from '../../src/alerts/events/store.ts';
import { deliver, onCron } from '../../src/jobs/index.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import { spyDb, tapDb } from '../support/spied-db.ts';
import { createVisitor, messageIn } from '../support/visitor.ts';
import type { World } from '../support/world.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

interface Created {
  id: number;
  secret: string | null;
}

interface Event {
  id: number;
  kind: string;
  rule_type: string;
  title: string;
  text: string;
  path: string;
  figures: Record<string, number>;
  created_at: string;
  recovered_at: string | null;
  deliveries: { state: string; attempts: { at: string; error: string | null }[] }[];
}

const HOUR_MS = 3_600_000;
const WEBHOOK = { type: 'webhook', name: 'ops', url: 'https://ops.example.org/hook?token=hidden' };

async function setUp(world: World) {
  const user = await world.makeUser();
  const post = async (path: string, body: object) => {
    const answer = await world.json<Created>('POST', path, { token: user.token, body });
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return {
    user,
    addChannel: (input: object = WEBHOOK) => post('/api/channels', input),
    addRule: (input: object) => post('/api/alert-rules', input),
    events: async () => (await world.json<{ data: Event[] }>('GET', '/api/alerts?limit=200', { token: await user.newSession() })).body.data,
  };
}

/** The key of the specification's own words: HMAC-SHA256 of `id.timestamp.body`. */
function isSigned(secret: string, headers: Record<string, string>, body: string): boolean {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const mac = createHmac('sha256', key).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64');
  return headers['webhook-signature'] === `v1,${mac}`;
}

const bodyOf = ({ init }: World['received'][number]) => JSON.parse(String(init.body));
const titles = (events: readonly Event[]) => events.map(({ title }) => title);

describe('rules and channels', () => {
  it('are made, shown, changed and deleted; addresses and secrets are stored encrypted and shown masked', async () => {
    const world = createWorld();
    const { user, addChannel, addRule } = await setUp(world);
    const channel = await addChannel();
    expect(channel.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const telegram = { type: 'telegram', name: 'phone', bot_token: '123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ', chat_id: '-100200300' };
    expect((await addChannel(telegram)).secret).toBeNull();
    const { body: channels } = await world.json('GET', '/api/channels', { token: user.token });
    expect(channels).toMatchObject([
      { type: 'telegram', name: 'phone', label: 'chat -10…', status: 'new' },
      { type: 'webhook', name: 'ops', label: 'https://ops.example.org/…', status: 'new', last_error: null },
    ]);
    const stored = JSON.stringify((await env.DB.prepare('SELECT * FROM channel WHERE user_id = ?').bind(user.id).all()).results);
    for (const secret of ['hidden', '/hook', telegram.bot_token, telegram.chat_id, channel.secret ?? ''])
      expect(stored).not.toContain(secret);

    const key = await world.makeKey(user.token, 'backend');
    const rule = await addRule({ type: 'budget', amount_usd: 20, period: 'month', key_id: key.id, channel_ids: [channel.id] });
    expect(rule).toMatchObject({
      thresholds: [0.5, 0.8, 1],
      forecast: false,
      sentence: 'Notify when the spend of backend reaches 50%, 80%, and 100% of $20.00 per month.',
    });
    const patch = (body: object) => world.json('PATCH', `/api/alert-rules/${rule.id}`, { token: user.token, body });
    expect(await patch({ amount_usd: 30, name: 'Team' })).toMatchObject({
      status: 200,
      body: { id: rule.id, amount_usd: 30, name: 'Team', period: 'month', channel_ids: [channel.id] },
    });
    expect(await patch({ amount_usd: -1 })).toMatchObject({ status: 422, body: { errors: [{ path: 'amount_usd' }] } });
    expect(await patch({ type: 'spike' })).toMatchObject({ status: 422, body: { errors: [{ path: 'type' }] } });
    expect((await world.call('DELETE', `/api/channels/${channel.id}`, { token: user.token })).status).toBe(204);
    expect((await world.json('GET', '/api/alert-rules', { token: user.token })).body).toMatchObject([{ id: rule.id, channel_ids: [] }]);
    expect((await world.call('DELETE', `/api/alert-rules/${rule.id}`, { token: user.token })).status).toBe(204);
    expect((await world.call('DELETE', `/api/alert-rules/${rule.id}`, { token: user.token })).status).toBe(404);
  });

  it('refuse what makes no sense, with the paths of what is wrong', async () => {
    const world = createWorld();
    const { user, addChannel, addRule } = await setUp(world);
    const other = await setUp(world);
    const foreignChannel = await other.addChannel();
    const foreignRule = await other.addRule({ type: 'key_invalid' });
    const foreignKey = await world.makeKey(other.user.token);
    const refuse = async (path: string, body: object) => {
      const answer = await world.json<{ errors: { path: string }[] }>('POST', path, { token: user.token, body });
      return [answer.status, ...(answer.body.errors ?? []).map((error) => error.path)];
    };
    const rule = { type: 'budget', amount_usd: 5, period: 'day' };
    expect(await refuse('/api/alert-rules', { ...rule, type: 'nonsense' })).toEqual([422, 'type']);
    expect(await refuse('/api/alert-rules', { ...rule, thresholds: [11] })).toEqual([422, 'thresholds.0']);
    expect(await refuse('/api/alert-rules', { ...rule, amount_usd: 0 })).toEqual([422, 'amount_usd']);
    expect(await refuse('/api/alert-rules', { ...rule, key_id: foreignKey.id, channel_ids: [foreignChannel.id, 999_999] })).toEqual([
      422,
      'key_id',
      'channel_ids.0',
      'channel_ids.1',
    ]);
    expect(await refuse('/api/channels', { ...WEBHOOK, url: 'http://ops.example.org' })).toEqual([422, 'url']);
    expect(await refuse('/api/channels', { ...WEBHOOK, url: 'http://127.0.0.1:9000' })).toEqual([422, 'url']);
    expect(await refuse('/api/channels', { ...WEBHOOK, url: 'ftp://ops.example.org' })).toEqual([422, 'url']);
    expect(await refuse('/api/channels', { ...WEBHOOK, url: 'https://a:b@ops.example.org' })).toEqual([422, 'url']);
    expect(await refuse('/api/channels', { type: 'pigeon', name: 'x' })).toEqual([422, 'type']);
    expect((await world.call('DELETE', `/api/alert-rules/${foreignRule.id}`, { token: user.token })).status).toBe(403);
    expect((await world.call('POST', `/api/channels/${foreignChannel.id}/test`, { token: user.token })).status).toBe(403);
    expect((await world.call('PATCH', `/api/alerts/999999`, { token: user.token, body: { acknowledged: true } })).status).toBe(404);
    for (let count = 0; count < 20; count++) await addChannel();
    expect(await world.json('POST', '/api/channels', { token: user.token, body: WEBHOOK })).toMatchObject({
      status: 400,
      body: { detail: 'Maximum 20 channels allowed' },
    });
    const made = await Promise.all(
      Array.from({ length: 60 }, () => world.call('POST', '/api/alert-rules', { token: user.token, body: rule })),
    );
    expect(made.filter(({ status }) => status === 201)).toHaveLength(50);
    await addRule(rule).catch((error) => expect(String(error)).toContain('Maximum 50 rules allowed'));
  });

  it('a new user has two rules, which tell on the page though there is no channel', async () => {
    const world = createWorld({ config: { registration: 'open' } });
    const account = { email: 'fresh@example.org', password: 'a quite unusual passphrase' };
    expect((await world.json('POST', '/api/auth/register', { body: account })).status).toBe(201);
    const { body: session } = await world.json<{ access_token: string }>('POST', '/api/auth/login', { body: account });
    const token = session.access_token;
    expect((await world.json('GET', '/api/alert-rules', { token })).body).toMatchObject([
      { type: 'key_invalid' },
      { type: 'sync_overdue', hours: 6 },
    ]);
    const key = await world.makeKey(token, 'mortal');
    world.simulator.removeKey(key.text);
    for (let count = 0; count < 4; count++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    const { body } = await world.json<{ data: Event[] }>('GET', '/api/alerts', { token });
    expect(titles(body.data)).toEqual(['mortal is invalid']);
    const deleted = await world.call('DELETE', '/api/auth/me', { token, body: { password: account.password } });
    expect(deleted.status).toBe(204);
    for (const table of ['alert_rule', 'alert_event', 'alert_delivery', 'channel']) {
      const left = await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE user_id NOT IN (SELECT id FROM user)`).first<{
        n: number;
      }>();
      expect([table, left?.n]).toEqual([table, 0]);
    }
  });
});

describe('messages', () => {
  it('a test says what became of it; a webhook is signed as the specification says', async () => {
    const world = createWorld();
    const { user, addChannel } = await setUp(world);
    const channel = await addChannel();
    const test = async () => {
      const { status, body } = await world.json('POST', `/api/channels/${channel.id}/test`, { token: user.token });
      expect([status, body]).toEqual([202, { status: 'queued' }]);
      await world.drain();
      return (await world.json('GET', '/api/channels', { token: user.token })).body;
    };
    expect(await test()).toMatchObject([{ status: 'working', last_error: null, last_success_at: new Date(world.clock.now).toISOString() }]);
    const [sent] = world.received;
    const headers = sent?.init.headers as Record<string, string>;
    expect(sent?.url).toBe(WEBHOOK.url);
    expect(sent?.init.redirect).toBe('manual');
    expect(headers['webhook-timestamp']).toBe(String(Math.floor(world.clock.now / 1000)));
    expect(isSigned(channel.secret ?? '', headers, String(sent?.init.body))).toBe(true);
    expect(isSigned(channel.secret ?? '', headers, `${sent?.init.body} `)).toBe(false);
    expect(sent && bodyOf(sent)).toMatchObject({
      type: 'alert.test',
      data: { title: 'This is a test', url: 'https://monitor.test/alerts' },
    });

    world.clock.now += 1000;
    world.receiver.answer = () => new Response('<secret>', { status: 302, headers: { location: 'https://elsewhere.example' } });
    expect(await test()).toMatchObject([{ last_error: 'The receiver answered with a redirect, which is not followed.' }]);
    world.clock.now += 1000;
    world.receiver.answer = () => Promise.reject(new Error('https://ops.example.org/hook?token=hidden'));
    expect(await test()).toMatchObject([{ last_error: 'Could not connect to the receiver.' }]);
    expect(world.received).toHaveLength(3);
  });

  it('read like words in Slack, Discord and Telegram, without markup or mentions of their own', async () => {
    const world = createWorld();
    const { user, addChannel, addRule } = await setUp(world);
    const ids = [];
    for (const type of ['slack', 'discord']) ids.push((await addChannel({ type, name: type, url: `https://${type}.example/hook` })).id);
    ids.push((await addChannel({ type: 'telegram', name: 'tg', bot_token: '123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ', chat_id: '42' })).id);
    const key = await world.makeKey(user.token, 'a <b> *@everyone*');
    world.simulator.removeKey(key.text);
    await addRule({ type: 'key_invalid', channel_ids: ids });
    for (let count = 0; count < 2; count++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    const sent = new Map(world.received.map((one) => [new URL(one.url).hostname, { url: one.url, body: bodyOf(one) }]));
    expect(sent.get('slack.example')?.body.text).toMatch(
      /^\*a &lt;b&gt; \*@everyone\* is invalid\*\n.*\n<https:\/\/monitor\.test\/keys\/\d+\|Show the figures>$/,
    );
    expect(sent.get('discord.example')?.body).toMatchObject({
      allowed_mentions: { parse: [] },
      content: expect.stringContaining('**a <b\\> \\*@everyone\\* is invalid**'),
    });
    expect(sent.get('api.telegram.org')).toMatchObject({
      url: 'https://api.telegram.org/bot123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ/sendMessage',
      body: { chat_id: '42', text: expect.stringMatching(/^a <b> \*@everyone\* is invalid\n/) },
    });
    expect(world.received).toHaveLength(3);
  });

  it('go by email where that is configured, and nowhere else', async () => {
    const world = createWorld();
    const { user, addChannel } = await setUp(world);
    const email = { type: 'email', name: 'me', to: 'somebody@example.org' };
    expect(await world.json('POST', '/api/channels', { token: user.token, body: email })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'type' }] },
    });
    const mails: object[] = [];
    world.deps.sendEmail = async (mail) => void mails.push(mail);
    const channel = await addChannel(email);
    expect(channel).toMatchObject({ label: 's…@example.org', secret: null });
    const test = async () => {
      world.clock.now += 1000;
      await world.call('POST', `/api/channels/${channel.id}/test`, { token: user.token });
      await world.drain();
      return (await world.json('GET', '/api/channels', { token: user.token })).body;
    };
    expect(await test()).toMatchObject([{ status: 'working' }]);
    expect(mails).toEqual([
      { to: email.to, subject: 'This is a test', text: 'If you can read this, alerts arrive here.\n\nhttps://monitor.test/alerts\n' },
    ]);
    world.deps.sendEmail = async () => Promise.reject(new Error(email.to));
    expect(await test()).toMatchObject([{ last_error: 'The email was rejected. Is the address verified for this deployment?' }]);
    expect(world.received).toEqual([]);
  });

  it('are tried again for about a day, each attempt on record, and then the channel is marked', async () => {
    const world = createWorld();
    const { user, addChannel, addRule, events } = await setUp(world);
    const channel = await addChannel();
    const key = await world.makeKey(user.token);
    world.simulator.removeKey(key.text);
    await addRule({ type: 'key_invalid', channel_ids: [channel.id] });
    world.receiver.answer = () => new Response('', { status: 500 });
    for (let count = 0; count < 2; count++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    const [first, last] = [world.received.at(0), world.received.at(-1)];
    expect(world.received).toHaveLength(8);
    const hours = ((last?.at ?? 0) - (first?.at ?? 0)) / HOUR_MS;
    expect(hours).toBeGreaterThan(23);
    expect(hours).toBeLessThan(26);
    expect(new Set(world.received.map(({ init }) => (init.headers as Record<string, string>)['webhook-id'])).size).toBe(1);
    const attempts = world.received.map(({ at }) => ({ at: new Date(at).toISOString(), error: 'The receiver answered with status 500.' }));
    expect((await events())[0]?.deliveries).toEqual([{ channel_id: channel.id, state: 'failed', attempts }]);
    world.clock.now += HOUR_MS;
    expect((await world.json('GET', '/api/channels', { token: user.token })).body).toMatchObject([{ status: 'failing' }]);
  });

  it('go to each channel of a rule, whatever becomes of the others', async () => {
    const world = createWorld();
    const { user, addChannel, addRule, events } = await setUp(world);
    const channels = [await addChannel(), await addChannel({ ...WEBHOOK, url: 'https://two.example.org/hook' })];
    await addRule({ type: 'budget', amount_usd: 1, period: 'month', thresholds: [1], channel_ids: channels.map(({ id }) => id) });
    const { text } = await world.makeKey(user.token);
    world.simulator.spend(text, { nano: 2_000_000_000 });
    world.receiver.answer = () => new Response('', { status: world.received.at(-1)?.url.includes('two') ? 200 : 503 });
    world.clock.now += HOUR_MS;
    await world.sync();
    const made = (await events()).flatMap(({ deliveries }) => deliveries);
    expect(made.map(({ state, attempts }) => [state, attempts.length]).sort()).toEqual([
      ['failed', 8],
      ['sent', 1],
    ]);
    expect(new Set(made.flatMap(({ attempts }) => attempts.map(({ error }) => error)))).toEqual(
      new Set(['The receiver answered with status 503.', null]),
    );
  });

  it('are not lost with the queue: the next ring finds them', async () => {
    const world = createWorld();
    const { user, addChannel, addRule } = await setUp(world);
    const channel = await addChannel();
    const key = await world.makeKey(user.token);
    world.simulator.spend(key.text, { nano: 5_000_000_000 });
    world.clock.now += HOUR_MS;
    await world.sync();
    await addRule({ type: 'budget', amount_usd: 4, period: 'month', thresholds: [1], channel_ids: [channel.id] });
    const evaluate = world.queue.findIndex(({ job }) => job === 'evaluate');
    const [message] = world.queue.splice(evaluate, 1);
    const { deliver } = await import('../../src/jobs/index.ts');
    world.deps.enqueue = async () => Promise.reject(new Error('the queue is gone'));
    await expect(deliver(world.deps, message)).rejects.toThrow('the queue is gone');
    expect(world.received).toHaveLength(0);
    const again = createWorld({ now: world.clock.now + HOUR_MS });
    await again.sync();
    expect(again.received.filter(({ url }) => url === WEBHOOK.url)).toHaveLength(1);
  });
});

describe('events', () => {
  it('a budget of a month tells each threshold once, at its hour, under overlapping crons and a receiver that fails half of the time', async () => {
    await env.DB.exec('DELETE FROM alert_rule');
    const world = createWorld({ now: Date.parse('2026-10-31T23:30:00.000Z') });
    const { user, addChannel, addRule, events } = await setUp(world);
    const channel = await addChannel();
    const key = await world.makeKey(user.token, 'backend');
    await addRule({ type: 'budget', amount_usd: 100, period: 'month', channel_ids: [channel.id] });
    await world.drain();
    let calls = 0;
    world.receiver.answer = () => {
      calls += 1;
      return new Response('', { status: calls % 2 === 1 ? 503 : 200 });
    };
    const { deliver, onCron } = await import('../../src/jobs/index.ts');
    // A dollar every sixth hour: fifty at the 200th hour of the month, eighty at the 320th, a hundred at the 400th.
    const start = Date.parse('2026-11-01T00:00:00.000Z');
    for (let hour = 0; hour < 24 * 30 + 6; hour += 2) {
      world.clock.now = Math.max(world.clock.now, start + hour * HOUR_MS + 180_000);
      if (hour % 6 === 0) world.simulator.spend(key.text, { nano: 1_500_000_000 });
      await Promise.all([onCron(world.deps, '3 * * * *', world.clock.now), onCron(world.deps, '3 * * * *', world.clock.now)]);
      const messages = [...world.queue];
      await Promise.all(messages.filter(({ job }) => job === 'evaluate').map((message) => deliver(world.deps, message)));
      while (world.queue.length > 0 && world.queue.some(({ job }) => job !== 'alert')) {
        const index = world.queue.findIndex(({ job }) => job !== 'alert');
        const [message] = world.queue.splice(index, 1);
        const delivery = await deliver(world.deps, message);
        if (delivery.kind === 'retry' && message) world.queue.push(message);
        if (delivery.kind === 'retry') world.clock.now += delivery.delayS * 1000;
      }
      const sending = world.queue.splice(0);
      await Promise.all([...sending, ...sending].map((message) => deliver(world.deps, message)));
    }
    await world.drain();
    const found = (await events()).toReversed();
    expect(found.map(({ title }) => title)).toEqual([
      'Budget for all keys: 50% reached',
      'Budget for all keys: 80% reached',
      'Budget for all keys: 100% reached',
    ]);
    expect(found.map(({ figures }) => [figures['spent_usd'], figures['threshold']])).toEqual([
      [51, 0.5],
      [81, 0.8],
      [100.5, 1],
    ]);
    // 34, 54 and 67 times 1.50 dollars, of which the first is at hour 0.
    expect(found.map(({ created_at }) => Math.floor((Date.parse(created_at) - start) / HOUR_MS))).toEqual([33 * 6, 53 * 6, 66 * 6]);
    expect(found.map(({ deliveries }) => deliveries[0]?.state)).toEqual(['sent', 'sent', 'sent']);
    const arrived = world.received.filter((_, index) => index % 2 === 1).map((one) => bodyOf(one).data.figures.threshold);
    expect(arrived.sort()).toEqual([0.5, 0.8, 1]);
    for (const { init } of world.received)
      expect(isSigned(channel.secret ?? '', init.headers as Record<string, string>, String(init.body))).toBe(true);
  }, 120_000);

  it('tell what is over; can be acknowledged, and snoozed: then they are rows and no messages', async () => {
    const world = createWorld();
    const { user, addChannel, addRule, events } = await setUp(world);
    const channel = await addChannel();
    const key = await world.makeKey(user.token, 'backend', { limitNano: 10_000_000_000 });
    await addRule({ type: 'limit_remaining', below_ratio: 0.5, channel_ids: [channel.id] });
    const hour = async () => {
      world.clock.now += HOUR_MS;
      await world.sync();
    };
    world.simulator.spend(key.text, { nano: 6_000_000_000 });
    await hour();
    await hour();
    expect(titles(await events())).toEqual(['Limit of backend nearly used up']);
    const [event] = await events();
    expect(event).toMatchObject({ path: `/keys/${key.id}`, recovered_at: null, figures: { limit_usd: 10, left_usd: 4 } });
    const patched = await world.json('PATCH', `/api/alerts/${event?.id}`, { token: user.token, body: { acknowledged: true } });
    expect(patched).toMatchObject({ status: 200, body: { acknowledged_at: new Date(world.clock.now).toISOString() } });

    const snooze = async (snoozed_until: string) =>
      (await world.json('PATCH', `/api/alerts/${event?.id}`, { token: user.token, body: { snoozed_until } })).status;
    expect(await snooze('tomorrow')).toBe(422);
    expect(await snooze('9999-12-31T23:59:59-00:01')).toBe(422);
    expect(await snooze('0000-01-01T00:00:00+00:01')).toBe(422);
    expect(await snooze('9999-12-31T23:59:59Z')).toBe(200);
    expect(await events()).toMatchObject([{ snoozed_until: '9999-12-31T23:59:59.000Z' }]);
    expect((await world.call('PATCH', `/api/alerts/${event?.id}`, { token: user.token, body: { snoozed_until: null } })).status).toBe(200);

    world.simulator.changeKey(key.text, { limitNano: 100_000_000_000 });
    await hour();
    expect((await events()).map(({ kind, title }) => [kind, title])).toEqual([
      ['recovered', 'Limit of backend nearly used up'],
      ['fired', 'Limit of backend nearly used up'],
    ]);
    expect(world.received.map((one) => bodyOf(one).type)).toEqual(['alert.fired', 'alert.recovered']);

    const until = new Date(world.clock.now + 10 * HOUR_MS).toISOString();
    await world.json('PATCH', `/api/alerts/${event?.id}`, { token: user.token, body: { snoozed_until: until } });
    world.simulator.changeKey(key.text, { limitNano: 10_000_000_000 });
    await hour();
    expect(await events()).toHaveLength(3);
    expect(world.received).toHaveLength(2);
  });

  it('a digest of each day comes once, at its hour of the user’s clock', async () => {
    const world = createWorld({ now: Date.parse('2026-11-15T00:30:00.000Z') });
    const { user, addRule, addChannel, events } = await setUp(world);
    await env.DB.prepare('UPDATE user SET time_zone = ? WHERE id = ?').bind('Asia/Tokyo', user.id).run();
    const key = await world.makeKey(user.token, 'backend');
    const channel = await addChannel();
    await addRule({ type: 'digest', hour: 9, channel_ids: [channel.id] });
    for (let hour = 0; hour < 60; hour++) {
      world.simulator.spend(key.text, { nano: 1_000_000_000 });
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    const told = (await events()).toReversed();
    // Midnight in Tokyo is 15:00 in UTC, and nine o'clock there midnight here.
    expect(told.map(({ title, created_at }) => [title, created_at.slice(0, 13)])).toEqual([
      // What was spent from 14:30 on is first seen at 15:30.
      ['≥\u00a0$14.00 on all keys, Sun, 15 Nov 2026', '2026-11-16T00'],
      ['$24.00 on all keys, Mon, 16 Nov 2026', '2026-11-17T00'],
    ]);
    expect(world.received).toHaveLength(2);
  });

  it('that were tests are nobody’s to acknowledge: they are not there, and not somebody else’s', async () => {
    const world = createWorld();
    const { user, addChannel } = await setUp(world);
    const { id } = await addChannel();
    expect((await world.call('POST', `/api/channels/${id}/test`, { token: user.token })).status).toBe(202);
    const event = await env.DB.prepare("SELECT id FROM alert_event WHERE user_id = ? AND kind = 'test'").bind(user.id).first<number>('id');
    const statusFor = async (token: string) =>
      (await world.call('PATCH', `/api/alerts/${event}`, { token, body: { acknowledged: true } })).status;
    expect(await statusFor(user.token)).toBe(404);
    expect(await statusFor((await world.makeUser()).token)).toBe(403);
  });

  it('of users who are evaluated together are each of their own keys and spend', async () => {
    const world = createWorld();
    const [first, second] = [await setUp(world), await setUp(world)];
    const [key] = [await world.makeKey(first.user.token, 'mine'), await world.makeKey(second.user.token, 'theirs')];
    for (const { addRule } of [first, second]) await addRule({ type: 'budget', amount_usd: 10, period: 'month', thresholds: [0.5] });
    const evaluate = async () => {
      world.clock.now += HOUR_MS;
      await world.sync();
      await evaluateUsers(world.deps, [first.user.id, second.user.id]);
      return [titles(await first.events()), titles(await second.events())];
    };
    world.simulator.spend(key.text, { nano: 4_000_000_000 });
    expect(await evaluate()).toEqual([[], []]);
    world.simulator.spend(key.text, { nano: 2_000_000_000 });
    expect(await evaluate()).toEqual([[expect.any(String)], []]);
  });

  it('come in pages, and belong to their user', async () => {
    const world = createWorld();
    const { user, addRule } = await setUp(world);
    const key = await world.makeKey(user.token);
    await addRule({ type: 'budget', amount_usd: 5, period: 'month' });
    for (const nano of [2_500_000_000, 1_500_000_000, 1_000_000_000]) {
      world.simulator.spend(key.text, { nano });
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    const page = async (path: string) =>
      (await world.json<{ data: Event[]; next_cursor: string | null }>('GET', path, { token: user.token })).body;
    const first = await page('/api/alerts?limit=2');
    const second = await page(`/api/alerts?limit=2&cursor=${first.next_cursor}`);
    expect([...first.data, ...second.data].map(({ figures }) => figures['threshold'])).toEqual([1, 0.8, 0.5]);
    expect(second.next_cursor).toBeNull();
    const other = await world.makeUser();
    const foreign = await world.call('PATCH', `/api/alerts/${first.data[0]?.id}`, { token: other.token, body: { acknowledged: true } });
    expect(foreign.status).toBe(403);
    expect((await world.json<{ data: Event[] }>('GET', '/api/alerts', { token: other.token })).body.data).toEqual([]);
  });
});

describe('the page', () => {
  const listed = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');

  it('makes, changes and deletes rules and channels; what was wrong stands beside its field, and what was right stays', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const visitor = createVisitor(world, user.token);
    const key = await world.makeKey(user.token, 'backend');
    const refused = await visitor.submit('/alerts/channels', { type: 'slack', name: 'team', url: 'http://hooks.example/secret' });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('Must be an https URL');
    expect(refused.html).toContain('value="team"');
    expect(refused.html).not.toContain('hooks.example/secret');
    await visitor.submit('/alerts/channels', { type: 'webhook', name: 'ops', url: WEBHOOK.url });
    const shown = await visitor.visit('/alerts');
    expect(messageIn(shown)).toContain('Channel “ops” added');
    expect(shown.html).toMatch(/whsec_[A-Za-z0-9+/]{43}=/);
    expect((await visitor.visit('/alerts')).html).not.toContain('whsec_');
    const channelId = /channels\/(\d+)\/test/.exec(shown.html)?.[1] ?? '';

    const wrong = await visitor.submit('/alerts/rules', {
      type: 'budget',
      amount_usd: 'lots',
      period: 'week',
      thresholds: '50, 2000',
      [`channel_${channelId}`]: 'on',
    });
    expect(wrong.status).toBe(422);
    expect(wrong.html).toMatch(/id="alerts-rules-amount_usd-error">Must be a number</);
    expect(wrong.html).toMatch(/id="alerts-rules-thresholds-error">Must be at most 1000%</);
    expect(wrong.html).toContain('value="50, 2000"');
    expect(wrong.html).toMatch(/<option value="week" selected="">/);
    expect(wrong.html).toMatch(new RegExp(`name="channel_${channelId}" value="on" checked`));
    const budget = {
      type: 'budget',
      amount_usd: '20.5',
      period: 'week',
      thresholds: '50, 100',
      forecast: 'on',
      key_id: String(key.id),
      [`channel_${channelId}`]: 'on',
    };
    await visitor.submit('/alerts/rules', budget);
    const page = await visitor.visit('/alerts');
    expect(listed(page.html)).toContain(
      'Notify when the spend of backend reaches 50% and 100% of $20.50 per week, or is on track to exceed it. Sent to ops.',
    );
    const ruleId = /alerts\/rules\/(\d+)"/.exec(page.html)?.[1] ?? '';
    const form = await visitor.visit(`/alerts/rules/${ruleId}`);
    expect(form.html).toContain('value="20.5"');
    await visitor.submit(`/alerts/rules/${ruleId}`, { ...budget, amount_usd: '30', forecast: '' });
    expect((await world.json('GET', '/api/alert-rules', { token: user.token })).body).toMatchObject([
      { amount_usd: 30, forecast: false, thresholds: [0.5, 1], key_id: key.id, channel_ids: [Number(channelId)] },
    ]);

    await visitor.submit(`/alerts/channels/${channelId}/test`, {});
    await world.drain();
    expect(listed((await visitor.visit('/alerts')).html)).toContain('Last message just now.');
    await visitor.submit(`/alerts/channels/${channelId}/delete`, {});
    await visitor.submit(`/alerts/rules/${ruleId}/delete`, {});
    const empty = listed((await visitor.visit('/alerts')).html);
    expect(empty).toContain('No rules yet.');
    expect(empty).toContain('No channels yet; alerts appear here only.');
  });

  it('arms a breaker with the password, says exactly what will happen, and shows what did', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const [management, text] = [freshKeyText(), freshKeyText()];
    world.simulator.addKey(management, { isManagement: true });
    world.simulator.addKey(text, { name: 'backend' });
    await world.json('POST', '/api/keys', { token: user.token, body: { name: 'account', key: management } });
    await world.drain();
    const keys = (await world.json<{ id: number; kind: string }[]>('GET', '/api/keys', { token: user.token })).body;
    const id = keys.find(({ kind }) => kind === 'discovered')?.id ?? 0;
    const visitor = createVisitor(world, user.token);
    const fields = {
      type: 'budget',
      amount_usd: '3',
      period: 'day',
      thresholds: '100',
      key_id: String(id),
      action: 'disable',
      restore: 'on',
    };
    const refused = await visitor.submit('/alerts/rules', { ...fields, password: 'not my passphrase' });
    expect(refused.status).toBe(403);
    expect(refused.html).toContain('Wrong password');
    expect(refused.html).not.toContain('not my passphrase');
    await visitor.submit('/alerts/rules', { ...fields, password: user.password });
    expect(listed((await visitor.visit('/alerts')).html)).toContain(
      'When the budget is used up, the key is disabled at OpenRouter, until the next period begins.',
    );
    world.simulator.spend(text, { nano: 4_000_000_000 });
    world.clock.now += HOUR_MS;
    await world.sync();
    const shown = listed((await visitor.visit('/alerts')).html);
    expect(shown).toContain('Budget actions');
    expect(shown).toContain('The key is disabled at OpenRouter.');
  });

  it('shows what happened, and takes it as read or lets it be silent', async () => {
    const world = createWorld();
    const { user, addRule } = await setUp(world);
    const key = await world.makeKey(user.token, '<b>bold</b>');
    world.simulator.spend(key.text, { nano: 3_000_000_000 });
    world.clock.now += HOUR_MS;
    await world.sync();
    await addRule({ type: 'budget', amount_usd: 3, period: 'day', thresholds: [1], key_id: key.id });
    await world.drain();
    const visitor = createVisitor(world, user.token);
    const { html } = await visitor.visit('/alerts');
    expect(html).toContain('Budget for &lt;b&gt;bold&lt;/b&gt;: 100% reached');
    const id = /\/alerts\/(\d+)\/acknowledge/.exec(html)?.[1] ?? '';
    await visitor.submit(`/alerts/${id}/acknowledge`, {});
    await visitor.submit(`/alerts/${id}/snooze`, { hours: '24' });
    const after = listed((await visitor.visit('/alerts')).html);
    expect(after).toContain('acknowledged just now');
    expect(after).toContain('snoozed until');
  });

  it('budgets stand on the dashboard and on the page of their key, and everything is in the export', async () => {
    const world = createWorld();
    const { user, addRule, addChannel } = await setUp(world);
    const key = await world.makeKey(user.token, 'backend');
    const other = await world.makeKey(user.token, 'other');
    for (const { text } of [key, other]) world.simulator.spend(text, { nano: 3_000_000_000 });
    world.clock.now += HOUR_MS;
    await world.sync();
    await addChannel();
    await addRule({ type: 'budget', amount_usd: 4, period: 'week', key_id: key.id });
    await addRule({ type: 'budget', amount_usd: 10, period: 'month', name: 'Team' });
    await addRule({ type: 'budget', amount_usd: 5, period: 'day', key_id: other.id });
    await world.drain();
    const visitor = createVisitor(world, user.token);
    const budgets = (html: string) => [...html.matchAll(/aria-label="(Budget for [^"]*)"/g)].map(([, label]) => label);
    expect(budgets((await visitor.visit('/dashboard')).html)).toEqual([
      'Budget for backend: ≥\u00a075% used',
      'Budget for Team: ≥\u00a060% used',
      'Budget for other: 60% used',
    ]);
    const elsewhere = (await visitor.visit('/dashboard?tz=Asia/Tokyo')).html;
    expect(budgets(elsewhere)).toEqual([]);
    expect(elsewhere).toContain('Budgets use your time zone.');
    const ofKey = await visitor.visit(`/keys/${key.id}`);
    expect(budgets(ofKey.html)).toEqual(['Budget for backend: ≥\u00a075% used']);
    expect(listed(ofKey.html)).toContain('$3.00 of $4.00 this week');
    const exported = JSON.parse((await visitor.visit('/account/export')).html);
    expect(exported.alerts).toMatchObject({
      rules: [{ amount_usd: 4 }, { name: 'Team' }, { amount_usd: 5 }],
      channels: [{ label: 'https://ops.example.org/…' }],
    });
    expect(exported.alerts.events.length).toBe(3);
    expect(JSON.stringify(exported)).not.toContain('hidden');
  });
});

describe('the cost of an evaluation', () => {
  /** Users with rules of every type that looks far or by the hour, and `keys` keys each that spent. */
  async function makeUsers(world: World, count: number, keys: number) {
    const users = [];
    for (let made = 0; made < count; made++) {
      const { user, addRule } = await setUp(world);
      for (let added = 0; added < keys; added++) {
        const { text } = await world.makeKey(user.token);
        world.simulator.spend(text, { nano: 1_000_000 });
      }
      await addRule({ type: 'budget', amount_usd: 5, period: 'month' });
      await addRule({ type: 'spike', window: 'hour', factor: 3, min_usd: 1 });
      await addRule({ type: 'limit_remaining' });
      users.push(user);
    }
    return users;
  }

  it('is two statements for a message of 20 keys, whosever they are, and no row where nothing changed', async () => {
    const spied = spyDb();
    const world = createWorld({ db: spied.binding, config: { maxKeysPerUser: 50 } });
    const costOf = async (userIds: number[]) => {
      spied.statements.length = 0;
      spied.rowsWritten = 0;
      await evaluateUsers(world.deps, userIds);
      return [spied.statements.length, spied.rowsWritten];
    };
    const { user: nobody } = await setUp(world);
    expect(await costOf([nobody.id])).toEqual([1, 0]);
    const one = (await makeUsers(world, 1, 20))[0]?.id ?? 0;
    const others = (await makeUsers(world, 4, 2)).map(({ id }) => id);
    world.clock.now += HOUR_MS;
    await world.sync();
    expect(await costOf([one])).toEqual([2, 0]);
    expect(await costOf([nobody.id, one, ...others])).toEqual([2, 0]);
  });

  it('is one queue message for each message of keys', async () => {
    const world = createWorld();
    await env.DB.batch(['api_key', 'job_run'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
    await makeUsers(world, 3, 2);
    world.queue.length = 0;
    world.clock.now += HOUR_MS;
    await onCron(world.deps, '3 * * * *', world.clock.now);
    const message = world.queue.find(({ job }) => job === 'sync');
    world.queue.length = 0;
    await deliver(world.deps, message);
    expect(world.queue).toEqual([{ job: 'evaluate', userIds: [expect.any(Number), expect.any(Number), expect.any(Number)] }]);
  });

  it('leaves the other users’ rules alone where one user’s are not to be read', async () => {
    const world = createWorld();
    const [first, second] = [await setUp(world), await setUp(world)];
    const keys = [await world.makeKey(first.user.token), await world.makeKey(second.user.token)];
    for (const { addRule } of [first, second]) await addRule({ type: 'budget', amount_usd: 1, period: 'month' });
    await world.drain();
    await env.DB.prepare("UPDATE alert_rule SET parameters = '{}' WHERE user_id = ?").bind(first.user.id).run();
    for (const { text } of keys) world.simulator.spend(text, { nano: 2_000_000_000 });
    world.clock.now += HOUR_MS;
    await world.sync();
    expect(await first.events()).toEqual([]);
    expect((await second.events()).length).toBe(1);
    expect(takeLoggedErrors().join()).toContain('rule_unreadable');
    await env.DB.prepare('DELETE FROM alert_rule WHERE user_id = ?').bind(first.user.id).run();
  });
});

describe('what must not be told, or must be', () => {
  const invalidate = async (world: World, text: string) => {
    world.simulator.removeKey(text);
    for (let count = 0; count < 2; count++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
  };

  it('a rule that is renamed, or saved as it is, tells nothing twice; with another amount it does', async () => {
    const world = createWorld();
    const { user, addRule, events } = await setUp(world);
    const key = await world.makeKey(user.token);
    world.simulator.spend(key.text, { nano: 5_000_000_000 });
    world.clock.now += HOUR_MS;
    await world.sync();
    const rule = await addRule({ type: 'budget', amount_usd: 5, period: 'month', thresholds: [1] });
    const patch = async (body: object) => {
      const answer = await world.json('PATCH', `/api/alert-rules/${rule.id}`, { token: user.token, body });
      await world.drain();
      return [answer.status, (await events()).length];
    };
    await world.drain();
    expect(await patch({})).toEqual([200, 1]);
    expect(await patch({ name: 'Team' })).toEqual([200, 1]);
    expect(await patch({ amount_usd: 4 })).toEqual([200, 2]);
    expect(await patch({ factor: 3 })).toEqual([422, 2]);
  });

  it('a change that was made meanwhile is not lost', async () => {
    const world = createWorld();
    const { user, addRule } = await setUp(world);
    const rule = await addRule({ type: 'budget', amount_usd: 5, period: 'month' });
    let isFirst = true;
    const slow = createWorld({
      db: tapDb((text) => {
        if (!isFirst || !text.includes('from "channel"')) return;
        isFirst = false;
        env.DB.prepare('UPDATE alert_rule SET version = version + 1 WHERE id = ?').bind(rule.id).run();
      }),
    });
    const answer = await slow.json('PATCH', `/api/alert-rules/${rule.id}`, { token: user.token, body: { name: 'mine' } });
    expect(answer.status).toBe(409);
  });

  it('a key that is paused or deleted has not recovered; its rule can still be changed', async () => {
    const world = createWorld();
    const { user, addRule, addChannel, events } = await setUp(world);
    const channel = await addChannel();
    const keys = [await world.makeKey(user.token, 'paused'), await world.makeKey(user.token, 'deleted')];
    await addRule({ type: 'key_invalid', channel_ids: [channel.id] });
    for (const { text } of keys) await invalidate(world, text);
    expect(await events()).toHaveLength(2);
    const rule = await addRule({ type: 'limit_remaining', key_id: keys[1]?.id });
    await world.call('PATCH', `/api/keys/${keys[0]?.id}`, { token: user.token, body: { is_active: false } });
    await world.call('DELETE', `/api/keys/${keys[1]?.id}`, { token: user.token });
    await evaluateUsers(world.deps, [user.id]);
    expect((await events()).map(({ kind, recovered_at }) => [kind, recovered_at !== null])).toEqual([
      ['fired', true],
      ['fired', true],
    ]);
    await world.drain();
    expect(world.received).toHaveLength(2);
    const renamed = await world.json('PATCH', `/api/alert-rules/${rule.id}`, { token: user.token, body: { name: 'old' } });
    expect([renamed.status, renamed.body['key_id']]).toEqual([200, keys[1]?.id]);
    const form = await createVisitor(world, user.token).visit(`/alerts/rules/${rule.id}`);
    expect(form.html).toContain('A deleted key');
  });

  it('a state that somebody saw end is not told again by who looked before', async () => {
    const world = createWorld();
    const { user, addRule, events } = await setUp(world);
    const key = await world.makeKey(user.token, 'backend');
    await addRule({ type: 'key_invalid' });
    await world.drain();
    await invalidate(world, key.text);
    const [seen] = await loadRuleContextsAcrossUsers(world.deps, [user.id]);
    const [rule] = seen?.rules ?? [];
    const [known] = seen?.known ?? [];
    if (!rule || !known) throw new Error('nothing was told');
    const open = { ...known, text: 'It is well again.', figures: {} };
    const looked = world.clock.now - 60_000;
    await applyChanges(world.deps.db, user.id, [{ rule, fired: [], over: [open], notApplicable: [] }], world.clock.now);
    const stale: Finding = { subject: open.subject, dedupeKey: '', keyId: key.id, title: 'stale', text: '', path: '/', figures: {} };
    await applyChanges(world.deps.db, user.id, [{ rule, fired: [stale], over: [], notApplicable: [] }], looked);
    expect((await events()).map(({ kind }) => kind)).toEqual(['recovered', 'fired']);
    await applyChanges(
      world.deps.db,
      user.id,
      [{ rule: { ...rule, version: 99 }, fired: [stale], over: [open], notApplicable: [] }],
      world.clock.now + 1,
    );
    expect(await events()).toHaveLength(2);
  });

  it('a key that OpenRouter asked to leave alone is told as not read', async () => {
    const world = createWorld();
    const { user, addRule, events } = await setUp(world);
    const key = await world.makeKey(user.token, 'backend');
    await addRule({ type: 'sync_overdue', hours: 2 });
    await world.drain();
    await env.DB.prepare('UPDATE api_key SET retry_after = ? WHERE id = ?')
      .bind(world.clock.now + 24 * HOUR_MS, key.id)
      .run();
    for (let count = 0; count < 4; count++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    expect(titles(await events())).toEqual(['backend is overdue for sync']);
  });

  it('a rule that makes no sense any more stops no other, and can be deleted', async () => {
    const world = createWorld();
    const { user, addRule, events } = await setUp(world);
    const key = await world.makeKey(user.token, 'backend');
    const insert = 'INSERT INTO alert_rule (user_id, type, channel_ids, parameters, created_at) VALUES (?, ?, ?, ?, 0) RETURNING id';
    const broken = await env.DB.prepare(insert).bind(user.id, 'sync_overdue', '[]', '{"hours":0}').first<{ id: number }>();
    await env.DB.prepare(insert).bind(user.id, 'sync_overdue', '[]', '{"hours":9,"old":1}').run();
    await addRule({ type: 'key_invalid' });
    await invalidate(world, key.text);
    expect(titles(await events())).toEqual(['backend is invalid']);
    expect(takeLoggedErrors().every((line) => line.includes('rule_unreadable'))).toBe(true);
    const { body } = await world.json('GET', '/api/alert-rules', { token: user.token });
    expect(body).toMatchObject([{ id: broken?.id, sentence: 'This rule is no longer valid. Delete it.' }, { hours: 9 }, {}]);
    expect((await world.call('DELETE', `/api/alert-rules/${broken?.id}`, { token: user.token })).status).toBe(204);
  });

  it('a channel whose encryption key is missing is seen in the health', async () => {
    const world = createWorld();
    const { user, addChannel } = await setUp(world);
    const channel = await addChannel();
    await env.DB.prepare("UPDATE channel SET kid = 'gone' WHERE id = ?").bind(channel.id).run();
    expect(await world.json('GET', '/health', { token: user.token })).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('gone') },
    });
    await world.call('DELETE', `/api/channels/${channel.id}`, { token: user.token });
    expect((await world.call('GET', '/health')).status).toBe(200);
  });

  it('a message that comes too early, or while another is at it, comes again', async () => {
    const world = createWorld();
    const { user, addChannel } = await setUp(world);
    const channel = await addChannel();
    await world.call('POST', `/api/channels/${channel.id}/test`, { token: user.token });
    const [message] = world.queue.splice(0);
    if (message?.job !== 'alert') throw new Error('no message');
    await env.DB.prepare('UPDATE alert_delivery SET next_at = ?, attempts = 1 WHERE event_id = ?')
      .bind(world.clock.now + 5000, message.eventId)
      .run();
    expect(await deliverEvent(world.deps, message)).toBe(6);
    world.clock.now += 6000;
    expect(await deliverEvent(world.deps, message)).toBeNull();
    const row = await env.DB.prepare('SELECT state, log FROM alert_delivery WHERE event_id = ?')
      .bind(message.eventId)
      .first<{ state: string; log: string }>();
    expect([row?.state, JSON.parse(row?.log ?? '[]').map(({ error }: { error: string | null }) => error)]).toEqual([
      'sent',
      ['It was interrupted.', null],
    ]);
  });
});
