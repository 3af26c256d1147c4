import type * as z from 'zod';
import { type Account, endOf, KEY_ENDS, type KeyRow, type Management, type UpstreamKey } from '../inventory/model.ts';
import { progressOf } from '../inventory/progress.ts';
import { dayOf, isoOrNull, periodOf } from '../lib/day.ts';
import { usdFromNano, usdFromNanoOrNull } from '../lib/money.ts';
import { FRESH_MS } from '../usage/coverage/coverage.ts';
import { isListed } from '../usage/coverage/stored.ts';
import type { keySchema } from './responses.ts';

export interface Surroundings {
  keys: readonly KeyRow[];
  upstreamKeys: readonly UpstreamKey[];
  accounts: readonly Account[];
  managements: readonly Management[];
  workspaces: readonly { id: string; name: string }[];
  now: number;
  today: string;
  retentionDays: number;
}

/** A management key: all upstream keys that it reads. Any other key: its current one, if an account lists it. */
function upstreamKeysOf(row: KeyRow, { upstreamKeys }: Surroundings): UpstreamKey[] {
  if (row.kind === 'management') return upstreamKeys.filter(({ managementId }) => managementId === row.id);
  return upstreamKeys.filter((one) => one.id === row.upstreamKeyId && isListed(one));
}

function isLive(id: number | null, { keys }: Surroundings): boolean {
  const manager = keys.find((key) => key.id === id);
  return manager !== undefined && manager.kind === 'management' && manager.isActive && manager.health !== 'invalid';
}

function backfillOf(
  upstream: readonly Parameters<typeof progressOf>[0][],
  { today, retentionDays }: Surroundings,
): { done: number; total: number } | null {
  if (upstream.length === 0) return null;
  const each = upstream.map((one) => progressOf(one, today, retentionDays));
  return { done: each.reduce((sum, { done }) => sum + done, 0), total: each.reduce((sum, { total }) => sum + total, 0) };
}

/** Disabled, expired and deleted keys get the same answer, so the account decides how a key ended, else the expiry date. */
function endOfKey(row: KeyRow, own: UpstreamKey | undefined, now: number): keyof typeof KEY_ENDS | null {
  if (row.health !== 'invalid') return null;
  const expiresAt = own?.expiresAt ?? row.expiresAt;
  return endOf({ isDisabled: own?.isDisabled ?? false, vanishedAt: own?.vanishedAt ?? null, expiresAt }, now);
}

/** Why figures may be old: an error of the key, of its account, or of its management key. */
function errorOf(
  row: KeyRow,
  own: UpstreamKey | undefined,
  end: keyof typeof KEY_ENDS | null,
  isOrphan: boolean,
  { keys, managements }: Surroundings,
): string | null {
  const errorIn = (id: number | null | undefined): string | null =>
    keys.find((key) => key.id === id)?.lastError ?? managements.find(({ apiKeyId }) => apiKeyId === id)?.lastError ?? null;
  if (row.kind === 'management') return errorIn(row.id);
  const error = (end && KEY_ENDS[end]) ?? row.lastError ?? own?.lastError ?? null;
  if (error !== null || row.kind !== 'discovered') return error;
  if (isOrphan) return 'The management key of this key is no longer synced.';
  const ofManager = errorIn(own?.managementId);
  return ofManager === null ? null : `Its management key: ${ofManager}`;
}

function presentSurroundings(row: KeyRow, around: Surroundings) {
  const upstream = upstreamKeysOf(row, around);
  const own = row.kind === 'management' ? undefined : upstream[0];
  const opened = around.managements.find(({ apiKeyId }) => apiKeyId === row.id)?.accountId;
  const account = around.accounts.find(({ id }) => id === opened);
  const ofAccount = account?.readerId === row.id ? [{ ...account, createdAt: 0 }] : [];
  const isOrphan = row.kind === 'discovered' && !isLive(own?.managementId ?? null, around);
  const { totalCreditsNano = null, totalUsageNano = null } = row.kind === 'management' ? (account ?? {}) : {};
  const workspace = own?.managementId == null ? null : own.workspaceId;
  const end = endOfKey(row, own, around.now);
  return {
    status: !row.isActive ? 'paused' : isOrphan && row.health === 'active' ? 'unverified' : row.health,
    balance_usd: totalCreditsNano === null || totalUsageNano === null ? null : usdFromNano(totalCreditsNano - totalUsageNano),
    managed_by: own?.managementId ?? (account?.readerId === row.id ? null : (account?.readerId ?? null)),
    workspace: workspace === null ? null : { id: workspace, name: around.workspaces.find(({ id }) => id === workspace)?.name ?? null },
    is_disabled: own?.isDisabled ?? null,
    is_expired: end === 'expired',
    expires_at: isoOrNull(own?.expiresAt ?? row.expiresAt),
    last_used_at: isoOrNull(own?.lastUsedAt ?? null),
    vanished_at: isoOrNull(own?.vanishedAt ?? null),
    backfill: own && own.managementId === null ? null : backfillOf([...upstream, ...ofAccount], around),
    last_error: errorOf(row, own, end, isOrphan, around),
  } as const;
}

export function presentKey(row: KeyRow, around: Surroundings): z.infer<typeof keySchema> {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    hash: row.hash,
    label: row.label,
    is_active: row.isActive,
    usage_usd: usdFromNanoOrNull(row.usageNano),
    usage_daily_usd: usdFromNanoOrNull(row.usageDailyNano),
    usage_weekly_usd: usdFromNanoOrNull(row.usageWeeklyNano),
    usage_monthly_usd: usdFromNanoOrNull(row.usageMonthlyNano),
    byok_usage_usd: usdFromNanoOrNull(row.byokUsageNano),
    byok_usage_daily_usd: usdFromNanoOrNull(row.byokUsageDailyNano),
    byok_usage_weekly_usd: usdFromNanoOrNull(row.byokUsageWeeklyNano),
    byok_usage_monthly_usd: usdFromNanoOrNull(row.byokUsageMonthlyNano),
    limit_usd: usdFromNanoOrNull(row.limitNano),
    limit_remaining_usd: usdFromNanoOrNull(row.limitRemainingNano),
    limit_reset: row.limitReset,
    free_requests_limit: row.freeLimit,
    free_requests_remaining: row.freeRemaining,
    free_requests_used: row.freeUsed,
    last_synced_at: isoOrNull(row.lastSampleAt),
    last_validated_at: isoOrNull(row.lastValidatedAt),
    created_at: new Date(row.createdAt).toISOString(),
    ...presentSurroundings(row, around),
  };
}

type Counted = Pick<z.infer<typeof keySchema>, `${'' | 'byok_'}usage_${'daily' | 'weekly' | 'monthly'}_usd` | 'last_synced_at'>;

/** In the UTC periods of `now`, USD; null: not synced since they began. @param of credits, or BYOK */
export function currentUsage(key: Counted, now: number, of: '' | 'byok_' = ''): Record<'day' | 'week' | 'month', number | null> {
  const readOn = key.last_synced_at === null ? '' : dayOf(Date.parse(key.last_synced_at));
  const usdSince = (from: string, usd: number | null): number | null => (readOn < from ? null : usd);
  const today = dayOf(now);
  return {
    day: usdSince(today, key[`${of}usage_daily_usd`]),
    week: usdSince(periodOf('week', today).from, key[`${of}usage_weekly_usd`]),
    month: usdSince(periodOf('month', today).from, key[`${of}usage_monthly_usd`]),
  };
}

/** Do the counters hold all spend up to now? After a pause or a rejection they are a lower bound. */
export function areCountersCurrent(
  key: Pick<z.infer<typeof keySchema>, 'last_synced_at' | 'status' | 'is_disabled' | 'is_expired' | 'vanished_at'>,
  now: number,
): boolean {
  if (key.is_expired || key.vanished_at !== null) return true;
  const isRead = key.status === 'active' || key.status === 'unverified' || (key.status === 'invalid' && key.is_disabled === true);
  return isRead && key.last_synced_at !== null && now - Date.parse(key.last_synced_at) <= FRESH_MS;
}

/** `workspaces` may be left out where their names are not needed. */
export function presentKeys(
  stored: Pick<Surroundings, 'keys' | 'upstreamKeys' | 'accounts' | 'managements'> & Partial<Pick<Surroundings, 'workspaces'>>,
  now: number,
  retentionDays: number,
): z.infer<typeof keySchema>[] {
  const around = { workspaces: [], ...stored, now, today: dayOf(now), retentionDays };
  return stored.keys.map((row) => presentKey(row, around));
}
