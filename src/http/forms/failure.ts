/**
 * What was wrong with a form, and how its page reports it: in a summary on top of the page, and at the fields, the first of which has
 * the focus. Pure.
 */
import type { AppError } from '../../errors.ts';

/** What was typed into a form, to be shown once more. */
export interface Draft {
  /** The path of the form's address. */
  form: string;
  /** By the field's name, secrets left out. */
  values: Record<string, string>;
}

/** A form that could not be carried out. */
export interface Failure extends Draft {
  /** What is wrong, by the field's path. */
  errors: Record<string, string>;
  /** What is wrong with the whole; null: only fields are. */
  detail: string | null;
  /** What happened instead. */
  note?: string;
}

/** A control of a form, in the order of the page. */
export interface Control {
  id: string;
  name: string;
  label: string;
}

/** How a page reports a failure. */
export interface FailureReport {
  /** Of each field that is wrong; `id`: its control, or where it stands above the form; null: the page has none. */
  fields: { text: string; id: string | null }[];
  /** What stands above the fields of the form, since it stands beside none of them. */
  above: string[];
  /** The id of what has the focus; null: the summary has. */
  focus: string | null;
}

/** A key's text, pasted into the wrong field, is not shown either. */
const KEY_TEXT = /sk-or-v1-\w{8}/;

/** The names of what may be shown again. */
export type Kept = readonly string[] | ((name: string) => boolean);

/** What may be shown again of what was typed: names that are kept, and never a key. */
export const shownOf = (values: Record<string, string>, kept: Kept): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => (typeof kept === 'function' ? kept(name) : kept.includes(name)) && !KEY_TEXT.test(value),
    ),
  );

/** The failure that an error is for a form: its fields by their paths, or the whole. */
export function failureOf(draft: Draft, error: AppError): Failure {
  const errors: Record<string, string> = {};
  if (error.kind === 'forbidden' && error.path !== undefined) return { ...draft, errors: { [error.path]: error.detail }, detail: null };
  if (error.kind !== 'invalid') return { ...draft, errors, detail: error.detail };
  for (const { path, message } of error.errors) errors[path] ??= message;
  return { ...draft, errors, detail: null };
}

/** Is what is wrong at a path wrong with a field, or with a part of it? */
const isOf = (path: string, name: string): boolean => path === name || path.startsWith(`${name}.`);

/** What is wrong with a field. */
export const errorOf = ({ errors }: Pick<Failure, 'errors'>, name: string): string | undefined =>
  Object.entries(errors).find(([path]) => isOf(path, name))?.[1];

/**
 * How a page reports a failure.
 * @param controls of the form, as far as the page shows it
 * @param form the form's id, where what is wrong with the whole of it stands above its fields; null: it stands in the summary alone
 */
export function reportFailure(failure: Failure, controls: readonly Control[], form: string | null): FailureReport {
  const home = form === null ? null : (controls[0]?.id ?? form);
  const wrong = controls.flatMap(({ id, name, label }) => {
    const message = errorOf(failure, name);
    return message === undefined ? [] : [{ id, text: `${label}: ${message}` }];
  });
  const unshown = Object.entries(failure.errors).filter(([path]) => !controls.some(({ name }) => isOf(path, name)));
  const others = unshown.map(([path, message]) => ({ id: home, text: path === '' ? message : `${path}: ${message}` }));
  return {
    fields: [...wrong, ...others],
    above: [...(failure.detail === null ? [] : [failure.detail]), ...others.map(({ text }) => text)],
    focus: wrong[0]?.id ?? home,
  };
}
