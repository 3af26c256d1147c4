/** Migrations that carry data: what is stored before is there afterwards. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';

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
