/** What the ledger takes of the stored days. Pure. */
import type { KeyRow, Management, UpstreamKey } from '../../inventory/model.ts';
import { historyRead } from '../../inventory/progress.ts';
import type { account } from '../../inventory/table.ts';
import { addDays, dayOf, startOfDay } from '../../lib/day.ts';
import { coverageOf } from '../coverage/coverage.ts';
import {
  type CountedDay,
  type NamedUsage,
  type StoredCheck,
  type StoredKeyDay,
  type StoredRow,
  type StoredTotal,
  type StoredUsage,
  slugsOf,
  toLedgerRow,
} from './stored-row.ts';
import { type AccountDay, isSettledDay, settledSpan, unattributedRows } from './unattributed.ts';

export interface Stored {
  keyRows: readonly KeyRow[];
  upstreamKeys: readonly UpstreamKey[];
  accounts: readonly (typeof account.$inferSelect)[];
  managements: readonly Management[];
  names: Parameters<typeof slugsOf>[0];
  keyDays: readonly StoredKeyDay[];
  usage: readonly StoredUsage[];
  totals: readonly StoredTotal[];
  checks: readonly StoredCheck[];
}

export interface Clock {
  now: number;
  retentionDays: number;
}

export function sourcesOf(stored: Stored, { now, retentionDays }: Clock, keyId?: number) {
  const { keyRows, upstreamKeys, managements } = stored;
  const today = dayOf(now);
  const keptSince = startOfDay(addDays(today, -retentionDays));
  const isActive = new Map(keyRows.map((key) => [key.id, key.isActive]));
  const isReadBack = (of: Pick<UpstreamKey, 'doneFrom' | 'createdAt'>) =>
    of.doneFrom !== null && historyRead(of, today, retentionDays) === null;
  const accounts = stored.accounts.map((account) => {
    const own = upstreamKeys.filter(({ accountId }) => accountId === account.id);
    const isRead = managements.some((one) => one.apiKeyId === account.readerId && one.accountId === account.id);
    return {
      ...account,
      isRead,
      settled: settledSpan(
        account,
        // If nobody reads the account any more, a key that was never read does not hold it back.
        own.filter(({ apiKeyId, doneFrom }) => isActive.get(apiKeyId) === true && (isRead || doneFrom !== null)),
      ),
      isReadBack: isReadBack({ ...account, createdAt: 0 }) && own.every(isReadBack),
    };
  });
  const allKeys = coverageOf(keyRows, upstreamKeys, accounts, keptSince, now);
  const keys = allKeys.filter(({ id }) => keyId === undefined || id === keyId);
  return { ...stored, accounts, keys, allKeys, keyId };
}

export type StoredSources = ReturnType<typeof sourcesOf>;

export type LedgerItem = CountedDay | (NamedUsage & { upstreamKeyId: number }) | AccountDay;

type KeyItem = Exclude<LedgerItem, AccountDay>;

function keyItems({ upstreamKeys, names, keyDays, usage }: Stored): KeyItem[] {
  const keyIds = new Map(upstreamKeys.map(({ id, apiKeyId }) => [id, apiKeyId]));
  const slugOf = slugsOf(names);
  const items: KeyItem[] = [];
  for (const row of keyDays) {
    const keyId = keyIds.get(row.upstreamKeyId);
    if (keyId !== undefined && row.countedNano !== null) items.push({ ...row, keyId });
  }
  for (const row of usage) {
    const keyId = keyIds.get(row.upstreamKeyId);
    if (keyId !== undefined) items.push({ ...row, keyId, slug: slugOf(row.model) });
  }
  return items;
}

function itemsInLedger(stored: Stored): KeyItem[] {
  const reported = new Set(
    stored.keyDays.flatMap(({ day, upstreamKeyId, source }) => (source === 'analytics' ? `${day}/${upstreamKeyId}` : [])),
  );
  return keyItems(stored).filter((item) =>
    'slug' in item ? reported.has(`${item.day}/${item.upstreamKeyId}`) : item.source === 'counters',
  );
}

function accountDays(sources: StoredSources, items: readonly KeyItem[]): AccountDay[] {
  if (sources.totals.length === 0) return [];
  const accountOf = new Map(sources.upstreamKeys.map(({ id, accountId }) => [id, accountId]));
  const slugOf = slugsOf(sources.names);
  const ofKeys = Map.groupBy(items, ({ day, upstreamKeyId }) => `${day}/${accountOf.get(upstreamKeyId)}`);
  const totals = Map.groupBy(sources.totals, ({ day, accountId }) => `${day}/${accountId}`);
  return [...totals].flatMap(([name, rows]) => {
    const account = sources.accounts.find(({ id }) => id === rows[0]?.accountId);
    const day = rows[0]?.day ?? '';
    const keyId = account?.readerId ?? null;
    if (!account || keyId === null || !isSettledDay(account, day)) return [];
    const named = rows.map((row) => ({ ...row, keyId, slug: slugOf(row.model) }));
    return [{ day, keyId, totals: named, keys: ofKeys.get(name) ?? [] }];
  });
}

export function ledgerItemsOf(sources: StoredSources): LedgerItem[] {
  const items = itemsInLedger(sources);
  const all: LedgerItem[] = [...items, ...accountDays(sources, items)];
  return sources.keyId === undefined ? all : all.filter(({ keyId }) => keyId === sources.keyId);
}

export const toRows = (item: LedgerItem): StoredRow[] => ('totals' in item ? unattributedRows(item) : [toLedgerRow(item)]);

export const ledgerRowsOf = (sources: StoredSources): StoredRow[] => ledgerItemsOf(sources).flatMap(toRows);

/** From every source, also those that the ledger does not take, and unattributed spend. */
export const sourceRowsOf = (sources: StoredSources): StoredRow[] =>
  [...keyItems(sources), ...accountDays(sources, itemsInLedger(sources))].flatMap(toRows);
