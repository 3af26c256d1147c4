/** Which source speaks for each secret and day. Pure. */
import { addMoney, knowMore, type Money } from './amounts.ts';
import type { CoveredKey } from './coverage.ts';
import type { Source } from './model.ts';
import { areBehind, type CoveredSecret, createSecrets, isAnalysed } from './secrets.ts';

type Counted = Money & { isEstimated: boolean };

/** Do the counters speak for a day of which there are analytics? Where they know more money, and analytics left the day unfinished. */
const isOvertaken = (day: string, secret: CoveredSecret, counted: Money | null, spent: Money): boolean =>
  counted !== null && areBehind(secret) && !isAnalysed(day, secret) && knowMore(counted, spent);

/**
 * Which source speaks for a secret's day: analytics where there is any, counters otherwise. A day that analytics left unfinished is the counters',
 * and what the counters shared out over a gap does not speak where analytics were read.
 * @param spent what analytics say in all; null: nothing
 * @returns null if neither does
 */
export function sourceOf(day: string, secret: CoveredSecret, counted: Counted | null, spent: Money | null): Source | null {
  if (spent && !isOvertaken(day, secret, counted, spent)) return 'analytics';
  return counted && !(counted.isEstimated && isAnalysed(day, secret)) ? 'counters' : null;
}

/** The same where it does not depend on what is known of the secret; null where it does. */
export function certainSource(counted: Counted | null, spent: Money | null): Source | null {
  if (spent) return counted && knowMore(counted, spent) ? null : 'analytics';
  return counted && !counted.isEstimated ? 'counters' : null;
}

type CounterRow = Counted & { day: string; apiKeyId: number; hash: string };
type UsageRow = Money & { day: string; upstreamKeyId: number };

/** What is said of a secret's day. */
interface Said<C> {
  counted: C | null;
  spent: Money | null;
  source?: Source | null;
}

/** The rows of the source that speaks for each secret and day (`sourceOf`). They are never added. */
export function chooseSources<C extends CounterRow, U extends UsageRow>(
  keys: readonly CoveredKey[],
  counters: readonly C[],
  usage: readonly U[],
): { counters: C[]; usage: U[] } {
  const secrets = createSecrets(keys);
  const places = new Map<CoveredSecret, Map<string, Said<C>>>();
  const saidAt = (secret: CoveredSecret, day: string): Said<C> => {
    const days = places.get(secret) ?? new Map<string, Said<C>>();
    places.set(secret, days);
    const said = days.get(day) ?? { counted: null, spent: null };
    days.set(day, said);
    return said;
  };
  const counted = counters.flatMap((row) => {
    const secret = secrets.counted(row);
    if (secret) saidAt(secret, row.day).counted = row;
    return secret ? { row, secret } : [];
  });
  const analysed = usage.flatMap((row) => {
    const secret = secrets.listed(row.upstreamKeyId);
    if (!secret) return [];
    const said = saidAt(secret, row.day);
    said.spent = said.spent ? addMoney(said.spent, row) : { costNano: row.costNano, byokCostNano: row.byokCostNano };
    return { row, secret };
  });
  const chosenAt = (secret: CoveredSecret, day: string): Source | null => {
    const said = saidAt(secret, day);
    if (said.source === undefined) said.source = sourceOf(day, secret, said.counted, said.spent);
    return said.source;
  };
  return {
    counters: counted.filter(({ row, secret }) => chosenAt(secret, row.day) === 'counters').map(({ row }) => row),
    usage: analysed.filter(({ row, secret }) => chosenAt(secret, row.day) === 'analytics').map(({ row }) => row),
  };
}
