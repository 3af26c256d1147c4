/**
 * A database with two users whose things look alike: names, hashes and days are the same, ids are not. Things of the other one also refer to
 * things of the one who is asked for, and a rule of theirs to a channel of the other, as nothing would let them.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { DAY_MS } from '../../src/lib/day.ts';
import { bindD1, createRunner, openMigrated, toResult } from './sqlite-d1.ts';

export const NOW = Date.parse('2026-11-15T12:00:00Z');
export const DAY = '2026-11-10';
/** A day of which one has rows, and the other one a sum. */
export const LONE_DAY = '2026-11-08';
/** Whom the questions are asked for, and who is nothing to them. */
export const [ME, OTHER] = [2, 1];

/** Ids of what a user has: `idsOf(ME).key`. Those of two users are never the same. */
export const idsOf = (user: number) => {
  const id = user * 100;
  return {
    session: id + 1,
    otherSession: id + 2,
    token: id + 3,
    leader: id + 4,
    follower: id + 5,
    discovered: id + 6,
    key: id + 7,
    upstream: id + 8,
    ownUpstream: id + 9,
    outside: id + 10,
    channel: id + 11,
    rule: id + 12,
    event: id + 13,
    view: id + 14,
    action: id + 15,
    unsent: id + 16,
    newcomer: id + 17,
    secondAction: id + 18,
    otherRule: id + 19,
    otherChannel: id + 20,
    otherKey: id + 21,
    /** There is nothing of this id. */
    gone: id + 22,
  };
};
export type Ids = ReturnType<typeof idsOf>;

type Row = Record<string, SQLInputValue>;

/** What a user has, by table. Columns that are not named are filled by `insert`. */
function rowsOf(user: number): Record<string, Row[]> {
  const [id, mine] = [idsOf(user), idsOf(ME)];
  const counted = { usage_nano: 5 + user, usage_daily_nano: 5, byok_usage_nano: 0, byok_usage_daily_nano: 0 };
  const sampled = { series_started_at: NOW - DAY_MS, last_sample_at: NOW - DAY_MS - user, ...counted };
  const key = { name: 'key', label: 'sk-or-v1-...', health: 'active', created_at: NOW - DAY_MS };
  const upstream = { management_id: id.leader, account: 'w', workspace_id: 'w', name: 'key', open_from: DAY, done_from: DAY, ...counted };
  const day = { day: DAY, cost_nano: 5 + user, byok_cost_nano: 0, hours: '{"1":[5,0,1,1,1,0,0]}' };
  return {
    user: [{ id: user, email: `user${user}@example.org`, password_hash: 'phc', stats_version: 3, stats_seen: 2 }],
    session: [id.session, id.otherSession].map((one) => ({ id: one, expires_at: NOW + DAY_MS })),
    one_time_link: [{ id: id.session, token_hash: `link ${user}`, expires_at: NOW + DAY_MS, used_at: null }],
    api_token: [{ id: id.token, name: 'token', token_hash: `token ${user}`, is_active: 1, last_used_at: null }],
    api_key: [
      { ...key, id: id.leader, kind: 'management', hash: 'm1' },
      { ...key, id: id.follower, kind: 'management', hash: `m2 of ${user}` },
      { ...key, ...sampled, id: id.discovered, kind: 'discovered', hash: 'd' },
      { ...key, ...sampled, id: id.key, kind: 'inference', hash: 'k', text_version: 1 },
      { ...key, id: id.newcomer, kind: 'management', hash: `m3 of ${user}` },
      { ...key, ...sampled, id: id.otherKey, kind: user === ME ? 'inference' : 'discovered', hash: `only of ${user}`, is_active: 0 },
    ],
    api_key_alias: [
      { hash: 'old', api_key_id: id.key, ...sampled },
      { hash: `old of ${user}`, api_key_id: id.key, ...sampled },
      { hash: `m2 of ${OTHER}`, api_key_id: id.key, ...sampled },
    ],
    management: [
      { api_key_id: id.leader, leader_id: null, complete_at: NOW - DAY_MS, listed_at: NOW, ready_at: NOW, names_day: DAY, run_slot: 'a' },
      { api_key_id: id.follower, leader_id: id.leader, complete_at: NOW, ready_at: NOW, run_slot: 'a' },
      { api_key_id: id.newcomer, leader_id: mine.leader, complete_at: NOW, ready_at: NOW, run_slot: 'a' },
    ],
    workspace: [
      { id: 'w', name: 'W', management_id: id.leader },
      { id: `of ${user}`, name: 'W', management_id: mine.newcomer },
      { id: `live of ${user}`, name: 'W', management_id: id.leader },
      { id: 'silent', name: 'W', management_id: user === ME ? id.follower : mine.leader },
      { id: 'also silent', name: 'W', management_id: mine.follower },
    ],
    upstream_key: [
      { ...upstream, id: id.upstream, hash: 'd', api_key_id: id.discovered },
      { ...upstream, id: id.ownUpstream, hash: 'k', api_key_id: id.key },
      { ...upstream, id: id.outside, hash: null, api_key_id: id.leader },
      { ...upstream, id: id.gone, hash: null, api_key_id: id.leader, account: `outside of ${user}`, management_id: mine.leader },
      {
        ...upstream,
        id: id.otherKey,
        hash: `only of ${user}`,
        api_key_id: id.otherKey,
        account: `of ${user}`,
        management_id: mine.leader,
      },
      { ...upstream, id: id.rule, hash: 'stray', api_key_id: id.follower, account: 'stray', management_id: idsOf(OTHER).leader },
    ],
    model_name: [
      { permaslug: 'x/y', slug: user === ME ? 'old' : null },
      { permaslug: `only/${user}`, slug: user === ME ? 'known' : null },
    ],
    counter_day: [
      { api_key_id: id.key, hash: 'k' },
      { api_key_id: id.discovered, hash: 'd' },
      ...(user === ME ? [{ api_key_id: id.key, hash: 'k', day: LONE_DAY }] : []),
      { api_key_id: id.otherKey, hash: `only of ${user}` },
      ...[id.gone, id.gone + 1, ...(user === OTHER ? [mine.discovered] : [])].map((one) => ({ api_key_id: one })),
    ].map((row) => ({ ...day, is_estimated: 0, ...row })),
    usage_day: [id.upstream, id.outside, mine.ownUpstream].map((one) => ({ ...day, upstream_key_id: one, model: 'x/y', provider: 'p' })),
    check_day: [...new Set([id.upstream, id.outside, mine.outside])].map((one) => ({
      day: DAY,
      upstream_key_id: one,
      account_cost_nano: 1,
      account_byok_cost_nano: 0,
    })),
    day_sum: [DAY, ...(user === OTHER ? [LONE_DAY] : [])].map((one) => ({ day: one, cut: 0 })),
    channel: [id.channel, id.otherChannel].map((one) => ({ id: one, type: 'slack', name: 'channel', ciphertext: 'c', last_error: null })),
    alert_rule: [
      { id: id.rule, type: 'key_invalid', version: 1, channel_ids: JSON.stringify([id.channel, idsOf(OTHER).channel]), parameters: '{}' },
      { id: id.otherRule, type: 'key_invalid', version: 1, channel_ids: '[]', parameters: '{}' },
    ],
    alert_event: [
      { id: id.event, rule_id: id.rule, kind: 'fired', subject: 'key', occasion: '', key_id: idsOf(OTHER).key, recovered_at: null },
      { id: id.unsent, rule_id: id.rule, kind: 'fired', subject: 'new', occasion: 'now', created_at: NOW, recovered_at: null },
      { id: id.otherRule, rule_id: mine.rule, kind: 'fired', subject: 'x', occasion: '', created_at: NOW - 1, recovered_at: null },
      ...(user === ME
        ? [{ id: id.view, rule_id: 0, kind: 'test', subject: `channel:${idsOf(OTHER).channel}`, occasion: `test ${NOW}` }]
        : [
            { id: id.view, rule_id: 0, kind: 'test', subject: `channel:${mine.channel}`, occasion: `test ${NOW}` },
            { id: id.action, rule_id: mine.rule, kind: 'fired', subject: 'z', occasion: 'until 1', recovered_at: NOW + 1 },
            { id: id.key, rule_id: mine.rule, kind: 'fired', subject: 'new', occasion: 'silent', snoozed_until: NOW + DAY_MS },
          ]),
    ].map((row) => ({ created_at: NOW - DAY_MS, ...row })),
    alert_delivery: [
      { event_id: id.event, channel_id: id.channel, state: 'pending', attempts: 1, log: '[]' },
      { event_id: id.event, channel_id: mine.otherChannel, state: 'pending', attempts: 1, log: '[]' },
    ],
    breaker_action: [
      { id: id.action },
      { id: id.secondAction },
      // About a key of the other one, and for a rule of the other one.
      { id: id.unsent, state: 'planned', key_id: idsOf(OTHER).key },
      { id: id.newcomer, state: 'planned', key_id: idsOf(OTHER).key, rule_id: idsOf(OTHER).rule },
    ].map((row) => ({
      rule_id: id.rule,
      rule_version: 0,
      key_id: id.key,
      hash: 'k',
      kind: 'disable',
      state: 'done',
      period_from: String(row.id),
      created_at: NOW,
      attempts: 0,
      ...row,
    })),
    saved_view: [{ id: id.view, name: 'view', query: 'q' }],
    audit_event: [{ id: user * 1000, at: NOW, action: 'exported' }],
    purge: [{ requested_at: 1 }],
  };
}

function insert(database: DatabaseSync, user: number): void {
  for (const [table, rows] of Object.entries(rowsOf(user)))
    for (const given of rows) {
      const columns = database.prepare(`SELECT name, type, "notnull" AS needed, dflt_value AS value FROM pragma_table_info(?)`).all(table);
      const needed = columns.filter((column) => column['needed'] === 1 && column['value'] === null);
      const filler = needed.map(({ name, type }) => [name, /int|real/i.test(String(type)) ? 1 : '[]']);
      const row: Row = { ...Object.fromEntries(filler), ...(table !== 'user' && { user_id: user }), ...given };
      const names = Object.keys(row);
      database.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`).run(...Object.values(row));
    }
}

/** Tables whose rows belong to users, with the column that says to whom. */
const tablesOf = (database: DatabaseSync): [table: string, owner: string][] =>
  database
    .prepare(
      `SELECT m.name AS name FROM sqlite_master AS m WHERE m.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'user_id')`,
    )
    .all()
    .map(({ name }): [string, string] => [String(name), 'user_id'])
    .concat([['user', 'id']]);

export function createTwoUsers() {
  const database = openMigrated();
  for (const user of [OTHER, ME]) insert(database, user);
  const run = createRunner(database);
  const tables = tablesOf(database);
  const removeOther = (): void => {
    for (const [table, owner] of tables.toReversed()) database.prepare(`DELETE FROM ${table} WHERE ${owner} = ?`).run(OTHER);
  };
  return {
    binding: bindD1(async (statements) => run(statements).map(toResult)),
    tables: tables.map(([name]) => name),
    /** All rows of a user, by table. */
    rowsOf: (user: number) =>
      Object.fromEntries(
        tables.map(([table, owner]) => [
          table,
          database
            .prepare(`SELECT * FROM ${table} WHERE ${owner} = ?`)
            .all(user)
            .map((row) => ({ ...row })),
        ]),
      ),
    /** Does something, with both users or with the one who is asked for alone, and takes it back. */
    async tentatively<T>(who: 'alone' | 'both', work: () => Promise<T>): Promise<T> {
      database.exec('SAVEPOINT tentative');
      try {
        if (who === 'alone') removeOther();
        return await work();
      } finally {
        database.exec('ROLLBACK TO tentative; RELEASE tentative');
      }
    },
  };
}
