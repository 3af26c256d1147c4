/** Completed days beside analytics: `/activity` and model names, once a day. */
import pMap from 'p-map';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import type { Account, UpstreamKey } from '../inventory/model.ts';
import { addDays, dayOf, listDays, startOfDay } from '../lib/day.ts';
import type { ActivityRow, ModelName } from '../openrouter/account.ts';
import type { Check } from '../usage/booking/cells.ts';
import { hasUnnamedModels, nameModelsStatement, setChecksStatement } from '../usage/booking/usage-store.ts';
import { ACTIVITY_DAYS, ACTIVITY_FROM_MS } from './model.ts';
import { type Budget, noteWait } from './reads.ts';
import { noteChecksStatement, noteNamesStatement } from './store.ts';

const MAX_SIMULTANEOUS = 6;

/** Days without spend are a measured zero. @param answered the next day if midnight came between; the oldest day may then be missing */
export function checksOf(rows: readonly ActivityRow[], asked: string, answered: string): Check[] {
  const days = listDays(addDays(answered, -ACTIVITY_DAYS), addDays(asked, -1));
  const sums = new Map(days.map((day) => [day, { day, costNano: 0, byokCostNano: 0 }]));
  for (const { day, costNano, byokCostNano } of rows) {
    const sum = sums.get(day);
    if (!sum) continue;
    sum.costNano += costNano;
    sum.byokCostNano += byokCostNano;
  }
  return [...sums.values()];
}

export function namesOf(names: readonly ModelName[]): ModelName[] {
  const byPermaslug = new Map<string, string>();
  for (const { permaslug, slug } of names) {
    const known = byPermaslug.get(permaslug);
    if (known === undefined || slug.length < known.length || (slug.length === known.length && slug < known))
      byPermaslug.set(permaslug, slug);
  }
  return [...byPermaslug].map(([permaslug, slug]) => ({ permaslug, slug }));
}

/** A null hash stands for the whole account. */
export interface Checked extends Pick<UpstreamKey, 'id' | 'checkedTo'> {
  hash: string | null;
}

/** Nothing shortly after midnight, before the first reading, or without spend. @param account null: failed in this run */
export function dueChecks(keys: readonly UpstreamKey[], account: Account | null, now: number): Checked[] {
  const today = dayOf(now);
  if (now - startOfDay(today) < ACTIVITY_FROM_MS) return [];
  const isSpender = ({ vanishedAt, usageNano, byokUsageNano }: UpstreamKey) =>
    vanishedAt === null && (usageNano ?? 0) + (byokUsageNano ?? 0) > 0;
  const asked = [...keys.filter(isSpender), ...(account ? [{ ...account, hash: null }] : [])];
  return asked.filter(({ checkedTo, doneFrom }) => doneFrom !== null && (checkedTo === null || checkedTo < addDays(today, -1)));
}

/** Until the budget is used up. The account's own answer also names models. @returns those that failed */
export async function checkDays(
  deps: Deps,
  userId: number,
  secret: string,
  keys: readonly UpstreamKey[],
  account: Account | null,
  budget: Budget,
): Promise<Checked[]> {
  const today = dayOf(deps.now());
  const due = dueChecks(keys, account, deps.now()).slice(0, budget.retryAfterS === null ? Math.max(0, budget.queries) : 0);
  if (due.length === 0) return [];
  budget.queries -= due.length;
  const ask = async (key: Checked) => {
    if (budget.retryAfterS !== null) return [];
    const answer = await deps.openrouter.getActivity(secret, key.hash);
    if (!answer.ok) noteWait(budget, answer.error);
    return [{ key, answer, answered: dayOf(deps.now()) }];
  };
  const answers = (await pMap(due, ask, { concurrency: MAX_SIMULTANEOUS })).flat();
  const sound = answers.flatMap(({ key, answer, answered }) => (answer.ok ? [{ key, rows: answer.value, answered }] : []));
  const names = sound.flatMap(({ key, rows }) => (key.hash === null ? namesOf(rows) : []));
  const statements = (['upstream_key', 'account'] as const).flatMap((owner) => {
    const ofOwner = sound.filter(({ key }) => (key.hash === null) === (owner === 'account'));
    const checks = ofOwner.flatMap(({ key, rows, answered }) => checksOf(rows, today, answered).map((check) => ({ ...check, id: key.id })));
    const ids = ofOwner.map(({ key }) => key.id);
    return [setChecksStatement(deps.db, userId, owner, checks), noteChecksStatement(deps.db, userId, owner, ids, addDays(today, -1))];
  });
  await runBatch(deps.db, [...statements, nameModelsStatement(deps.db, userId, names)]);
  return answers.flatMap(({ key, answer }) => (answer.ok ? [] : key));
}

/** At most once a day, for models that no answer named. */
export async function readNames(deps: Deps, userId: number, managementId: number, namesDay: string | null): Promise<void> {
  const today = dayOf(deps.now());
  if (namesDay === today || !(await hasUnnamedModels(deps.db, userId))) return;
  const models = await deps.openrouter.listModels();
  if (!models.ok) return;
  await runBatch(deps.db, [
    nameModelsStatement(deps.db, userId, namesOf(models.value)),
    noteNamesStatement(deps.db, userId, managementId, today),
  ]);
}
