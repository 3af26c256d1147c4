/** What a page's forms know of the form that was sent, and what they report of it to the page. */
import { createContext, useContext } from 'hono/jsx';
import { type Control, type Draft, errorOf, type Failure, type FailureReport } from './failure.ts';

interface PageState {
  draft: Draft | null;
  failure: Failure | null;
  /** Set by the form that failed, when it is drawn. */
  report: FailureReport | null;
}

/** The page in which a form stands. */
export const PageContext = createContext<PageState>({ draft: null, failure: null, report: null });

interface FormState {
  path: string;
  /** What was typed into it; null: nothing is to be shown once more. */
  typed: Record<string, string> | null;
  failure: Failure | null;
  report: FailureReport | null;
  /** Takes the form's controls. */
  controls: Control[];
}

/** The form in which a control stands. */
export const FormContext = createContext<FormState>({ path: '', typed: null, failure: null, report: null, controls: [] });

/** An id among all forms of a page: of a form, or of one of its controls. */
export const idOf = (form: string, name = ''): string => `${form}/${name}`.replace(/\W+/g, '-').replace(/^-|-$/g, '');

/** The id of what stands above the fields of a form that failed. */
export const noticeIdOf = (form: string): string => `${idOf(form)}-notice`;

/** A control's place in its form: who it is, what was typed into it, and what is wrong with it. */
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
    /** What makes the focus come back to it. */
    focus: { autofocus: isFocused || undefined, 'aria-describedby': described || undefined },
    invalid: error ? ('true' as const) : undefined,
  };
}

/** What is wrong with a field, for what stands around its control. */
export function useError(name: string): string | undefined {
  const { failure } = useContext(FormContext);
  return failure ? errorOf(failure, name) : undefined;
}
