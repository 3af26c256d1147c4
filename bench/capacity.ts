/**
 * How many keys one Free and one Paid account carry: the tables of docs/capacity.md, from measured unit costs and published limits.
 * `node bench/capacity.ts`
 */
import { BUSY_HOURS, type BusyHours, databasesFor, fitsOf, type KeyKind, monthlyCost, type Plan, tightest } from './capacity-model.ts';
import { FREE, PAID } from './capacity-plans.ts';
import { KINDS } from './capacity-units.ts';
import { figure, table } from './cost.ts';

const LARGEST = 100_000;
const SIZES = [1000, 10_000, LARGEST];

/** A number of keys as one reads it: with two or three places that count. */
const rounded = (keys: number): string => Number(keys.toPrecision(keys < 1000 ? 2 : 3)).toLocaleString('en-US');

const usd = (amount: number): string => amount.toLocaleString('en-US', { maximumFractionDigits: amount < 100 ? 2 : 0 });

const eachCase = <T>(map: (kind: KeyKind, busyHours: BusyHours) => T): T[] =>
  KINDS.flatMap((kind) => BUSY_HOURS.map((busyHours) => map(kind, busyHours)));

const unitTable = (): string =>
  table(
    ['Key', 'Busy hours', 'Queue operations', 'Messages', 'Rows read', 'Rows written', 'CPU, ms', 'kB after a year'],
    eachCase((kind, busyHours) => {
      const { queueOperations, requests, rowsRead, rowsWritten, cpu } = kind.day[busyHours];
      return [kind.name, ...[busyHours, queueOperations, requests, rowsRead, rowsWritten, cpu, kind.bytes[busyHours] / 1000].map(figure)];
    }),
  );

function fitTable(plan: Plan): string {
  const limits = [...plan.quotas.map(({ name }) => name), 'D1 size'];
  const rows = eachCase((kind, busyHours) => {
    const fits = fitsOf(plan, kind, busyHours);
    const first = tightest(fits);
    const cells = limits.map((limit) => rounded(fits.find((fit) => fit.limit === limit)?.keys ?? 0));
    const users = rounded(Math.max(1, Math.floor(first.keys / kind.keysAUser)));
    return [kind.name, busyHours, ...cells, first.limit, rounded(first.keys), users];
  });
  return table(['Key', 'Busy hours', ...limits, 'Binds first', 'Keys', 'Users'], rows);
}

function costTable(plan: Plan): string {
  const rows = eachCase((kind, busyHours) => [
    kind.name,
    busyHours,
    ...SIZES.map((keys) => {
      const costs = monthlyCost(plan, kind, busyHours, keys);
      const total = Object.values(costs).reduce((sum, part) => sum + part, 0);
      const databases = databasesFor(plan, kind, busyHours, keys);
      return `${usd(total)}${databases > 1 ? ` (${databases} databases)` : ''}`;
    }),
  ]);
  return table(['Key', 'Busy hours', ...SIZES.map((keys) => `${figure(keys)} keys`)], rows);
}

function dearestTable(plan: Plan): string {
  const names = [...plan.quotas.map(({ name }) => name), 'D1 size'];
  const rows = eachCase((kind, busyHours) => {
    const costs = monthlyCost(plan, kind, busyHours, LARGEST);
    return [kind.name, busyHours, ...names.map((name) => usd(costs[name] ?? 0))];
  });
  return table(['Key', 'Busy hours', ...names], rows);
}

/** The tables with their titles, as docs/capacity.md shows them. */
export const report = (): string =>
  [
    '### What one key uses in a day',
    unitTable(),
    '### Free: keys under each limit',
    fitTable(FREE),
    '### Paid: keys under what is included, and in one database',
    fitTable(PAID),
    '### Paid: USD a month',
    costTable(PAID),
    `### Paid: what ${figure(LARGEST)} keys cost beyond the 5 USD, USD a month`,
    dearestTable(PAID),
  ].join('\n\n');

if (import.meta.main) console.log(report());
