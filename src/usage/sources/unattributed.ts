/** Unattributed spend: an account's total minus its keys. Derived at every read. Pure. */
import { DAY_MS, dayOf, startOfDay } from '../../lib/day.ts';
import { cellName, dropDimensions, isNothing, moneyOfDay, type UsageCell } from '../booking/cells.ts';
import { LATE_MS } from '../coverage/secrets.ts';
import type { Known } from '../coverage/spans.ts';
import type { StoredAccount, StoredUpstreamKey } from '../coverage/stored.ts';
import type { Amounts } from '../sums/measures.ts';
import { type NamedUsage, StoredRow, toLedgerRow } from './stored-row.ts';

export interface SettledAccount extends StoredAccount {
  /** Its management key still opens it. */
  isRead: boolean;
  settled: Known | null;
}

/** End of the last UTC day that is fully read. */
function readThrough({ isAtRest, doneFrom, reportedUntil }: StoredUpstreamKey): number {
  if (doneFrom === null) return 0;
  return isAtRest ? Number.POSITIVE_INFINITY : startOfDay(dayOf(Math.max(0, (reportedUntil ?? 0) - LATE_MS)));
}

/** From midnight to midnight UTC. @param keys without paused ones: their spend is unattributed */
export function settledSpan({ doneFrom, openFrom }: StoredAccount, keys: readonly StoredUpstreamKey[]): Known | null {
  if (doneFrom === null || openFrom === null) return null;
  const span: Known = { since: startOfDay(doneFrom), until: startOfDay(openFrom) };
  for (const key of keys) {
    const born = dayOf(key.createdAt);
    if (key.doneFrom !== null && key.doneFrom > born) span.since = Math.max(span.since, startOfDay(key.doneFrom));
    span.until = Math.min(span.until, Math.max(startOfDay(born), readThrough(key)));
  }
  return span.until > span.since ? span : null;
}

export const isSettledDay = ({ settled }: Pick<SettledAccount, 'settled'>, day: string): boolean =>
  settled !== null && settled.since <= startOfDay(day) && settled.until >= startOfDay(day) + DAY_MS;

/** Unknown if one of them is. Null: nothing to subtract. */
const subtractKnown = (a: Amounts, b: Amounts | null): (number | null)[] =>
  a.map((amount, index) => {
    const part = b === null ? 0 : (b[index] ?? null);
    return amount === null || part === null ? null : amount - part;
  });

const isNegative = (amounts: Amounts): boolean => amounts.some((amount) => amount !== null && amount < 0);

function isPlaced({ total, hours }: UsageCell): boolean {
  const each = Object.values(hours ?? {});
  const sum = (index: number) => each.reduce((nano, amounts) => nano + (amounts[index] ?? 0), 0);
  return hours !== null && [0, 1].every((index) => each.every((amounts) => amounts.length <= index) || sum(index) === total[index]);
}

/** Null: they do not add up, so only the day is known. */
function restHours(total: UsageCell, keys: UsageCell | undefined): UsageCell['hours'] {
  if (total.hours === null || (keys && !isPlaced(keys))) return null;
  const totalHours = total.hours;
  const isUnknown = (hour: string): boolean => totalHours[Number(hour)] === undefined;
  if (Object.entries(keys?.hours ?? {}).some(([hour, amounts]) => isUnknown(hour) && !isNothing(amounts))) return null;
  const hours: Record<number, Amounts> = {};
  for (const [hour, amounts] of Object.entries(totalHours)) {
    const rest = subtractKnown(amounts, keys?.hours?.[Number(hour)] ?? null);
    if (isNegative(rest)) return null;
    if (!isNothing(rest)) hours[Number(hour)] = rest;
  }
  return hours;
}

/** Null: negative somewhere. */
function subtract(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] | null {
  const known = new Map(keys.map((cell) => [cellName(cell), cell]));
  const names = new Set(totals.map(cellName));
  if (keys.some((cell) => !names.has(cellName(cell)) && !isNothing(cell.total))) return null;
  const rest = totals.map((total) => {
    const own = known.get(cellName(total));
    return { ...total, total: subtractKnown(total.total, own?.total ?? null), hours: restHours(total, own) };
  });
  return rest.some(({ total }) => isNegative(total)) ? null : rest.filter(({ total }) => !isNothing(total));
}

/** One cell for the day. Its money is not negative; other negative amounts become 0. */
function restOfWhole(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] {
  const [[whole], [part]] = [totals, keys].map((cells) => dropDimensions(cells, { model: false, provider: false, hours: false })) as [
    UsageCell[],
    UsageCell[],
  ];
  if (!whole) return [];
  const total = subtractKnown(whole.total, part?.total ?? null).map((amount) => (amount === null ? null : Math.max(0, amount)));
  return isNothing(total) ? [] : [{ ...whole, total }];
}

/** By model and provider, else by model, else one sum. Empty if money is negative: the sources disagree. */
export function restOfCells(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] {
  const day = totals[0]?.day ?? '';
  const [cost, byok] = moneyOfDay(totals, day);
  const [keyCost, keyByok] = moneyOfDay(keys, day);
  if (cost < keyCost || byok < keyByok) return [];
  const byModel = (cells: readonly UsageCell[]) => dropDimensions(cells, { model: true, provider: false, hours: true });
  return subtract(totals, keys) ?? subtract(byModel(totals), byModel(keys)) ?? restOfWhole(totals, keys);
}

const AMOUNTS = [0, 1, 2, 3, 4, 5, 6];

const cellOf = ({ day, permaslug, provider, total, hours, hasHours }: StoredRow): UsageCell => ({
  day,
  model: permaslug ?? '',
  provider: provider ?? '',
  total: AMOUNTS.map((index) => total[index] ?? null),
  hours: hasHours ? hours : null,
});

/** Shown under the management key that reads the account. */
export interface AccountDay {
  day: string;
  keyId: number;
  totals: readonly NamedUsage[];
  keys: readonly Parameters<typeof toLedgerRow>[0][];
}

export function unattributedRows({ day, keyId, totals, keys }: AccountDay): StoredRow[] {
  const slugs = new Map(totals.map(({ model, slug }) => [model, slug]));
  const cellsOf = (rows: AccountDay['keys']) =>
    dropDimensions(
      rows.map((row) => cellOf(toLedgerRow(row))),
      { model: true, provider: true, hours: true },
    );
  return restOfCells(cellsOf(totals), cellsOf(keys)).map(({ model, provider, total, hours }) => {
    const named = { model: slugs.get(model) ?? null, permaslug: model || null, provider: provider || null };
    return new StoredRow({ keyId, day, source: 'analytics', ...named, total, isEstimated: false }, hours);
  });
}
