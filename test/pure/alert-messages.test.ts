/** What is sent: several events as one message, and within what each kind of receiver takes. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpTarget } from '../../src/alerts/channels/model.ts';
import { groupMessageOf, titleOfSeveral } from '../../src/alerts/events/group-message.ts';
import { createWebhookSecret, mailOf, outgoingOf } from '../../src/alerts/events/messages.ts';
import type { EventRow } from '../../src/alerts/events/model.ts';
import { cutText } from '../../src/lib/cut.ts';

const ORIGIN = 'https://monitor.example';
const LINK = `${ORIGIN}/alerts`;

const eventOf = (id: number, rest: Partial<EventRow> = {}): EventRow =>
  ({
    id,
    kind: 'fired',
    ruleType: 'key_invalid',
    keyId: id,
    title: `key-${id} is invalid`,
    text: 'It was deleted at OpenRouter.',
    figures: '{"reason":null}',
    path: `/keys/${id}`,
    createdAt: 0,
    ...rest,
  }) as EventRow;

const deleted = (count: number, rest: (id: number) => Partial<EventRow> = () => ({})) => {
  const [first, ...others] = Array.from({ length: count }, (_, index) => eventOf(index + 1, rest(index + 1)));
  return [first as EventRow, ...others] as const satisfies [EventRow, ...EventRow[]];
};
const namesOf = (count: number, name = (id: number) => `key-${id}`) =>
  new Map(Array.from({ length: count }, (_, index) => [index + 1, name(index + 1)]));

const TARGETS: Record<string, HttpTarget> = {
  telegram: { type: 'telegram', bot_token: '1:x', chat_id: '1' },
  slack: { type: 'slack', url: 'https://slack.example' },
  discord: { type: 'discord', url: 'https://discord.example' },
};
const textIn = (body: string): string => {
  const parsed = JSON.parse(body) as { text?: string; content?: string };
  return parsed.text ?? parsed.content ?? '';
};

describe('what happened together', () => {
  it('is one message: a few names, the count, one link', async () => {
    const notice = groupMessageOf(deleted(46), namesOf(46), ORIGIN);
    expect(notice).toMatchObject({
      title: '46 keys are invalid',
      text: 'key-1, key-2, key-3, key-4, key-5 and 41 more. It was deleted at OpenRouter.',
      url: LINK,
      count: 46,
    });
    const webhook = await outgoingOf({ type: 'webhook', url: 'https://a.example', secret: 'whsec_AAAA' }, notice, 0);
    const { data } = JSON.parse(webhook.body);
    expect(data).toMatchObject({ id: 1, count: 46, url: LINK });
    expect(data.events).toHaveLength(46);
    expect(data.events[45]).toMatchObject({ id: 46, title: 'key-46 is invalid', url: `${ORIGIN}/keys/46` });
  });

  it('has a title that is true of limits of keys and of requests to free models', () => {
    expect(titleOfSeveral('limit_remaining', 3)).toBe('3 limits nearly used up');
  });

  it('for different reasons tells those of the first few', () => {
    const notice = groupMessageOf(
      deleted(7, (id) => ({ text: `reason ${id}` })),
      namesOf(7),
      ORIGIN,
    );
    expect(notice.text.split('\n')).toEqual([...[1, 2, 3, 4, 5].map((id) => `key-${id} is invalid: reason ${id}`), 'And 2 more.']);
  });

  it('is in its own words where it is one event', () => {
    expect(groupMessageOf(deleted(1), namesOf(1), ORIGIN)).toMatchObject({ title: 'key-1 is invalid', url: `${ORIGIN}/keys/1`, count: 1 });
  });
});

describe('messages', () => {
  const textArb = fc.string({ unit: fc.constantFrom('a', '<', '&', '*', '_', '\\', ']', '\n', '🦊', 'ü', '`'), maxLength: 9000 });
  const MAX: Record<string, number> = { telegram: 4096, discord: 2000, slack: 4000 };

  it.each(Object.keys(TARGETS))('to %s fit, keep their link, and cut neither a character nor its escape', async (type) => {
    await fc.assert(
      fc.asyncProperty(textArb, textArb, async (title, text) => {
        const notice = groupMessageOf([eventOf(1, { title, text })], new Map(), ORIGIN);
        const sent = textIn((await outgoingOf(TARGETS[type] as HttpTarget, notice, 0)).body);
        expect(sent.length).toBeLessThanOrEqual(MAX[type] ?? 0);
        expect(sent.split('\n').at(-1)).toContain(`${ORIGIN}/keys/1`);
        expect(sent.isWellFormed()).toBe(true);
        if (type === 'discord') {
          const body = sent.slice(0, sent.lastIndexOf('\n')).replaceAll(/\\[\\*_~`|>[\]()#-]/g, '');
          expect(body.replace(/^\*\*/, '').replace('**', '')).not.toMatch(/[\\*_`]/);
        }
        if (type === 'slack') expect(sent.slice(0, sent.lastIndexOf('\n')).replaceAll(/&(amp|lt|gt);/g, '')).not.toMatch(/[&<>]/);
      }),
      { numRuns: 60 },
    );
  });

  it('by mail have a subject of one line and a bounded length', () => {
    const { subject, text } = mailOf(groupMessageOf([eventOf(1, { title: `a\r\nBcc: x ${'long '.repeat(200)}` })], new Map(), ORIGIN));
    expect(subject).toMatch(/^a Bcc: x long/);
    expect(subject.length).toBeLessThanOrEqual(150);
    expect(text).toContain(`${ORIGIN}/keys/1`);
  });

  it('are cut at whole characters', () => {
    expect(cutText('🦊🦊🦊', 5)).toBe('🦊🦊…');
    expect(cutText('🦊🦊🦊', 4)).toBe('🦊…');
    expect(cutText('🦊🦊', 4)).toBe('🦊🦊');
    expect(cutText('ab', 0)).toBe('');
    expect(cutText('&&', 6, (text) => text.replaceAll('&', '&amp;'))).toBe('&amp;…');
  });

  it('to a webhook are signed with a secret of 32 random bytes', () => {
    const secrets = Array.from({ length: 8 }, createWebhookSecret);
    expect(new Set(secrets).size).toBe(8);
    for (const secret of secrets) expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
});
