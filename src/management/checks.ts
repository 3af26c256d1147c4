/** What an account says of its completed days beside analytics: `/activity`, and names of models. Asked once a day. */
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { addDays, dayOf, HOUR_MS, listDays, startOfDay } from '../lib/day.ts';
import type { ActivityRow, ModelName } from '../openrouter/account.ts';
import { type Check, hasUnnamedModels, nameModelsStatement, setChecksStatement } from '../usage/usage-store.ts';
import type { UpstreamKey } from './model.ts';
import type { Budget } from './reads.ts';
import { noteCheckStatement, noteNamesStatement } from './store.ts';

const ACTIVITY_DAYS = 30;
/** Shortly after midnight the newest day may be incomplete. */
const SETTLED_AFTER_MS = 2 * HOUR_MS;

/** The days of an answer of `/activity`, those without spend as zero: they were measured. */
export function checksOf(rows: readonly ActivityRow[], today: string): Check[] {
  const sums = new Map(
    listDays(addDays(today, -ACTIVITY_DAYS), addDays(today, -1)).map((day) => [day, { day, costNano: 0, byokCostNano: 0 }]),
  );
  for (const { day, costNano, byokCostNano } of rows) {
    const sum = sums.get(day);
    if (!sum) continue;
    sum.costNano += costNano;
    sum.byokCostNano += byokCostNano;
  }
  return [...sums.values()];
}

/** One name for each model: of several (variants such as `:free`), the shortest. */
export function namesOf(names: readonly ModelName[]): ModelName[] {
  const byPermaslug = new Map<string, string>();
  for (const { permaslug, slug } of names) {
    const known = byPermaslug.get(permaslug);
    if (known === undefined || slug.length < known.length || (slug.length === known.length && slug < known))
      byPermaslug.set(permaslug, slug);
  }
  return [...byPermaslug].map(([permaslug, slug]) => ({ permaslug, slug }));
}

/** The keys that have not been checked up to yesterday; none shortly after midnight. Keys that never spent need no check. */
export function dueChecks(keys: readonly UpstreamKey[], now: number): UpstreamKey[] {
  const today = dayOf(now);
  if (now - startOfDay(today) < SETTLED_AFTER_MS) return [];
  return keys.filter(
    ({ hash, checkedTo, vanishedAt, doneFrom, usageNano, byokUsageNano }) =>
      (checkedTo === null || checkedTo < addDays(today, -1)) &&
      vanishedAt === null &&
      doneFrom !== null &&
      (hash === null || (usageNano ?? 0) + (byokUsageNano ?? 0) > 0),
  );
}

/**
 * Checks keys against `/activity` until the budget is used up.
 * @returns the ids of those that failed
 */
export async function checkKeys(deps: Deps, userId: number, text: string, keys: readonly UpstreamKey[], budget: Budget): Promise<number[]> {
  const today = dayOf(deps.now());
  const failed: number[] = [];
  for (const key of dueChecks(keys, deps.now())) {
    if (budget.queries <= 0 || budget.retryAfterS !== null) break;
    budget.queries -= 1;
    const answer = await deps.openrouter.getActivity(text, key.hash);
    if (!answer.ok) {
      failed.push(key.id);
      continue;
    }
    const names = namesOf(answer.value);
    await runBatch(deps.db, [
      setChecksStatement(deps.db, userId, key.id, 'activity', checksOf(answer.value, today)),
      noteCheckStatement(deps.db, userId, key.id, addDays(today, -1)),
      ...(key.hash === null ? [nameModelsStatement(deps.db, userId, names)] : []),
    ]);
  }
  return failed;
}

/** Asks for the names of models that no answer named so far, at most once a day. */
export async function readNames(deps: Deps, userId: number, managementId: number, namesDay: string | null): Promise<void> {
  const today = dayOf(deps.now());
  if (namesDay === today || !(await hasUnnamedModels(deps.db, userId))) return;
  const models = await deps.openrouter.listModels();
  if (!models.ok) return;
  await runBatch(deps.db, [nameModelsStatement(deps.db, userId, namesOf(models.value)), noteNamesStatement(deps.db, managementId, today)]);
}
