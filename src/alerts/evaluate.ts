/** Decides a user's rules and writes what is new: events first, and a row for each message, then the queue. */
import type { Deps } from '../deps.ts';
import { presentKeys } from '../keys/present.ts';
import { localDayOf, resolveTimeZone } from '../lib/zone.ts';
import { logError } from '../log.ts';
import { readLedger } from '../usage/actions.ts';
import { factsOf } from '../usage/model.ts';
import { plannedAction } from './breaker-model.ts';
import { compareWith, decide, reachOf } from './decide.ts';
import * as store from './event-store.ts';
import { type Rule, toRules } from './model.ts';
import { createSpend } from './spend.ts';
import { listUnreadUsersAcrossUsers } from './store.ts';

/** The queue message that sends an event to a channel. */
export const wayMessage = ({ eventId, channelId }: store.Way) => ({ job: 'alert' as const, eventId, channelId });

/** The keys and the spend of a user, as far back as the rules look. */
export async function readSituation(deps: Deps, userId: number, rules: readonly Rule[], zone: string) {
  const now = deps.now();
  const today = localDayOf(now, zone);
  const reach = reachOf(rules, today);
  const range = { from: reach.from, to: today, tz: zone, zone };
  const { sources, rows } = await readLedger(deps, userId, range, { hours: reach.hours ? 'credits' : 'none' });
  const { keyRows, upstreamKeys, managements } = sources;
  const keys = presentKeys({ keys: keyRows, upstreamKeys, managements }, now, deps.config.retentionDays);
  const facts = factsOf(rows, range, reach.hours);
  return { now, zone, keys, facts, spend: createSpend(sources.keys, facts, zone) };
}

/**
 * Evaluates all rules of a user. Safe at any time, any number of times at once: a rule's event of one occasion is written once.
 * Where nothing changed nothing is written.
 */
export async function evaluateUser(deps: Deps, userId: number): Promise<void> {
  const read = await store.readRules(deps.db, userId, deps.now());
  if (!read) return;
  const rules = toRules(read.rules);
  if (rules.length < read.rules.length) logError('rule_unreadable', new Error('A stored rule makes no sense'), { user_id: userId });
  const situation = await readSituation(deps, userId, rules, resolveTimeZone(read.zone) ?? 'UTC');
  const changes = rules.map((rule) => ({ rule, ...compareWith(read.known, rule, decide(rule, situation)) }));
  const actual = changes.filter(({ fired, over, moot }) => fired.length + over.length + moot.length > 0);
  if (actual.length === 0) return;
  const planned = actual.flatMap(({ rule, fired }) => plannedAction(rule, fired, situation) ?? []);
  const { ways, actionIds } = await store.applyChanges(deps.db, userId, actual, situation.now, planned);
  await deps.enqueue([...ways.map(wayMessage), ...actionIds.map((actionId) => ({ job: 'breaker' as const, actionId }))]);
}

const USERS_A_PAGE = 1000;

/** Has the rules of those evaluated of whom no key is read now: that, too, is something to be told. */
export async function evaluateUnread(deps: Deps): Promise<void> {
  for (let afterId = 0, isMore = true; isMore; ) {
    const userIds = await listUnreadUsersAcrossUsers(deps.db, deps.now(), afterId, USERS_A_PAGE);
    await deps.enqueue(userIds.map((userId) => ({ job: 'evaluate', userId })));
    afterId = userIds.at(-1) ?? afterId;
    isMore = userIds.length === USERS_A_PAGE;
  }
}
