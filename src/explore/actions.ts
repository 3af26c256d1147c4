/** Verbs of Explore: questions and saved views. */
import { type Actor, authorize } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { fail, failField } from '../errors.ts';
import { countDays, isoOrNull } from '../lib/day.ts';
import { resolveTimeZone } from '../lib/zone.ts';
import { checkRange } from '../usage/actions.ts';
import { gapsOf } from '../usage/coverage/gaps.ts';
import { readLedger } from '../usage/ledger.ts';
import { approximateDays, type Fact, factsBy, type Range } from '../usage/model.ts';
import { resolvePeriod } from '../usage/periods.ts';
import { compareCells } from '../usage/sums/groups.ts';
import { asOf } from '../usage/sums/stats.ts';
import { createAnswers } from './answer.ts';
import { isWanted, MAX_HOURLY_DAYS, metricOf, type Question, UNKNOWN_NAME } from './model.ts';
import { createPalette, type Palette } from './palette.ts';
import * as store from './store.ts';

const MAX_VIEWS = 50;

interface StoredName {
  permaslug: string;
  slug: string | null;
}

const distinct = (facts: readonly Fact[], of: 'model' | 'provider'): string[] =>
  [...new Set(facts.map((fact) => fact[of] ?? UNKNOWN_NAME))].sort((a, b) => a.localeCompare(b) || compareCells(a, b));

/** Colors cover all keys and models of the user, whatever the question. */
export const paletteOf = ({ keys, names }: { keys: readonly { id: number }[]; names: readonly StoredName[] }): Palette =>
  createPalette({ key: keys.map(({ id }) => id), model: names.map(({ slug, permaslug }) => slug ?? permaslug) });

const sumCorrections = (facts: readonly Fact[]): number => facts.reduce((sum, { measures }) => sum + (measures.correctionNano ?? 0), 0);

/** Rollups know one dimension each, and no hours. */
function askedOf(question: Question, range: Range, viewerZone: string) {
  const hours = question.rollup === 'hour' ? 'all' : 'none';
  const isPlain = question.by2 === undefined && [...question.key, ...question.model, ...question.provider].length === 0;
  if (!isPlain || hours === 'all') return { inRows: hours } as const;
  const since = { keys: range.from, models: range.from, providers: range.from };
  return { hours, since, isOwnZone: range.zone === resolveTimeZone(viewerZone) } as const;
}

/** The answer, with what filters can offer. @throws AppFailure `invalid` for an impossible range or rollup */
export async function ask(deps: Deps, actor: Actor, question: Question, viewerZone: string) {
  const userId = authorize(actor, 'read');
  const range = checkRange(resolvePeriod(question, deps.now(), viewerZone));
  const isHourly = question.rollup === 'hour';
  if (isHourly && countDays(range.from, range.to) > MAX_HOURLY_DAYS) {
    failField('rollup', `Hourly view is limited to ${MAX_HOURLY_DAYS} days`);
  }
  const { sources, keys, rows } = await readLedger(deps, userId, range, askedOf(question, range, viewerZone));
  const facts = factsBy(rows(), range, isHourly);
  const answers = createAnswers(keys, facts, range, question.rollup);
  return {
    range,
    answer: answers(question),
    byok: answers({ ...question, metric: 'byok_cost' }),
    keys: keys.map(({ id, name }) => ({ id, name })),
    models: distinct(facts.model, 'model'),
    providers: distinct(facts.provider, 'provider'),
    palette: paletteOf(sources),
    approximateDays: approximateDays(facts.marks.filter((mark) => isWanted(mark, question))),
    correctionNano: sumCorrections(facts.key.filter((fact) => isWanted(fact, question))),
    gaps: gapsOf(
      keys.filter(({ id }) => question.key.length === 0 || question.key.includes(id)),
      range,
      metricOf(question.metric).isMoney ? 'money' : 'detail',
    ),
    asOf: isoOrNull(asOf(keys)),
  };
}

export const listViews = (deps: Deps, actor: Actor): Promise<store.SavedView[]> => store.listViews(deps.db, authorize(actor, 'manage'));

export async function saveView(deps: Deps, actor: Actor, view: { name: string; query: string }): Promise<void> {
  const userId = authorize(actor, 'manage');
  const isSaved = await store.saveView(deps.db, { userId, createdAt: deps.now(), ...view }, MAX_VIEWS);
  if (!isSaved) fail({ kind: 'limit_reached', detail: `Maximum ${MAX_VIEWS} views allowed. Delete one first.` });
}

export async function deleteView(deps: Deps, actor: Actor, id: number): Promise<void> {
  if (!(await store.deleteView(deps.db, authorize(actor, 'manage'), id))) fail({ kind: 'not_found', detail: 'View not found.' });
}
