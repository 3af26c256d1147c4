/** What the sources said of a summed day: which of them would speak for each secret now, and what is compared with what. Pure. */

import type { Money } from './amounts.ts';
import { certainSource, sourceOf } from './choose.ts';
import type { CoveredSecret, Secrets } from './secrets.ts';
import type { CounterEntry, Index, StoredDay } from './sources.ts';
import type { NamedUsage, StoredCounters } from './stored-row.ts';

/** The counters say just what analytics say; nothing is corrected or estimated. */
const SAME = 1;
/**
 * What is said of a secret: by the counters, and by analytics in all. It is named by its upstream key's id, or, if no account lists it, by its hash.
 * Money is in nano-dollars.
 */
export type Said = readonly [
  keyId: number,
  secret: number | string,
  counted: Counted | typeof SAME | null,
  spentCost?: number,
  spentByokCost?: number,
];
type Counted = readonly [cost: number, byokCost: number, correction: number, byokCorrection: number, isEstimated: 0 | 1];

/** A secret of which another source may speak once something else is known of it, and which of `SOURCES` does. */
export type Unsure = readonly [source: number, said: Said];
/** Null: neither speaks. */
const SOURCES = [null, 'counters', 'analytics'] as const;

function countedOf(row: StoredCounters, spent: Money | null): Said[2] {
  const { costNano, byokCostNano, correctionNano, byokCorrectionNano, isEstimated } = row;
  const isSame = spent !== null && costNano === spent.costNano && byokCostNano === spent.byokCostNano;
  if (isSame && correctionNano === 0 && byokCorrectionNano === 0 && !isEstimated) return SAME;
  return [costNano, byokCostNano, correctionNano, byokCorrectionNano, isEstimated ? 1 : 0];
}

// There are thousands of tuples here, and to take one apart by a pattern takes several times as long as by its indices.

/** The secret of which something is said; null where it is gone. */
const secretIn = (said: Said, secrets: Secrets): CoveredSecret | null =>
  typeof said[1] === 'number' ? secrets.listed(said[1]) : secrets.counted({ apiKeyId: said[0], hash: said[1] });

/** What the counters say of a secret. */
function countersIn(said: Said, hash: string, day: string): CounterEntry | null {
  const [apiKeyId, counted] = [said[0], said[2]];
  if (counted === null) return null;
  const isSame = counted === SAME;
  return {
    apiKeyId,
    hash,
    day,
    costNano: isSame ? (said[3] ?? 0) : counted[0],
    byokCostNano: isSame ? (said[4] ?? 0) : counted[1],
    correctionNano: isSame ? 0 : counted[2],
    byokCorrectionNano: isSame ? 0 : counted[3],
    isEstimated: !isSame && counted[4] === 1,
  };
}

/** What analytics say of a secret in all. */
const spentIn = (said: Said): Money | null => (said[3] === undefined ? null : { costNano: said[3], byokCostNano: said[4] ?? 0 });

/** What analytics say of each upstream key. */
function spentOf(usage: readonly NamedUsage[]): Map<number, Money> {
  const sums = new Map<number, Money>();
  for (const { upstreamKeyId, costNano, byokCostNano } of usage) {
    const sum = sums.get(upstreamKeyId);
    sums.set(upstreamKeyId, { costNano: costNano + (sum?.costNano ?? 0), byokCostNano: byokCostNano + (sum?.byokCostNano ?? 0) });
  }
  return sums;
}

/** What the sources say of each secret of a day, and of which it depends on what is known of the secret which one speaks. */
export function saidOf(stored: { day: string; secrets: Secrets; counters: readonly StoredCounters[]; usage: readonly NamedUsage[] }): {
  said: Said[];
  unsure: Unsure[];
} {
  const { day, secrets, counters, usage } = stored;
  const [spent, counted] = [spentOf(usage), new Map<CoveredSecret, StoredCounters>()];
  for (const row of counters) {
    const secret = secrets.counted(row);
    if (secret) counted.set(secret, row);
  }
  const analysed = [...spent.keys()].flatMap((id) => secrets.listed(id) ?? []);
  const all = [...new Set([...counted.keys(), ...analysed])].map((secret): [CoveredSecret, Said] => {
    const [row, money] = [counted.get(secret), spent.get(secret.upstreamKeyId ?? 0) ?? null];
    const what = [secret.keyId, secret.upstreamKeyId ?? secret.hash ?? '', row ? countedOf(row, money) : null] as const;
    return [secret, money ? [...what, money.costNano, money.byokCostNano] : what];
  });
  const unsure = all.flatMap(([secret, one]): Unsure[] => {
    const [entry, money] = [countersIn(one, '', day), spentIn(one)];
    const source = sourceOf(day, secret, entry, money);
    return source !== null && certainSource(entry, money) === source ? [] : [[SOURCES.indexOf(source), one]];
  });
  return { said: all.map(([, one]) => one), unsure };
}

/** Would the ledger have a secret's day from the same source now? */
function holdsOf(day: string, unsure: Unsure, secrets: Secrets): boolean {
  const said = unsure[1];
  const secret = secretIn(said, secrets);
  const source = secret === null ? null : sourceOf(day, secret, countersIn(said, '', day), spentIn(said));
  return source === SOURCES[unsure[0]];
}

/** Summed days of which the ledger would have something else now, since a secret is known in another way than when they were summed. */
export const findOutdated = ({ secrets }: Pick<Index, 'secrets'>, days: readonly { day: string; unsure: readonly Unsure[] }[]): string[] =>
  days.filter(({ day, unsure }) => !unsure.every((one) => holdsOf(day, one, secrets))).map(({ day }) => day);

/** Adds what the sources said of a day to what is stored of it. */
export function indexSaid({ day, counters, usage }: StoredDay, said: readonly Said[], secrets: Secrets): void {
  for (const one of said) {
    const [secret, spent] = [secretIn(one, secrets), spentIn(one)];
    const entry = secret && secret.hash !== null ? countersIn(one, secret.hash, day) : null;
    if (entry) counters.set(entry.hash, entry);
    if (secret && secret.upstreamKeyId !== null && spent) usage.set(secret.upstreamKeyId, spent);
  }
}
