import { describe, expect, it } from 'vitest';
import { createWorld, type World } from '../support/world.ts';

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
      await world.json<{ data: { id: number; deliveries: { state: string; attempts: object[] }[] }[] }>('GET', '/api/alerts?limit=200', {
        token: user.token,
      })
    ).body.data;
  return { user, keys: added, hour, events };
}

const textsOf = (world: World): string[] => world.received.map(({ init }) => JSON.parse(String(init.body)).text);

describe('what happened together', () => {
  it('is one message and one recovery, however many keys it is about, and each event says what became of it', async () => {
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
    expect((await events())[0]?.deliveries).toMatchObject([{ state: 'failed', attempts: [{ error: 'It answered with status 400.' }] }]);
  });
});
