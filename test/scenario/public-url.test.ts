import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/world.ts';

describe('the address at which people reach the monitor', () => {
  it('begins links in messages, whatever the address of the request was', async () => {
    const world = createWorld({ config: { publicUrl: 'https://people.example' } });
    const { token } = await world.makeUser();
    const channel = { type: 'webhook', name: 'ops', url: 'https://ops.example.org/hook' };
    const { body } = await world.json<{ id: number }>('POST', '/api/channels', { token, body: channel });
    await world.call('POST', `/api/channels/${body.id}/test`, { token });
    await world.drain();
    expect(JSON.parse(String(world.received[0]?.init.body)).data.url).toBe('https://people.example/alerts');
  });
});
