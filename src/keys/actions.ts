import type * as z from 'zod';
import { type Actor, authorize } from '../actor.ts';
import { record, recordStatement } from '../audit/actions.ts';
import type { AuditAction } from '../audit/model.ts';
import { readTogether, runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import type { KeyRow } from '../inventory/model.ts';
import { refuseForeignKey } from '../inventory/ownership.ts';
import {
  findKey,
  findUpstreamKey,
  selectAccounts,
  selectKeys,
  selectManagements,
  selectReadings,
  selectWorkspaces,
} from '../inventory/store.ts';
import { addDays, dayOf, listDays, MINUTE_MS, SECOND_MS } from '../lib/day.ts';
import { logError } from '../log.ts';
import { accountMessageOf } from '../sync/message.ts';
import { purgeStepAcrossUsers, requestPurgeStatement } from '../usage/booking/retention-store.ts';
import type { addKeySchema, updateKeySchema } from './model.ts';
import { type presentKey, presentKeys } from './present.ts';
import { replaceSecret, storeKey } from './rotation.ts';
import * as store from './store.ts';
import { deleteUpstreamStatements, leaveAccountStatements } from './store.ts';

const SYNC_INTERVAL_MS = MINUTE_MS;
const QUEUE_RETRY_S = 5;
/** Ledger rows of each table deleted at once; the queue deletes the rest. */
const ROWS_AT_ONCE = 5000;

const requireKey = async (deps: Deps, userId: number, id: number): Promise<KeyRow> =>
  (await findKey(deps.db, userId, id)) ?? refuseForeignKey(deps, id);

type PresentedKey = ReturnType<typeof presentKey>;

async function presentAll(deps: Deps, userId: number): Promise<PresentedKey[]> {
  const [keys, upstreamKeys, accounts, managements, workspaces] = await readTogether(deps.db, [
    selectKeys(deps.db, userId),
    selectReadings(deps.db, userId),
    selectAccounts(deps.db, userId),
    selectManagements(deps.db, userId),
    selectWorkspaces(deps.db, userId),
  ]);
  return presentKeys({ keys, upstreamKeys, accounts, managements, workspaces }, deps.now(), deps.config.retentionDays);
}

const presentOne = async (deps: Deps, userId: number, id: number): Promise<PresentedKey> =>
  (await presentAll(deps, userId)).find((key) => key.id === id) ?? refuseForeignKey(deps, id);

export const listKeys = (deps: Deps, actor: Actor): Promise<PresentedKey[]> => presentAll(deps, authorize(actor, 'read'));

export const getKey = (deps: Deps, actor: Actor, id: number): Promise<PresentedKey> => presentOne(deps, authorize(actor, 'manage'), id);

const readAccount = (deps: Deps, userId: number, managementId: number): Promise<void> =>
  deps.enqueue([accountMessageOf(new Date(deps.now()).toISOString(), userId, managementId)]);

/** A key that OpenRouter could not verify is `unverified`. A discovered key gets its secret; a management key's account is synced. */
export async function addKey(deps: Deps, actor: Actor, input: z.infer<typeof addKeySchema>): Promise<PresentedKey> {
  const userId = authorize(actor, 'manage');
  const key = await presentOne(deps, userId, await storeKey(deps, userId, input));
  await record(deps, userId, actor, 'key_added', key.name);
  if (key.kind === 'management') deps.defer(() => readAccount(deps, userId, key.id));
  return key;
}

const changesOf = (key: KeyRow, input: z.infer<typeof updateKeySchema>): AuditAction[] => [
  ...(input.key !== undefined ? (['key_replaced'] as const) : []),
  ...(input.name !== undefined && input.name !== key.name ? (['key_renamed'] as const) : []),
  ...(input.is_active !== undefined && input.is_active !== key.isActive
    ? [input.is_active ? ('key_resumed' as const) : ('key_paused' as const)]
    : []),
];

export async function updateKey(deps: Deps, actor: Actor, id: number, input: z.infer<typeof updateKeySchema>): Promise<PresentedKey> {
  const userId = authorize(actor, 'manage');
  const key = await requireKey(deps, userId, id);
  if (input.key !== undefined) await replaceSecret(deps, userId, key, input.key);
  const change = {
    ...(input.name !== undefined && { name: input.name }),
    ...(input.is_active !== undefined && { isActive: input.is_active }),
  };
  if (Object.keys(change).length > 0) await store.updateKey(deps.db, userId, id, change);
  for (const action of changesOf(key, input)) await record(deps, userId, actor, action, key.name);
  return presentOne(deps, userId, id);
}

/** Ledger rows are deleted in steps. Keys discovered by a management key go with it, unless another one reads the same account. */
export async function deleteKey(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  const key = await requireKey(deps, userId, id);
  if (key.kind === 'discovered' && (await findUpstreamKey(deps.db, userId, key.hash))?.managementId != null) {
    fail({ kind: 'bad_request', detail: 'A discovered key cannot be deleted by itself. Pause it, or delete its management key.' });
  }
  const today = dayOf(deps.now());
  await runBatch(deps.db, [
    ...leaveAccountStatements(deps.db, userId, id, listDays(addDays(today, -deps.config.retentionDays), today)),
    ...deleteUpstreamStatements(deps.db, userId, id),
    store.deleteKeyStatement(deps.db, userId, id),
    requestPurgeStatement(deps.db, userId, deps.now()),
    recordStatement(deps, userId, actor, 'key_deleted', key.name),
  ]);
  const { isDone } = await purgeStepAcrossUsers(deps.db, ROWS_AT_ONCE, userId);
  if (!isDone) deps.defer(() => deps.enqueue([{ job: 'purge' }]));
}

async function requireManager(deps: Deps, userId: number, key: KeyRow): Promise<number> {
  const upstream = await findUpstreamKey(deps.db, userId, key.hash);
  const manager = upstream?.managementId == null ? null : await findKey(deps.db, userId, upstream.managementId);
  if (manager?.kind === 'management' && manager.isActive && manager.health !== 'invalid') return manager.id;
  return fail({ kind: 'bad_request', detail: 'The management key of this key is no longer synced.' });
}

/** At most once a minute. */
export async function requestSync(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  const key = await requireKey(deps, userId, id);
  const now = deps.now();
  const wait = (until: number, detail: string): never =>
    fail({ kind: 'too_many', detail, retryAfterS: Math.max(1, Math.ceil((until - now) / SECOND_MS)) });
  if (!key.isActive) fail({ kind: 'bad_request', detail: 'The key is paused. Resume it first.' });
  if (key.retryAfter !== null && key.retryAfter > now) wait(key.retryAfter, 'OpenRouter asked to wait before the next sync of this key.');
  const managerId = key.kind === 'discovered' ? await requireManager(deps, userId, key) : null;
  if (!(await store.claimSyncRequest(deps.db, userId, id, now, now - SYNC_INTERVAL_MS))) {
    wait((key.syncRequestedAt ?? now) + SYNC_INTERVAL_MS, 'A key can be synced once a minute.');
  }
  try {
    if (managerId !== null) await readAccount(deps, userId, managerId);
    else await deps.enqueue([{ job: 'manual', slot: new Date(now).toISOString(), part: id, keyIds: [id] }]);
  } catch (error) {
    await store.updateKey(deps.db, userId, id, { syncRequestedAt: key.syncRequestedAt });
    logError('queue_failed', error);
    fail({ kind: 'unavailable', detail: 'The job queue is unavailable. Try again.', retryAfterS: QUEUE_RETRY_S });
  }
}
