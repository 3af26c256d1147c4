/** Evaluates rules and stores events and deliveries, then enqueues the deliveries. */
import type { Deps } from '../../deps.ts';
import { presentKeys } from '../../keys/present.ts';
import { slicesOf } from '../../lib/slices.ts';
import { localDayOf, resolveTimeZone } from '../../lib/zone.ts';
import { logError } from '../../log.ts';
import { ledgerOf } from '../../usage/ledger.ts';
import { factsOf } from '../../usage/model.ts';
import { askedDays } from '../../usage/sources/reading.ts';
import { type ActionName, plannedAction } from '../breaker/model.ts';
import * as store from '../events/store.ts';
import { type Rule, toRules } from '../model.ts';
import { listUnreadUsersAcrossUsers } from '../store.ts';
import { compareWith, decide, type KnownEvent, reachOf } from './decide.ts';
import type { EvaluationInput } from './situation.ts';
import { listRulesAcrossUsers, listSpendAcrossUsers, type StoredRules } from './situation-store.ts';
import { createSpend } from './spend.ts';

const HOURS = ['all', 'credits'] as const;

export const deliveryMessage = ({ eventId, channelId }: store.DeliveryRef) => ({ job: 'alert' as const, eventId, channelId });

export interface RuleContext {
  userId: number;
  rules: Rule[];
  known: KnownEvent[];
  acted: ActionName[];
  situation: EvaluationInput;
}

type IsWanted = (rule: Rule) => boolean;

const isOf =
  (userId: number) =>
  (row: { userId: number }): boolean =>
    row.userId === userId;

const actedOf = (rows: StoredRules['rules']): ActionName[] => rows.flatMap(({ acted }) => JSON.parse(acted) as ActionName[]);

const byId = (a: { id: number }, b: { id: number }): number => a.id - b.id;

function reachesOf(stored: StoredRules, now: number, isWanted: IsWanted) {
  return [...Map.groupBy(stored.rules.sort(byId), ({ userId }) => userId)].flatMap(([userId, rows]) => {
    const rules = toRules(rows);
    if (rules.length < rows.length) logError('rule_unreadable', new Error('A stored rule makes no sense'), { user_id: userId });
    const wanted = rules.filter(isWanted);
    const zone = resolveTimeZone(rows[0]?.timeZone ?? 'UTC') ?? 'UTC';
    const today = localDayOf(now, zone);
    const { from, hours } = reachOf(wanted, today);
    return wanted.length === 0 ? [] : [{ userId, rules: wanted, hours, range: { from, to: today, tz: zone, zone } }];
  });
}

/**
 * Rules with their keys and spend, in two statements (one without rules), however many users, rules and keys there are.
 * @param imagined rules to add that are not stored
 */
export async function loadRuleContextsAcrossUsers(
  deps: Deps,
  userIds: readonly number[],
  isWanted: IsWanted = () => true,
  imagined: readonly StoredRules['rules'][number][] = [],
): Promise<RuleContext[]> {
  const now = deps.now();
  const stored = await listRulesAcrossUsers(deps.db, userIds, now, imagined.length > 0);
  stored.rules.push(...imagined);
  const reaches = reachesOf(stored, now, isWanted);
  if (reaches.length === 0) return [];
  const asked = reaches.map(({ userId, range, hours }) => ({ userId, ...askedDays(range, hours) }));
  const hours = HOURS.find((wanted) => asked.some((one) => one.hours === wanted)) ?? 'none';
  const spent = await listSpendAcrossUsers(deps.db, asked, hours);
  return reaches.map(({ userId, rules, range, hours: ofHours }) => {
    const isOfUser = isOf(userId);
    const keyRows = stored.keys.filter(isOfUser).sort(byId);
    const upstreamKeys = stored.upstreamKeys.filter(isOfUser);
    const managements = stored.managements.filter(isOfUser);
    const [keyDays, usage, names] = [spent.keyDays.filter(isOfUser), spent.usage.filter(isOfUser), spent.names.filter(isOfUser)];
    const [accounts, totals] = [spent.accounts.filter(isOfUser), spent.totals.filter(isOfUser)];
    const ofUser = { keyRows, upstreamKeys, accounts, managements, names, keyDays, usage, totals, checks: [] };
    const ledger = ledgerOf(ofUser, { now, retentionDays: deps.config.retentionDays });
    const facts = factsOf(ledger.rows, range, ofHours !== 'none');
    const keys = presentKeys({ keys: keyRows, upstreamKeys, accounts, managements }, now, deps.config.retentionDays);
    const situation = { now, zone: range.zone, keys, facts, spend: createSpend(ledger.keys, facts, range.zone) };
    return { userId, rules, known: stored.known.filter(isOfUser), acted: actedOf(stored.rules.filter(isOfUser)), situation };
  });
}

async function storeChanges(deps: Deps, { userId, rules, known, acted, situation }: RuleContext): Promise<void> {
  const changes = rules.map((rule) => ({ rule, ...compareWith(known, rule, decide(rule, situation)) }));
  const actual = changes.filter(({ fired, over, notApplicable }) => fired.length + over.length + notApplicable.length > 0);
  const planned = rules.flatMap((rule) => plannedAction(rule, situation, acted) ?? []);
  if (actual.length + planned.length === 0) return;
  const { ways: deliveries, actionIds } = await store.applyChanges(deps.db, userId, actual, situation.now, planned);
  await deps.enqueue([...deliveries.map(deliveryMessage), ...actionIds.map((actionId) => ({ job: 'breaker' as const, actionId }))]);
}

/** Safe to run at any time, repeatedly and in parallel: each event is stored once. A user whose rules fail does not stop the others. */
export async function evaluateUsers(deps: Deps, userIds: readonly number[]): Promise<void> {
  const outcomes = await Promise.allSettled(
    (await loadRuleContextsAcrossUsers(deps, userIds)).map((context) => storeChanges(deps, context)),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** The most users that a message of keys may involve. */
const USERS_A_MESSAGE = 20;

export function evaluateMessages(userIds: readonly number[]): { job: 'evaluate'; userIds: number[] }[] {
  return slicesOf([...new Set(userIds)], USERS_A_MESSAGE).map((slice) => ({ job: 'evaluate', userIds: slice }));
}

/** By then syncs that began together have finished, so their events form one group. */
const AFTER_READING_S = 20;

export const evaluateSoon = (deps: Deps, userIds: readonly number[]): Promise<void> =>
  deps.enqueue(evaluateMessages(userIds), AFTER_READING_S);

const USERS_A_PAGE = 1000;

/** For users none of whose keys is being synced: rules watch that too. */
export async function evaluateUnread(deps: Deps): Promise<void> {
  for (let afterId = 0, isMore = true; isMore; ) {
    const userIds = await listUnreadUsersAcrossUsers(deps.db, deps.now(), afterId, USERS_A_PAGE);
    await deps.enqueue(evaluateMessages(userIds));
    afterId = userIds.at(-1) ?? afterId;
    isMore = userIds.length === USERS_A_PAGE;
  }
}
