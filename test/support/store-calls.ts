/** A call of each function of the stores that takes a user. */
import * as breakers from '../../src/alerts/breaker/store.ts';
import * as deliveries from '../../src/alerts/events/delivery-store.ts';
import * as events from '../../src/alerts/events/store.ts';
import * as alerts from '../../src/alerts/store.ts';
import * as audit from '../../src/audit/store.ts';
import type { Db } from '../../src/db.ts';
import * as views from '../../src/explore/store.ts';
import * as inventory from '../../src/inventory/store.ts';
import * as rotations from '../../src/keys/rotation-store.ts';
import * as keys from '../../src/keys/store.ts';
import * as keySync from '../../src/sync/key-store.ts';
import * as listings from '../../src/sync/listing-store.ts';
import * as sync from '../../src/sync/store.ts';
import * as tokens from '../../src/tokens/store.ts';
import * as retention from '../../src/usage/booking/retention-store.ts';
import * as sources from '../../src/usage/booking/source-store.ts';
import * as analytics from '../../src/usage/booking/usage-store.ts';
import * as sums from '../../src/usage/rollup/store.ts';
import * as usage from '../../src/usage/sources/store.ts';
import * as users from '../../src/users/store.ts';
import {
  action,
  asked,
  auditEvent,
  change,
  channel,
  HASHES,
  listing,
  MANAGERS,
  newText,
  PLACES,
  planned,
  progress,
  QUESTIONS,
  rule,
  SUM,
  WORKSPACES,
} from './store-inputs.ts';
import { DAY, type Ids, idsOf, ME, NOW } from './two-users.ts';

export const STORES = {
  users,
  inventory,
  breakers,
  deliveries,
  events,
  alerts,
  audit,
  views,
  keys,
  rotations,
  listings,
  sync,
  keySync,
  tokens,
  retention,
  sources,
  usage,
  sums,
  analytics,
};

export type Case = (db: Db, id: Ids) => unknown;

/** Calls of each function for one user, about things with these ids. */
export const CASES: Record<string, Case | Case[]> = {
  'users.findUser': (db) => users.findUser(db, ME),
  'users.insertSession': (db) => users.insertSession(db, { id: ME, passwordHash: '[]' }, NOW, NOW + 1, null),
  'users.markSeenStatement': (db) => users.markSeenStatement(db, ME),
  'users.findSessionUser': (db, id) => users.findSessionUser(db, ME, id.session, NOW),
  'users.listSessions': (db) => users.listSessions(db, ME, NOW),
  'users.deleteOtherSessions': (db, id) => users.deleteOtherSessions(db, ME, id.session),
  'users.updateTimeZone': (db) => users.updateTimeZone(db, ME, 'Asia/Tokyo'),
  'users.deleteSession': (db, id) => users.deleteSession(db, ME, id.session),
  'users.updatePasswordHash': (db) => users.updatePasswordHash(db, ME, 'phc', 'new'),
  'users.changePassword': (db, id) => users.changePassword(db, ME, 'phc', 'new', id.session, NOW),
  'users.resetPassword': ['link 1', 'link 2'].map(
    (link): Case =>
      (db) =>
        users.resetPassword(db, ME, link, 'new', NOW),
  ),
  'users.deleteUserStatements': (db) => users.deleteUserStatements(db, ME, 'hash'),
  'tokens.insertToken': (db) => tokens.insertToken(db, { userId: ME, name: 'n', tokenHash: 'h', prefix: 'p', createdAt: NOW }, 2),
  'tokens.listTokens': (db) => tokens.listTokens(db, ME),
  'tokens.touchToken': (db, id) => tokens.touchToken(db, ME, id.token, NOW, NOW),
  'tokens.revokeToken': (db, id) => tokens.revokeToken(db, ME, id.token, NOW),
  'tokens.deleteAllTokensStatement': (db) => tokens.deleteAllTokensStatement(db, ME),
  'views.listViews': (db) => views.listViews(db, ME),
  'views.saveView': ['view', 'another'].map(
    (name): Case =>
      (db) =>
        views.saveView(db, { userId: ME, name, query: 'n', createdAt: NOW }, 2),
  ),
  'views.deleteView': (db, id) => views.deleteView(db, ME, id.view),
  'views.deleteAllViewsStatement': (db) => views.deleteAllViewsStatement(db, ME),
  'audit.insertEventStatement': (db) => audit.insertEventStatement(db, ME, auditEvent),
  'audit.listEvents': (db) => audit.listEvents(db, ME, 1e9, 100),
  'audit.deleteAllEventsStatement': (db) => [...users.deleteUserStatements(db, ME, 'hash'), audit.deleteAllEventsStatement(db, ME)],
  'inventory.selectKeys': (db) => inventory.selectKeys(db, ME),
  'inventory.listKeysByHash': (db) => inventory.listKeysByHash(db, ME, HASHES),
  'inventory.listDiscoveredSamples': async (db) => [...(await inventory.listDiscoveredSamples(db, ME))],
  'inventory.findKey': (db, id) => inventory.findKey(db, ME, id.key),
  'keys.updateKey': (db, id) => keys.updateKey(db, ME, id.key, { name: 'n' }),
  'keys.deleteKeyStatement': (db, id) => [keys.deleteKeyStatement(db, ME, id.key)],
  'keys.deleteAllKeysStatement': (db) => [keys.deleteAllKeysStatement(db, ME)],
  'keys.claimSyncRequest': (db, id) => keys.claimSyncRequest(db, ME, id.key, NOW, NOW),
  'rotations.countKeys': HASHES.map(
    (hash): Case =>
      (db, id) =>
        rotations.countKeys(db, ME, hash, id.otherKey),
  ),
  'rotations.insertKey': HASHES.map(
    (hash): Case =>
      (db) =>
        rotations.insertKey(db, ME, 'n', { ...newText, hash }, 8, NOW),
  ),
  'rotations.replaceText': [
    ...HASHES.map(
      (hash): Case =>
        (db, id) =>
          rotations.replaceText(db, ME, id.key, 'k', { ...newText, hash }),
    ),
    (db, id) => rotations.replaceText(db, ME, id.follower, 'former', { ...newText, hash: 'new' }),
  ],
  'listings.findReadAccount': WORKSPACES.flatMap((workspace) =>
    MANAGERS.map(
      (who): Case =>
        (db, id) =>
          listings.findReadAccount(db, ME, id[who], [workspace], NOW),
    ),
  ),
  'listings.claimAccount': PLACES.flatMap((place) =>
    MANAGERS.map(
      (who): Case =>
        (db, id) =>
          listings.claimAccount(db, ME, id[who], { openedBy: 'm1', ...place }, NOW),
    ),
  ),
  'listings.noteListing': (db, id) =>
    listings.noteListing(db, ME, id.leader, {
      accountId: id.account,
      openedBy: 'm1',
      credits: { totalCreditsNano: 9, totalUsageNano: 9 },
      listedAt: NOW + 1,
    }),
  'listings.applyListing': [
    ...MANAGERS.map(
      (who): Case =>
        (db, id) =>
          listings.applyListing(db, ME, id[who], listing(id), 'gone'),
    ),
    // A management key of the user, and whose account?
    (db, id) => listings.applyListing(db, ME, idsOf(ME).stray, { ...listing(idsOf(ME)), accountId: id.strayAccount }, 'gone'),
    // An account of the user, and whose keys?
    (db, { upstream, lonelyDiscovered, strayUpstream }) =>
      listings.applyListing(
        db,
        ME,
        idsOf(ME).lonely,
        { ...listing(idsOf(ME)), accountId: idsOf(ME).lonelyAccount, vanished: [upstream, lonelyDiscovered, strayUpstream] },
        'gone',
      ),
  ],
  'inventory.selectReadings': (db) => inventory.selectReadings(db, ME),
  'inventory.selectAccounts': (db) => inventory.selectAccounts(db, ME),
  'inventory.selectManagements': (db) => inventory.selectManagements(db, ME),
  'inventory.selectWorkspaces': (db) => inventory.selectWorkspaces(db, ME),
  'inventory.findUpstreamKey': HASHES.map(
    (hash): Case =>
      (db) =>
        inventory.findUpstreamKey(db, ME, hash),
  ),
  'sync.claimStep': MANAGERS.map(
    (who): Case =>
      (db, id) =>
        sync.claimStep(db, ME, id[who], 'b', NOW, 1),
  ),
  'sync.releaseStep': (db, id) => sync.releaseStep(db, ME, id.leader, NOW, NOW + 1, 'error'),
  'sync.findAccount': [...MANAGERS, 'stray' as const].map(
    (who): Case =>
      (db, id) =>
        sync.findAccount(db, ME, id[who]),
  ),
  'sync.listAccountKeys': [...MANAGERS, 'stray' as const].map(
    (who): Case =>
      (db, id) =>
        sync.listAccountKeys(db, ME, id[who]),
  ),
  'sync.moveReadingsStatement': (db, id) => [sync.moveReadingsStatement(db, ME, [{ ...progress, id: id.upstream, readVersion: 0 }])],
  'sync.moveAccountStatement': (db, id) => [sync.moveAccountStatement(db, ME, { id: id.account, readVersion: 0 }, progress)],
  'sync.reopenAccountsStatement': (db, id) => [sync.reopenAccountsStatement(db, ME, [{ id: id.upstream, day: '2026-01-01' }])],
  'sync.noteErrorsStatement': (db, id) => [sync.noteErrorsStatement(db, ME, [{ id: id.upstream, lastError: 'e' }])],
  'sync.noteChecksStatement': [
    (db, id) => [sync.noteChecksStatement(db, ME, 'upstream_key', [id.upstream], DAY)],
    (db, id) => [sync.noteChecksStatement(db, ME, 'account', [id.account], DAY)],
  ],
  'sync.noteNamesStatement': (db, id) => [sync.noteNamesStatement(db, ME, id.leader, 'today')],
  'keys.leaveAccountStatements': [...MANAGERS, 'stray' as const].map(
    (who): Case =>
      (db, id) =>
        keys.leaveAccountStatements(db, ME, id[who], [DAY]),
  ),
  'keys.deleteUpstreamStatements': ([...MANAGERS, 'discovered', 'key', 'otherKey'] as const).map(
    (who): Case =>
      (db, id) =>
        keys.deleteUpstreamStatements(db, ME, id[who]),
  ),
  'keys.deleteAllAccountsStatements': (db) => keys.deleteAllAccountsStatements(db, ME),
  'sources.resolveUserStatement': (db) => [sources.resolveUserStatement(db, ME)],
  'sources.resolveUnreadStatement': (db) => [sources.resolveUnreadStatement(db, ME, [DAY])],
  'sources.resolveAccountStatement': (db, id) => [sources.resolveAccountStatement(db, ME, id.account, [DAY])],
  'usage.selectKeyDays': QUESTIONS.map(
    (of): Case =>
      (db) =>
        usage.selectKeyDays(db, ME, of),
  ),
  'usage.selectUsage': QUESTIONS.map(
    (of): Case =>
      (db) =>
        usage.selectUsage(db, ME, of),
  ),
  'usage.selectTotals': QUESTIONS.map(
    (of): Case =>
      (db) =>
        usage.selectTotals(db, ME, of),
  ),
  'usage.selectChecks': QUESTIONS.map(
    (of): Case =>
      (db) =>
        usage.selectChecks(db, ME, of),
  ),
  'usage.selectNames': (db) => usage.selectNames(db, ME),
  'sums.selectSums': (db) => sums.selectSums(db, ME, asked),
  'sums.watchVersion': (db) => sums.watchVersion(db, ME),
  'sums.insertSums': (db) => sums.insertSums(db, ME, [{ day: DAY, cut: 1, sum: SUM }], 3),
  'sums.deleteAllSumsStatement': (db) => sums.deleteAllSumsStatement(db, ME),
  'analytics.setChecksStatement': [
    (db, id) => [analytics.setChecksStatement(db, ME, 'upstream_key', [{ id: id.upstream, day: DAY, costNano: 7, byokCostNano: 7 }])],
    (db, id) => [analytics.setChecksStatement(db, ME, 'account', [{ id: id.account, day: DAY, costNano: 7, byokCostNano: 7 }])],
  ],
  'analytics.setReportedStatementAcrossUsers': (db) => [
    analytics.setReportedStatementAcrossUsers(db, [{ id: idsOf(ME).ownUpstream, day: DAY }]),
  ],
  'analytics.noteModelsStatement': (db) => analytics.noteModelsStatement(db, ME, ['x/y', 'new']),
  'analytics.nameModelsStatement': (db) => analytics.nameModelsStatement(db, ME, [{ permaslug: 'x/y', slug: 'n' }] as never),
  'analytics.hasUnnamedModels': (db) => analytics.hasUnnamedModels(db, ME),
  'retention.purgeStepAcrossUsers': [1, 100].map(
    (limit): Case =>
      (db) =>
        retention.purgeStepAcrossUsers(db, limit, ME),
  ),
  'retention.requestPurgeStatement': (db) => retention.requestPurgeStatement(db, ME, NOW),
  'alerts.insertRule': (db) => alerts.insertRule(db, ME, rule, { createdAt: NOW, actsFrom: null }, 3),
  'alerts.selectRules': (db) => alerts.selectRules(db, ME),
  'alerts.findRule': (db, id) => alerts.findRule(db, ME, id.rule),
  'alerts.updateRule': (db, id) => alerts.updateRule(db, ME, { id: id.rule, version: 1 }, rule, { armedVersion: 2, actsFrom: NOW }),
  'alerts.deleteRule': (db, id) => alerts.deleteRule(db, ME, id.rule, NOW),
  'alerts.insertChannel': [false, true].map(
    (isOfRules): Case =>
      (db) =>
        alerts.insertChannel(db, channel, 3, isOfRules),
  ),
  'alerts.listChannels': (db) => alerts.listChannels(db, ME),
  'alerts.findChannel': (db, id) => alerts.findChannel(db, ME, id.channel),
  'alerts.deleteChannel': (db, id) => alerts.deleteChannel(db, ME, id.channel),
  'alerts.deleteAllAlertsStatements': (db) => alerts.deleteAllAlertsStatements(db, ME),
  'events.deliverStatement': (db) => events.deliverStatement(db, ME, NOW),
  'events.applyChanges': [
    (db, id) => events.applyChanges(db, ME, [change(id)], NOW, planned(id)),
    // A rule of the user, and whose event?
    (db, { event }) => events.applyChanges(db, ME, [change({ ...idsOf(ME), event })], NOW),
  ],
  'events.insertTest': (db, id) => events.insertTest(db, ME, id.channel, NOW),
  'events.listEvents': (db) => events.listEvents(db, ME, 1e9, 100),
  'events.updateEvent': [{ acknowledgedAt: 1, snoozedUntil: 1 }, { snoozedUntil: null }].flatMap((said) =>
    [false, true].map(
      (isOfGroup): Case =>
        (db, id) =>
          events.updateEvent(db, ME, id.event, said, isOfGroup),
    ),
  ),
  'deliveries.claimDelivery': (db) => {
    const { event, channel: channelId } = idsOf(ME);
    return deliveries.claimDelivery(db, { eventId: event, channelId }, NOW, 1);
  },
  'deliveries.settleDelivery': (db, id) =>
    deliveries.settleDelivery(
      db,
      { eventId: id.otherRule, channelId: id.channel, userId: ME, attempt: 1, isTest: false },
      { error: 'e', nextAt: null },
      NOW,
    ),
  'breakers.listOthers': (db, id) => breakers.listOthers(db, action(id, 'done')),
  'breakers.findArmedRule': [
    (db, id) => breakers.findArmedRule(db, action(id, 'done')),
    (db, { key }) => breakers.findArmedRule(db, { ...action(idsOf(ME), 'done'), keyId: key }),
  ],
  'breakers.confirmStep': [
    (db, id) => breakers.confirmStep(db, action(id, 'done'), { disabled: false, limit: 1, limit_reset: null }, NOW),
    ...(['unsent', 'newcomer'] as const).map(
      (which): Case =>
        (db) =>
          breakers.confirmStep(db, { ...action(idsOf(ME), 'planned'), id: idsOf(ME)[which] }, null, NOW),
    ),
  ],
  'breakers.settleAction': (db, id) =>
    breakers.settleAction(
      db,
      action(id, 'planned'),
      { state: 'done', answer: 'a', before: null },
      { ids: [id.secondAction], answer: 'b' },
      NOW,
    ),
  'breakers.listActions': (db) => breakers.listActions(db, ME, 10),
};
