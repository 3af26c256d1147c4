import { csvParseRows } from 'd3-dsv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorize, authorizeSession } from '../../src/actor.ts';
import { endOf, type KeyRow } from '../../src/inventory/model.ts';
import { nextStep, TASKS } from '../../src/jobs/cleanup.ts';
import { retryDelay } from '../../src/jobs/keys.ts';
import { addCounts, isOverdue, KEYS_A_MESSAGE, latestSlot, packKeys } from '../../src/jobs/model.ts';
import { addKeySchema, maskKey } from '../../src/keys/model.ts';
import { addressKey } from '../../src/lib/address.ts';
import { fullJitter } from '../../src/lib/backoff.ts';
import { csvOf, toCsv } from '../../src/lib/csv.ts';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { decimalFromNano } from '../../src/lib/money.ts';
import { err, ok } from '../../src/lib/result.ts';
import { slicesOf } from '../../src/lib/slices.ts';
import type { Reading } from '../../src/sync/keys.ts';
import { describeReadError, judgeFailure, type ReadError, sampleSeriesOf } from '../../src/sync/verdict.ts';
import { isListed, isPattern } from '../../src/users/common-passwords.ts';
import { FAILURE_WINDOW_MS, lockedForS, loginSchema, MAX_FAILURES, registerSchema } from '../../src/users/model.ts';

const at = (text: string): number => Date.parse(text);

describe('who may do what', () => {
  it('a session manages, a token reads, nobody does nothing', () => {
    expect(authorize({ kind: 'user', userId: 1, sessionId: 2 }, 'manage')).toBe(1);
    expect(authorize({ kind: 'token', userId: 1, tokenId: 2 }, 'read')).toBe(1);
    expect(() => authorize({ kind: 'token', userId: 1, tokenId: 2 }, 'manage')).toThrow('unauthenticated');
    expect(() => authorize({ kind: 'anonymous' }, 'read')).toThrow('unauthenticated');
    expect(authorizeSession({ kind: 'user', userId: 1, sessionId: 2 })).toEqual({ userId: 1, sessionId: 2 });
    expect(() => authorizeSession({ kind: 'token', userId: 1, tokenId: 2 })).toThrow('unauthenticated');
  });
});

describe('accounts', () => {
  it('take passwords of 12 to 128 characters that are not common', () => {
    const accepts = (password: string) => registerSchema.safeParse({ email: 'a@example.org', password }).success;
    expect([accepts('elevenchars'), accepts('twelve chars'), accepts('🦜🦜🦜 unusual one'), accepts('x y'.repeat(43))]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    const patterns = ['aaaaaaaaaaaaaa', 'abcabcabcabc', '123456789012', 'qwertyuiopas', 'zyxwvutsrqponm', '121212121212'];
    expect(patterns.filter((password) => accepts(password) || !isPattern(password))).toEqual([]);
    const list = 'password1234\npassword12345\n';
    expect(['password1234', 'PassWord12345', 'ｐａｓｓｗｏｒｄ１２３４'].filter((password) => !isListed(list, password))).toEqual([]);
    expect(['word12345678', 'password123', 'password123456'].filter((password) => isListed(list, password))).toEqual([]);
    const good = ['correct horse battery', 'tr0ub4dor and three', 'a quite unusual passphrase'];
    expect(good.filter((password) => isPattern(password) || isListed(list, password))).toEqual([]);
  });

  it('refuse what is no email address and what they do not know', () => {
    for (const email of ['', 'x', 'a@b', 'a b@example.org', `${'a'.repeat(250)}@example.org`]) {
      expect(registerSchema.safeParse({ email, password: 'twelve chars' }).success).toBe(false);
    }
    expect(loginSchema.safeParse({ email: 'a@example.org', password: 'x', admin: true }).success).toBe(false);
  });

  it('bear ten failures in a quarter of an hour', () => {
    expect(lockedForS(MAX_FAILURES - 1, 0, 1000)).toBeNull();
    expect(lockedForS(MAX_FAILURES, 0, 1000)).toBe(FAILURE_WINDOW_MS / 1000 - 1);
    expect(lockedForS(MAX_FAILURES, 0, FAILURE_WINDOW_MS)).toBeNull();
  });
});

describe('addresses', () => {
  it('are IPv4 addresses or IPv6 networks of a customer', () => {
    expect(addressKey('192.0.2.7')).toBe('192.0.2.7');
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(addressKey('2001:DB8:0001:2::9')).toBe('2001:db8:1:2::/64');
    expect(addressKey('2001:db8::9')).toBe('2001:db8:0:0::/64');
    expect(addressKey('::1')).toBe('0:0:0:0::/64');
    expect(addressKey('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  });
});

describe('keys', () => {
  const fresh = { health: 'active', rejectedRun: null, refusedAt: null, lastValidatedAt: null } as const;
  const refused: ReadError = { kind: 'unauthorized' };

  it('are hidden by their mask', () => {
    expect(maskKey(`sk-or-v1-${'0123456789abcdef'.repeat(4)}`)).toBe('sk-or-v1-012...def');
    expect(maskKey('sk-or-v1-tiny')).toBe('sk-or-v1-...');
    expect(
      ['', 'sk-or-v1-', 'sk-ant-abc', 'sk-or-v1-a b', `sk-or-v1-${'a'.repeat(600)}`].some(
        (key) => addKeySchema.safeParse({ name: 'n', key }).success,
      ),
    ).toBe(false);
  });

  it('have names of 1 to 100 characters', () => {
    const accepts = (name: string) => addKeySchema.safeParse({ name, key: 'sk-or-v1-a' }).success;
    expect([accepts(''), accepts('   '), accepts('x'.repeat(101)), accepts('a\u0007b'), accepts('x'.repeat(100)), accepts(' x ')]).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  it('become invalid by a refusal in two different runs in a row, and by nothing else', () => {
    const first = judgeFailure(fresh, refused, 'sync 1', 5);
    expect(first).toMatchObject({ health: 'active', rejectedRun: 'sync 1', lastValidatedAt: 5 });
    expect(judgeFailure(first, refused, 'sync 1', 6).health).toBe('active');
    expect(judgeFailure(first, refused, 'validate 2', 6).health).toBe('invalid');
    const others: ReadError[] = [
      { kind: 'rate_limited', retryAfterS: 9 },
      { kind: 'unavailable', reason: 'status 503', retryAfterS: null },
      { kind: 'unexpected_shape', path: 'data.usage' },
      { kind: 'undecipherable', error: { kind: 'missing_kid', kid: 'k' } },
    ];
    for (const error of others) {
      const between = judgeFailure(first, error, 'sync 2', 7);
      expect(between).toMatchObject({ health: 'active', rejectedRun: 'sync 1', lastValidatedAt: 5 });
      expect(judgeFailure(between, refused, 'sync 3', 8).health).toBe('invalid');
    }
    const alive = judgeFailure(first, { kind: 'forbidden' }, 'sync 2', 7);
    expect([alive.rejectedRun, judgeFailure(alive, refused, 'sync 3', 8).health]).toEqual([null, 'active']);
    expect(judgeFailure(fresh, { kind: 'rate_limited', retryAfterS: 9 }, 'r', 1000).retryAfter).toBe(10_000);
  });

  it('are refused since the first refusal in a row, or since their time was over', () => {
    const first = judgeFailure(fresh, refused, 'sync 1', 5);
    expect(judgeFailure(first, refused, 'sync 2', 9).refusedAt).toBe(5);
    expect(judgeFailure(first, { kind: 'rate_limited', retryAfterS: 9 }, 'sync 2', 9).refusedAt).toBe(5);
    const alive = judgeFailure(first, { kind: 'forbidden' }, 'sync 2', 9);
    expect([alive.refusedAt, judgeFailure(alive, refused, 'sync 3', 12).refusedAt]).toEqual([null, 12]);
    expect(judgeFailure({ ...fresh, rejectedRun: null, refusedAt: 3 }, refused, 'sync 1', 8).refusedAt).toBe(8);
    expect(judgeFailure({ ...fresh, expiresAt: 100 }, refused, 'sync 1', 140).refusedAt).toBe(100);
    // The first refusal came before the instant was noted.
    expect(judgeFailure({ ...fresh, rejectedRun: 'sync 1', refusedAt: null }, refused, 'sync 2', 9)).toMatchObject({
      health: 'invalid',
      refusedAt: 9,
    });
  });

  it('become invalid at once by a refusal after the time until which they were to live', () => {
    const dated = { ...fresh, expiresAt: 100 };
    expect(judgeFailure(dated, refused, 'sync 1', 99)).toMatchObject({ health: 'active', lastError: expect.stringContaining('rejects') });
    expect(judgeFailure(dated, refused, 'sync 1', 100)).toMatchObject({ health: 'invalid', lastError: 'The key has expired.' });
    expect(judgeFailure(dated, { kind: 'unavailable', reason: 'x', retryAfterS: null }, 'sync 1', 200).health).toBe('active');
    expect(judgeFailure(dated, { kind: 'address_refused' }, 'sync 1', 200)).toMatchObject({
      health: 'active',
      lastError: expect.stringContaining('IP allowlist'),
    });
  });

  it('ended by what came first: their time, or their deletion', () => {
    const end = (isDisabled: boolean, expiresAt: number | null, vanishedAt: number | null) =>
      endOf({ isDisabled, expiresAt, vanishedAt }, 100);
    expect([end(false, null, null), end(false, 101, null), end(false, 100, null), end(true, null, null), end(true, 50, null)]).toEqual([
      null,
      null,
      'expired',
      'disabled',
      'disabled',
    ]);
    expect([end(false, null, 90), end(false, 95, 90), end(false, 85, 90), end(true, 85, 90), end(true, null, 90)]).toEqual([
      'vanished',
      'vanished',
      'expired',
      'expired',
      'vanished',
    ]);
  });

  it('explain each failure in a sentence', () => {
    expect(describeReadError({ kind: 'unexpected_shape', path: 'data.usage' })).toContain('(data.usage)');
    expect(describeReadError({ kind: 'undecipherable', error: { kind: 'missing_kid', kid: 'old' } })).toContain('"old"');
    expect(describeReadError({ kind: 'undecipherable', error: { kind: 'broken' } })).toContain('Replace');
  });

  it('have no series before their first sample', () => {
    expect(sampleSeriesOf({ seriesStartedAt: null, lastSampleAt: null } as KeyRow)).toBeNull();
  });
});

describe('jobs', () => {
  it('know their last slot', () => {
    const now = at('2026-11-15T02:30:00Z');
    expect(new Date(latestSlot('sync', now)).toISOString()).toBe('2026-11-15T02:03:00.000Z');
    expect(new Date(latestSlot('validate', now)).toISOString()).toBe('2026-11-15T02:00:00.000Z');
    expect(new Date(latestSlot('cleanup', now)).toISOString()).toBe('2026-11-08T03:00:00.000Z');
    expect(new Date(latestSlot('cleanup', at('2026-11-15T03:00:00Z'))).toISOString()).toBe('2026-11-15T03:00:00.000Z');
    expect(new Date(latestSlot('sync', at('2026-11-15T02:02:59Z'))).toISOString()).toBe('2026-11-15T01:03:00.000Z');
  });

  it('are overdue after their period and an hour, and never before they ran', () => {
    const now = at('2026-11-15T12:00:00Z');
    expect(isOverdue('sync', null, now)).toBe(false);
    expect([isOverdue('sync', now - 2 * HOUR_MS, now), isOverdue('sync', now - 2 * HOUR_MS - 1, now)]).toEqual([false, true]);
    expect([isOverdue('validate', now - DAY_MS, now), isOverdue('cleanup', now - 9 * DAY_MS, now)]).toEqual([false, true]);
  });

  it('pack every key once, at most twenty together, in parts named alike by whoever packs them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1e9 }), { maxLength: 200 }), (ids) => {
        const messages = packKeys('sync', '2026-11-15T12:03:00.000Z', ids);
        expect(messages.flatMap((message) => message.keyIds)).toEqual(ids);
        expect(messages.every((message) => message.keyIds.length <= KEYS_A_MESSAGE && message.part > 0)).toBe(true);
        expect(packKeys('sync', '2026-11-15T12:03:00.000Z', [...ids])).toEqual(messages);
      }),
    );
  });

  it('add counts by name', () => {
    expect(addCounts({ read: 1, failed: 2 }, { read: 3, new: 4 })).toEqual({ read: 4, failed: 2, new: 4 });
  });

  it('wait before a retry, full of jitter and bounded', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const wait = fullJitter(attempt, random);
        return Number.isInteger(wait) && wait >= 1 && wait <= 900;
      }),
    );
    expect([fullJitter(1, 0.99), fullJitter(3, 0.99), fullJitter(3, 0)]).toEqual([15, 60, 1]);
  });

  it('try again what may work later, when the longest wait is over', () => {
    const reading = (id: number, result: Reading['result']) => ({ key: { id } as KeyRow, at: 0, result });
    const failed = (error: ReadError) => err(error);
    const all = new Set([1, 2, 3]);
    const good = reading(1, ok({} as never));
    expect(retryDelay([good], all, 1, 0.5)).toBeNull();
    expect(retryDelay([good], new Set(), 1, 0.5)).toBe(1);
    expect(retryDelay([reading(1, failed({ kind: 'unauthorized' })), reading(2, failed({ kind: 'forbidden' }))], all, 1, 0.5)).toBeNull();
    const limited = reading(2, failed({ kind: 'rate_limited', retryAfterS: 120 }));
    const broken = reading(3, failed({ kind: 'unavailable', reason: 'status 503', retryAfterS: null }));
    expect(retryDelay([good, limited, broken], all, 1, 0.5)).toBe(120);
    expect(retryDelay([broken], all, 2, 0.5)).toBe(16);
    expect(retryDelay([reading(2, failed({ kind: 'rate_limited', retryAfterS: 3600 }))], all, 1, 0.5)).toBeNull();
  });

  it('clean up task by task, users by users, the same once more while a step was full', () => {
    expect(nextStep({ task: 0, afterUserId: 0 }, 5000, 5000, null)).toEqual({ task: 0, afterUserId: 0 });
    expect(nextStep({ task: 0, afterUserId: 0 }, 12, 5000, null)).toEqual({ task: 1, afterUserId: 0 });
    expect(nextStep({ task: 6, afterUserId: 0 }, 12, 5000, 99)).toEqual({ task: 6, afterUserId: 99 });
    expect(nextStep({ task: 6, afterUserId: 99 }, 0, 5000, null)).toEqual({ task: 7, afterUserId: 0 });
    expect(TASKS.map((task) => task.name)).toEqual([
      'sessions',
      'links',
      'sign_in_failures',
      'revoked_tokens',
      'job_runs',
      'audit_events',
      'alerts',
      'purged',
      'days',
      'usage_days',
      'account_days',
      'account_checks',
      'day_sums',
      'hours',
      'usage_hours',
      'account_hours',
    ]);
  });
});

describe('slices', () => {
  it('hold everything in order, no more than fits, and nothing that fitted into the one before', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 12 }));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 20 }), (items, most) => {
        const slices = slicesOf(items, most, (item) => item);
        const sum = (slice: readonly number[] = []) => slice.reduce((all, one) => all + one, 0);
        expect(slices.flat()).toEqual(items);
        for (const [index, slice] of slices.entries()) {
          expect(slice.length === 1 || sum(slice) <= most).toBe(true);
          if (index > 0) expect(sum(slices[index - 1]) + (slice[0] ?? 0)).toBeGreaterThan(most);
        }
        expect(slicesOf(items, most).every(({ length }, index, all) => length === most || index === all.length - 1)).toBe(true);
      }),
    );
  });
});

describe('CSV', () => {
  it('quotes what needs it and disarms formulas', () => {
    const rows = [
      { a: 'x,"y"', b: 1 },
      { a: '=1+1', b: null },
      { a: '@cmd', b: -2 },
      { a: '-x', b: 0.5 },
    ];
    expect(toCsv(['a', 'b'], rows)).toBe('a,b\n"x,""y""",1\n\'=1+1,\n\'@cmd,-2\n\'-x,0.5\n');
  });

  it('leaves numbers numbers, also those below zero that come as text', () => {
    const cells = (values: (string | number | null)[]) => csvOf([], [values]).split('\n')[1];
    expect(cells(['-0.01', -0.01, '-12', '0.000000001', -0, null])).toBe('-0.01,-0.01,-12,0.000000001,0,');
    expect(cells([1e-9, '-1e-9', -1e21])).toBe('1e-9,-1e-9,-1e+21');
    expect(cells(['-1+2', '-', '-.5', '-1.', '--1', '+1', '-1 ', '-1e', '=-1', '＝1'])).toBe(
      "'-1+2,'-,'-.5,'-1.,'--1,'+1,'-1 ,'-1e,'=-1,'＝1",
    );
  });

  it('keeps every amount, and lets no other text begin as a formula', () => {
    const cellOf = (value: string) => csvParseRows(csvOf(['a'], [[value]]))[1]?.[0] ?? '';
    fc.assert(fc.property(fc.maxSafeInteger(), (nano) => cellOf(decimalFromNano(nano)) === decimalFromNano(nano)));
    fc.assert(
      fc.property(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n'), fc.string(), (start, rest) => {
        const text = cellOf(start + rest);
        return text.startsWith("'") || /^-[\d.e+-]+$/i.test(text);
      }),
    );
  });
});
