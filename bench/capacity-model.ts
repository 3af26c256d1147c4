/** How many keys a Cloudflare account carries: unit costs and published limits in, keys and dollars out. Pure. */

export const BUSY_HOURS = [8, 24] as const;
export type BusyHours = (typeof BUSY_HOURS)[number];

/** What one key uses in a day. */
export interface DailyUse {
  /** Writes, reads and deletes of queue messages. */
  queueOperations: number;
  /** Invocations of the Worker. Each queue message is one. */
  requests: number;
  rowsRead: number;
  rowsWritten: number;
  /** Milliseconds. */
  cpu: number;
}

/** A way in which keys are read, with what one of them costs. */
export interface KeyKind {
  name: string;
  keysAUser: number;
  /** By the hours of a day in which the key spends. */
  day: Record<BusyHours, DailyUse>;
  /** Bytes in the database when a year is kept. */
  bytes: Record<BusyHours, number>;
}

/** What a plan includes. A quantity without a price is a wall. */
export interface Quota {
  name: string;
  /** Of a day: what one key uses. */
  use: keyof DailyUse;
  /** How much is included in a day. */
  daily: number;
  /** USD for each further million. */
  usdAMillion?: number;
}

export interface Plan {
  name: string;
  usdAMonth: number;
  quotas: readonly Quota[];
  /** Bytes that one database holds at the most. */
  databaseBytes: number;
  /** Bytes that are included, and USD for each further GB and month. */
  includedBytes: number;
  usdAGigabyte?: number;
}

export interface Fit {
  limit: string;
  /** How many keys fit. */
  keys: number;
  /** Going beyond it costs money; otherwise the service stops. */
  isPriced: boolean;
}

const MILLION = 1e6;
const GIGABYTE = 1e9;
export const DAYS_A_MONTH = 30;

/** How many keys fit under each limit of a plan, the tightest first. */
export function fitsOf(plan: Plan, kind: KeyKind, busyHours: BusyHours): Fit[] {
  const use = kind.day[busyHours];
  const fits: Fit[] = plan.quotas.map((quota) => ({
    limit: quota.name,
    keys: Math.floor(quota.daily / use[quota.use]),
    isPriced: quota.usdAMillion !== undefined,
  }));
  fits.push({ limit: 'D1 size', keys: Math.floor(plan.databaseBytes / kind.bytes[busyHours]), isPriced: false });
  return fits.toSorted((a, b) => a.keys - b.keys);
}

/** The limit that binds first. */
export function tightest(fits: readonly Fit[]): Fit {
  const [first] = fits;
  if (!first) throw new Error('A plan without limits');
  return first;
}

/** USD that a month of so many keys costs, by what they are for, without regard to walls: databases are then as many as are needed. */
export function monthlyCost(plan: Plan, kind: KeyKind, busyHours: BusyHours, keys: number): Record<string, number> {
  const costs: Record<string, number> = { plan: plan.usdAMonth };
  for (const { name, use, daily, usdAMillion = 0 } of plan.quotas) {
    const beyond = Math.max(0, (keys * kind.day[busyHours][use] - daily) * DAYS_A_MONTH);
    costs[name] = (beyond / MILLION) * usdAMillion;
  }
  const bytesBeyond = Math.max(0, keys * kind.bytes[busyHours] - plan.includedBytes);
  costs['D1 size'] = (bytesBeyond / GIGABYTE) * (plan.usdAGigabyte ?? 0);
  return costs;
}

/** How many databases so many keys need. */
export const databasesFor = (plan: Plan, kind: KeyKind, busyHours: BusyHours, keys: number): number =>
  Math.max(1, Math.ceil((keys * kind.bytes[busyHours]) / plan.databaseBytes));
