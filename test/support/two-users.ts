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
    leaderUpstream: id + 10,
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
    /** Upstream keys of secrets that the key had before. */
    former: id + 24,
    ownFormer: id + 25,
    /** The only management key of an account, in which it found a key. */
    lonely: id + 26,
    lonelyDiscovered: id + 27,
    /** A management key that opens an account of the other one. */
    stray: id + 28,
    strayUpstream: id + 29,
    account: id + 30,
    lonelyAccount: id + 31,
    strayAccount: id + 32,
    /** Accounts that nobody reads: of a former secret, and of nothing. */
    leftAccount: id + 33,
    emptyAccount: id + 34,
    /** An account that the leader read with its former secret, and that is only known by keys. */
    keyAccount: id + 35,
  };
};
export type Ids = ReturnType<typeof idsOf>;

type Row = Record<string, SQLInputValue>;

/** What a user has, by table. Columns that are not named are filled by `insert`. */
function rowsOf(user: number): Record<string, Row[]> {
  const [id, mine] = [idsOf(user), idsOf(ME)];
  const isMe = user === ME;
  const counted = { usage_nano: 5 + user, usage_daily_nano: 5, byok_usage_nano: 0, byok_usage_daily_nano: 0 };
  const samples = { sampled_nano: 5 + user, sampled_daily_nano: 5, sampled_byok_nano: 0, sampled_byok_daily_nano: 0 };
  const sampled = { series_started_at: NOW - DAY_MS, last_sample_at: NOW - DAY_MS - user, ...samples };
  const key = { name: 'key', label: 'sk-or-v1-...', health: 'active', created_at: NOW - DAY_MS };
  const read = { open_from: DAY, done_from: DAY, read_at: Date.parse(DAY) + DAY_MS / 2 };
  const upstream = { account_id: id.account, workspace_id: 'w', name: 'key', ...read, ...counted, ...sampled };
  /** What was counted and what analytics say, without what the ledger takes of it. */
  const day = { day: DAY, counted_nano: 5 + user, counted_byok_nano: 0, reported_nano: 5, reported_byok_nano: 0, hours: '{"1":[5,0]}' };
  const split = { day: DAY, model: 'x/y', provider: 'p', cost_nano: 5 + user, byok_cost_nano: 0, hours: '{"1":[5,0,1,1,1,0,0]}' };
  return {
    user: [{ id: user, email: `user${user}@example.org`, password_hash: 'phc', stats_version: 3, stats_seen: 2 }],
    session: [id.session, id.otherSession].map((one) => ({ id: one, expires_at: NOW + DAY_MS })),
    one_time_link: [{ id: id.session, token_hash: `link ${user}`, expires_at: NOW + DAY_MS, used_at: null }],
    api_token: [{ id: id.token, name: 'token', token_hash: `token ${user}`, is_active: 1, last_used_at: null }],
    api_key: [
      { ...key, id: id.leader, kind: 'management', hash: 'm1' },
      { ...key, id: id.follower, kind: 'management', hash: `m2 of ${user}` },
      { ...key, id: id.discovered, kind: 'discovered', hash: 'd' },
      { ...key, id: id.key, kind: 'inference', hash: 'k' },
      { ...key, id: id.newcomer, kind: 'management', hash: `m3 of ${user}` },
      { ...key, id: id.otherKey, kind: isMe ? 'inference' : 'discovered', hash: `only of ${user}`, is_active: 0 },
      { ...key, id: id.lonely, kind: 'management', hash: 'm4' },
      { ...key, id: id.lonelyDiscovered, kind: 'discovered', hash: isMe ? 'lonely' : 'lonely too' },
      { ...key, id: id.stray, kind: 'management', hash: 'm5' },
    ],
    account: [
      { id: id.account, anchor: 'w', reader_id: id.leader },
      { id: id.lonelyAccount, anchor: 'lonely', reader_id: id.lonely },
      { id: id.strayAccount, anchor: 'stray', reader_id: mine.stray },
      { id: id.leftAccount, anchor: `left by ${user}`, reader_id: null },
      { id: id.emptyAccount, anchor: 'empty', reader_id: null },
      { id: id.keyAccount, anchor: `of the keys of ${user}`, reader_id: id.leader },
    ].map((row) => ({ listed_at: NOW, open_from: DAY, done_from: DAY, ...row })),
    management: [
      { api_key_id: id.leader, account_id: id.account, listed_at: NOW, names_day: DAY },
      { api_key_id: id.follower, account_id: mine.account },
      { api_key_id: id.newcomer, account_id: isMe ? null : mine.lonelyAccount },
      { api_key_id: id.lonely, account_id: id.lonelyAccount },
      { api_key_id: id.stray, account_id: isMe ? idsOf(OTHER).strayAccount : id.strayAccount },
    ].map((row) => ({ ready_at: NOW, run_slot: 'a', ...row })),
    workspace: [
      { id: 'w', account_id: id.account },
      { id: `of ${user}`, account_id: mine.account },
      { id: 'lonely', account_id: mine.lonelyAccount },
      { id: `lonely of ${user}`, account_id: mine.lonelyAccount },
      { id: 'stray', account_id: mine.strayAccount },
    ].map((row) => ({ name: 'W', ...row })),
    upstream_key: [
      { ...upstream, id: id.upstream, hash: 'd', api_key_id: id.discovered },
      { ...upstream, id: id.ownUpstream, hash: 'k', api_key_id: id.key },
      { ...upstream, id: id.former, hash: 'old', api_key_id: id.key, account_id: id.leftAccount },
      { ...upstream, id: id.ownFormer, hash: `old of ${user}`, api_key_id: id.key, account_id: null },
      { ...upstream, id: id.leaderUpstream, hash: 'm1', api_key_id: id.leader },
      { ...upstream, id: id.follower, hash: `m2 of ${user}`, api_key_id: id.follower, account_id: null },
      { ...upstream, id: id.lonely, hash: 'm4', api_key_id: id.lonely, account_id: id.lonelyAccount },
      {
        ...upstream,
        id: id.lonelyDiscovered,
        hash: isMe ? 'lonely' : 'lonely too',
        api_key_id: id.lonelyDiscovered,
        account_id: id.lonelyAccount,
        name: 'another name',
      },
      { ...upstream, id: id.stray, hash: 'm5', api_key_id: id.stray, account_id: id.strayAccount },
      { ...upstream, id: id.otherKey, hash: `only of ${user}`, api_key_id: id.otherKey, account_id: mine.keyAccount },
      { ...upstream, id: id.rule, hash: `in a workspace of ${user}`, api_key_id: id.otherKey, account_id: mine.keyAccount },
      ...(isMe
        ? [
            { ...upstream, id: id.newcomer, hash: `m3 of ${user}`, api_key_id: id.newcomer, account_id: null },
            { ...upstream, id: id.strayUpstream, hash: `m2 of ${OTHER}`, api_key_id: id.key, account_id: null },
          ]
        : [
            { ...upstream, id: id.strayUpstream, hash: 'lonely', api_key_id: mine.discovered, account_id: mine.lonelyAccount },
            { ...upstream, id: id.event, hash: 'stray of nobody', api_key_id: id.gone, account_id: mine.lonelyAccount },
          ]),
    ].map((row) => (row.account_id === mine.keyAccount ? { ...row, workspace_id: `gone from ${user}` } : row)),
    model_name: [
      { permaslug: 'x/y', slug: user === ME ? 'old' : null },
      { permaslug: `only/${user}`, slug: user === ME ? 'known' : null },
    ],
    key_day: [
      { upstream_key_id: id.upstream },
      { upstream_key_id: id.ownUpstream },
      { upstream_key_id: id.former, counted_nano: null, counted_byok_nano: null },
      { upstream_key_id: id.leaderUpstream, is_estimated: 1 },
      ...(isMe
        ? [
            { upstream_key_id: id.ownUpstream, day: LONE_DAY },
            { upstream_key_id: id.otherKey, reported_nano: null, reported_byok_nano: null },
          ]
        : []),
      ...[id.gone, id.gone + 1, ...(isMe ? [] : [mine.ownUpstream])].map((one) => ({ upstream_key_id: one, activity_nano: 1 })),
    ].map((row) => ({ ...day, ...row })),
    usage_day: [id.upstream, id.gone, mine.ownUpstream].map((one) => ({ ...split, upstream_key_id: one })),
    account_day: [...new Set([id.account, id.leftAccount, id.gone, mine.lonelyAccount])].map((one) => ({ ...split, account_id: one })),
    account_check: [...new Set([id.account, id.leftAccount, id.gone, mine.lonelyAccount])].map((one) => ({ day: DAY, account_id: one })),
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
    /** How SQLite goes about a statement, line by line. */
    explain: (text: string): string[] =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${text}`)
        .all()
        .map(({ detail }) => String(detail)),
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
