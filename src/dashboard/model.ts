/** What the first look answers: how much, how fast, where, and is anything wrong. Pure. */
import * as z from 'zod';
import { DIMENSIONS } from '../explore/model.ts';
import type { Advice } from '../keys/advice.ts';
import { adviceOf, type Key } from '../keys/advice.ts';
import { addDays, countDays, DAY_MS, dayOf, startOfDay } from '../lib/day.ts';
import { formatDay, formatUsd } from '../lib/format.ts';
import { createLocalHours, localDayOf } from '../lib/zone.ts';
import type { LedgerRow, Range } from '../usage/model.ts';
import { emptyAsAbsent, oneOf, periodBefore, periodFields, startOfMonth } from '../usage/periods.ts';

export const dashboardSchema = z.object({ ...periodFields, by: emptyAsAbsent(oneOf(DIMENSIONS).default('model')) });
export type DashboardQuery = z.infer<typeof dashboardSchema>;

/** Longer ranges are not compared with the time before: it would have to be read for one figure. */
const MAX_COMPARED_DAYS = 92;
/** The pace of a month is that of its last complete days, if so many of them are known. */
const PACE_DAYS = 7;
const MIN_PACE_DAYS = 3;

/** The ranges that a dashboard adds up, all in one zone. */
export interface Ranges {
  shown: Range;
  before: Range | null;
  today: Range;
  yesterday: Range;
  month: Range;
  /** The complete days of this month, and the same ones of the last; null on the first day. */
  monthSoFar: Range | null;
  lastMonthSoFar: Range | null;
  pace: Range;
  /** Everything that is to be read for these. */
  all: Range;
}

export function rangesOf(shown: Range, now: number): Ranges {
  const today = localDayOf(now, shown.zone);
  const between = (from: string, to: string): Range => ({ ...shown, from, to });
  const first = startOfMonth(today);
  const lastFirst = startOfMonth(addDays(first, -1));
  const done = countDays(first, today) - 1;
  const lastDone = Math.min(done, countDays(lastFirst, first) - 1);
  const before = countDays(shown.from, shown.to) > MAX_COMPARED_DAYS ? null : periodBefore(shown);
  const pace = between(addDays(today, -PACE_DAYS), addDays(today, -1));
  const from = [before?.from ?? shown.from, shown.from, lastFirst, pace.from].sort()[0] ?? shown.from;
  return {
    shown,
    before,
    today: between(today, today),
    yesterday: between(addDays(today, -1), addDays(today, -1)),
    month: between(first, today),
    monthSoFar: done > 0 ? between(first, addDays(today, -1)) : null,
    lastMonthSoFar: done > 0 ? between(lastFirst, addDays(lastFirst, lastDone - 1)) : null,
    pace,
    all: between(from, shown.to > today ? shown.to : today),
  };
}

/** What a key spent in this month as far as the ledger knows it, and since when it does (a local day). */
interface MonthOfKey {
  key: Pick<Key, 'usage_monthly_usd' | 'last_synced_at'>;
  ledgerUsd: number | null;
  knownSince: string | null;
}

/**
 * What was spent in a month. Where the ledger does not know all of a key's month, OpenRouter's own figure stands for it, which is
 * that of the UTC month.
 * @returns USD, and for how many keys OpenRouter's figure stands
 */
export function monthSpend(parts: readonly MonthOfKey[], firstDay: string): { usd: number | null; upstreamKeys: number } {
  let [usd, upstreamKeys] = [null as number | null, 0];
  for (const { key, ledgerUsd, knownSince } of parts) {
    const isCovered = knownSince !== null && knownSince <= firstDay;
    const isCurrent = key.last_synced_at !== null && startOfMonth(dayOf(Date.parse(key.last_synced_at))) === firstDay;
    const upstream = !isCovered && isCurrent ? key.usage_monthly_usd : null;
    const isUpstream = upstream !== null && upstream > (ledgerUsd ?? 0);
    const best = isUpstream ? upstream : ledgerUsd;
    if (isUpstream) upstreamKeys += 1;
    if (best !== null) usd = (usd ?? 0) + best;
  }
  return { usd, upstreamKeys };
}

/**
 * What the month will have cost at its end, if the rest goes on like the last complete days; null if too few are known.
 * @param daily what the last complete days cost, null where unknown
 */
export function projectMonth(
  monthUsd: number | null,
  todayUsd: number | null,
  daily: readonly (number | null)[],
  today: string,
): number | null {
  const known = daily.filter((usd) => usd !== null);
  if (monthUsd === null || known.length < MIN_PACE_DAYS) return null;
  const pace = known.reduce((sum, usd) => sum + usd, 0) / known.length;
  const next = startOfMonth(addDays(startOfMonth(today), 31));
  return monthUsd + Math.max(0, pace - (todayUsd ?? 0)) + pace * (countDays(today, next) - 2);
}

/** How much more one figure is than another, as a share of it; null where that says nothing. */
export const changeOf = (now: number | null, before: number | null): number | null =>
  now === null || before === null || before <= 0 ? null : now / before - 1;

/** What the accounts have left: of each account once, whoever reads it. Null if no account is known. */
export function balanceOf(keys: readonly Pick<Key, 'balance_usd' | 'managed_by'>[]): number | null {
  const balances = keys.flatMap(({ balance_usd: balance, managed_by: leader }) => (balance === null || leader !== null ? [] : balance));
  return balances.length === 0 ? null : balances.reduce((sum, balance) => sum + balance, 0);
}

/** Spend by weekday (from Monday) and hour of the local clock, in USD, of what could be placed on an hour. */
export function weekOf(rows: readonly LedgerRow[], range: Range): number[][] {
  const place = createLocalHours(range.zone);
  const nano = Array.from({ length: 7 }, () => Array<number>(24).fill(0));
  const [low, high] = [addDays(range.from, -1), addDays(range.to, 1)];
  for (const { day, hours } of rows) {
    if (day < low || day > high) continue;
    for (const hour in hours) {
      const { date, hour: local } = place(day, Number(hour));
      const amount = hours[hour]?.[0] ?? 0;
      if (date < range.from || date > range.to) continue;
      const weekday = (startOfDay(date) / DAY_MS + 3) % 7;
      const cells = nano[weekday] as number[];
      const clock = Number(local.slice(11, 13));
      cells[clock] = (cells[clock] ?? 0) + amount;
    }
  }
  return nano.map((row) => row.map((amount) => amount / 1e9));
}

/** Something that a person should look at, and where. */
export interface Attention extends Advice {
  name: string;
  href: string;
}

interface Drift {
  date: string;
  key_id: number;
  name: string;
  drift_usd: number | null;
  byok_drift_usd: number | null;
}

const RANKS: Advice['tone'][] = ['bad', 'warn', 'info'];

/** The drifts of each key as one item: a day that differs says little of its own. */
function driftAttention(drifts: readonly Drift[]): Attention[] {
  return [...Map.groupBy(drifts, ({ key_id: id }) => id).values()].map((ofKey) => {
    const size = ({ drift_usd, byok_drift_usd }: Drift) => Math.max(Math.abs(drift_usd ?? 0), Math.abs(byok_drift_usd ?? 0));
    const worst = ofKey.reduce((most, drift) => (size(drift) > size(most) ? drift : most));
    const text = `OpenRouter's own sources differ on ${ofKey.length === 1 ? formatDay(worst.date) : `${ofKey.length} days, most on ${formatDay(worst.date)}`}, by ${formatUsd(size(worst))}.`;
    return {
      tone: 'warn',
      name: worst.name,
      href: `/keys/${worst.key_id}`,
      text,
      action: 'The reconciliation of the API tells each source.',
    };
  });
}

/** What needs attention, the worst first. A pause was wanted, so it is none. */
export function attentionOf(keys: readonly Key[], drifts: readonly Drift[], now: number, zone: string): Attention[] {
  const ofKeys = keys.flatMap((key) =>
    adviceOf(key, now, zone)
      .filter(({ tone }) => tone !== 'quiet')
      .map((advice) => ({ ...advice, name: key.name, href: `/keys/${key.id}` })),
  );
  return [...ofKeys, ...driftAttention(drifts)].sort((a, b) => RANKS.indexOf(a.tone) - RANKS.indexOf(b.tone));
}
