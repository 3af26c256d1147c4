/** Forms that went wrong, of every page: reported on top, and at the fields, the first of which has the focus. */
import { describe, expect, it } from 'vitest';
import { alertPages } from '../../src/alerts/pages.tsx';
import { dashboardPages } from '../../src/dashboard/pages.tsx';
import { explorePages } from '../../src/explore/pages.tsx';
import { keyPages } from '../../src/key-pages/pages.tsx';
import { tokenPages } from '../../src/tokens/pages.tsx';
import { userDataPages } from '../../src/user-data/pages.tsx';
import { userPages } from '../../src/users/pages.tsx';
import { signInPages } from '../../src/users/sign-in-pages.tsx';
import { makeThing } from '../support/routes.ts';
import { createVisitor, type Visit } from '../support/visitor.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

const rooms = [signInPages, dashboardPages, explorePages, keyPages, alertPages, tokenPages, userPages, userDataPages];
const routes = rooms.flatMap(({ router }) => router.routes);
const forms = [...new Set(routes.filter(({ method }) => method === 'POST').map(({ path }) => path))];

const attribute = (tag: string | undefined, name: string): string | null => new RegExp(` ${name}="([^"]*)"`).exec(tag ?? '')?.[1] ?? null;
const textOf = (html: string): string => html.replaceAll(/(<[^>]*>)+/g, ' ').trim();

/** What a page reports of a form, as a browser and a screen reader find it. */
function reportIn({ html }: Visit) {
  const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  const focused = [...html.matchAll(/<[^>]*\sautofocus[^>]*>/g)].map(([tag]) => tag);
  const alerts = [...html.matchAll(/<div class="notice failed" role="alert"[^>]*>(.*?)<\/div>/gs)].map(([, inside = '']) => inside);
  const links = [...(alerts[0] ?? '').matchAll(/<a href="#([^"]*)">/g)].map(([, id]) => id);
  const lines = [...(alerts[0] ?? '').matchAll(/<(?:h2|li|p)>(.*?)<\/(?:h2|li|p)>/gs)].map(([, line = '']) => textOf(line));
  const described = (attribute(focused[0], 'aria-describedby') ?? '').split(' ').filter(Boolean);
  const saidIn = (id: string) => textOf(new RegExp(`<p[^>]* id="${id}"[^>]*>(.*?)</p>`, 's').exec(html)?.[1] ?? '');
  return {
    ids,
    alerts: [...html.matchAll(/role="alert"/g)].length,
    lines,
    links,
    focused: focused.length,
    focus: attribute(focused[0], 'id'),
    tag: /^<(\w+)/.exec(focused[0] ?? '')?.[1],
    hasFocus: alerts.length > 0 && /<div class="notice failed" role="alert"[^>]* autofocus/.test(html),
    described: described.map(saidIn),
  };
}

/** Holds of every failed form: one summary, one focus, and no link or description that leads nowhere. */
function expectReport(visit: Visit) {
  const report = reportIn(visit);
  expect([report.alerts, report.focused, report.lines.length > 0]).toEqual([1, 1, true]);
  expect(new Set(report.ids).size).toBe(report.ids.length);
  expect(report.links.filter((id) => !report.ids.includes(id))).toEqual([]);
  for (const [, ids = ''] of visit.html.matchAll(/aria-describedby="([^"]*)"/g))
    expect(ids.split(' ').filter((id) => !report.ids.includes(id))).toEqual([]);
  if (!report.hasFocus) expect([report.links[0], report.described.at(-1)]).toEqual([report.focus, expect.stringMatching(/./)]);
  expect(visit.html).toMatch(/<title>Error: /);
  return report;
}

async function signIn() {
  const world = createWorld();
  const user = await world.makeUser();
  return { world, user, visitor: createVisitor(world, user.token) };
}

/** What is sent to each form, what the summary says then, and where the focus is. */
const WRONG: Record<string, readonly (readonly [fields: Record<string, string>, lines: string[], focus: string | null])[]> = {
  '/login': [
    [{}, ['Check 2 fields', 'Email: *', 'Password: *'], 'login-email'],
    [{ email: 'a@example.org', password: 'not this one, surely' }, ['Wrong email or password.'], 'login-email'],
  ],
  '/register': [
    [{ email: 'x', password: 'y' }, ['Check 2 fields', 'Email: *', 'Password: *'], 'register-email'],
    [{ email: 'new@example.org', password: 'short' }, ['Check 1 field', 'Password: *'], 'register-password'],
  ],
  '/reset-password': [
    [{}, ['Check 2 fields', 'New password: *', 'token: *'], 'reset-password-new_password'],
    [{ token: 'or_pwr_x', new_password: 'a quite unusual passphrase' }, ['*'], 'reset-password-new_password'],
    [{ new_password: 'a quite unusual passphrase' }, ['Check 1 field', 'token: *'], 'reset-password-new_password'],
  ],
  '/account/time-zone': [[{ time_zone: 'Mars/Olympus' }, ['Check 1 field', 'Time zone: *'], 'account-time-zone-time_zone']],
  '/account/password': [
    [{}, ['Check 2 fields', 'Current password: *', 'New password: *'], 'account-password-current_password'],
    [
      { current_password: 'not this one, surely', new_password: 'a quite unusual passphrase' },
      ['Check 1 field', 'Current password: *'],
      'account-password-current_password',
    ],
  ],
  '/account/delete': [[{ password: 'no' }, ['Check 1 field', 'Password, to confirm: *'], 'account-delete-password']],
  '/keys': [
    [{}, ['Check 2 fields', 'Name: *', 'OpenRouter key: *'], 'keys-name'],
    [{ name: 'x', key: 'y' }, ['Check 1 field', 'OpenRouter key: *'], 'keys-key'],
  ],
  '/keys/:id/name': [[{ name: '' }, ['Check 1 field', 'Name: *'], 'keys-:id-name-name']],
  '/keys/:id/secret': [[{ key: 'nonsense' }, ['Check 1 field', 'OpenRouter key: *'], 'keys-:id-secret-key']],
  '/keys/:id/state': [[{ is_active: 'perhaps' }, ['Check 1 field', 'is_active: *'], 'keys-:id-state']],
  '/tokens': [[{}, ['Check 1 field', 'Name: *'], 'tokens-name']],
  '/explore/views': [
    [{}, ['Check 1 field', 'View name: *'], 'explore-views-name'],
    [{ name: 'x', junk: '1' }, ['Check 1 field', 'junk: Unknown field'], 'explore-views-name'],
  ],
  '/alerts/rules': [
    [{}, ['Check 1 field', 'type: *'], 'alerts-rules-key_id'],
    [
      { type: 'budget', thresholds: 'half', name: 'x'.repeat(101), period: 'year', counts: 'tokens', action: 'explode' },
      ['Check 6 fields', 'Amount*', 'Count: *', 'Period: *', 'Thresholds*', 'When the budget is used up: *', 'Name: *'],
      'alerts-rules-amount_usd',
    ],
    [{ type: 'budget', amount_usd: '1', period: 'year' }, ['Check 1 field', 'Period: *'], 'alerts-rules-period'],
    [
      { type: 'budget', amount_usd: '1', period: 'day', password: 'x'.repeat(1001) },
      ['Check 1 field', 'Your password: *'],
      'alerts-rules-password',
    ],
    [
      { type: 'budget', amount_usd: '1', period: 'day', act_from: 'someday' },
      ['Check 1 field', 'The budget is already used up: *'],
      'alerts-rules-act_from',
    ],
    [{ type: 'key_invalid', channel_987654: 'on' }, ['Check 1 field', 'Notify: *'], 'alerts-rules-channel_ids'],
    [{ type: 'spike', key_id: '987654', factor: 'x' }, ['Check 1 field', 'Factor above usual*'], 'alerts-rules-factor'],
    [{ type: 'balance', below_usd: '', days: '' }, ['Check 1 field', 'Below (USD): *'], 'alerts-rules-below_usd'],
    [{ type: 'spike', key_id: '987654', window: 'day' }, ['Check 1 field', 'Key: *'], 'alerts-rules-key_id'],
  ],
  '/alerts/rules/:id': [[{ type: 'key_invalid', name: 'x'.repeat(101) }, ['Check 1 field', 'Name: *'], 'alerts-rules-:id-name']],
  '/alerts/channels': [
    [{ type: 'slack' }, ['Check 2 fields', 'Name: *', 'Address: *'], 'alerts-channels-name'],
    [{ type: 'telegram', name: 'x' }, ['Check 2 fields', 'Bot token: *', 'Chat id: *'], 'alerts-channels-bot_token'],
    [{ type: 'pigeon', name: 'x' }, ['Check 1 field', 'type: *'], 'alerts-channels-name'],
    [{ type: 'email', name: 'x', to: 'a@example.org' }, ['Check 1 field', 'type: *'], 'alerts-channels-name'],
  ],
  '/alerts/:id/snooze': [[{ hours: 'x' }, ['Check 1 field', 'hours: *'], 'alerts-:id-snooze']],
};

/** Forms that hold nothing that could be wrong, and addresses that only draw. */
const NEVER_WRONG = new Set([
  '/logout',
  '/account/sessions',
  '/keys/:id/delete',
  '/keys/:id/sync',
  '/tokens/:id/revoke',
  '/explore/views/:id/delete',
  '/alerts/rules/:id/delete',
  '/alerts/channels/:id/test',
  '/alerts/channels/:id/delete',
  '/alerts/:id/acknowledge',
  '/alerts/new-rule',
  '/alerts/new-channel',
]);

describe('a form that failed', () => {
  it('is in this table', () => {
    expect([...Object.keys(WRONG), ...NEVER_WRONG].sort()).toEqual(forms.toSorted());
  });

  it.each(Object.entries(WRONG))('%s is reported on top of its page, and has the focus', async (path, cases) => {
    const { world, user, visitor } = await signIn();
    const id = path.includes(':id') ? await makeThing(world, user, path) : 0;
    const withId = (text: string | null) => text?.replace(':id', String(id)) ?? null;
    for (const [fields, lines, focus] of cases) {
      const visit = await visitor.submit(withId(path) ?? '', fields);
      expect([fields, visit.status >= 400 && visit.status < 500]).toEqual([fields, true]);
      const report = expectReport(visit);
      expect([fields, report.lines]).toEqual([fields, lines.map((line) => expect.stringMatching(pattern(line)))]);
      expect([fields, report.focus]).toEqual([fields, withId(focus)]);
    }
  });

  it('with nothing to fill in has the focus itself, and what is wrong is read out once', async () => {
    const { world, user, visitor } = await signIn();
    const key = await world.makeKey(user.token);
    await visitor.follow(`/keys/${key.id}/state`, { is_active: '0' });
    const paused = await visitor.submit(`/keys/${key.id}/sync`);
    const report = expectReport(paused);
    expect([report.tag, report.focus, report.lines]).toEqual(['form', `keys-${key.id}-sync`, [report.described[0]]]);
    const [detail = ''] = report.lines;
    const readable = paused.html.replaceAll(/<p[^>]*aria-hidden="true"[^>]*>.*?<\/p>/gs, '');
    expect([paused.html.split(detail).length, readable.split(detail).length]).toEqual([3, 2]);
  });

  it('that its page does not show leaves the focus to the summary', async () => {
    const world = createWorld({ config: { registration: 'invite' } });
    const refused = await createVisitor(world).submit('/register', { email: 'a@example.org', password: 'a quite unusual passphrase' });
    const report = expectReport(refused);
    expect([refused.status, report.hasFocus, report.links]).toEqual([403, true, []]);
  });

  it('of a rule asks for the password at its field, also where the rule is changed', async () => {
    const { world, user, visitor } = await signIn();
    const [management, text] = [freshKeyText(), freshKeyText()];
    world.simulator.addKey(management, { isManagement: true });
    world.simulator.addKey(text, { name: 'backend' });
    await world.json('POST', '/api/keys', { token: user.token, body: { name: 'account', key: management } });
    await world.drain();
    const { body: keys } = await world.json<{ id: number; kind: string }[]>('GET', '/api/keys', { token: user.token });
    const id = keys.find(({ kind }) => kind === 'discovered')?.id ?? 0;
    const rule = { type: 'budget', amount_usd: '3', period: 'month', thresholds: '100', key_id: String(id) };
    await visitor.submit('/alerts/rules', rule);
    const { body: rules } = await world.json<{ id: number; type: string }[]>('GET', '/api/alert-rules', { token: user.token });
    const change = `/alerts/rules/${rules.find(({ type }) => type === 'budget')?.id}`;
    for (const path of ['/alerts/rules', change]) {
      const refused = await visitor.submit(path, { ...rule, action: 'disable', amount_usd: '7', password: 'not my passphrase' });
      const report = expectReport(refused);
      expect([path, refused.status, report.lines[0], report.focus]).toEqual([
        path,
        403,
        'Check 1 field',
        `${path.slice(1).replaceAll('/', '-')}-password`,
      ]);
      expect([refused.html.includes('value="7"'), refused.html.includes('not my passphrase')]).toEqual([true, false]);
    }
  });
});

/** A line of a summary, in which a star stands for anything. */
function pattern(line: string): RegExp {
  return new RegExp(`^${line.replaceAll(/[.()]/g, '\\$&').replaceAll('*', '.+')}$`);
}

describe('a question that is wrong', () => {
  it.each([
    ['/explore?metric=happiness', ['Metric: *'], 'explore-metric'],
    ['/explore?by=day&by2=x', ['Group by: *', 'Then by: *'], 'explore-by'],
    ['/explore?top=0&tz=Mars/X', ['Time zone: *', 'Series: *'], 'explore-tz'],
    ['/explore?range=custom&from=2026-11-20&to=2026-11-10', ['From: *'], 'explore-from'],
    ['/explore?from=soon', ['From: *'], 'explore-from'],
    ['/explore?rollup=hour&range=90d', ['Interval: *'], 'explore-rollup'],
    ['/explore?cumulative=2', ['Cumulative: *'], 'explore-cumulative'],
    ['/explore?key=x&key=1', ['Keys: *'], 'explore-key'],
    [`/explore?model=${'x'.repeat(301)}`, ['Models: *'], 'explore-model'],
    ['/dashboard?range=custom&from=2026-11-20&to=2026-11-02', ['From: *'], 'dashboard-from'],
    ['/dashboard?tz=Mars/Olympus&range=century', ['Time zone: *', 'range: *'], 'dashboard-tz'],
    ['/dashboard?by=mood', ['by: *'], null],
  ])('%s is reported as of any form', async (path, lines, focus) => {
    const { visitor } = await signIn();
    const visit = await visitor.visit(path);
    const report = expectReport(visit);
    const heading = lines.length === 1 ? 'Check 1 field' : `Check ${lines.length} fields`;
    expect([visit.status, report.focus]).toEqual([422, focus]);
    expect(report.lines).toEqual([heading, ...lines, 'Defaults are shown instead.'].map((line) => expect.stringMatching(pattern(line))));
  });

  it('shows what was typed and chosen, so that it can be mended', async () => {
    const { visitor } = await signIn();
    const { html } = await visitor.visit('/explore?range=custom&from=2026-11-20&to=2026-11-10');
    expect(html).toContain('<option value="custom" selected');
    expect(html).toContain('value="2026-11-20"');
  });

  it('gives way to a form of the same page', async () => {
    const { visitor } = await signIn();
    const report = expectReport(await visitor.submit('/explore/views?metric=happiness', { name: '' }));
    expect(report.focus).toBe('explore-views-name');
  });
});

describe('a page on which nothing went wrong', () => {
  it('has no summary, and moves no focus', async () => {
    const { visitor } = await signIn();
    for (const path of ['/alerts', '/alerts?rule=spike', '/explore', '/dashboard?range=7d', '/keys', '/tokens', '/account']) {
      const { html } = await visitor.visit(path);
      expect([path, /role="alert"| autofocus|<title>Error/.exec(html)]).toEqual([path, null]);
    }
  });
});

describe('another type', () => {
  const fieldsIn = ({ html }: Visit, action: string): Record<string, string> => {
    const inside = new RegExp(`<form[^>]* action="${action}"[^>]*>(.*?)</form>`, 's').exec(html)?.[1] ?? '';
    const inputs = [...inside.matchAll(/<input [^>]*>/g)]
      .map(([tag]) => tag)
      .filter((tag) => !/checkbox/.test(tag) || / checked/.test(tag));
    const selects = [...inside.matchAll(/<select [^>]* name="([^"]*)"[^>]*>(.*?)<\/select>/gs)];
    return Object.fromEntries([
      ...inputs.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value') ?? '']),
      ...selects.map(([, name, options = '']) => [name, attribute(/<option [^>]* selected[^>]*>/.exec(options)?.[0], 'value') ?? '']),
    ]);
  };

  it('of a rule keeps what was typed, there and back, but for the password', async () => {
    const { world, user, visitor } = await signIn();
    const key = await world.makeKey(user.token);
    const channel = await makeThing(world, user, '/api/channels');
    const typed = {
      type: 'budget',
      key_id: String(key.id),
      amount_usd: 'twelve',
      counts: 'byok',
      period: 'week',
      thresholds: '90',
      forecast: 'on',
      action: 'disable',
      password: user.password,
      name: 'mine',
      [`channel_${channel}`]: 'on',
    };
    const spike = await visitor.submit('/alerts/new-rule?rule=spike', typed);
    expect([spike.status, reportIn(spike).alerts, reportIn(spike).focused]).toEqual([200, 0, 1]);
    expect(spike.html).toMatch(/<button type="submit" formaction="\/alerts\/new-rule\?rule=spike" aria-current="true" autofocus/);
    expect(spike.html).not.toContain(user.password);
    const onSpike = fieldsIn(spike, '/alerts/rules');
    expect(onSpike).toMatchObject({ type: 'spike', key_id: String(key.id), name: 'mine', counts: 'byok', factor: '3', window: 'day' });
    expect([onSpike[`channel_${channel}`], onSpike['all_channels']]).toEqual(['on', undefined]);
    const discovered = await visitor.submit('/alerts/new-rule?rule=key_discovered', { ...onSpike, factor: '5' });
    const back = await visitor.submit('/alerts/new-rule?rule=budget', fieldsIn(discovered, '/alerts/rules'));
    const { password: _password, ...kept } = typed;
    expect(fieldsIn(back, '/alerts/rules')).toMatchObject({ ...kept, factor: '5', password: '' });
    const failed = await visitor.submit('/alerts/rules', fieldsIn(back, '/alerts/rules'));
    expect([failed.status, fieldsIn(failed, '/alerts/rules')]).toMatchObject([422, { ...kept, factor: '5' }]);
  });

  it('of a rule begins with its own defaults where nothing was typed', async () => {
    const { visitor } = await signIn();
    const fresh = fieldsIn(await visitor.visit('/alerts?rule=budget'), '/alerts/rules');
    for (const type of ['spike', 'balance', 'key_expiring', 'sync_overdue', 'digest', 'limit_remaining']) {
      const direct = fieldsIn(await visitor.visit(`/alerts?rule=${type}`), '/alerts/rules');
      const switched = fieldsIn(await visitor.submit(`/alerts/new-rule?rule=${type}`, fresh), '/alerts/rules');
      expect(direct['type']).toBe(type);
      expect(switched).toMatchObject(direct);
    }
  });

  it('of a rule is of all keys where it has no key, whatever was chosen before', async () => {
    const { world, user, visitor } = await signIn();
    const key = await world.makeKey(user.token);
    const page = await visitor.submit('/alerts/new-rule?rule=key_discovered', { type: 'spike', key_id: String(key.id) });
    expect((await visitor.submit('/alerts/rules', fieldsIn(page, '/alerts/rules'))).status).toBe(303);
    const { body } = await world.json<{ type: string; key_id: number | null }[]>('GET', '/api/alert-rules', { token: user.token });
    expect(body.find(({ type }) => type === 'key_discovered')).toMatchObject({ key_id: null });
  });

  it('of a channel keeps its name and what is no secret', async () => {
    const { visitor } = await signIn();
    const typed = { type: 'telegram', name: 'ops', bot_token: '123456:ABCDEFGHIJKLMNOPQRSTUVWX', chat_id: '@ops' };
    const slack = await visitor.submit('/alerts/new-channel?channel=slack', typed);
    expect([slack.status, slack.html.includes(typed.bot_token), reportIn(slack).focused]).toEqual([200, false, 1]);
    const onSlack = fieldsIn(slack, '/alerts/channels');
    expect(onSlack).toEqual({ type: 'slack', name: 'ops', url: '', chat_id: '@ops' });
    const url = 'https://slack.example/secret';
    const back = await visitor.submit('/alerts/new-channel?channel=telegram', { ...onSlack, url });
    expect([fieldsIn(back, '/alerts/channels')['chat_id'], back.html.includes(url)]).toEqual(['@ops', false]);
    expect((await visitor.submit('/alerts/channels', { ...onSlack, url })).status).toBe(303);
  });

  it('takes nobody’s key for a name, and leads who asks for its address to the page', async () => {
    const { visitor } = await signIn();
    const text = freshKeyText();
    expect((await visitor.submit('/alerts/new-rule?rule=digest', { type: 'budget', name: text })).html).not.toContain(text);
    for (const path of ['/alerts/new-rule', '/alerts/new-channel']) expect((await visitor.visit(path)).location).toBe('/alerts');
  });
});
