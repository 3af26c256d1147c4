/** Migrations that carry data: what is stored before is there afterwards. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { createDb } from '../../src/db.ts';
import { resolveDaysStatementAcrossUsers } from '../../src/usage/booking/source-store.ts';
import { bindD1, createRunner, toResult } from '../support/sqlite-d1.ts';

const FOLDER = join(import.meta.dirname, '../../migrations');
const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.sql'))
  .sort();

/** A database as it was before a migration, and a function that applies it. */
function before(migration: string) {
  const database = new DatabaseSync(':memory:');
  const apply = (name: string) => database.exec(readFileSync(join(FOLDER, name), 'utf8'));
  const index = names.indexOf(migration);
  for (const name of names.slice(0, index)) apply(name);
  return { database, migrate: () => apply(migration) };
}

const at = (day: string, hour = 12): number => Date.parse(`${day}T00:00:00Z`) + hour * 3_600_000;

it('counters are those of the secret that was counted on the day; a day of two secrets is an estimate', () => {
  const { database, migrate } = before('0008_counters_by_secret.sql');
  const key = database.prepare(
    `INSERT INTO api_key (id, user_id, kind, name, hash, label, health, created_at, series_started_at, last_sample_at)
      VALUES (?, 1, 'inference', 'k', ?, 'l', 'active', 0, ?, ?)`,
  );
  const alias = database.prepare(
    'INSERT INTO api_key_alias (user_id, hash, api_key_id, series_started_at, last_sample_at) VALUES (1, ?, ?, ?, ?)',
  );
  const day = database.prepare('INSERT INTO counter_day VALUES (1, ?, ?, ?, 0, 0, 0, ?, NULL)');
  key.run(1, 'plain', at('2026-11-02'), at('2026-11-05'));
  key.run(2, 'third', at('2026-11-04'), at('2026-11-06'));
  alias.run('first', 2, at('2026-11-01'), at('2026-11-02'));
  alias.run('second', 2, at('2026-11-02'), at('2026-11-03'));
  key.run(3, 'unsampled', null, null);
  const rows: [string, number, number, number][] = [
    ['2026-11-01', 1, 1, 0],
    ['2026-11-04', 1, 2, 1],
    ['2026-11-01', 2, 3, 0],
    ['2026-11-02', 2, 4, 0],
    ['2026-11-03', 2, 5, 0],
    ['2026-11-06', 2, 6, 0],
    ['2026-11-06', 3, 7, 0],
    ['2026-11-06', 99, 8, 0],
  ];
  for (const row of rows) day.run(...row);
  migrate();
  const migrated = database.prepare('SELECT api_key_id, day, hash, cost_nano, is_estimated FROM counter_day ORDER BY cost_nano').all();
  expect(migrated.map((row) => Object.values(row))).toEqual([
    [1, '2026-11-01', 'plain', 1, 0],
    [1, '2026-11-04', 'plain', 2, 1],
    [2, '2026-11-01', 'first', 3, 0],
    [2, '2026-11-02', 'second', 4, 1],
    [2, '2026-11-03', 'second', 5, 0],
    [2, '2026-11-06', 'third', 6, 0],
    [3, '2026-11-06', 'unsampled', 7, 0],
  ]);
  const triggers = database.prepare("SELECT count(*) AS count FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'counter_day'");
  expect(triggers.get()).toEqual({ count: 6 });
  database.close();
});

it('the breaker goes on where it stood: what waits is planned anew, and what did nothing in this period still does nothing in it', () => {
  const { database, migrate } = before('0010_breaker.sql');
  const today = new Date().toISOString().slice(0, 10);
  const rule = database.prepare(
    "INSERT INTO alert_rule (id, user_id, type, channel_ids, parameters, version, created_at) VALUES (?, 1, 'budget', '[]', '{}', 3, 0)",
  );
  for (const id of [1, 2, 3]) rule.run(id);
  const event = database.prepare(
    `INSERT INTO alert_event (user_id, rule_id, kind, rule_type, subject, occasion, title, text, figures, path, created_at)
      VALUES (1, ?, 'fired', 'budget', 'all', 'x', 't', 't', ?, '/', 0)`,
  );
  for (const id of [1, 2]) event.run(id, JSON.stringify({ threshold: 1, from: today, to: today }));
  event.run(3, JSON.stringify({ threshold: 1, from: '2020-01-01', to: '2020-01-31' }));
  const action = database.prepare(
    `INSERT INTO breaker_action (id, user_id, rule_id, key_id, management_id, hash, kind, period, period_from, amount_usd, restore, restore_at,
      state, before, attempts, next_at, created_at) VALUES (?, 1, ?, 1, 2, 'h', 'disable', 'month', ?, 1, 1, 0, ?, ?, 0, 0, 0)`,
  );
  const set = JSON.stringify({ disabled: false, limit: null, limit_reset: null });
  action.run(1, 2, today, 'done', set);
  action.run(2, 3, '2020-02-01', 'planned', null);
  action.run(3, 3, '2020-03-01', 'planned', set);
  action.run(4, 3, '2020-04-01', 'refused', set);
  migrate();
  const rules = database.prepare('SELECT id, armed_version, acts_from IS NOT NULL AS waits FROM alert_rule ORDER BY id').all();
  expect(rules.map((row) => Object.values(row))).toEqual([
    [1, 0, 1],
    [2, 0, 0],
    [3, 0, 0],
  ]);
  const actions = database.prepare('SELECT id, state, rule_version, before IS NULL AS is_bare FROM breaker_action ORDER BY id').all();
  expect(actions.map((row) => Object.values(row))).toEqual([
    [1, 'done', 0, 0],
    [3, 'planned', 0, 0],
    [4, 'refused', 0, 1],
  ]);
  database.close();
});

it('a refused key takes the last refusal that is known for the first one', () => {
  const { database, migrate } = before('0011_refused_at.sql');
  const key = database.prepare(
    `INSERT INTO api_key (id, user_id, kind, name, hash, label, health, created_at, last_validated_at) VALUES (?, 1, ?, 'k', ?, 'l', ?, 0, 7)`,
  );
  key.run(1, 'inference', 'a', 'invalid');
  key.run(2, 'inference', 'b', 'active');
  key.run(3, 'discovered', 'c', 'invalid');
  migrate();
  const rows = database.prepare('SELECT refused_at FROM api_key ORDER BY id').all();
  expect(rows.map(({ refused_at: at }) => at)).toEqual([7, null, null]);
  database.close();
});

describe('0012_ledger.sql', () => {
  const MIGRATION = '0012_ledger.sql';
  type Value = string | number | null;
  type Database = ReturnType<typeof before>['database'];

  const insert = (database: Database, table: string, row: Record<string, Value>): void => {
    const names = Object.keys(row);
    database.prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => '?').join()})`).run(...Object.values(row));
  };
  const list = (database: Database, query: string): Value[][] =>
    database
      .prepare(query)
      .all()
      .map((row) => Object.values(row) as Value[]);

  const [ACCOUNT, OTHER, LEFT, GONE] = ['a workspace', 'another workspace', 'a workspace that was left', 'a workspace of nobody'];
  /** What analytics tell of an hour or of a day beside its credits. */
  const amounts = (nano: number): number[] => [nano, 0, nano, 10 * nano, nano, 0, 0];
  const hoursOf = (hours: Record<string, number>): string =>
    JSON.stringify(Object.fromEntries(Object.entries(hours).map(([hour, nano]) => [hour, amounts(nano)])));

  /** A database with three management keys of one user, and one of somebody else. */
  function filled() {
    const { database, migrate } = before(MIGRATION);
    const key = (id: number, hash: string, more: Record<string, Value> = {}) =>
      insert(database, 'api_key', {
        id,
        user_id: 1,
        kind: 'inference',
        name: hash,
        hash,
        label: 'l',
        health: 'active',
        created_at: 0,
        ...more,
      });
    const upstream = (id: number, hash: string | null, apiKeyId: number, more: Record<string, Value> = {}) =>
      insert(database, 'upstream_key', { id, user_id: 1, hash, api_key_id: apiKeyId, created_at: 0, ...more });
    const counted = (day: string, apiKeyId: number, hash: string, nano: number, more: Record<string, Value> = {}) =>
      insert(database, 'counter_day', {
        ...{ user_id: 1, day, api_key_id: apiKeyId, hash, cost_nano: nano, byok_cost_nano: 0 },
        ...{ correction_nano: 0, byok_correction_nano: 0, is_estimated: 0, ...more },
      });
    const used = (day: string, upstreamKeyId: number, model: string, nano: number, hours: string | null, cached: number | null = 0) =>
      database
        .prepare('INSERT INTO usage_day VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(day, upstreamKeyId, model, 'provider', ...amounts(nano).slice(0, 6), cached, hours);
    const checked = (day: string, upstreamKeyId: number, activityNano: number | null, accountNano: number | null = null) =>
      insert(database, 'check_day', {
        ...{
          user_id: 1,
          day,
          upstream_key_id: upstreamKeyId,
          activity_cost_nano: activityNano,
          activity_byok_cost_nano: activityNano && 0,
        },
        ...{ account_cost_nano: accountNano, account_byok_cost_nano: accountNano && 0 },
      });

    for (const id of [1, 2]) insert(database, 'user', { id, email: `${id}@example.org`, password_hash: '-', created_at: 0 });
    for (const id of [10, 11, 12]) key(id, `manager ${id}`, { kind: 'management' });
    key(13, 'manager 13', { kind: 'management', user_id: 2 });
    const balance = { total_credits_nano: 900, total_usage_nano: 300, complete_at: at('2026-11-05', 10) };
    insert(database, 'management', { api_key_id: 10, user_id: 1, leader_id: null, ...balance });
    insert(database, 'management', { api_key_id: 11, user_id: 1, leader_id: 10 });
    insert(database, 'management', { api_key_id: 12, user_id: 1, leader_id: null });
    insert(database, 'management', { api_key_id: 13, user_id: 2, leader_id: null });
    for (const [id, managementId] of [
      [ACCOUNT, 10],
      [OTHER, 12],
    ] as const)
      insert(database, 'workspace', { user_id: 1, id, name: `name of ${id}`, management_id: managementId });

    const isRead = { done_from: '2026-11-01', open_from: '2026-11-05' };
    upstream(200, null, 10, { account: ACCOUNT, management_id: 10, checked_to: '2026-11-04', ...isRead });
    upstream(201, null, 12, { account: OTHER, management_id: 12, ...isRead });
    upstream(202, null, 12, { account: LEFT, management_id: null, ...isRead });
    upstream(203, null, 13, { account: ACCOUNT, management_id: 13, user_id: 2 });

    const counters = { usage_nano: 100, usage_daily_nano: 5, byok_usage_nano: 40, byok_usage_daily_nano: 2 };
    const longer = { usage_weekly_nano: 20, usage_monthly_nano: 60, byok_usage_weekly_nano: 10, byok_usage_monthly_nano: 30 };
    const series = (from: string, to: string) => ({ series_started_at: at(from), last_sample_at: at(to), ...counters });
    key(20, 'present', { ...series('2026-11-01', '2026-11-05'), ...longer });
    insert(database, 'api_key_alias', {
      user_id: 1,
      hash: 'former, listed',
      api_key_id: 20,
      ...series('2026-10-25', '2026-11-01'),
      usage_nano: 70,
    });
    insert(database, 'api_key_alias', {
      user_id: 1,
      hash: 'former',
      api_key_id: 20,
      ...series('2026-10-20', '2026-10-25'),
      usage_nano: 80,
    });
    key(21, 'unlisted', series('2026-11-02', '2026-11-05'));
    key(22, 'discovered', { kind: 'discovered' });
    key(23, 'of nobody', series('2026-11-01', '2026-11-05'));
    const readUntil = (day: string) => ({ done_from: '2026-10-01', open_from: day, read_at: at(day), counted_at: at(day) });
    const inAccount = { account: ACCOUNT, management_id: 10, workspace_id: ACCOUNT };
    upstream(101, 'present', 20, {
      ...inAccount,
      ...readUntil('2026-11-05'),
      name: 'its name',
      expires_at: 7,
      last_used_at: 8,
      read_version: 3,
    });
    upstream(102, 'former, listed', 20, { ...inAccount, ...readUntil('2026-11-05'), vanished_at: at('2026-11-03') });
    upstream(103, 'discovered', 22, { ...inAccount, ...readUntil('2026-11-05') });
    upstream(104, 'of nobody', 23, { account: GONE, ...readUntil('2026-11-03') });
    // Of a deleted key, whose id nobody may have again.
    upstream(300, 'purged', 99);
    database.exec('DELETE FROM upstream_key WHERE id = 300');

    counted('2026-11-01', 20, 'present', 100, { hours: '{"9":[60,0]}' });
    used('2026-11-01', 101, 'model', 60, hoursOf({ 9: 60 }), 4);
    used('2026-11-01', 101, 'other model', 40, null, null);
    checked('2026-11-01', 101, 99);
    counted('2026-11-02', 20, 'present', 25, { correction_nano: -3, byok_correction_nano: -1 });
    counted('2026-11-01', 20, 'former, listed', 30, { is_estimated: 1 });
    counted('2026-10-20', 20, 'former', 7);
    counted('2026-11-04', 21, 'unlisted', 9, { is_estimated: 1 });
    used('2026-10-31', 103, 'model', 1000, null);
    used('2026-11-01', 103, 'model', 20, hoursOf({ 9: 15, 10: 5 }));
    used('2026-11-02', 103, 'model', 2, hoursOf({ 3: 2 }));
    used('2026-11-05', 103, 'model', 1000, null);
    checked('2026-11-03', 103, 6);
    checked('2026-11-04', 103, null);
    counted('2026-11-02', 23, 'of nobody', 60);
    used('2026-11-02', 104, 'model', 55, null);
    counted('2026-11-03', 23, 'of nobody', 50);
    used('2026-11-03', 104, 'model', 40, null);

    used('2026-11-01', 200, 'model', 5, hoursOf({ 10: 5 }), 1);
    checked('2026-11-01', 200, 126, 125);
    used('2026-11-02', 200, 'model', 3, null, null);
    checked('2026-11-02', 200, null, 30);
    checked('2026-11-03', 200, null, 10);
    checked('2026-11-04', 200, null, 11);
    used('2026-11-01', 201, 'model', 8, null);
    checked('2026-11-01', 201, 8, 8);
    used('2026-11-02', 202, 'model', 4, null);
    database.exec("INSERT INTO day_sum VALUES (1, '2026-11-01', 0, '', '', '', '', '', '', '', '')");
    return { database, migrate };
  }

  const migrated = (): Database => {
    const { database, migrate } = filled();
    migrate();
    return database;
  };

  it('gives every secret a row with its series, under the id that it had or under one that nobody ever had', () => {
    const database = migrated();
    const rows = list(
      database,
      `SELECT id, hash, api_key_id, date(series_started_at / 1000, 'unixepoch'), date(last_sample_at / 1000, 'unixepoch'), sampled_nano, sampled_daily_nano,
        sampled_byok_nano, sampled_byok_daily_nano, sampled_weekly_nano, sampled_monthly_nano, sampled_byok_weekly_nano, sampled_byok_monthly_nano
        FROM upstream_key ORDER BY user_id, api_key_id, id`,
    );
    const never = Array.from({ length: 10 }, () => null);
    const [counters, short] = [
      [5, 40, 2],
      [null, null, null, null],
    ];
    expect(rows.map(([id, ...row]) => [Number(id) > 300 ? 'new' : id, ...row])).toEqual([
      ...[10, 11, 12].map((id) => ['new', `manager ${id}`, id, ...never]),
      [101, 'present', 20, '2026-11-01', '2026-11-05', 100, ...counters, 20, 60, 10, 30],
      [102, 'former, listed', 20, '2026-10-25', '2026-11-01', 70, ...counters, ...short],
      ['new', 'former', 20, '2026-10-20', '2026-10-25', 80, ...counters, ...short],
      ['new', 'unlisted', 21, '2026-11-02', '2026-11-05', 100, ...counters, ...short],
      [103, 'discovered', 22, ...never],
      [104, 'of nobody', 23, '2026-11-01', '2026-11-05', 100, ...counters, ...short],
      ['new', 'manager 13', 13, ...never],
    ]);
    const used = Math.max(...rows.map(([id]) => Number(id)));
    insert(database, 'upstream_key', { user_id: 1, hash: 'next', api_key_id: 20, created_at: 0 });
    expect(list(database, `SELECT hash FROM upstream_key WHERE id > ${used}`)).toEqual([['next']]);
    database.close();
  });

  it('keeps what was read of upstream keys', () => {
    const { database, migrate } = filled();
    const query = `SELECT id, workspace_id, name, created_at, is_disabled, vanished_at, expires_at, last_used_at, counted_at, usage_nano, usage_daily_nano,
      byok_usage_nano, byok_usage_daily_nano, read_version, done_from, open_from, read_at, read_usage_nano, read_byok_usage_nano, is_settled, checked_to,
      last_error FROM upstream_key WHERE id < 200 ORDER BY id`;
    const rows = list(database, query);
    expect(rows).toHaveLength(4);
    migrate();
    expect(list(database, query)).toEqual(rows);
    database.close();
  });

  it('puts what the sources say of a day side by side, and decides between them as the Worker does', async () => {
    const database = migrated();
    const rows = list(
      database,
      `SELECT u.hash, d.day, counted_nano, correction_nano, correction_byok_nano, is_estimated, hours, reported_nano, activity_nano, source
        FROM key_day AS d JOIN upstream_key AS u ON u.id = d.upstream_key_id AND u.user_id = d.user_id ORDER BY u.id, d.day`,
    );
    expect(rows).toEqual([
      ['present', '2026-11-01', 100, 0, 0, 0, '{"9":[60,0]}', 100, 99, 'analytics'],
      ['present', '2026-11-02', 25, -3, -1, 0, null, null, null, 'counters'],
      ['former, listed', '2026-11-01', 30, 0, 0, 1, null, null, null, null],
      ['discovered', '2026-10-31', null, 0, 0, 0, null, 1000, null, 'analytics'],
      ['discovered', '2026-11-01', null, 0, 0, 0, null, 20, null, 'analytics'],
      ['discovered', '2026-11-02', null, 0, 0, 0, null, 2, null, 'analytics'],
      ['discovered', '2026-11-03', null, 0, 0, 0, null, null, 6, null],
      ['discovered', '2026-11-05', null, 0, 0, 0, null, 1000, null, 'analytics'],
      ['of nobody', '2026-11-02', 60, 0, 0, 0, null, 55, null, 'analytics'],
      ['of nobody', '2026-11-03', 50, 0, 0, 0, null, 40, null, 'counters'],
      ['unlisted', '2026-11-04', 9, 0, 0, 1, null, null, null, 'counters'],
      ['former', '2026-10-20', 7, 0, 0, 0, null, null, null, 'counters'],
    ]);
    expect(list(database, 'SELECT DISTINCT upstream_key_id FROM usage_day ORDER BY 1')).toEqual([[101], [103], [104]]);
    const sources = 'SELECT upstream_key_id, day, source FROM key_day ORDER BY 1, 2';
    const decided = list(database, sources);
    database.exec('UPDATE key_day SET source = NULL');
    const db = createDb(bindD1(async (statements) => createRunner(database)(statements).map(toResult)));
    const ids = decided.map(([id]) => Number(id));
    await resolveDaysStatementAcrossUsers(
      db,
      ids,
      decided.map(([, day]) => String(day)),
    ).run();
    expect(list(database, sources)).toEqual(decided);
    database.close();
  });

  it('makes the total of an account from its keys and from what was booked beside them, by the day, model, provider and hour', () => {
    const database = migrated();
    const rows = list(
      database,
      `SELECT a.anchor, d.day, model, provider, cost_nano, byok_cost_nano, requests, prompt_tokens, completion_tokens, cached_tokens, hours
        FROM account_day AS d JOIN account AS a ON a.id = d.account_id AND a.user_id = d.user_id ORDER BY a.id, d.day, model`,
    );
    const sums = (nano: number, cached: number | null) => [...amounts(nano).slice(0, 5), cached];
    expect(rows.map((row) => [...row.slice(0, -1), JSON.parse(String(row.at(-1)))])).toEqual([
      [ACCOUNT, '2026-11-01', 'model', 'provider', ...sums(85, 5), { 9: amounts(75), 10: amounts(10) }],
      [ACCOUNT, '2026-11-01', 'other model', 'provider', ...sums(40, null), null],
      [ACCOUNT, '2026-11-02', '', '', 25, 0, 0, 0, 0, 0, null],
      [ACCOUNT, '2026-11-02', 'model', 'provider', ...sums(5, null), null],
      [OTHER, '2026-11-01', 'model', 'provider', ...sums(8, 0), null],
      [LEFT, '2026-11-02', 'model', 'provider', ...sums(4, 0), null],
    ]);
    const checks =
      'SELECT c.user_id, a.anchor, c.day, activity_nano, activity_byok_nano FROM account_check AS c JOIN account AS a ON a.id = c.account_id';
    expect(list(database, `${checks} ORDER BY a.id`)).toEqual([
      [1, ACCOUNT, '2026-11-01', 126, 0],
      [1, OTHER, '2026-11-01', 8, 0],
    ]);
    database.close();
  });

  it('knows accounts by who reads them, and asks again from the first day on which a total is not what the account said', () => {
    const database = migrated();
    const accounts = `SELECT user_id, anchor, reader_id, total_credits_nano, total_usage_nano, listed_at, done_from, open_from, checked_to FROM account ORDER BY id`;
    expect(list(database, accounts)).toEqual([
      [1, ACCOUNT, 10, 900, 300, at('2026-11-05', 10), '2026-11-01', '2026-11-03', '2026-11-04'],
      [1, OTHER, 12, null, null, null, '2026-11-01', '2026-11-05', null],
      [1, LEFT, 12, null, null, null, '2026-11-01', '2026-11-05', null],
      [2, ACCOUNT, 13, null, null, null, null, null, null],
      [1, GONE, null, null, null, null, null, null, null],
    ]);
    const opened = 'SELECT m.api_key_id, a.anchor, a.user_id FROM management AS m JOIN account AS a ON a.id = m.account_id ORDER BY 1';
    expect(list(database, opened)).toEqual([
      [10, ACCOUNT, 1],
      [11, ACCOUNT, 1],
      [12, OTHER, 1],
      [13, ACCOUNT, 2],
    ]);
    const keys = 'SELECT u.hash, a.anchor, a.user_id FROM upstream_key AS u JOIN account AS a ON a.id = u.account_id ORDER BY u.id';
    expect(list(database, keys)).toEqual([
      ['present', ACCOUNT, 1],
      ['former, listed', ACCOUNT, 1],
      ['discovered', ACCOUNT, 1],
      ['of nobody', GONE, 1],
    ]);
    const workspaces =
      'SELECT w.user_id, w.id, w.name, a.anchor FROM workspace AS w JOIN account AS a ON a.id = w.account_id ORDER BY a.id';
    expect(list(database, workspaces)).toEqual([
      [1, ACCOUNT, `name of ${ACCOUNT}`, ACCOUNT],
      [1, OTHER, `name of ${OTHER}`, OTHER],
    ]);
    database.close();
  });

  it('leaves no sum of a day, nor an answer that is held, and every table with its triggers', () => {
    const { database, migrate } = filled();
    const versions = list(database, 'SELECT stats_version FROM user ORDER BY id');
    migrate();
    expect(list(database, 'SELECT stats_version FROM user ORDER BY id')).toEqual(versions.map(([version]) => [Number(version) + 1]));
    expect(list(database, 'SELECT count(*) FROM day_sum')).toEqual([[0]]);
    const triggers = list(
      database,
      "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger' AND (name LIKE '%_stats' OR name LIKE '%_sums')",
    );
    const ofTable = Map.groupBy(triggers, ([table]) => table);
    const events = ['insert', 'update', 'delete'];
    const [stats, sums] = ['stats', 'sums'].map((kind) => events.map((event) => `${event}_${kind}`)) as [string[], string[]];
    const wanted = {
      account: [...stats, 'update_sums', 'delete_sums'],
      account_check: [...stats, ...sums],
      account_day: [...stats, ...sums],
      api_key: [...stats, 'update_sums', 'delete_sums'],
      key_day: [...stats, ...sums],
      management: [...stats, 'update_sums'],
      model_name: stats,
      upstream_key: [...stats, ...sums],
      usage_day: [...stats, ...sums],
      workspace: stats,
    };
    const found = [...ofTable].map(([table, all]) => [table, all.map(([, name]) => String(name).slice(`${table}_`.length)).sort()]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.entries(wanted).map(([table, all]) => [table, all.toSorted()])));
    database.exec("INSERT INTO day_sum VALUES (1, '2026-11-01', 0, '', '', '', '', '', ''), (1, '2026-11-02', 0, '', '', '', '', '', '')");
    database.exec("UPDATE key_day SET activity_nano = 1 WHERE day = '2026-11-02'");
    expect(list(database, 'SELECT day FROM day_sum')).toEqual([['2026-11-01']]);
    database.close();
  });
});
