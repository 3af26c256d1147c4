/** Reading many days by way of their sums: those that have none are read as rows, and summed up after the answer for the next one. */
import type { Question } from '../db.ts';
import type { Deps } from '../deps.ts';
import { addDays, dayOf } from '../lib/day.ts';
import { utcDaysOf } from '../lib/zone.ts';
import type { Range } from './model.ts';
import { ledgerRowsOf, readSources } from './reading.ts';
import { findOutdated } from './said.ts';
import { createSecrets } from './secrets.ts';
import { createIndex, type Index } from './sources.ts';
import type { AskedDays } from './store.ts';
import { nameUsage } from './stored-row.ts';
import { daysToSum, isPartedFor, type Plan, planDays, spansOf, spansOfDays } from './sum-plan.ts';
import { insertSums, type StoredSum, watchVersion } from './sum-store.ts';
import { creditsOfSums, indexSums, rowsOfSums, type SummedDay } from './summed.ts';
import { PARTS, type Since, sumDay } from './sums.ts';

type Sources<T> = Awaited<ReturnType<typeof readSources<T>>>;

/** Finds rows by their day. */
function byDay<R extends { day: string }>(rows: readonly R[]): (day: string) => readonly R[] {
  const days = Map.groupBy(rows, ({ day }) => day);
  return (day) => days.get(day) ?? [];
}

/** Sums days up and keeps the sums, unless something of the user changes meanwhile: then the next answer has it done. */
async function sumUp(deps: Deps, userId: number, days: readonly string[], cuts: Plan['cuts']): Promise<void> {
  const sources = await readSources(deps, userId, { spans: spansOfDays(days), hours: 'all' }, { also: watchVersion(deps.db, userId) });
  const [watched] = sources.also;
  if (!watched) return;
  const [rows, counters, checks] = [byDay(ledgerRowsOf(sources)), byDay(sources.counters), byDay(sources.checks)];
  const usage = byDay(nameUsage(sources.usage, sources.upstreamKeys, sources.names));
  const secrets = createSecrets(sources.keys);
  const sums = days.map((day) => {
    const cut = cuts.get(day) ?? 0;
    return {
      day,
      cut,
      sum: sumDay({ day, secrets, rows: rows(day), counters: counters(day), usage: usage(day), checks: checks(day) }, cut),
    };
  });
  await insertSums(deps.db, userId, sums, watched.version);
}

const READ = ['unsure', 'spent', ...PARTS] as const;
/** A sum as JSON; what of it was not asked for is null. */
const jsonOf = (sum: StoredSum): string => `{"day":"${sum.day}","cut":${sum.cut},${READ.map((part) => `"${part}":${sum[part]}`)}}`;

/** One text is parsed faster than hundreds. */
const parseSums = (sums: readonly StoredSum[]): SummedDay[] => JSON.parse(`[${sums.map(jsonOf)}]`);

/** The sums of the days that are not read as rows. */
function usableSums({ sums }: Pick<Sources<unknown>, 'sums'>, { cuts, inRows }: Plan): SummedDay[] {
  return parseSums(sums.filter(({ day, cut }) => cuts.has(day) && !inRows.has(day) && isPartedFor(cuts.get(day) ?? 0, cut)));
}

/** What was read, for questions by one dimension each. */
function summaryOf<T>(sources: Sources<T>, index: Index, summed: readonly SummedDay[], { zone }: Range) {
  const detailed = ledgerRowsOf(sources);
  const { spent, ...rows } = rowsOfSums(summed, sources.names, zone !== 'UTC');
  return {
    sources,
    index,
    ledger: { detailed, summed: rows },
    /** Of summed days of which keys were not asked for: what was spent in all. */
    spent,
    /** Tells credits by day and by hour. */
    credits: () => [...creditsOfSums(summed), ...detailed.map(({ day, total, credits }) => ({ day, isSpent: Boolean(total[0]), credits }))],
  };
}

/** How days are needed. */
interface Asked<T> {
  /** What of hours is needed in UTC. */
  hours: AskedDays['hours'];
  /** Of sums, since which local day each part is needed: there are no facts of summed days by what is not. */
  since: Since;
  /** Days of which all hours are needed. */
  byHour?: Range | null;
  isOwnZone?: boolean;
  also?: Question<T>;
}

/** What was read by a plan: sums of which days, those of them that do not hold, and settled days of which nothing was read. */
function lookAt(sources: Sources<unknown>, index: Index, plan: Plan) {
  const settled = [...plan.cuts.keys()].filter((day) => !plan.inRows.has(day));
  const usable = usableSums(sources, plan);
  const found = new Set(usable.map(({ day }) => day));
  const isRead = settled.length > 0 && found.has(settled[0] ?? '') && found.has(settled.at(-1) ?? '');
  const summed = isRead ? usable : [];
  const outdated = findOutdated(index, summed);
  const inRows = isRead ? plan.inRows : new Set([...plan.inRows, ...settled]);
  return { summed, outdated, inRows, lacking: [...settled.filter((day) => !inRows.has(day) && !found.has(day)), ...outdated] };
}

/**
 * The ledger of local days for questions by one dimension each, with everything around it that its answers need. It takes one round trip, and
 * one more where the first and the last settled day have sums but one between them lacks one that holds.
 */
export async function readSummary<T = undefined>(deps: Deps, userId: number, range: Range, asked: Asked<T>) {
  const { hours, byHour = null, isOwnZone = false, also } = asked;
  const today = dayOf(deps.now());
  const utcFrom = ([part, from]: string[]) => [part, utcDaysOf(from ?? range.from, range.to, range.zone).from];
  const since: Since = Object.fromEntries(Object.entries(asked.since).map(utcFrom));
  let plan = planDays(range, byHour, deps.now(), addDays(today, -deps.config.retentionDays));
  const outdated = new Set<string>();
  for (let trip = 1; ; trip++) {
    const days = { spans: spansOf(plan), hours: range.zone === 'UTC' ? hours : 'all', summed: { span: plan.span, since } } as const;
    const sources = await readSources(deps, userId, days, { ...(also && { also }) });
    const index = createIndex(sources, today);
    const { summed, inRows, lacking, ...found } = lookAt(sources, index, plan);
    for (const day of found.outdated) outdated.add(day);
    if (lacking.length === 0) {
      indexSums(index, summed);
      const stored = new Map(sources.sums.map(({ day, cut }) => [day, cut]));
      const rows = [...sources.counters, ...sources.usage, ...sources.checks];
      const toSum = daysToSum(plan, { stored, outdated, isOwnZone, inRows, rows });
      const { cuts } = plan;
      if (toSum.length > 0) deps.defer(() => sumUp(deps, userId, toSum, cuts));
      return summaryOf(sources, index, summed, range);
    }
    // Sums that go while they are read are not looked for a third time.
    plan = { ...plan, inRows: new Set([...plan.inRows, ...(trip === 1 ? lacking : plan.cuts.keys())]) };
  }
}
