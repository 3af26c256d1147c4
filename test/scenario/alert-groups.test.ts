import { describe, expect, it } from 'vitest';
import { createVisitor } from '../support/visitor.ts';
import { createWorld, freshKeyText, type World } from '../support/world.ts';

const HOUR_MS = 3_600_000;

async function setUp(
  world: World,
  keys: number,
  rule: object,
  channel: object = { type: 'slack', name: 'ops', url: 'https://slack.example/hook' },
) {
  const user = await world.makeUser();
  const post = async (path: string, body: object) => {
    const answer = await world.json<{ id: number }>('POST', path, { token: user.token, body });
    expect([path, answer.status]).toEqual([path, 201]);
    return answer.body;
  };
  const added = [];
  for (let count = 1; count <= keys; count++) added.push(await world.makeKey(user.token, `key ${count}`));
  const { id } = await post('/api/channels', channel);
  await post('/api/alert-rules', { ...rule, channel_ids: [id] });
  await world.drain();
  const hour = async () => {
    world.clock.now += HOUR_MS;
    await world.sync();
  };
  const events = async () =>
    (
      await world.json<{
        data: { id: number; group: string; acknowledged_at: string | null; deliveries: { state: string; attempts: object[] }[] }[];
      }>('GET', '/api/alerts?limit=200', {
        token: user.token,
      })
    ).body.data;
  return { user, keys: added, hour, events };
}

const textsOf = (world: World): string[] => world.received.map(({ init }) => JSON.parse(String(init.body)).text);

/** Each look at the clock takes a moment, as work does. */
function letTimePass(world: World) {
  let now = world.clock.now;
  Object.defineProperty(world.clock, 'now', {
    get: () => {
      now += 50;
      return now;
    },
    set: (to: number) => {
      now = to;
    },
  });
}

describe('what happened together', () => {
  it('is one message, however many keys it is about, and each event says what became of it', async () => {
    const world = createWorld({ config: { maxKeysPerUser: 20 } });
    const { keys, hour, events } = await setUp(world, 9, { type: 'key_invalid' });
    for (const { text } of keys) world.simulator.removeKey(text);
    await hour();
    await hour();
    expect(textsOf(world)).toEqual([
      expect.stringMatching(
        /^\*9 keys are invalid\*\nkey 1, key 2, key 3, key 4, key 5 and 4 more\. .*\n<https:\/\/monitor\.test\/alerts\|Show the figures>$/,
      ),
    ]);
    expect((await events()).map(({ deliveries }) => deliveries.map(({ state, attempts }) => [state, attempts.length]))).toEqual(
      Array.from({ length: 9 }, () => [['sent', 1]]),
    );
  });

  it.each([9, 46])('of an outage of eight hours and %i keys is one message when it has lasted, and one when it is over', async (count) => {
    const world = createWorld({ config: { maxKeysPerUser: 100 }, order: 'newest' });
    letTimePass(world);
    const { hour, events } = await setUp(world, count, { type: 'sync_overdue' });
    await hour();
    world.simulator.setFault('*', { kind: 'status', status: 503 });
    for (let hours = 0; hours < 8; hours++) await hour();
    world.simulator.setFault('*', null);
    for (let hours = 0; hours < 3; hours++) await hour();
    expect(textsOf(world).map((text) => text.split('\n')[0])).toEqual([
      `*${count} keys overdue for sync*`,
      `*Recovered: ${count} keys overdue for sync*`,
    ]);
    expect((await events()).filter(({ deliveries }) => deliveries[0]?.state === 'sent')).toHaveLength(2 * count);
  });

  it('is tried again as one message, with the same events', async () => {
    const world = createWorld({ config: { maxKeysPerUser: 20 } });
    const { keys, hour, events } = await setUp(world, 3, { type: 'key_invalid' });
    for (const { text } of keys) world.simulator.removeKey(text);
    let calls = 0;
    world.receiver.answer = () => new Response('', { status: ++calls < 3 ? 500 : 200 });
    await hour();
    await hour();
    expect(world.received).toHaveLength(3);
    expect(new Set(textsOf(world)).size).toBe(1);
    expect((await events()).map(({ deliveries }) => deliveries.map(({ state, attempts }) => [state, attempts.length]))).toEqual(
      Array.from({ length: 3 }, () => [['sent', 3]]),
    );
  });

  it('that a chat does not take is sent as headline and link, and not again and again', async () => {
    const world = createWorld();
    const telegram = { type: 'telegram', name: 'tg', bot_token: '123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ', chat_id: '42' };
    const { keys, hour, events } = await setUp(world, 1, { type: 'key_invalid' }, telegram);
    world.receiver.answer = () => new Response('{"ok":false,"description":"Bad Request: message is too long"}', { status: 400 });
    world.simulator.removeKey(keys[0]?.text ?? '');
    await hour();
    await hour();
    expect(world.received).toHaveLength(2);
    expect(textsOf(world)[1]).toMatch(/^key 1 is invalid\nhttps:\/\/monitor\.test\/keys\/\d+$/);
    expect((await events())[0]?.deliveries).toMatchObject([
      { state: 'failed', attempts: [{ error: 'The receiver answered with status 400.' }] },
    ]);
  });
});

describe('the page', () => {
  it('shows what happened together as one entry, with each event in it, and takes a word for all of them', async () => {
    const world = createWorld({ config: { maxKeysPerUser: 20 } });
    const { user, keys, hour } = await setUp(world, 7, { type: 'key_invalid' });
    const other = await world.makeKey(user.token, 'later');
    for (const { text } of keys) world.simulator.removeKey(text);
    await hour();
    world.simulator.removeKey(other.text);
    await hour();
    await hour();
    const visitor = createVisitor(world, user.token);
    const entries = async () => [...(await visitor.visit('/alerts')).html.matchAll(/<li class="event (\w+)">(.*?)<\/div><\/li>/gs)];
    const [later, together, ...others] = await entries();
    expect(others).toEqual([]);
    expect([later?.[2], together?.[2]]).toEqual([
      expect.stringContaining('later is invalid'),
      expect.stringContaining('7 keys are invalid'),
    ]);
    expect(together?.[2]?.match(/<li>/g)).toHaveLength(7);
    const id = /\/alerts\/(\d+)\/acknowledge/.exec(together?.[2] ?? '')?.[1];
    await visitor.submit(`/alerts/${id}/acknowledge`, {});
    await visitor.submit(`/alerts/${id}/snooze`, { hours: '24' });
    const after = await entries();
    expect(after.map(([, tone]) => tone)).toEqual(['bad', 'done']);
    expect(after.map(([, , html]) => /snoozed until/.test(html ?? ''))).toEqual([false, true]);
  });

  it('acknowledges one event of a group over the API, unless the group is meant', async () => {
    const world = createWorld({ config: { maxKeysPerUser: 20 } });
    const { user, keys, hour, events } = await setUp(world, 3, { type: 'key_invalid' });
    for (const { text } of keys) world.simulator.removeKey(text);
    await hour();
    await hour();
    const [{ id } = { id: 0 }] = await events();
    const acknowledged = async (body: object) => {
      await world.json('PATCH', `/api/alerts/${id}`, { token: user.token, body });
      return (await events()).filter(({ acknowledged_at: at }) => at !== null).length;
    };
    expect(await acknowledged({ acknowledged: true })).toBe(1);
    expect(await acknowledged({ acknowledged: true, whole_group: true })).toBe(3);
    expect(await acknowledged({ acknowledged: false, whole_group: true })).toBe(0);
    expect(new Set((await events()).map(({ group }) => group)).size).toBe(1);
  });

  it('leads to older ones', async () => {
    const world = createWorld({ config: { maxKeysPerUser: 300 } });
    const { user, keys, hour } = await setUp(world, 1, { type: 'key_invalid' });
    const account = freshKeyText();
    world.simulator.addKey(account, { isManagement: true });
    await world.json('POST', '/api/alert-rules', { token: user.token, body: { type: 'key_discovered' } });
    world.simulator.removeKey(keys[0]?.text ?? '');
    await hour();
    await hour();
    await world.json('POST', '/api/keys', { token: user.token, body: { name: 'account', key: account } });
    for (let index = 0; index < 200; index++) world.simulator.addKey(freshKeyText(), { name: `found ${index}` });
    await hour();
    await hour();
    const visitor = createVisitor(world, user.token);
    const { html } = await visitor.visit('/alerts');
    expect(html).not.toContain('key 1 is invalid');
    const older = /href="(\/alerts\?before=\d+)"/.exec(html)?.[1] ?? '';
    expect((await visitor.visit(older)).html).toContain('key 1 is invalid');
    expect((await visitor.visit('/alerts?before=x')).status).toBe(200);
  });
});
