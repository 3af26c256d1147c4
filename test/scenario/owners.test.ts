/** Every function of the stores that takes a user: what it answers and does is the same whether or not somebody else has the same things. */
import { describe, expect, it } from 'vitest';
import { createDb, type Db, type Query, readTogether, runBatch } from '../../src/db.ts';
import { CASES, STORES } from '../support/store-calls.ts';
import { channel, newText, rule } from '../support/store-inputs.ts';
import { createTwoUsers, idsOf, ME, NOW, OTHER } from '../support/two-users.ts';

/** Tells on purpose that somebody else has a thing with this id. */
const TELLS_OF_OTHERS = ['alerts.isForeign'];

/** A plan's line that reads all of a table, other than what a statement made itself, or all days of a user. */
const WALK =
  /^SCAN (?!CONSTANT ROW|\w+ VIRTUAL TABLE|next$|\(subquery-\d+\)|h$)|^SEARCH (?:d|key_day|usage_day|account_day|account_check) USING PRIMARY KEY \(user_id=\?\)$/;

const takesUser = (work: unknown): boolean =>
  typeof work === 'function' && /^[^{]*?\(\s*(_?\w+)[^=]*?\buserId\b[^=]*?\)\s*(=>|\{)/s.test(String(work));
const named = Object.entries(STORES).flatMap(([store, verbs]) =>
  Object.entries(verbs).map(([name, verb]) => ({ name: `${store}.${name}`, verb })),
);

async function carryOut(db: Db, work: unknown): Promise<unknown> {
  if (typeof work === 'object' && work !== null && 'toRows' in work) return readTogether(db, [work as Query<unknown>]);
  const value = await work;
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const isStatements = list.length > 0 && list.every((one) => typeof one === 'object' && one !== null && 'bind' in one);
  return isStatements ? runBatch(db, list as D1PreparedStatement[]) : value;
}

const { tokens, rotations, alerts, views, analytics } = STORES;

describe('what a store does for a user', () => {
  const world = createTwoUsers();
  const asked = new Set<string>();
  const tapped = new Proxy(world.binding, {
    get: (target, name) =>
      name === 'prepare' ? (text: string) => target.prepare(asked.add(text) && text) : Reflect.get(target, name).bind(target),
  });
  const db = createDb(tapped);
  const others = world.rowsOf(OTHER);

  it('is known to this table', () => {
    expect(world.tables.filter((table) => others[table]?.length === 0)).toEqual([]);
    const missing = named.filter(({ name, verb }) => takesUser(verb) && !name.endsWith('AcrossUsers') && !TELLS_OF_OTHERS.includes(name));
    expect(missing.map(({ name }) => name).filter((name) => !(name in CASES))).toEqual([]);
  });

  it.each(Object.keys(CASES))('%s is the same whether or not somebody else has such things, and leaves theirs alone', async (name) => {
    for (const [index, call] of [CASES[name] ?? []].flat().entries())
      for (const id of [idsOf(ME), idsOf(OTHER)]) {
        const outcome = (who: 'alone' | 'both') =>
          world.tentatively(who, async () => {
            const answer = await carryOut(db, call(db, id)).catch((error: Error) => error.message);
            return { answer, mine: world.rowsOf(ME), others: who === 'both' ? world.rowsOf(OTHER) : others };
          });
        const alone = await outcome('alone');
        expect({ index, ...(await outcome('both')) }).toEqual({ index, ...alone });
      }
  });

  it('reads no whole table, and no user’s whole ledger', async () => {
    for (const call of Object.values(CASES).flat())
      await world.tentatively('both', () => carryOut(db, call(db, idsOf(ME))).catch((error: Error) => error));
    expect(asked.size).toBeGreaterThan(150);
    const walks = [...asked].flatMap((text) => world.explain(text).flatMap((line) => (WALK.test(line) ? `${line}: ${text}` : [])));
    expect(walks).toEqual([]);
    expect(world.explain('SELECT * FROM api_key WHERE name = ?')).toEqual([expect.stringMatching(WALK)]);
    expect(world.explain('SELECT * FROM key_day WHERE user_id = ?')).toEqual([expect.stringMatching(WALK)]);
  });

  it('is nothing where the user is gone', async () => {
    const userId = 3;
    const added = [
      await tokens.insertToken(db, { userId, name: 'n', tokenHash: 'h', prefix: 'p', createdAt: NOW }, 9),
      await rotations.insertKey(db, userId, 'n', newText, 9, NOW),
      await alerts.insertRule(db, userId, rule, { createdAt: NOW, actsFrom: null }, 9),
      (await alerts.insertChannel(db, { ...channel, userId }, 9)).id,
      await views.saveView(db, { userId, name: 'n', query: 'q', createdAt: NOW }, 9),
      await runBatch(db, [analytics.noteModelsStatement(db, userId, ['x/y'])]),
    ];
    expect(added).toEqual([null, null, null, null, false, [[]]]);
    expect(Object.values(world.rowsOf(userId)).flat()).toEqual([]);
  });
});
