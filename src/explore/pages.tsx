import * as z from 'zod';
import { fail } from '../errors.ts';
import { Field, Form } from '../http/forms/fields.tsx';
import { AsOf } from '../http/pages/as-of.tsx';
import { Frame } from '../http/pages/layout.tsx';
import { createPages, type View } from '../http/pages/page.tsx';
import { answerQuery, readParameters, withFailure } from '../http/pages/page-query.ts';
import { invalidInput } from '../http/problem.ts';
import { BYTE_ORDER_MARK } from '../lib/csv.ts';
import { nameSchema } from '../lib/name.ts';
import { ask, deleteView, listViews, saveView } from './actions.ts';
import { answerCsv, answerJson } from './export.ts';
import { keyNamesOf } from './labels.ts';
import { type Question, questionSchema } from './model.ts';
import { Asking, addressOf, Shown } from './views.tsx';

export const explorePages = createPages();
const { page, form } = explorePages;

const FORM = '/explore';
const zoneOf = (view: View): string => view.viewer?.timeZone ?? 'UTC';

const Views = ({ views, query }: { views: Awaited<ReturnType<typeof listViews>>; query: string }) => (
  <section class="card">
    <h2>Saved views</h2>
    {views.length > 0 && (
      <ul class="rows">
        {views.map(({ id, name, query: saved }) => (
          <li>
            <a href={`/explore?${saved}`}>{name}</a>
            <Form action={`/explore/views/${id}/delete`}>
              <button type="submit" class="quiet" aria-label={`Delete the view ${name}`}>
                Delete
              </button>
            </Form>
          </li>
        ))}
      </ul>
    )}
    <Form action={`/explore/views?${query}`} class="line">
      <Field name="name" label="View name" autocomplete="off" hint="Saves the current range and filters." />
      <button type="submit">Save view</button>
    </Form>
  </section>
);

async function showExplore(view: View) {
  const [views, { query: question, answered: asked, failure }] = await Promise.all([
    listViews(view.deps, view.actor),
    answerQuery(view, FORM, questionSchema, (query) => ask(view.deps, view.actor, query, zoneOf(view))),
  ]);
  const rendered = (
    <Frame title="Explore" here="/explore" view={withFailure(view, failure)}>
      <div class="head">
        <h1>Explore</h1>
        <AsOf at={asked.asOf} zone={asked.range.zone} now={view.deps.now()} />
      </div>
      <Asking view={view} question={question} asked={asked} />
      <Shown question={question} asked={asked} now={view.deps.now()} />
      <Views views={views} query={addressOf(question)} />
    </Frame>
  );
  return failure ? view.c.html(rendered, 422) : rendered;
}

page('/explore', 'session', showExplore);

function questionIn(c: View['c']): Question {
  const parsed = questionSchema.safeParse(readParameters(c));
  return parsed.success ? parsed.data : fail(invalidInput(parsed.error));
}

page('/explore/export', 'session', async ({ c, deps, actor, viewer }) => {
  const question = questionIn(c);
  const { answer, range, keys } = await ask(deps, actor, question, viewer?.timeZone ?? 'UTC');
  const keyNames = keyNamesOf(keys);
  const name = `openrouter-${question.metric}-${range.from}-${range.to}`;
  if (c.req.query('format') === 'json') {
    c.header('content-disposition', `attachment; filename="${name}.json"`);
    return c.json(answerJson(answer, question, range, keyNames));
  }
  c.header('content-disposition', `attachment; filename="${name}.csv"`);
  return c.text(BYTE_ORDER_MARK + answerCsv(answer, question, keyNames), 200, { 'content-type': 'text/csv; charset=utf-8' });
});

form({
  path: '/explore/views',
  access: 'session',
  schema: z.strictObject({ name: nameSchema }),
  kept: ['name'],
  async act({ c, deps, actor, body }) {
    const query = addressOf(questionIn(c));
    await saveView(deps, actor, { name: body.name, query });
    return { to: `/explore?${query}`, message: `View “${body.name}” saved.` };
  },
  show: showExplore,
});

form({
  path: '/explore/views/:id/delete',
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await deleteView(deps, actor, id);
    return { to: '/explore', message: 'View deleted.' };
  },
  show: showExplore,
});
