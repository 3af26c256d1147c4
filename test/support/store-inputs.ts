/** What the functions of the stores are called with. */
import type { Action } from '../../src/alerts/breaker/model.ts';
import type { RuleInput } from '../../src/alerts/model.ts';
import type * as usage from '../../src/usage/sources/store.ts';
import { DAY, type Ids, idsOf, LONE_DAY, ME, NOW, OTHER } from './two-users.ts';

export const asked: usage.AskedDays = { spans: [[DAY, DAY]], hours: 'all', summed: { span: [DAY, DAY], since: { keys: '' } } };
/** Rows of a day, unless it has a sum. */
const askedSettled: usage.AskedDays = { ...asked, spans: [[LONE_DAY, LONE_DAY, LONE_DAY, 0, LONE_DAY, 0]] };
export const QUESTIONS: usage.AskedDays[] = [asked, askedSettled, { ...asked, hours: 'credits' }, { ...asked, hours: 'none' }];
export const rule: RuleInput = { type: 'key_invalid', name: 'renamed', key_id: null, channel_ids: [] };
export const newText = { hash: 'd', label: 'l', ciphertext: 'c', kid: 'k', lastError: null, retryAfter: null };
export const auditEvent = {
  at: NOW,
  action: 'exported',
  subject: null,
  sessionId: null,
  address: null,
  client: null,
  requestId: 'r',
} as const;
export const finding = { subject: 'z', dedupeKey: '', keyId: null, title: '', text: '', figures: {}, path: '/' };
export const record = (hash: string) =>
  ({
    hash,
    keyName: 'other',
    name: 'other',
    label: 'l',
    workspaceId: 'w',
    isDisabled: true,
    createdAt: 1,
    counters: { usageNano: 9 },
  }) as never;
export const change = (id: Ids) =>
  ({
    rule: { id: id.rule, type: 'key_invalid', version: 1 },
    fired: [finding],
    over: [{ id: id.event, ruleId: id.rule, subject: 'key', dedupeKey: '' }],
    moot: [],
  }) as never;
export const planned = (id: Ids) =>
  [
    {
      ruleId: id.rule,
      ruleVersion: 0,
      keyId: id.key,
      managementId: id.leader,
      hash: 'k',
      kind: 'disable',
      period: 'day',
      periodFrom: DAY,
      amountUsd: 1,
      restore: true,
      restoreAt: NOW,
    },
  ] as never;
export const listing = (id: Ids) => ({
  accountId: id.account,
  managerUpstreamId: idsOf(ME).leaderUpstream,
  days: [DAY],
  records: ['d', 'k', 'old', 'new', 'lonely', `only of ${OTHER}`, `old of ${OTHER}`].map(record),
  vanished: [id.upstream],
  at: NOW,
  isComplete: true,
});
export const action = (id: Ids, state: string): Action =>
  ({ id: id.action, userId: ME, ruleId: id.rule, keyId: id.key, hash: 'k', kind: 'disable', attempts: 0, state }) as never;

/** Hashes that both users have, that one has, that nobody has. */
export const HASHES = ['k', 'd', 'old', 'old of 1', 'old of 2', 'only of 2', 'only of 1', 'm2 of 1', 'm3 of 1', 'new'];
export const MANAGERS = ['leader', 'follower', 'newcomer', 'lonely'] as const;
/** Workspaces by which accounts are known: of both users, of one, of nobody, and those of which only an account or a key is left. */
export const WORKSPACES = [
  'w',
  'of 1',
  'of 2',
  'lonely',
  'lonely of 1',
  'empty',
  'left by 1',
  'left by 2',
  'gone from 1',
  'gone from 2',
  'nowhere',
];
const placeOf = (workspace: string, hashes: string[]) => ({ workspaces: [{ id: workspace, name: 'n' }], hashes });
/** What an account is known by: a workspace, or the hash of a key. */
export const PLACES = [
  ...WORKSPACES.map((workspace) => placeOf(workspace, [])),
  ...['lonely', 'only of 1', 'only of 2', 'old'].map((hash) => placeOf('nowhere', [hash])),
];
export const channel = {
  userId: ME,
  type: 'slack',
  name: 'n',
  ciphertext: 'c',
  hash: 'h',
  kid: 'k',
  label: 'l',
  origin: 'o',
  createdAt: NOW,
} as const;
export const progress = { doneFrom: DAY, openFrom: DAY, readAt: NOW, readUsageNano: 1, readByokUsageNano: 1, isSettled: true };
export const SUM = { spent: [], keys: [], models: [], providers: [], credits: [], drift: [] } as never;
