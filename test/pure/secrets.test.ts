import fc from 'fast-check';
import { base64url } from 'jose';
import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, type Keyring } from '../../src/crypto/cipher.ts';
import { signSession, verifySession } from '../../src/crypto/jwt.ts';
import { hashPassword, needsRehash, PASSWORD_PARAMETERS, verifyPassword } from '../../src/crypto/password.ts';
import { createSecretToken, hashSecretToken, isSecretToken, TOKEN_PREFIX, visiblePrefix } from '../../src/crypto/secret-token.ts';
import { randomBase62 } from '../../src/lib/base62.ts';
import { fromBase64 } from '../../src/lib/base64.ts';

const ring = (...kids: string[]): Keyring => kids.map((kid) => ({ kid, secret: crypto.getRandomValues(new Uint8Array(32)) }));

describe('cipher', () => {
  const place = { column: 'api_key.ciphertext', userId: 7, hash: 'abc' };

  it('opens what it sealed, and no two envelopes are alike', async () => {
    const keyring = ring('k1');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const [first, second] = [await encrypt(keyring, place, text), await encrypt(keyring, place, text)];
        expect(first.envelope).not.toBe(second.envelope);
        expect(first.envelope).toMatch(/^v1\.k1\.[\w-]+\.[\w-]+$/);
        expect(await decrypt(keyring, place, first.envelope)).toEqual({ ok: true, value: text.toWellFormed() });
      }),
    );
  });

  it('does not open in another place, or altered in any character', async () => {
    const keyring = ring('k1');
    const { envelope } = await encrypt(keyring, place, 'secret');
    for (const moved of [
      { ...place, userId: 8 },
      { ...place, hash: 'abd' },
      { ...place, column: 'other' },
    ]) {
      expect(await decrypt(keyring, moved, envelope)).toEqual({ ok: false, error: { kind: 'broken' } });
    }
    for (let index = 0; index < envelope.length - 1; index++) {
      const altered = envelope.slice(0, index) + (envelope[index] === 'A' ? 'B' : 'A') + envelope.slice(index + 1);
      expect((await decrypt(keyring, place, altered)).ok).toBe(false);
    }
    for (const garbage of ['', 'v1', 'v1.k1', 'v1.k1..', 'v1.k1.!.!', `${envelope}.x`, 'v2.k1.a.b']) {
      expect((await decrypt(keyring, place, garbage)).ok).toBe(false);
    }
  });

  it('seals with the first key of the ring and opens with any', async () => {
    const [old, fresh] = [ring('old'), ring('new')];
    const { envelope } = await encrypt(old, place, 'secret');
    const both = [...fresh, ...old];
    expect((await encrypt(both, place, 'x')).kid).toBe('new');
    expect(await decrypt(both, place, envelope)).toEqual({ ok: true, value: 'secret' });
    expect(await decrypt(fresh, place, envelope)).toEqual({ ok: false, error: { kind: 'missing_kid', kid: 'old' } });
    await expect(encrypt([], place, 'x')).rejects.toThrow('empty');
  });
});

describe('secret tokens', () => {
  it('have a form, a checksum and a visible beginning', async () => {
    const token = createSecretToken(TOKEN_PREFIX.api);
    expect(token).toMatch(/^or_api_[0-9A-Za-z]{46}$/);
    expect(isSecretToken(TOKEN_PREFIX.api, token)).toBe(true);
    expect(isSecretToken(TOKEN_PREFIX.invitation, token)).toBe(false);
    expect(visiblePrefix(token)).toBe(token.slice(0, 11));
    expect(await hashSecretToken(token)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('are refused with any one character changed, and as garbage', () => {
    const token = createSecretToken(TOKEN_PREFIX.api);
    for (let index = 0; index < token.length; index++) {
      const altered = token.slice(0, index) + (token[index] === 'x' ? 'y' : 'x') + token.slice(index + 1);
      expect(isSecretToken(TOKEN_PREFIX.api, altered)).toBe(false);
    }
    fc.assert(fc.property(fc.string(), (text) => !isSecretToken(TOKEN_PREFIX.api, `or_api_${text}`)));
  });

  it('use all characters equally', () => {
    const counts = new Map<string, number>();
    for (const char of randomBase62(62_000)) counts.set(char, (counts.get(char) ?? 0) + 1);
    expect(counts.size).toBe(62);
    expect(Math.max(...counts.values()) / Math.min(...counts.values())).toBeLessThan(1.5);
  });

  it('base64 is what the standard says, padded or not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        for (const spelled of [text, text.replaceAll('=', '')]) expect([...fromBase64(spelled)]).toEqual([...bytes]);
      }),
    );
  });
});

describe('passwords', () => {
  const cheap = { ln: 4, r: 1, p: 1 };

  it('are recognised and nothing else is', async () => {
    const phc = await hashPassword('correct horse', cheap);
    expect(phc).toMatch(/^\$scrypt\$ln=4,r=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await verifyPassword('correct horse', phc)).toBe(true);
    expect(await verifyPassword('correct horsf', phc)).toBe(false);
    expect(await verifyPassword('', phc)).toBe(false);
    expect(await hashPassword('correct horse', cheap)).not.toBe(phc);
  });

  it('are the same however the accents were typed', async () => {
    expect(await verifyPassword('cafe\u0301 au lait', await hashPassword('caf\u00e9 au lait', cheap))).toBe(true);
  });

  it('of nobody are wrong, and so are broken hashes', async () => {
    expect(await verifyPassword('', null, cheap)).toBe(false);
    expect(await verifyPassword('x', 'not a hash', cheap)).toBe(false);
    // The work is done for nobody too: with parameters that scrypt refuses it fails.
    await expect(verifyPassword('x', null, { ln: 20, r: 8, p: 1 })).rejects.toThrow(/memory limit/i);
  });

  it('are hashed at the strength that OWASP asks for, and again when that changes', async () => {
    expect(PASSWORD_PARAMETERS).toEqual({ ln: 15, r: 8, p: 3 });
    const phc = await hashPassword('correct horse');
    expect(phc.startsWith('$scrypt$ln=15,r=8,p=3$')).toBe(true);
    expect(await verifyPassword('correct horse', phc)).toBe(true);
    expect([needsRehash(phc), needsRehash(await hashPassword('x', cheap))]).toEqual([false, true]);
  });
});

describe('session JWTs', () => {
  const secret = 's'.repeat(16) + randomBase62(32);
  const now = Date.parse('2026-11-15T12:00:00Z');
  const claims = { userId: 4, sessionId: 9 };

  it('tell user and session until they expire', async () => {
    const jwt = await signSession(secret, claims, now, now + 60_000);
    expect(await verifySession(secret, jwt, now + 59_000)).toEqual(claims);
    expect(await verifySession(secret, jwt, now + 61_000)).toBeNull();
  });

  it('of another secret, algorithm, audience or form are nothing', async () => {
    const jwt = await signSession(secret, claims, now, now + 60_000);
    // A good token is remembered, which makes no other one good.
    expect(await verifySession(secret, jwt, now)).toEqual(claims);
    expect(await verifySession(`${secret}x`, jwt, now)).toBeNull();
    // Spellings that a lenient decoder takes.
    for (const other of [
      `${jwt}=`,
      `${jwt} `,
      `${jwt.slice(0, -3)}   ${jwt.slice(-3)}`,
      `${jwt.slice(0, -3)}${'\n'.repeat(30_000)}${jwt.slice(-3)}`,
    ])
      expect(await verifySession(secret, other, now)).toBeNull();
    const [, payload = ''] = jwt.split('.');
    const none = `${base64url.encode('{"alg":"none","typ":"JWT"}')}.${payload}.`;
    for (const other of [none, '', 'a.b.c', `${jwt}x`, jwt.slice(0, -2)]) expect(await verifySession(secret, other, now)).toBeNull();
    const { SignJWT } = await import('jose');
    const key = new TextEncoder().encode(secret);
    // Of a good form and a good signature, but of another algorithm, or by another issuer.
    for (const alg of ['HS384', 'HS512', 'RS256', 'none', 'A256KW']) {
      const header = base64url.encode(JSON.stringify({ alg, typ: 'JWT' }));
      await expect(verifySession(secret, `${header}.${payload}.${jwt.split('.')[2]}`, now)).resolves.toBeNull();
    }
    const byOther = new SignJWT({ sid: '9' })
      .setSubject('4')
      .setExpirationTime(now / 1000 + 60)
      .setAudience('openrouter-monitor/session')
      .setIssuer('other');
    expect(await verifySession(secret, await byOther.setProtectedHeader({ alg: 'HS256' }).sign(key), now)).toBeNull();
    const foreign = new SignJWT({ sid: '9' })
      .setSubject('4')
      .setExpirationTime(now / 1000 + 60)
      .setAudience('other')
      .setIssuer('openrouter-monitor');
    expect(await verifySession(secret, await foreign.setProtectedHeader({ alg: 'HS256' }).sign(key), now)).toBeNull();
    const noNumbers = new SignJWT({ sid: 'x' })
      .setSubject('y')
      .setExpirationTime(now / 1000 + 60)
      .setAudience('openrouter-monitor/session')
      .setIssuer('openrouter-monitor');
    expect(await verifySession(secret, await noNumbers.setProtectedHeader({ alg: 'HS256' }).sign(key), now)).toBeNull();
  });
});
