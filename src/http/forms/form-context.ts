/** State that a page and its forms share while rendering. */
import { createContext, useContext } from 'hono/jsx';
import { type Control, type Draft, errorOf, type FailureReport, type FormFailure } from './form-failure.ts';

interface PageState {
  draft: Draft | null;
  failure: FormFailure | null;
  /** Set when the failed form is rendered. */
  report: FailureReport | null;
}

export const PageContext = createContext<PageState>({ draft: null, failure: null, report: null });

interface FormState {
  path: string;
  typed: Record<string, string> | null;
  failure: FormFailure | null;
  report: FailureReport | null;
  controls: Control[];
}

export const FormContext = createContext<FormState>({ path: '', typed: null, failure: null, report: null, controls: [] });

/** Unique on a page. */
export const idOf = (form: string, name = ''): string => `${form}/${name}`.replace(/\W+/g, '-').replace(/^-|-$/g, '');

export const noticeIdOf = (form: string): string => `${idOf(form)}-notice`;

/** Registers a control with its form and returns its id, value and error. */
export function useControl(name: string, label: string, hasHint = false) {
  const { path, typed, failure, report, controls } = useContext(FormContext);
  const id = idOf(path, name);
  controls.push({ id, name, label });
  const error = failure ? errorOf(failure, name) : undefined;
  const isFocused = report?.focus === id;
  const isAbove = isFocused && error === undefined;
  const described = [hasHint && `${id}-hint`, error && `${id}-error`, isAbove && noticeIdOf(path)].filter(Boolean).join(' ');
  return {
    id,
    error,
    typed: typed?.[name],
    focus: { autofocus: isFocused || undefined, 'aria-describedby': described || undefined },
    invalid: error ? ('true' as const) : undefined,
  };
}

export function useError(name: string): string | undefined {
  const { failure } = useContext(FormContext);
  return failure ? errorOf(failure, name) : undefined;
}
