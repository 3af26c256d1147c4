/** Errors of a form and how its page reports them: in a summary at the top and at the fields; the first of them gets the focus. Pure. */
import type { AppError } from '../../errors.ts';

export interface Draft {
  form: string;
  /** By field name, without secrets. */
  values: Record<string, string>;
}

export interface FormFailure extends Draft {
  errors: Record<string, string>;
  /** The error of the whole form; null: only fields are wrong. */
  detail: string | null;
  note?: string;
}

/** In page order. */
export interface Control {
  id: string;
  name: string;
  label: string;
}

export interface FailureReport {
  /** `id`: the control, or the form for errors shown above its fields; null: not on the page. */
  fields: { text: string; id: string | null }[];
  /** Errors shown above the fields because they belong to none of them. */
  above: string[];
  /** Id of the focused element; null: the summary. */
  focus: string | null;
}

/** Secrets pasted into a wrong field are not shown again either. */
const KEY_TEXT = /sk-or-v1-\w{8}/;

export type Kept = readonly string[] | ((name: string) => boolean);

export const shownOf = (values: Record<string, string>, kept: Kept): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => (typeof kept === 'function' ? kept(name) : kept.includes(name)) && !KEY_TEXT.test(value),
    ),
  );

export function failureOf(draft: Draft, error: AppError): FormFailure {
  const errors: Record<string, string> = {};
  if (error.kind === 'forbidden' && error.path !== undefined) return { ...draft, errors: { [error.path]: error.detail }, detail: null };
  if (error.kind !== 'invalid') return { ...draft, errors, detail: error.detail };
  for (const { path, message } of error.errors) errors[path] ??= message;
  return { ...draft, errors, detail: null };
}

const isOf = (path: string, name: string): boolean => path === name || path.startsWith(`${name}.`);

export const errorOf = ({ errors }: Pick<FormFailure, 'errors'>, name: string): string | undefined =>
  Object.entries(errors).find(([path]) => isOf(path, name))?.[1];

/** @param controls that the page shows @param form id for errors above its fields; null: only the summary shows them */
export function reportFailure(failure: FormFailure, controls: readonly Control[], form: string | null): FailureReport {
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
