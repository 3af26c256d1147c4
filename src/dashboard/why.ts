/** Why spend changed from one range to the next: the change of each group, split into parts that add up to it. */

/** What a group spent in a range. */
export interface Spent {
  /** Nano-dollars. */
  cost: number;
  /** Null: unknown. */
  requests: number | null;
  /** Null: unknown. */
  tokens: number | null;
}

/**
 * `requests`: more or fewer of them in all; `mix`: a larger or smaller share of them than before; `tokens`: more or fewer in each request;
 * `price`: a dearer or cheaper token (or request, where there are no tokens); `unknown`: requests are not known of both ranges.
 */
export const CAUSES = ['requests', 'mix', 'tokens', 'price', 'unknown'] as const;
export type Cause = (typeof CAUSES)[number];
export type Parts = Record<Cause, number>;

export interface GroupChange<Name> {
  name: Name;
  /** Nano-dollars: the sum of the parts. */
  change: number;
  parts: Parts;
}

const NOTHING: Spent = { cost: 0, requests: 0, tokens: 0 };
const NO_PARTS: Parts = { requests: 0, mix: 0, tokens: 0, price: 0, unknown: 0 };

/** Requests of groups of which they are known in both ranges. */
const sumRequests = (all: readonly Spent[]): number => all.reduce((sum, { requests }) => sum + (requests ?? 0), 0);

/** The logarithmic mean: what a change of one percent in a factor is worth between two amounts. */
const logMean = (a: number, b: number): number => (a === b ? a : (b - a) / Math.log(b / a));

/**
 * The parts of a change by the logarithmic mean Divisia index, which is exact and the same backwards (B. W. Ang, "The LMDI approach to decomposition
 * analysis", Energy Policy 33, 2005). Each is rounded to the nano-dollar; the price takes what rounding leaves, so that they add up.
 * @param growth requests of all groups now, as a multiple of those before
 */
function partsOf(before: Spent, now: Spent, growth: number): Parts {
  const change = now.cost - before.cost;
  if (before.requests === null || now.requests === null) return { ...NO_PARTS, unknown: change };
  if (!before.requests || !now.requests || !before.cost || !now.cost) return { ...NO_PARTS, mix: change };
  const weight = logMean(before.cost, now.cost);
  const more = Math.log(now.requests / before.requests);
  const requests = Math.round(weight * Math.log(growth));
  const mix = Math.round(weight * more) - requests;
  const tokens = before.tokens && now.tokens ? Math.round(weight * (Math.log(now.tokens / before.tokens) - more)) : 0;
  return { requests, mix, tokens, price: change - requests - mix - tokens, unknown: 0 };
}

/**
 * The change of each group, largest first. All parts together are the change of the sum, to the nano-dollar: a property of the arithmetic, whatever
 * is unknown.
 */
export function explainChange<Name>(before: ReadonlyMap<Name, Spent>, now: ReadonlyMap<Name, Spent>): GroupChange<Name>[] {
  const names = [...new Set([...before.keys(), ...now.keys()])];
  const pairs = names.map((name) => ({ name, was: before.get(name) ?? NOTHING, is: now.get(name) ?? NOTHING }));
  const counted = pairs.filter(({ was, is }) => was.requests !== null && is.requests !== null);
  const requestsBefore = sumRequests(counted.map(({ was }) => was));
  const growth = sumRequests(counted.map(({ is }) => is)) / requestsBefore;
  return pairs
    .map(({ name, was, is }) => ({ name, change: is.cost - was.cost, parts: partsOf(was, is, growth) }))
    .filter(({ change, parts }) => change !== 0 || CAUSES.some((cause) => parts[cause] !== 0))
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
}

/** The parts of all groups together. */
export function totalParts(changes: readonly GroupChange<unknown>[]): Parts {
  const total = { ...NO_PARTS };
  for (const { parts } of changes) for (const cause of CAUSES) total[cause] += parts[cause];
  return total;
}
