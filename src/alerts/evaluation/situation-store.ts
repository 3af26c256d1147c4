/**
 * SQL of what rules are decided from, across users: two statements for all users of a message, since an evaluation follows every reading of
 * keys.
 */
import { getTableColumns, getViewSelectedFields, type SQL, sql } from 'drizzle-orm';
import { type Db, prepareUnion } from '../../db.ts';
import type { Account, KeyRow, Management, UpstreamKey } from '../../inventory/model.ts';
import { KEY_FIELDS, KEYS } from '../../inventory/store.ts';
import { account, apiKey, management, reading } from '../../inventory/table.ts';
import { DAY_MS } from '../../lib/day.ts';
import { type AskedDays, hoursOf } from '../../usage/sources/store.ts';
import type { StoredKeyDay, StoredTotal, StoredUsage } from '../../usage/sources/stored-row.ts';
import { accountDay, keyDay, modelName, usageDay } from '../../usage/table.ts';
import type { RuleRow } from '../model.ts';
import { alertEvent, alertRule, breakerAction } from '../table.ts';
import type { KnownEvent } from './decide.ts';

/** Occasions are remembered for longer than any of them lasts, but for the end of a key, which may be a year away. */
const REMEMBERED_MS = 40 * DAY_MS;

type OfUser<T> = T & { userId: number };

/** What is stored of users who have rules: those, what was told of late, may still be true, or is still going on, and their keys. */
export interface StoredRules extends Record<string, unknown[]> {
  /** With the zone in which the user counts days, and, as JSON, with what they did to keys in periods that go on. */
  rules: (RuleRow & { timeZone: string; acted: string })[];
  known: OfUser<KnownEvent>[];
  keys: KeyRow[];
  upstreamKeys: UpstreamKey[];
  managements: Management[];
}

const rulesOf = prepareUnion<StoredRules>(() => {
  const [userIds, now, withoutRules] = ['userIds', 'now', 'withoutRules'].map((name) => sql.placeholder(name));
  const asked = sql`(SELECT value FROM json_each(${userIds}))`;
  const whoHasRules = sql`(SELECT u.id FROM json_each(${userIds}) AS j CROSS JOIN user AS u ON u.id = j.value
    WHERE ${withoutRules} OR EXISTS (SELECT 1 FROM alert_rule WHERE user_id = u.id))`;
  const timeZone = sql`(SELECT time_zone FROM user WHERE user.id = ${alertRule.userId})`;
  const { id, userId, ruleId, subject, dedupeKey } = alertEvent;
  const acted = sql`(SELECT json_group_array(json_object('ruleId', rule_id, 'ruleVersion', rule_version, 'period', period, 'periodFrom', period_from,
    'hash', hash)) FROM ${breakerAction} WHERE ${breakerAction.userId} = ${alertRule.userId} AND ${breakerAction.ruleId} = ${alertRule.id}
    AND restore_at > ${now}) || ''`;
  return {
    rules: {
      fields: { ...getTableColumns(alertRule), timeZone, acted },
      rest: sql`FROM ${alertRule} WHERE ${alertRule.userId} IN ${asked}`,
    },
    known: {
      fields: { id, userId, ruleId, subject, dedupeKey },
      rest: sql`FROM ${alertEvent} WHERE ${userId} IN ${whoHasRules} AND kind = 'fired' AND occasion NOT LIKE 'until %'
        AND (created_at >= ${now} - ${sql.raw(String(REMEMBERED_MS))} OR occasion = '' OR rule_type = 'key_expiring')`,
    },
    keys: {
      fields: KEY_FIELDS,
      rest: sql`FROM ${KEYS} WHERE ${apiKey.userId} IN ${whoHasRules}`,
    },
    upstreamKeys: { fields: getViewSelectedFields(reading), rest: sql`FROM ${reading} WHERE ${reading.userId} IN ${whoHasRules}` },
    managements: { fields: getTableColumns(management), rest: sql`FROM ${management} WHERE ${management.userId} IN ${whoHasRules}` },
  };
});

/** @param withoutRules also of users who have none */
export const listRulesAcrossUsers = (db: Db, userIds: readonly number[], now: number, withoutRules = false): Promise<StoredRules> =>
  rulesOf(db, { userIds: JSON.stringify(userIds), now, withoutRules: Number(withoutRules) });

/** The UTC days of a user that rules look at. */
export interface AskedUser extends Pick<AskedDays, 'spans'> {
  userId: number;
}

/** What was spent, by users. */
export interface StoredSpend extends Record<string, unknown[]> {
  keyDays: OfUser<StoredKeyDay>[];
  usage: OfUser<StoredUsage>[];
  totals: OfUser<StoredTotal>[];
  accounts: Account[];
  names: { userId: number; permaslug: string; slug: string | null }[];
}

function prepareSpend(hours: AskedDays['hours']) {
  const [spans, userIds] = ['spans', 'userIds'].map((name) => sql.placeholder(name));
  const fieldOf = (index: number): SQL => sql.raw(`json_extract(j.value, '$[${index}]')`);
  const ofDays = (table: typeof keyDay | typeof usageDay | typeof accountDay) => ({
    fields: { ...getTableColumns(table as typeof usageDay), hours: sql`${hoursOf(table, hours)} || ''` },
    rest: sql`FROM json_each(${spans}) AS j CROSS JOIN ${table} ON ${table.userId} = ${fieldOf(0)} AND ${table.day} BETWEEN ${fieldOf(1)} AND ${fieldOf(2)}`,
  });
  const ofUsers = (table: typeof account | typeof modelName) => ({
    fields: getTableColumns(table as typeof account),
    rest: sql`FROM ${table} WHERE ${table.userId} IN (SELECT value FROM json_each(${userIds}))`,
  });
  return prepareUnion<StoredSpend>(() => ({
    keyDays: ofDays(keyDay),
    usage: ofDays(usageDay),
    totals: ofDays(accountDay),
    accounts: ofUsers(account),
    names: ofUsers(modelName),
  }));
}

const spendOf = { all: prepareSpend('all'), credits: prepareSpend('credits'), none: prepareSpend('none') };

/** @param hours what is read of hours, for all of the users */
export const listSpendAcrossUsers = (db: Db, asked: readonly AskedUser[], hours: AskedDays['hours']): Promise<StoredSpend> =>
  spendOf[hours](db, {
    spans: JSON.stringify(asked.flatMap(({ userId, spans }) => spans.map((span) => [userId, ...span]))),
    userIds: JSON.stringify([...new Set(asked.map(({ userId }) => userId))]),
  });
