/** Reads rollups where they exist, else rows, which are rolled up after the answer for the next one. */
import type { Query } from '../../db.ts';
import type { Deps } from '../../deps.ts';
import { addDays, dayOf } from '../../lib/day.ts';
import { utcDaysOf } from '../../lib/zone.ts';
import type { Range } from '../model.ts';
import { ledgerRowsOf, type StoredSources } from '../sources/ledger-items.ts';
import { readSources } from '../sources/reading.ts';
import type { AskedDays } from '../sources/store.ts';
import { isSettledDay } from '../sources/unattributed.ts';
import { createComparison } from '../sums/reconciliation.ts';
import { PARTS, type Since, sumDay } from './build.ts';
import type { SummedDay } from './decode.ts';
import { daysToSum, isSplitFor, type Plan, planDays, spansOf, spansOfDays } from './plan.ts';
import { insertSums, type StoredSum, watchVersion } from './store.ts';

type ReadSources<T> = Awaited<ReturnType<typeof readSources<T>>>;

function byDay<R extends { day: string }>(rows: readonly R[]): (day: string) => readonly R[] {
  const days = Map.groupBy(rows, ({ day }) => day);
  return (day) => days.get(day) ?? [];
}

async function sumUp(deps: Deps, userId: number, days: readonly string[], splitHours: Plan['splitHours']): Promise<void> {
  const sources = await readSources(deps, userId, { spans: spansOfDays(days), hours: 'all' }, { also: watchVersion(deps.db, userId) });
  const [watched] = sources.also;
  if (!watched) return;
  const [rows, comparison] = [byDay(ledgerRowsOf(sources)), createComparison(sources, dayOf(deps.now()))];
  const sums = days
    .filter((day) => isFinal(sources, day))
    .map((day) => {
      const splitHour = splitHours.get(day) ?? 0;
      return { day, cut: splitHour, sum: sumDay(rows(day), comparison.findDrift(day, day), splitHour) };
    });
  await insertSums(deps.db, userId, sums, watched.version);
}

/** Is unattributed spend settled, in every account that is read and reaches so far back? */
const isFinal = ({ accounts }: Pick<StoredSources, 'accounts'>, day: string): boolean =>
  accounts.every((account) => !account.isRead || isSettledDay(account, day) || (account.isReadBack && day < (account.doneFrom ?? '')));

const READ = ['spent', ...PARTS] as const;
const jsonOf = (sum: StoredSum): string => `{"day":"${sum.day}","splitHour":${sum.cut},${READ.map((part) => `"${part}":${sum[part]}`)}}`;

/** One text parses faster than hundreds. */
const parseSums = (sums: readonly StoredSum[]): SummedDay[] => JSON.parse(`[${sums.map(jsonOf)}]`);

function usableSums({ sums }: Pick<ReadSources<unknown>, 'sums'>, { splitHours, inRows }: Plan): SummedDay[] {
  return parseSums(sums.filter(({ day, cut }) => splitHours.has(day) && !inRows.has(day) && isSplitFor(splitHours.get(day) ?? 0, cut)));
}

export interface AskedSums {
  hours: AskedDays['hours'];
  since: Since;
  byHour?: Range | null;
  isOwnZone?: boolean;
}

/** The usable rollups, and the settled days of which nothing was read. */
function usableOf(sources: ReadSources<unknown>, plan: Plan) {
  const settled = [...plan.splitHours.keys()].filter((day) => !plan.inRows.has(day));
  const usable = usableSums(sources, plan);
  const found = new Set(usable.map(({ day }) => day));
  const isRead = settled.length > 0 && found.has(settled[0] ?? '') && found.has(settled.at(-1) ?? '');
  const inRows = isRead ? plan.inRows : new Set([...plan.inRows, ...settled]);
  return { summed: isRead ? usable : [], inRows, lacking: settled.filter((day) => !inRows.has(day) && !found.has(day)) };
}

/** One round trip, or two if a settled day between the first and the last lacks its rollup. */
export async function readWithSums<T = undefined>(deps: Deps, userId: number, range: Range, asked: AskedSums, also?: Query<T>) {
  const { hours, byHour = null, isOwnZone = false } = asked;
  const today = dayOf(deps.now());
  const utcFrom = ([part, from]: string[]) => [part, utcDaysOf(from ?? range.from, range.to, range.zone).from];
  const since: Since = Object.fromEntries(Object.entries(asked.since).map(utcFrom));
  let plan = planDays(range, byHour, deps.now(), addDays(today, -deps.config.retentionDays));
  for (let trip = 1; ; trip++) {
    const days = { spans: spansOf(plan), hours: range.zone === 'UTC' ? hours : 'all', summed: { span: plan.span, since } } as const;
    const sources = await readSources(deps, userId, days, { ...(also && { also }) });
    const { summed, inRows, lacking } = usableOf(sources, plan);
    if (lacking.length === 0) {
      const stored = new Map(sources.sums.map(({ day, cut }) => [day, cut]));
      const rows = [...sources.keyDays.filter(({ source }) => source === 'counters'), ...sources.usage, ...sources.totals];
      const toSum = daysToSum(plan, { stored, isOwnZone, inRows, rows }).filter((day) => isFinal(sources, day));
      const { splitHours } = plan;
      if (toSum.length > 0) deps.defer(() => sumUp(deps, userId, toSum, splitHours));
      return { sources, summed };
    }
    // Rollups deleted meanwhile are not looked for a third time.
    plan = { ...plan, inRows: new Set([...plan.inRows, ...(trip === 1 ? lacking : plan.splitHours.keys())]) };
  }
}
