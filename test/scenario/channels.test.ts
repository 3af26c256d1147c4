/** Where rules are sent: to channels that they name, or to all of them. */
import { describe, expect, it } from 'vitest';
import { createVisitor } from '../support/visitor.ts';
import { createWorld } from '../support/world.ts';

interface Rule {
  id: number;
  type: string;
  channel_ids: number[] | 'all';
}

async function setUp() {
  const world = createWorld();
  const user = await world.makeUser();
  const call = async <T>(method: string, path: string, body?: object) =>
    world.json<T>(method, path, { token: user.token, ...(body && { body }) });
  const addChannel = async (name: string, rest: object = {}) =>
    (await call<{ id: number }>('POST', '/api/channels', { type: 'slack', name, url: `https://slack.example/${name}`, ...rest })).body.id;
  const addRule = async (rule: object) => (await call<Rule>('POST', '/api/alert-rules', rule)).body;
  const rules = async () => (await call<Rule[]>('GET', '/api/alert-rules')).body;
  const receiversOfNews = async () => {
    const { text } = await world.makeKey(user.token, 'news');
    world.received.length = 0;
    world.simulator.removeKey(text);
    for (let hours = 0; hours < 2; hours++) {
      world.clock.now += 3_600_000;
      await world.sync();
    }
    return world.received.map(({ url }) => url.split('/').at(-1)).sort();
  };
  return { world, user, call, addChannel, addRule, rules, receiversOfNews };
}

describe('a rule for all channels', () => {
  it('is sent to those that were added later, and not to those that are gone', async () => {
    const { call, addChannel, addRule, rules, receiversOfNews } = await setUp();
    const gone = await addChannel('gone');
    const rule = await addRule({ type: 'key_invalid', channel_ids: 'all' });
    expect(rule.channel_ids).toBe('all');
    await addChannel('late');
    await addChannel('later');
    await call('DELETE', `/api/channels/${gone}`);
    expect(await rules()).toMatchObject([{ channel_ids: 'all' }]);
    expect(await receiversOfNews()).toEqual(['late', 'later']);
  });

  it('takes the place of a list, and the other way round', async () => {
    const { call, addChannel, addRule } = await setUp();
    const [first] = [await addChannel('first'), await addChannel('second')];
    const { id } = await addRule({ type: 'key_invalid', channel_ids: [first] });
    const change = async (channel_ids: unknown) => {
      const { status, body } = await call<Rule & { errors?: { path: string }[] }>('PATCH', `/api/alert-rules/${id}`, { channel_ids });
      return [status, body.errors?.map(({ path }) => path) ?? body.channel_ids];
    };
    expect(await change('all')).toEqual([200, 'all']);
    expect(await change([first])).toEqual([200, [first]]);
    expect(await change('some')).toEqual([422, ['channel_ids']]);
    expect(await change(['all'])).toEqual([422, ['channel_ids']]);
  });

  it('can be previewed', async () => {
    const { call } = await setUp();
    const { status } = await call('GET', '/api/alert-rules/preview?amount_usd=5&period=month&channel_ids=all');
    expect(status).toBe(200);
  });
});

describe('a new channel', () => {
  it('gets all existing alerts where that is asked for, and the log says so', async () => {
    const { call, addChannel, addRule, rules, receiversOfNews } = await setUp();
    const first = await addChannel('first');
    await addRule({ type: 'key_invalid' });
    await addRule({ type: 'key_discovered', channel_ids: [first] });
    await addRule({ type: 'digest', channel_ids: 'all' });
    await addChannel('apart');
    const second = await addChannel('second', { add_to_rules: true });
    expect((await rules()).map(({ channel_ids: ids }) => ids)).toEqual([[second], [first, second], 'all']);
    expect(await receiversOfNews()).toEqual(['second']);
    const { data } = (await call<{ data: { action: string; subject: string }[] }>('GET', '/api/audit')).body;
    expect(data).toContainEqual(expect.objectContaining({ action: 'rule_changed', subject: '2 rules, also sent to second' }));
  });

  it('changes no rule of somebody else, nor any where it is one too many', async () => {
    const { world, addChannel, addRule, rules } = await setUp();
    const other = await world.makeUser();
    await world.json('POST', '/api/alert-rules', { token: other.token, body: { type: 'key_invalid' } });
    await addRule({ type: 'key_invalid' });
    for (let count = 0; count < 20; count++) await addChannel(`channel-${count}`);
    expect(await addChannel('too-many', { add_to_rules: true })).toBeUndefined();
    expect(await rules()).toMatchObject([{ channel_ids: [] }]);
    expect((await world.json<Rule[]>('GET', '/api/alert-rules', { token: other.token })).body).toMatchObject([{ channel_ids: [] }]);
  });

  it('is refused with a word that is no yes or no', async () => {
    const { call } = await setUp();
    const body = { type: 'slack', name: 'x', url: 'https://slack.example/x', add_to_rules: 'on' };
    expect((await call('POST', '/api/channels', body)).status).toBe(422);
  });
});

describe('the forms', () => {
  it('offer both, switched on', async () => {
    const { world, user, rules } = await setUp();
    const visitor = createVisitor(world, user.token);
    const { html } = await visitor.visit('/alerts');
    for (const name of ['all_channels', 'add_to_rules'])
      expect(html).toMatch(new RegExp(`<input type="checkbox" id="[\\w-]+" name="${name}" value="on" checked`));
    await visitor.submit('/alerts/rules', { type: 'key_invalid', all_channels: 'on' });
    await visitor.submit('/alerts/rules', { type: 'key_discovered' });
    await visitor.submit('/alerts/channels', { type: 'slack', name: 'ops', url: 'https://slack.example/ops', add_to_rules: 'on' });
    const [all, named] = await rules();
    expect([all?.channel_ids, named?.channel_ids]).toEqual(['all', [expect.any(Number)]]);
    expect((await visitor.visit('/alerts')).html).toMatch(/Sent to all channels\.[\s\S]*Sent to ops\./);
    expect((await visitor.visit(`/alerts/rules/${all?.id}`)).html).toMatch(/name="all_channels" value="on" checked/);
    await visitor.submit('/alerts/channels', { type: 'slack', name: 'quiet', url: 'https://slack.example/quiet' });
    expect((await rules())[1]?.channel_ids).toEqual(named?.channel_ids);
  });

  it('leave the choice as it was where something else was wrong', async () => {
    const { world, user } = await setUp();
    const visitor = createVisitor(world, user.token);
    const isOn = async (values: Record<string, string>) =>
      /name="add_to_rules" value="on" checked/.test(
        (await visitor.submit('/alerts/channels', { type: 'slack', name: '', url: '', ...values })).html,
      );
    expect([await isOn({ add_to_rules: 'on' }), await isOn({})]).toEqual([true, false]);
  });
});
