import { scaleLinear } from 'd3-scale';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attentionOf } from '../../src/alerts/evaluation/attention.ts';
import { changeOf } from '../../src/alerts/evaluation/change.ts';
import type { Budget } from '../../src/alerts/rules/budgets.ts';
import { balanceOf, neededSince, rangesOf, weekOf } from '../../src/dashboard/model.ts';
import { adviceOf, type Key, limitUse, statusOf } from '../../src/keys/advice.ts';
import { currentUsage } from '../../src/keys/present.ts';
import { addDays, countDays, HOUR_MS, periodOf } from '../../src/lib/day.ts';
import { formatAgo, formatCountAxis, formatInstant, formatUsd, formatUsdAxis, formatUsdFine, UNKNOWN_TEXT } from '../../src/lib/format.ts';
import { localPath } from '../../src/lib/local-path.ts';
import { remember } from '../../src/lib/remember.ts';
import { describeClient } from '../../src/lib/user-agent.ts';
import { localDayOf } from '../../src/lib/zone.ts';
import { mergeSpans } from '../../src/usage/coverage/spans.ts';
import { DIMENSIONS, factsOf, type LedgerRow, type Range } from '../../src/usage/model.ts';
import { FIRST, inZone, ROWS, ZONE } from '../support/ledger-rows.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const KEY: Key = {
  id: 1,
  name: 'key',
  kind: 'inference',
  hash: 'x',
  label: 'sk-or-v1-...',
  status: 'active',
  is_active: true,
  usage_usd: 1,
  usage_daily_usd: 1,
  usage_weekly_usd: 1,
  usage_monthly_usd: 1,
  byok_usage_usd: 0,
  byok_usage_daily_usd: 0,
  byok_usage_weekly_usd: 0,
  byok_usage_monthly_usd: 0,
  limit_usd: null,
  limit_remaining_usd: null,
  limit_reset: null,
  expires_at: null,
  free_requests_limit: null,
  free_requests_remaining: null,
  free_requests_used: null,
  is_expired: false,
  last_used_at: null,
  balance_usd: null,
  managed_by: null,
  workspace: null,
  is_disabled: null,
  vanished_at: null,
  backfill: null,
  last_synced_at: '2026-11-22T11:03:00.000Z',
  last_validated_at: null,
  last_error: null,
  created_at: '2026-01-01T00:00:00.000Z',
};

describe('the target of a sign-in', () => {
  it('is a path of this site, whatever is asked for', () => {
    for (const foreign of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '\\/evil.example',
      '/\t/evil.example',
      '/..//evil.example',
      'javascript:alert(1)',
      '',
      'dashboard',
    ])
      expect([foreign, localPath(foreign)]).toEqual([foreign, null]);
    expect(localPath('/dashboard?range=7d')).toBe('/dashboard?range=7d');
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.webPath(), fc.string({ unit: fc.constantFrom('/', '\\', '.', 'a', '\t', '@', ':') })),
        (text) => {
          const path = localPath(text);
          if (path !== null) expect(new URL(path, 'https://monitor.test').origin).toBe('https://monitor.test');
        },
      ),
    );
  });
});

describe('the ranges of a dashboard', () => {
  it('compare complete days with as many before them', () => {
    const ranges = rangesOf(inZone('2026-11-16', '2026-11-22'), NOW);
    expect(ranges).toMatchObject({
      compared: { now: { from: '2026-11-16', to: '2026-11-21' }, before: { from: '2026-11-10', to: '2026-11-15' } },
      yesterday: { from: '2026-11-21', to: '2026-11-21' },
      month: { from: '2026-11-01', to: '2026-11-22' },
      comparedMonth: { now: { from: '2026-11-01', to: '2026-11-21' }, before: { from: '2026-10-01', to: '2026-10-21' } },
      all: { from: '2026-10-01', to: '2026-11-22' },
    });
    expect(rangesOf(inZone('2026-11-01', '2026-11-07'), NOW).compared).toMatchObject({
      now: { to: '2026-11-07' },
      before: { from: '2026-10-25' },
    });
    expect(rangesOf(inZone('2026-11-22', '2026-11-22'), NOW).compared).toBeNull();
    expect(rangesOf(inZone('2026-01-01', '2026-11-22'), NOW).compared).toBeNull();
    const march = rangesOf(inZone('2026-03-31', '2026-03-31'), Date.parse('2026-03-31T12:00:00Z'));
    expect(march.comparedMonth).toMatchObject({ now: { to: '2026-03-28' }, before: { from: '2026-02-01', to: '2026-02-28' } });
    expect(rangesOf(inZone('2026-03-01', '2026-03-01'), Date.parse('2026-03-01T12:00:00Z')).comparedMonth).toBeNull();
  });

  it('need what keys spent wherever it is shown, counted by the month, or by a budget of a day, week or month', () => {
    const range = fc.integer({ min: 0, max: 400 });
    fc.assert(
      fc.property(
        ZONE,
        range,
        range,
        fc.constantFrom(...DIMENSIONS),
        fc.integer({ min: 0, max: 3000 }),
        (zone, back, length, by, later) => {
          const now = NOW + later * HOUR_MS;
          const today = localDayOf(now, zone);
          const shown = inZone(addDays(today, -back - length), addDays(today, -back), zone);
          const ranges = rangesOf(shown, now);
          const { keys = '~', models = '~', providers, ...others } = neededSince(ranges, by);
          for (const period of ['day', 'week', 'month'] as const) expect(keys <= periodOf(period, today).from).toBe(true);
          const compared = ranges.compared?.before.from ?? shown.from;
          expect([keys <= compared, models]).toEqual([true, compared]);
          expect([providers, ...Object.values(others)]).toEqual([by === 'provider' ? shown.from : undefined, ...Array(2).fill(shown.from)]);
        },
      ),
    );
  });

  it('hold all that is compared, of the same length, in every zone', () => {
    fc.assert(
      fc.property(ZONE, fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 120 }), (zone, back, length) => {
        const to = addDays('2026-11-22', -back);
        const { all, compared, comparedMonth, ...rest } = rangesOf(inZone(addDays(to, -length), to, zone), NOW);
        for (const pair of [compared, comparedMonth]) {
          if (pair) expect(countDays(pair.now.from, pair.now.to)).toBe(countDays(pair.before.from, pair.before.to));
        }
        const pairs = [compared, comparedMonth].flatMap((pair) => (pair ? [pair.now, pair.before] : []));
        for (const range of [...Object.values(rest), ...pairs]) {
          expect(range.from >= all.from && range.to <= all.to && countDays(range.from, range.to) >= 1).toBe(true);
        }
      }),
    );
  });
});

describe('figures', () => {
  it('changes by a share of what was before, if there was anything', () => {
    expect(changeOf(3, 2)).toBe(0.5);
    expect([changeOf(3, 0), changeOf(null, 2), changeOf(2, null)]).toEqual([null, null, null]);
  });

  it('has the balance of each account once', () => {
    expect(balanceOf([])).toBeNull();
    const balances = [
      { balance_usd: 5, managed_by: null, status: 'active' as const },
      { balance_usd: 5, managed_by: 1, status: 'active' as const },
      { balance_usd: 2, managed_by: null, status: 'active' as const },
      { balance_usd: 5, managed_by: null, status: 'invalid' as const },
    ];
    expect(balanceOf(balances)).toBe(7);
  });
});

describe('the hours of the week', () => {
  it('are unknown where no such hour was watched', () => {
    const since = Date.parse('2026-11-18T10:30:00Z');
    const cells = weekOf([], inZone('2026-11-16', '2026-11-22'), [{ since, until: since + 7_200_000 }]);
    expect(cells[2]?.slice(9, 14)).toEqual([null, 0, 0, 0, null]);
    expect(cells.flat().filter((cell) => cell !== null)).toHaveLength(3);
    expect(
      weekOf([], inZone('2026-11-16', '2026-11-22'), [])
        .flat()
        .every((cell) => cell === null),
    ).toBe(true);
  });

  const hourly = (rows: readonly LedgerRow[]) =>
    rows.map(({ day, total, hours }) => ({
      day,
      isSpent: Boolean(total[0]),
      credits: Array.from({ length: 24 }, (_, hour) => hours[hour]?.[0] ?? null),
    }));
  const noonsOf = (rows: readonly LedgerRow[], range: Range): number =>
    factsOf(rows, range, true)
      .filter(({ date, hour }) => new Date(date).getUTCDay() === 3 && hour?.slice(11, 13) === '12')
      .reduce((sum, { measures }) => sum + (measures.costNano ?? 0), 0);

  it('hold what could be placed on an hour of the range, over as many days as are known', () => {
    fc.assert(
      fc.property(ROWS, ZONE, fc.integer({ min: 1, max: 3 }), (rows, zone, weeks) => {
        const range = inZone(FIRST, addDays(FIRST, 7 * weeks - 1), zone);
        const always = { since: Date.parse(`${addDays(FIRST, -2)}T00:00:00Z`), until: Date.parse(`${addDays(FIRST, 30)}T00:00:00Z`) };
        const byHour = rows.filter(({ hours }) => Object.values(hours).some(([nano]) => nano !== null && nano !== undefined));
        const cells = weekOf(hourly(byHour), range, [always]);
        expect((cells[2]?.[12] ?? Number.NaN) * 1e9 * weeks).toBeCloseTo(noonsOf(byHour, range), 3);
      }),
    );
  });

  it('leave out days of which only the whole is known, but not days on which nothing was spent', () => {
    const range = inZone('2026-11-02', '2026-11-22');
    const watched = [{ since: 0, until: Date.parse('2026-12-01T00:00:00Z') }];
    const credits = Array.from({ length: 24 }, (_, hour) => (hour === 12 ? 6e9 : null));
    const [known, whole] = [
      { day: '2026-11-04', isSpent: true, credits },
      { day: '2026-11-11', isSpent: true, credits: [] },
    ];
    expect(weekOf([known], range, watched)[2]?.[12]).toBe(2);
    expect(weekOf([known, whole], range, watched)[2]?.slice(11, 14)).toEqual([0, 3, 0]);
    expect(weekOf([known, { ...whole, isSpent: false }], range, watched)[2]?.[12]).toBe(2);
  });
});

describe('spans', () => {
  it('are merged where they touch, and hold the same instants', () => {
    expect(
      mergeSpans([
        { since: 5, until: 7 },
        { since: 1, until: 3 },
        { since: 2, until: 4 },
        { since: 7, until: 8 },
      ]),
    ).toEqual([
      { since: 1, until: 4 },
      { since: 5, until: 8 },
    ]);
    const span = fc
      .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 9 }))
      .map(([since, length]) => ({ since, until: since + length }));
    fc.assert(
      fc.property(fc.array(span), fc.integer({ min: 0, max: 40 }), (spans, at) => {
        const holds = (list: readonly { since: number; until: number }[]) => list.some(({ since, until }) => at >= since && at < until);
        expect(holds(mergeSpans(spans))).toBe(holds(spans));
      }),
    );
  });
});

describe('what is remembered', () => {
  it('is said once more without being computed, also where it is nothing, until there is too much of it', () => {
    let computed = 0;
    const half = remember((value: number) => {
      computed += 1;
      return value % 2 === 0 ? value / 2 : undefined;
    });
    expect([half(4), half(4), half(5), half(5)]).toEqual([2, 2, undefined, undefined]);
    expect(computed).toBe(2);
    for (let value = 10; value < 5000; value++) half(value);
    computed = 0;
    expect([half(4), computed]).toEqual([2, 1]);
  });
});

describe('advice', () => {
  const texts = (change: Partial<Key>) => adviceOf({ ...KEY, ...change }, NOW, 'UTC').map(({ tone, text }) => [tone, text]);

  it('says what is the matter with a key and what to do, the worst first', () => {
    expect(texts({})).toEqual([]);
    expect(texts({ status: 'invalid', last_error: 'Gone.' })).toEqual([['bad', 'Gone.']]);
    expect(texts({ status: 'unverified' })[0]?.[0]).toBe('warn');
    expect(texts({ status: 'paused' })[0]?.[0]).toBe('quiet');
    expect(texts({ last_error: 'Wait.' })).toEqual([['warn', 'Wait.']]);
    expect(texts({ limit_usd: 10, limit_remaining_usd: 1, limit_reset: 'monthly' })).toEqual([
      ['warn', '90% of its $10.00 limit for this month is used; $1.00 left.'],
    ]);
    expect(texts({ limit_usd: 10, limit_remaining_usd: 0 })[0]?.[0]).toBe('bad');
    expect(texts({ limit_usd: 10, limit_remaining_usd: 5 })).toEqual([]);
    expect(
      texts({ status: 'paused', limit_usd: 10, limit_remaining_usd: 0, expires_at: '2026-11-25T00:00:00.000Z' }).map(([tone]) => tone),
    ).toEqual(['quiet']);
    expect(texts({ expires_at: '2026-11-25T00:00:00.000Z' })).toEqual([['warn', 'Expires on 25 Nov 2026, 00:00.']]);
    expect(texts({ last_synced_at: '2026-11-22T09:00:00.000Z' })).toEqual([['warn', 'Last synced on 22 Nov 2026, 09:00.']]);
    expect(texts({ backfill: { done: 1, total: 1000 } })).toEqual([['info', 'Syncing history: 1 of 1,000 days.']]);
    expect(texts({ vanished_at: '2026-11-20T00:00:00.000Z' })[0]?.[0]).toBe('quiet');
    expect(texts({ backfill: { done: 1, total: 2 }, limit_usd: 1, limit_remaining_usd: 0 }).map(([tone]) => tone)).toEqual(['bad', 'info']);
  });

  it('says of an expired key that it has expired; one without its text needs nothing more', () => {
    const expired = {
      ...KEY,
      status: 'invalid',
      is_expired: true,
      expires_at: '2026-11-22T10:00:00.000Z',
      last_error: 'The key has expired.',
    } as const;
    expect(statusOf(expired).label).toBe('Expired');
    expect(statusOf({ ...expired, is_expired: false }).label).toBe('Invalid');
    const adviceFor = (key: Key) => adviceOf(key, NOW, 'UTC').map(({ tone, text }) => [tone, text]);
    expect(adviceFor(expired)).toEqual([['bad', 'The key has expired.']]);
    expect(adviceFor({ ...expired, kind: 'discovered' })).toEqual([['quiet', 'The key has expired.']]);
    expect(adviceFor({ ...expired, status: 'active', is_expired: false, last_error: null })[0]?.[1]).toContain('Expired on');
  });

  it('knows a limit’s use only where all of it is known', () => {
    expect(limitUse({ limit_usd: 10, limit_remaining_usd: 12 })).toEqual({ used: 0, left: 12, limit: 10, share: 0, percent: 0 });
    expect([limitUse({ limit_usd: null, limit_remaining_usd: 1 }), limitUse({ limit_usd: 0, limit_remaining_usd: 0 })]).toEqual([
      null,
      null,
    ]);
  });

  it('has what OpenRouter counts of the present day, week and month, unless the key was not read in it', () => {
    const usage = { usage_daily_usd: 1, usage_weekly_usd: 2, usage_monthly_usd: 3 };
    const seen = (at: string | null, now: string) => Object.values(currentUsage({ ...KEY, ...usage, last_synced_at: at }, Date.parse(now)));
    expect(seen('2026-11-22T00:03:00.000Z', '2026-11-22T23:59:00Z')).toEqual([1, 2, 3]);
    expect(seen('2026-11-21T23:03:00.000Z', '2026-11-22T00:01:00Z')).toEqual([null, 2, 3]);
    expect(seen('2026-11-22T23:03:00.000Z', '2026-11-23T00:01:00Z')).toEqual([null, null, 3]);
    expect(seen('2026-11-30T23:03:00.000Z', '2026-12-01T00:01:00Z')).toEqual([null, 2, null]);
    expect(seen(null, '2026-12-01T00:01:00Z')).toEqual([null, null, null]);
  });

  it('tells the drifts of a key as one thing, and leaves pauses alone', () => {
    const drift = (date: string, usd: number) => ({ date, key_id: 1, name: 'key', drift_usd: usd, byok_drift_usd: null });
    const items = attentionOf([{ ...KEY, status: 'paused' }], [drift('2026-11-01', 1), drift('2026-11-02', -3)], NOW, 'UTC');
    expect(items).toMatchObject([{ tone: 'warn', href: '/keys/1' }]);
    expect(items[0]?.text).toContain('on 2 days (max $3.00 on Mon, 2 Nov 2026)');
  });
});

describe('what people read', () => {
  it('is money in cents, and below a cent in three digits that count', () => {
    expect([1234.5, 0.01, 0.004158, 0.000004158, 0, -0.5].map(formatUsd)).toEqual([
      '$1,234.50',
      '$0.01',
      '$0.00416',
      '$0.00000416',
      '$0.00',
      '-$0.50',
    ]);
    expect([0.0145, 2.5].map(formatUsdFine)).toEqual(['$0.0145', '$2.50']);
    expect([formatUsd(null), formatUsdFine(null), formatInstant(null, 'UTC')]).toEqual([UNKNOWN_TEXT, UNKNOWN_TEXT, UNKNOWN_TEXT]);
  });

  it('is equally long at the ticks of an axis', () => {
    expect(formatUsdAxis([0, 10, 20])).toEqual(['$0', '$10', '$20']);
    expect(formatUsdAxis([0, 2.5, 5])).toEqual(['$0.00', '$2.50', '$5.00']);
    expect(formatUsdAxis([0, 0.2, 0.4])).toEqual(['$0.00', '$0.20', '$0.40']);
    expect(formatUsdAxis([0, 0.005, 0.01, 0.015])).toEqual(['$0.000', '$0.005', '$0.010', '$0.015']);
    expect(formatUsdAxis([0, 0.1, 0.2, 0.30000000000000004].map((usd) => usd / 1000))).toEqual([
      '$0.0000',
      '$0.0001',
      '$0.0002',
      '$0.0003',
    ]);
    expect(formatUsdAxis([0, 500, 1000])).toEqual(['$0', '$500', '$1K']);
    expect(formatCountAxis([0, 1500, 3000])).toEqual(['0', '1.5K', '3K']);
    expect(
      fc.sample(fc.double({ min: 1e-6, max: 1e7, noNaN: true }), 500).filter((top) => {
        const texts = formatUsdAxis(scaleLinear([0, top], [0, 1]).nice(4).ticks(4));
        return new Set(texts).size < texts.length;
      }),
    ).toEqual([]);
  });

  it('is time in the zone, and how long ago', () => {
    expect(formatInstant('2026-11-22T23:30:00Z', 'Asia/Kolkata')).toBe('23 Nov 2026, 05:00');
    const ago = (ms: number) => formatAgo(new Date(NOW - ms).toISOString(), NOW);
    expect([ago(10_000), ago(61_000), ago(7_300_000), ago(200_000_000)]).toEqual(['just now', '1 minute ago', '2 hours ago', '2 days ago']);
    expect(formatAgo(null, NOW)).toBe('never');
  });

  it('is the browser and system of a session', () => {
    const agents = {
      'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0': 'Firefox on Linux',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15':
        'Safari on macOS',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile Safari/604.1':
        'Chrome on iOS',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0':
        'Edge on Windows',
      'curl/8.5.0': null,
    };
    for (const [agent, name] of Object.entries(agents)) expect(describeClient(agent)).toBe(name);
  });
});

describe('what needs attention', () => {
  const account = { ...KEY, kind: 'management', balance_usd: -0.31, managed_by: null } as Key;
  const budget: Budget = {
    ruleId: 4,
    name: 'Team',
    keyId: null,
    period: 'month',
    counts: 'credits',
    amountUsd: 10,
    spentUsd: 66.2,
    isComplete: true,
    percent: 662,
  };

  it('begins with an empty account and a budget that is passed', () => {
    const refused = { ...KEY, id: 2, status: 'invalid' } as Key;
    const items = attentionOf([refused, account], [], NOW, 'UTC', [
      { ...budget, spentUsd: 9.99 },
      budget,
      { ...budget, isComplete: false },
    ]);
    expect(items.map(({ text }) => text)).toEqual([
      expect.stringContaining('balance is -$0.31'),
      '$66.20 of $10.00 spent this month (662%).',
      '≥\u00a0$66.20 of $10.00 spent this month (≥\u00a0662%).',
      expect.stringContaining('rejects'),
    ]);
  });

  it('is nothing of an account with credits, or of a found key that is gone', () => {
    expect(attentionOf([{ ...account, balance_usd: 0.01 }], [], NOW, 'UTC')).toEqual([]);
    expect(
      attentionOf([{ ...KEY, kind: 'discovered', status: 'invalid', vanished_at: '2026-10-01T00:00:00.000Z' } as Key], [], NOW, 'UTC'),
    ).toEqual([]);
  });
});
