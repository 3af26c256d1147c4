/** Queries in page addresses: errors are reported like those of forms, and defaults replace what is wrong. */
import type { Context } from 'hono';
import type * as z from 'zod';
import { AppFailure, type FieldError, fieldErrorsOf } from '../../errors.ts';
import type { FormFailure } from '../forms/form-failure.ts';
import type { View } from './page.tsx';

/** Repeated parameters become lists. */
export const readParameters = (c: Context): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]));

const flat = (parameters: Record<string, string | string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, typeof value === 'string' ? value : (value[0] ?? '')]));

/** Fields that only make sense together: if one is wrong, all are dropped. */
const TOGETHER = [['range', 'from', 'to']];

const without = (parameters: Record<string, string | string[]>, wrong: readonly string[]) => {
  const dropped = new Set(wrong.flatMap((name) => TOGETHER.find((names) => names.includes(name)) ?? [name]));
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !dropped.has(name)));
};

/** Keeps what is valid, replaces the rest by defaults and reports it. */
export async function answerQuery<T extends z.ZodType, A>(
  view: View,
  form: string,
  schema: T,
  answer: (query: z.output<T>) => Promise<A>,
): Promise<{ query: z.output<T>; answered: A; failure: FormFailure | null }> {
  const given = readParameters(view.c);
  const errors: Record<string, string> = {};
  const report = (found: readonly FieldError[]) => {
    for (const { path, message } of found) errors[path.split('.')[0] ?? ''] ??= message;
  };
  let parsed = schema.safeParse(given);
  if (!parsed.success) {
    report(fieldErrorsOf(parsed.error));
    parsed = schema.safeParse(without(given, Object.keys(errors)));
  }
  const failure = { form, values: flat(given), errors, detail: null, note: 'Defaults are shown instead.' };
  const query = parsed.success ? parsed.data : schema.parse({});
  try {
    return { query, answered: await answer(query), failure: Object.keys(errors).length > 0 ? failure : null };
  } catch (error) {
    if (!(error instanceof AppFailure) || error.error.kind !== 'invalid') throw error;
    report(error.error.errors);
    const next = schema.parse(without(given, Object.keys(errors)));
    return { query: next, answered: await answer(next), failure };
  }
}

/** The failure of a form that was sent comes first. */
export const withFailure = (view: View, failure: FormFailure | null): View =>
  view.failure || !failure ? view : { ...view, failure, draft: failure };
