/** Unattributed spend: what an account spent without a key that is known, its total less what its keys spent. It is derived wherever it is read. Pure. */
import { DAY_MS, dayOf, startOfDay } from '../../lib/day.ts';
import { cellName, dropDimensions, isNothing, moneyOfDay, type UsageCell } from '../booking/cells.ts';
import { LATE_MS } from '../coverage/secrets.ts';
import type { Known } from '../coverage/spans.ts';
import type { StoredAccount, StoredUpstreamKey } from '../coverage/stored.ts';
import type { Amounts } from '../sums/measures.ts';
import { type NamedUsage, StoredRow, toLedgerRow } from './stored-row.ts';

/** An account with what of its time is settled: its total and all of its keys are read. Of other days unattributed spend is pending. */
export interface SettledAccount extends StoredAccount {
  /** Its reader still opens it. */
  isRead: boolean;
  settled: Known | null;
}

/** The end of the last UTC day that a key is read through. */
function readThrough({ isAtRest, doneFrom, reportedUntil }: StoredUpstreamKey): number {
  if (doneFrom === null) return 0;
  return isAtRest ? Number.POSITIVE_INFINITY : startOfDay(dayOf(Math.max(0, (reportedUntil ?? 0) - LATE_MS)));
}

/**
 * The interval, from midnight to midnight UTC, in which an account's unattributed spend is settled.
 * @param keys all that it has, but for paused ones: what those go on spending is unattributed
 */
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

/** Is the unattributed spend of an account's day settled? */
export const isSettledDay = ({ settled }: Pick<SettledAccount, 'settled'>, day: string): boolean =>
  settled !== null && settled.since <= startOfDay(day) && settled.until >= startOfDay(day) + DAY_MS;

/** What is left of amounts; unknown where one of both is unknown. Null: there is nothing to take. */
const subtractKnown = (a: Amounts, b: Amounts | null): (number | null)[] =>
  a.map((amount, index) => {
    const part = b === null ? 0 : (b[index] ?? null);
    return amount === null || part === null ? null : amount - part;
  });

const isNegative = (amounts: Amounts): boolean => amounts.some((amount) => amount !== null && amount < 0);

/** Is all of a cell's money placed on hours? */
function isPlaced({ total, hours }: UsageCell): boolean {
  const each = Object.values(hours ?? {});
  const sum = (index: number) => each.reduce((nano, amounts) => nano + (amounts[index] ?? 0), 0);
  return hours !== null && [0, 1].every((index) => each.every((amounts) => amounts.length <= index) || sum(index) === total[index]);
}

/** Hours of the rest, or null where they do not add up: then the rest's day is known, but not its hours. */
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

/** The rest by cell, or null if it came out negative somewhere. */
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

/** The day as one cell; its money is known not to be negative, of the rest only what is not is believed. */
function restOfWhole(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] {
  const [[whole], [part]] = [totals, keys].map((cells) => dropDimensions(cells, { model: false, provider: false, hours: false })) as [
    UsageCell[],
    UsageCell[],
  ];
  if (!whole) return [];
  const total = subtractKnown(whole.total, part?.total ?? null).map((amount) => (amount === null ? null : Math.max(0, amount)));
  return isNothing(total) ? [] : [{ ...whole, total }];
}

/**
 * The rest of one completed day. It is told by model and provider where that comes out, else by model, else as one sum; if that is
 * negative, the two disagree, and there is none.
 */
export function restOfCells(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] {
  const day = totals[0]?.day ?? '';
  const [cost, byok] = moneyOfDay(totals, day);
  const [keyCost, keyByok] = moneyOfDay(keys, day);
  if (cost < keyCost || byok < keyByok) return [];
  const byModel = (cells: readonly UsageCell[]) => dropDimensions(cells, { model: true, provider: false, hours: true });
  return subtract(totals, keys) ?? subtract(byModel(totals), byModel(keys)) ?? restOfWhole(totals, keys);
}

/** Places of `Amounts` that analytics tell. */
const AMOUNTS = [0, 1, 2, 3, 4, 5, 6];

const cellOf = ({ day, permaslug, provider, total, hours, hasHours }: StoredRow): UsageCell => ({
  day,
  model: permaslug ?? '',
  provider: provider ?? '',
  total: AMOUNTS.map((index) => total[index] ?? null),
  hours: hasHours ? hours : null,
});

/** A settled day of an account: its total, and what the ledger has of its keys. Its rest is shown under the key that reads it. */
export interface AccountDay {
  day: string;
  keyId: number;
  totals: readonly NamedUsage[];
  keys: readonly Parameters<typeof toLedgerRow>[0][];
}

/** The unattributed spend of a day as ledger rows. */
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
