/** What the ledger takes of what is stored, and what is known of it. Pure. */

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

/** What is stored of a user's keys and of their spend in some days. */
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

/** When it is, and how much of the past is kept. */
export interface Clock {
  now: number;
  retentionDays: number;
}

/** The sources of a user's answers, from what is stored, with what is known of which key; of all keys or of one. */
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
        // Of an account that nobody reads any more, nobody waits for a key that was never read.
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

/** What the ledger has of a day: of a key by one source, or of what an account spent without one. */
export type LedgerItem = CountedDay | (NamedUsage & { upstreamKeyId: number }) | AccountDay;

type KeyItem = Exclude<LedgerItem, AccountDay>;

/** What the sources say of the days of upstream keys that belong to a key. */
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

/** What of it the ledger takes. */
function itemsInLedger(stored: Stored): KeyItem[] {
  const reported = new Set(
    stored.keyDays.flatMap(({ day, upstreamKeyId, source }) => (source === 'analytics' ? `${day}/${upstreamKeyId}` : [])),
  );
  return keyItems(stored).filter((item) =>
    'slug' in item ? reported.has(`${item.day}/${item.upstreamKeyId}`) : item.source === 'counters',
  );
}

/** The totals of accounts on settled days, each with what the ledger has of the account's keys. */
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

/** What the ledger has of the days, of the key that is asked about or of all. */
export function ledgerItemsOf(sources: StoredSources): LedgerItem[] {
  const items = itemsInLedger(sources);
  const all: LedgerItem[] = [...items, ...accountDays(sources, items)];
  return sources.keyId === undefined ? all : all.filter(({ keyId }) => keyId === sources.keyId);
}

/** An item as rows. */
export const toRows = (item: LedgerItem): StoredRow[] => ('totals' in item ? unattributedRows(item) : [toLedgerRow(item)]);

/** The ledger of sources. */
export const ledgerRowsOf = (sources: StoredSources): StoredRow[] => ledgerItemsOf(sources).flatMap(toRows);

/** All that the sources say of the days, also where the ledger takes another, and what accounts spent without a key. */
export const sourceRowsOf = (sources: StoredSources): StoredRow[] =>
  [...keyItems(sources), ...accountDays(sources, itemsInLedger(sources))].flatMap(toRows);
