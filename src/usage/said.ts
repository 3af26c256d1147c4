/** What the sources said of a summed day: which of them would speak for each key now, and what is compared with what. Pure. */
import { certainSource, sourceOf } from './choose.ts';
import type { CoveredKey } from './coverage.ts';
import type { CounterEntry, Index, StoredDay } from './sources.ts';
import type { NamedUsage, StoredCounters, StoredRow } from './stored-row.ts';

/** The counters say just what analytics say of the key's only text; nothing is corrected or estimated. */
const SAME = 1;
/** What is said of a key: by the counters, and by analytics of each of its texts in all (three numbers each). Money is in nano-dollars. */
export type Said = readonly [
  keyId: number,
  counted: Counted | typeof SAME | null,
  ...texts: number[], // of each its upstream key's id, credits and BYOK spend
];
type Counted = readonly [cost: number, byokCost: number, correction: number, byokCorrection: number, isEstimated: 0 | 1];

/** A key of which another source may speak once something else is known of it, and which of `SOURCES` does. */
export type Unsure = readonly [source: number, said: Said];
/** Null: neither speaks. */
const SOURCES = [null, 'counters', 'analytics'] as const;

function countedOf(row: StoredCounters, texts: readonly number[]): Said[1] {
  const { costNano, byokCostNano, correctionNano, byokCorrectionNano, isEstimated } = row;
  const isSame = texts.length === 3 && costNano === texts[1] && byokCostNano === texts[2];
  if (isSame && correctionNano === 0 && byokCorrectionNano === 0 && !isEstimated) return SAME;
  return [costNano, byokCostNano, correctionNano, byokCorrectionNano, isEstimated ? 1 : 0];
}

function textsOf(usage: readonly NamedUsage[]): number[] {
  const add = (rows: readonly NamedUsage[], pick: (row: NamedUsage) => number) => rows.reduce((sum, row) => sum + pick(row), 0);
  return [...Map.groupBy(usage, ({ upstreamKeyId }) => upstreamKeyId)].flatMap(([id, rows]) => [
    id,
    add(rows, ({ costNano }) => costNano),
    add(rows, ({ byokCostNano }) => byokCostNano),
  ]);
}

// There are thousands of tuples here, and to take one apart by a pattern takes several times as long as by its indices.

/** What the counters say of a key. */
function countersIn(said: Said, day: string): CounterEntry | null {
  const [apiKeyId, counted] = [said[0], said[1]];
  if (counted === null) return null;
  const isSame = counted === SAME;
  return {
    apiKeyId,
    day,
    costNano: isSame ? (said[3] ?? 0) : counted[0],
    byokCostNano: isSame ? (said[4] ?? 0) : counted[1],
    correctionNano: isSame ? 0 : counted[2],
    byokCorrectionNano: isSame ? 0 : counted[3],
    isEstimated: !isSame && counted[4] === 1,
  };
}

/** What analytics say of a key in all, and of how many texts. */
function analyticsIn(said: Said) {
  const spent = { costNano: 0, byokCostNano: 0 };
  const texts = (said.length - 2) / 3;
  for (let text = 0; text < texts; text++) {
    spent.costNano += said[3 + 3 * text] as number;
    spent.byokCostNano += said[4 + 3 * text] as number;
  }
  return { spent, texts };
}

/** What the sources say of each key of a day, and of which it depends on what is known of the key which one speaks. */
export function saidOf(stored: {
  rows: readonly Pick<StoredRow, 'keyId' | 'source'>[];
  counters: readonly StoredCounters[];
  usage: readonly NamedUsage[];
}): { said: Said[]; unsure: Unsure[] } {
  const speaking = new Map(stored.rows.map(({ keyId, source }) => [keyId, source]));
  const counted = new Map(stored.counters.map((row) => [row.apiKeyId, row]));
  const analysed = Map.groupBy(stored.usage, ({ keyId }) => keyId);
  const said = [...new Set([...counted.keys(), ...analysed.keys()])].map((id): Said => {
    const [row, texts] = [counted.get(id), textsOf(analysed.get(id) ?? [])];
    return [id, row ? countedOf(row, texts) : null, ...texts];
  });
  const unsure = said.flatMap((one): Unsure[] => {
    const source = speaking.get(one[0]) ?? null;
    const isSure = source !== null && certainSource(countersIn(one, ''), analyticsIn(one)) === source;
    return isSure ? [] : [[SOURCES.indexOf(source), one]];
  });
  return { said, unsure };
}

/** Would the ledger have a key's day from the same source now? */
function holdsOf(day: string, unsure: Unsure, keys: ReadonlyMap<number, CoveredKey>): boolean {
  const said = unsure[1];
  const key = keys.get(said[0]);
  const source = key === undefined ? null : sourceOf(day, key, countersIn(said, day), analyticsIn(said));
  return source === SOURCES[unsure[0]];
}

/** Summed days of which the ledger would have something else now, since a key is known in another way than when they were summed. */
export function findOutdated({ keys }: Pick<Index, 'keys'>, days: readonly { day: string; unsure: readonly Unsure[] }[]): string[] {
  const byId = new Map(keys.map((key) => [key.id, key]));
  return days.filter(({ day, unsure }) => !unsure.every((one) => holdsOf(day, one, byId))).map(({ day }) => day);
}

/** Adds what the sources said of a day to what is stored of it. */
export function indexSaid({ day, counters, usage }: StoredDay, said: readonly Said[]): void {
  for (const one of said) {
    const entry = countersIn(one, day);
    if (entry) counters.set(entry.apiKeyId, entry);
    for (let at = 2; at < one.length; at += 3) {
      usage.set(one[at] as number, { costNano: one[at + 1] as number, byokCostNano: one[at + 2] as number });
    }
  }
}
