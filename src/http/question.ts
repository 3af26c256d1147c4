/** Questions in the address of a page: what is wrong with one stands beside its field, and the page shows its default instead. */
import type { Context } from 'hono';
import type * as z from 'zod';
import { AppFailure } from '../errors.ts';
import type { Failure, View } from './page.tsx';

/** The parameters of an address; what occurs several times is a list. */
export const readParameters = (c: Context): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]));

const flat = (parameters: Record<string, string | string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, typeof value === 'string' ? value : (value[0] ?? '')]));

/**
 * What `answer` makes of the question in the address; if there is something wrong with the question, of its defaults, with what is wrong.
 */
export async function askFromAddress<T extends z.ZodType, A>(
  view: View,
  form: string,
  schema: T,
  answer: (question: z.output<T>) => Promise<A>,
): Promise<{ question: z.output<T>; answered: A; failure: Failure | null }> {
  const parameters = readParameters(view.c);
  const failed = async (errors: Record<string, string>) => {
    const question = schema.parse({});
    return { question, answered: await answer(question), failure: { form, values: flat(parameters), errors, detail: null } };
  };
  const parsed = schema.safeParse(parameters);
  if (!parsed.success) {
    return failed(Object.fromEntries(parsed.error.issues.map(({ path, message }) => [String(path[0]), message])));
  }
  try {
    return { question: parsed.data, answered: await answer(parsed.data), failure: null };
  } catch (error) {
    if (!(error instanceof AppFailure) || error.error.kind !== 'invalid') throw error;
    return failed(Object.fromEntries(error.error.errors.map(({ path, message }) => [path, message])));
  }
}
