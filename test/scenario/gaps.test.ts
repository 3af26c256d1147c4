/** First looks: what pages, API and files say while something is not known. Unknown is never zero. */
import { csvParse } from 'd3-dsv';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { addManagement } from '../support/account.ts';
import { createVisitor } from '../support/visitor.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

const NOW = Date.parse('2026-11-28T12:30:00Z');

interface Flagged {
  cost_usd: number | null;
  is_complete: boolean;
  date?: string;
  model?: string | null;
  key_id?: number;
}
interface Stats extends Record<'by_day' | 'by_model' | 'by_provider' | 'by_key', Flagged[]> {
  totals: Flagged & { requests: number | null; is_count_complete: boolean };
}

/** What a reader sees of a page: its text, and what it says to those who cannot see it. */
const textOf = (html: string): string =>
  html
    .replace(/<(style|script)\b.*?<\/\1>/gs, '')
    .replace(/aria-label="([^"]*)"/g, '>$1<')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&nbsp;', '\u00a0')
    .replace(/[ \n]+/g, ' ');

/** Amounts of zero that are said to be all. The ground of an axis or a scale is none. */
function zerosIn(html: string): string[] {
  const said = html.replace(/<svg class="axis".*?<\/svg>/gs, '').replace(/<p class="hint heat-legend">.*?<\/p>/gs, '');
  return textOf(said).match(/.{0,60}(?<!≥\u00a0)(\$0\.00|\b0%(?! vs)|[Nn]othing was spent|No spend in|No credits spent in).{0,40}/g) ?? [];
}

async function open(now = NOW) {
  const world = createWorld({ now });
  const user = await world.makeUser();
  const visitor = createVisitor(world, user.token);
  const page = async (path: string) => (await visitor.visit(path)).html;
  const get = async <T>(path: string) => (await world.json<T>('GET', path, { token: user.token })).body;
  const stats = (query = '') => get<Stats>(`/api/v1/stats?from=2026-11-01&to=2026-11-28${query}`);
  const rows = async (query: string) => (await get<{ data: Flagged[] }>(`/api/v1/usage?from=2026-11-01&to=2026-11-28&${query}`)).data;
  const explore = async (query: string) => {
    const answer = await visitor.visit(`/explore/export?${query}&format=json`);
    return JSON.parse(answer.html) as {
      total: number | null;
      is_complete: boolean;
      buckets: string[];
      totals: (number | null)[];
      are_complete: boolean[];
      series: { label: string; total: number | null; is_complete: boolean }[];
    };
  };
  return { world, user, visitor, page, get, stats, rows, explore };
}

const PAGES = [
  '/dashboard',
  ...['today', '7d', '30d', '90d', 'month'].flatMap((range) =>
    ['key', 'model', 'provider'].map((by) => `/dashboard?range=${range}&by=${by}`),
  ),
  ...['hour', 'day', 'week', 'month', 'none'].map((rollup) => `/explore?range=7d&rollup=${rollup}`),
  '/explore?range=month&by=key',
  '/explore?range=custom&from=2025-12-01&to=2026-11-28&rollup=month',
  '/explore?cumulative=1',
  '/explore?metric=byok_cost',
  '/explore?metric=all_cost&by=key',
  '/explore?metric=requests',
  '/keys',
];

describe('an ordinary key that was added today and had spent before', () => {
  async function fresh() {
    const opened = await open();
    const text = freshKeyText();
    opened.world.simulator.addKey(text, { createdAt: '2026-06-01T00:00:00Z' });
    opened.world.simulator.spend(text, { nano: 85_410_000_000 }, NOW - 5 * DAY_MS);
    opened.world.simulator.spend(text, { nano: 3_200_000_000 }, NOW - 2 * HOUR_MS);
    await opened.visitor.follow('/keys', { name: 'backend', key: text });
    return { ...opened, text };
  }

  it('is a lower bound since when, why, and beside what OpenRouter reports', async () => {
    const { page, stats } = await fresh();
    const text = textOf(await page('/dashboard?range=month'));
    for (const said of [
      'This month $88.61',
      'Spend ≥\u00a0$3.20',
      'since 28 Nov, when the key was added',
      'OpenRouter reports $88.61 for November 2026',
    ])
      expect(text).toContain(said);
    const { totals, by_day, by_key, by_model } = await stats();
    expect([totals, by_key[0], by_model[0]]).toMatchObject(Array(3).fill({ cost_usd: 3.2, is_complete: false }));
    expect(by_day.filter(({ is_complete }) => is_complete).map(({ date }) => date)).toEqual(['2026-11-28']);
    expect(by_day.filter(({ cost_usd }) => cost_usd !== null).map(({ date }) => date)).toEqual(['2026-11-28']);
  });

  it('is on no page, in no answer and in no file zero where nothing is known', async () => {
    const { page, world, text, rows, explore, visitor } = await fresh();
    for (const path of [...PAGES, '/keys/1'.replace('1', /\/keys\/(\d+)"/.exec(await page('/keys'))?.[1] ?? '')])
      expect([path, zerosIn(await page(path))]).toEqual([path, []]);
    for (let hour = 0; hour < 3; hour++) {
      world.clock.now += HOUR_MS;
      if (hour === 1) world.simulator.spend(text, { nano: 50_000_000 });
      await world.sync();
    }
    // Hours before it was added may hold what is only known of the day.
    const day = await explore('range=today&rollup=hour');
    expect(day.are_complete.every((isComplete) => !isComplete)).toBe(true);
    expect(day.totals.filter((value) => value !== null)).toEqual([0.05]);
    expect((await explore('range=month&rollup=day')).are_complete).toEqual([...Array(27).fill(false), true]);
    expect((await explore('range=custom&from=2025-12-01&to=2026-11-28&rollup=month')).are_complete).toEqual(Array(12).fill(false));
    expect((await explore('range=custom&from=2026-11-28&to=2026-11-28&rollup=month')).are_complete).toEqual([true]);
    expect(await rows('group_by=day')).toMatchObject([{ date: '2026-11-28', cost_usd: 3.25, is_complete: true }]);
    expect((await rows('group_by=hour')).map(({ is_complete }) => is_complete)).toEqual([true, false]);
    for (const groups of ['key', 'model', 'provider,key']) expect((await rows(`group_by=${groups}`))[0]?.is_complete).toBe(false);
    const csv = csvParse((await visitor.visit('/explore/export?range=7d&by=key&format=csv')).html);
    expect(csv.map((row) => [row['total'], row['is_complete']])).toEqual([...Array(6).fill(['', 'false']), ['3.25', 'true']]);
  });

  it('has its unknown days hatched, by the day, the hour and the month', async () => {
    const { page } = await fresh();
    const hatched = async (path: string) => (await page(path)).match(/class="hatched"/g)?.length ?? 0;
    for (const [path, count] of [
      ['/dashboard?range=month', 27],
      ['/dashboard?range=7d&by=key', 6],
      ['/dashboard?range=today', 24],
      ['/explore?range=7d', 6],
      ['/explore?range=today&rollup=hour', 24],
      ['/explore?range=custom&from=2025-12-01&to=2026-11-28&rollup=month', 12],
      ['/explore?range=today&rollup=day', 0],
    ] as const)
      expect([path, await hatched(path)]).toEqual([path, count]);
  });
});

describe('a key that is added beside an older one', () => {
  it('makes lower bounds of what is of both, and leaves the older one exact', async () => {
    const { world, user, page, stats, explore } = await open(NOW - 6 * DAY_MS);
    const [old, text] = [await world.makeKey(user.token, 'old'), freshKeyText()];
    world.simulator.addKey(text, { createdAt: '2026-06-01T00:00:00Z' });
    for (let hour = 1; hour <= 144; hour++) {
      world.simulator.spend(old.text, { nano: 10_000_000 });
      world.clock.now = NOW - 6 * DAY_MS + hour * HOUR_MS;
      await world.sync();
    }
    const COMPARED = '/dashboard?range=custom&from=2026-11-26&to=2026-11-27&by=key';
    expect(textOf(await page(COMPARED))).toMatch(/0% vs previous 2 days(?! ?,)/);
    world.simulator.spend(text, { nano: 90_000_000_000 }, NOW - 3 * DAY_MS);
    world.simulator.spend(text, { nano: 500_000_000 });
    await createVisitor(world, user.token).follow('/keys', { name: 'new', key: text });
    const { totals, by_key, by_day } = await stats();
    expect(totals.is_complete).toBe(false);
    expect(by_key.map(({ is_complete }) => is_complete)).toEqual([false, false]);
    expect(by_day.find(({ date }) => date === '2026-11-25')).toMatchObject({ cost_usd: 0.24, is_complete: false });
    const week = await explore('range=7d&by=key');
    expect(week.series).toMatchObject([
      { label: 'old', total: 1.44, is_complete: true },
      { label: 'new', total: 0.5, is_complete: false },
    ]);
    expect([week.is_complete, week.are_complete]).toEqual([false, [...Array(6).fill(false), true]]);
    const dashboard = textOf(await page('/dashboard?range=7d&by=key'));
    // What is told of change is that of keys that were known.
    expect(textOf(await page(COMPARED))).toMatch(/0% vs previous 2 days ?, known keys only/);
    expect(dashboard).not.toMatch(/% vs previous \d+ days/);
    expect(dashboard).toMatch(/Projected this month ≥/);
    expect(dashboard).toContain('new has data since 28 Nov, when the key was added');
    for (const path of PAGES.filter((path) => !/today|hour/.test(path))) expect([path, zerosIn(await page(path))]).toEqual([path, []]);
  });
});

describe('a key that is refused', () => {
  it('makes a lower bound of the day on which that was found, and of no day after it', async () => {
    const { world, user, page, stats } = await open(NOW - 4 * DAY_MS);
    const [gone, other] = [await world.makeKey(user.token, 'gone'), await world.makeKey(user.token, 'other')];
    const live = async (hours: number) => {
      for (let hour = 0; hour < hours; hour++) {
        world.simulator.spend(other.text, { nano: 1_000_000_000 });
        world.clock.now = Math.floor(world.clock.now / HOUR_MS) * HOUR_MS + HOUR_MS + 180_000;
        await world.sync();
      }
    };
    await live(24);
    world.simulator.removeKey(gone.text);
    await live(72);
    expect((await stats()).by_day.slice(-5).map(({ is_complete }) => is_complete)).toEqual([true, false, true, true, true]);
    const dashboard = textOf(await page('/dashboard?range=custom&from=2026-11-26&to=2026-11-28'));
    expect(dashboard).toMatch(/Spend \$/);
    expect(textOf(await page('/dashboard?range=7d'))).toMatch(/Spend ≥/);
  });
});

describe('a key that is paused', () => {
  it('is a lower bound from then on, wherever it is counted', async () => {
    const { world, user, page, visitor, stats, get } = await open(NOW - 2 * DAY_MS);
    const key = await world.makeKey(user.token, 'backend', { createdAt: '2026-11-26T00:00:00Z' });
    world.simulator.spend(key.text, { nano: 2_000_000_000 });
    for (let hour = 0; hour < 24; hour++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    await visitor.follow(`/keys/${key.id}/state`, { is_active: '0' });
    world.clock.now += DAY_MS;
    const { by_day, totals } = await stats();
    expect(by_day.slice(-3).map(({ cost_usd, is_complete }) => [cost_usd, is_complete])).toEqual([
      [2, true],
      [0, false],
      [null, false],
    ]);
    expect(totals).toMatchObject({ cost_usd: 2, is_complete: false });
    // Its hours were watched until then.
    const daily = PAGES.filter((path) => !path.includes('hour'));
    for (const path of [...daily, `/keys/${key.id}`]) expect([path, zerosIn(await page(path))]).toEqual([path, []]);
    const text = textOf(await page(`/keys/${key.id}`));
    expect(text).toContain('Lifetime spend ≥\u00a0$2.00');
    expect(text).toContain('This month (UTC) ≥\u00a0$2.00');
    expect(text).toContain('Today (UTC) –');
    expect(textOf(await page('/dashboard'))).toContain('This month ≥\u00a0$2.00');
    expect((await get<unknown[]>('/api/keys')).length).toBe(1);
  });
});

describe('an account beside an ordinary key', () => {
  it('has requests, tokens and models that are lower bounds', async () => {
    const { world, user, page, stats, explore } = await open();
    const [management, listed, text] = [freshKeyText(), freshKeyText(), freshKeyText()];
    world.simulator.addKey(management, { isManagement: true, createdAt: '2025-12-01T00:00:00Z' });
    world.simulator.addKey(listed, { name: 'listed', createdAt: '2025-12-01T00:00:00Z' });
    for (let day = 0; day < 300; day++) world.simulator.spend(listed, { nano: 1e9 + (day % 9) * 1e8, requests: 2 }, NOW - day * DAY_MS);
    await addManagement(world, user.token, management);
    await world.drain();
    const alone = await stats();
    expect(alone.totals).toMatchObject({ is_complete: true, is_count_complete: true, requests: 56 });
    expect([...alone.by_day, ...alone.by_model, ...alone.by_provider, ...alone.by_key].every(({ is_complete }) => is_complete)).toBe(true);
    expect((await explore('range=month&metric=requests')).is_complete).toBe(true);

    // A key of another account: its own simulator is not needed to make its past unknown.
    world.simulator.addKey(text, { createdAt: '2026-06-01T00:00:00Z', workspaceId: '7d1f0a52-93a1-4c3e-8a4f-0c7a3b1de2f4' });
    world.simulator.spend(text, { nano: 2e9 });
    await createVisitor(world, user.token).follow('/keys', { name: 'ordinary', key: text });
    const { totals, by_key } = await stats();
    expect(totals).toMatchObject({ is_complete: false, is_count_complete: false, requests: 56 });
    expect(by_key.filter(({ is_complete }) => !is_complete)).toHaveLength(1);
    const requests = await explore('range=month&metric=requests&by=key');
    expect([requests.is_complete, requests.are_complete.includes(true)]).toEqual([false, false]);
    expect(textOf(await page('/dashboard?range=month'))).toContain('Requests in range ≥\u00a056');
    for (const path of PAGES.filter((path) => !/byok|today|hour/.test(path))) expect([path, zerosIn(await page(path))]).toEqual([path, []]);
  });
});

describe('spend on BYOK alone', () => {
  it('is seen wherever spend is shown', async () => {
    const { world, user, page, explore } = await open();
    const key = await world.makeKey(user.token, 'byok', { createdAt: '2026-11-28T00:00:00Z' });
    world.simulator.spend(key.text, { byokNano: 3_000_000_000 });
    world.clock.now += HOUR_MS;
    await world.sync();
    const dashboard = await page('/dashboard?range=today&by=key');
    expect(dashboard).toContain('BYOK spend by hour and key');
    expect(dashboard.match(/class="bars" d="M/g)).toHaveLength(1);
    const text = textOf(dashboard);
    expect(text).toMatch(/Spend \$0\.00 \+ \$3\.00 BYOK/);
    expect(text).toMatch(/byok \$0\.00 \+ \$3\.00 BYOK 100%/);
    expect(text).not.toMatch(/[Nn]o spend|[Nn]othing was/);
    expect(textOf(await page('/dashboard?range=today&metric=cost'))).toContain('No credits spent in this period, only BYOK.');
    const one = await page(`/keys/${key.id}`);
    expect(textOf(one)).toContain('Today (UTC) $0.00 + $3.00 BYOK');
    expect(one.match(/class="bars" d="M/g)).toHaveLength(1);
    expect(textOf(await page('/keys'))).toContain('Today (UTC) $0.00 + $3.00 BYOK');
    const asked = await page('/explore?range=today');
    expect(textOf(asked)).toContain('No credits spent in this period, only BYOK.');
    expect(asked).toMatch(/<a class="hint" href="[^"]*metric=byok_cost[^"]*">\+ \$3\.00 BYOK<\/a>/);
    expect((await explore('range=today&metric=all_cost')).total).toBe(3);
  });
});

describe('no key at all', () => {
  it('is no zero', async () => {
    const { page, stats, explore } = await open();
    expect((await stats()).totals).toMatchObject({ cost_usd: null, is_complete: false, is_count_complete: false });
    expect((await explore('range=7d')).are_complete).toEqual(Array(7).fill(false));
    for (const path of PAGES) expect([path, zerosIn(await page(path))]).toEqual([path, []]);
  });
});
