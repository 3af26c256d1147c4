import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChannelSchema } from '../../src/alerts/channels/model.ts';
import { addKeySchema, updateKeySchema } from '../../src/keys/model.ts';
import { nameSchema } from '../../src/lib/name.ts';
import { trimInvisible } from '../../src/lib/pasted.ts';
import { loginSchema, registerSchema, resetPasswordSchema } from '../../src/users/model.ts';

/** Zero-width, marks of direction, spaces of all widths, breaks, the soft hyphen, fillers, tags. */
const INVISIBLE = [
  ...'\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u202f\u2060\u2064\u2066\u2069\u061c\u180e\u00a0\u00ad\ufeff\u034f\u115f\u3164\uffa0',
  ...' \t\n\r\v\f\u0085\u2003\u3000\u2800\u0000\ufe0f',
  '\u{e0020}',
];
const KEY = 'sk-or-v1-0123456789abcdef';

describe('what is pasted', () => {
  it('loses what nobody sees around it, and nothing else', () => {
    for (const character of INVISIBLE) {
      const code = character.codePointAt(0)?.toString(16);
      expect([code, trimInvisible(`${character}${character}${KEY}${character}`)]).toEqual([code, KEY]);
    }
    expect(trimInvisible(INVISIBLE.join(''))).toBe('');
    expect(trimInvisible(`"${KEY}"`)).toBe(`"${KEY}"`);
    expect(trimInvisible(`${KEY}\u200b${KEY}`)).toBe(`${KEY}\u200b${KEY}`);
    expect(trimInvisible('')).toBe('');
  });

  it('is the same whatever is around it', () => {
    const invisible = fc.array(fc.constantFrom(...INVISIBLE)).map((characters) => characters.join(''));
    const visible = fc.string({ unit: fc.constantFrom(...'abc"\'“”é🙂-_'), minLength: 1 });
    fc.assert(fc.property(invisible, visible, invisible, (before, text, after) => trimInvisible(before + text + after) === text));
  });

  it('is taken so wherever keys, tokens, addresses and codes are pasted', () => {
    const pasted = (text: string) => `\ufeff\u200b ${text}\u00a0\u2060\n`;
    const password = 'correct horse battery';
    const url = 'https://example.org/hook';
    expect(addKeySchema.parse({ name: 'a', key: pasted(KEY) }).key).toBe(KEY);
    expect(updateKeySchema.parse({ key: pasted(KEY) }).key).toBe(KEY);
    expect(registerSchema.parse({ email: pasted('a@example.org'), password, invite: pasted('or_inv_x') })).toEqual({
      email: 'a@example.org',
      password,
      invite: 'or_inv_x',
    });
    expect(loginSchema.parse({ email: pasted('a@example.org'), password }).email).toBe('a@example.org');
    expect(resetPasswordSchema.parse({ token: pasted('or_reset_x'), new_password: password }).token).toBe('or_reset_x');
    for (const type of ['webhook', 'slack', 'discord'] as const)
      expect(createChannelSchema.parse({ type, name: 'c', url: pasted(url) })).toEqual({ type, name: 'c', url, add_to_rules: false });
    expect(createChannelSchema.parse({ type: 'email', name: 'c', to: pasted('a@example.org') })).toMatchObject({ to: 'a@example.org' });
    const bot = { bot_token: '123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ', chat_id: '-100123' };
    expect(
      createChannelSchema.parse({ type: 'telegram', name: 'c', bot_token: pasted(bot.bot_token), chat_id: pasted(bot.chat_id) }),
    ).toMatchObject(bot);
  });

  it('keeps passwords as they are', () => {
    const password = '\u200bcorrect horse battery\u00a0';
    expect(loginSchema.parse({ email: 'a@example.org', password }).password).toBe(password);
  });

  it('is no name if nobody sees it', () => {
    expect(nameSchema.safeParse('\u200b\u2060').success).toBe(false);
    expect(nameSchema.parse(' ❤\ufe0f ')).toBe('❤\ufe0f');
  });
});
