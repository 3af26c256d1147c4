/** Form controls with labels, hints and errors, tied together for screen readers. */
import { type Child, type PropsWithChildren, useContext } from 'hono/jsx';
import { FormContext, idOf, noticeIdOf, PageContext, useControl } from './form-context.ts';
import { type Control, reportFailure } from './form-failure.ts';

interface FormProps {
  action: string;
  class?: string;
}

/** A failed form is rendered twice: first to collect its controls. @param isSent whether errors of no field stand above the fields */
function useForm({ action, children }: PropsWithChildren<FormProps>, isSent: boolean) {
  const page = useContext(PageContext);
  const path = action.split('?')[0] ?? action;
  const typed = page.draft?.form === path ? page.draft.values : null;
  const failure = page.failure?.form === path && page.report === null ? page.failure : null;
  const state = { path, typed, failure, report: null, controls: [] as Control[] };
  if (failure === null) return state;
  void FormContext.Provider({ value: state, children: <>{children}</> });
  const report = reportFailure(failure, state.controls, isSent ? idOf(path) : null);
  page.report = report;
  return { ...state, report };
}

/** A POST form. Screen readers read its own errors with the summary. */
export function Form({ children, ...props }: PropsWithChildren<FormProps>) {
  const state = useForm({ children, ...props }, true);
  const above = state.report?.above ?? [];
  const id = idOf(state.path);
  const isFocused = state.report?.focus === id;
  return (
    <form
      method="post"
      action={props.action}
      novalidate
      class={props.class}
      {...(isFocused && { id, tabindex: -1, autofocus: true, 'aria-describedby': noticeIdOf(state.path) })}
    >
      {above.length > 0 && (
        <p class="notice failed" id={noticeIdOf(state.path)} aria-hidden="true">
          {above.join(' ')}
        </p>
      )}
      <FormContext.Provider value={state}>{children}</FormContext.Provider>
    </form>
  );
}

/** A GET form. */
export function AskForm({ children, ...props }: PropsWithChildren<FormProps>) {
  const state = useForm({ children, ...props }, false);
  return (
    <form method="get" action={props.action} class={props.class}>
      <FormContext.Provider value={state}>{children}</FormContext.Provider>
    </form>
  );
}

const Hint = ({ id, hint }: { id: string; hint?: Child }) =>
  hint !== undefined ? (
    <p class="hint" id={`${id}-hint`}>
      {hint}
    </p>
  ) : null;

const FieldError = ({ id, error }: { id: string; error: string | undefined }) =>
  error ? (
    <p class="error" id={`${id}-error`}>
      {error}
    </p>
  ) : null;

interface FieldProps {
  name: string;
  label: string;
  type?: 'text' | 'email' | 'password' | 'date';
  value?: string;
  hint?: Child;
  autocomplete?: string;
  list?: string;
  class?: string;
  isRequired?: boolean;
}

/** Keeps what was typed after an error, unless it is a secret. */
export function Field({ name, label, type = 'text', value, hint, isRequired = true, ...rest }: FieldProps) {
  const { id, error, typed, focus, invalid } = useControl(name, label, Boolean(hint));
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        value={typed ?? value}
        required={isRequired}
        aria-invalid={invalid}
        spellcheck={false}
        {...focus}
        {...rest}
      />
      <Hint id={id} hint={hint} />
      <FieldError id={id} error={error} />
    </div>
  );
}

interface SelectProps {
  name: string;
  label: string;
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  hint?: Child;
}

export function Select({ name, label, value, options, hint }: SelectProps) {
  const { id, error, typed, focus, invalid } = useControl(name, label, Boolean(hint));
  const chosen = options.some(([option]) => option === typed) ? typed : value;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name} aria-invalid={invalid} {...focus}>
        {options.map(([option, text]) => (
          <option value={option} selected={option === chosen}>
            {text}
          </option>
        ))}
      </select>
      <Hint id={id} hint={hint} />
      <FieldError id={id} error={error} />
    </div>
  );
}

interface CheckProps {
  name: string;
  label: string;
  isChecked: boolean;
  value?: string;
}

/** Browsers do not send unchecked boxes. */
export function Check({ name, label, isChecked, value = 'on' }: CheckProps) {
  const { id, error, focus, invalid } = useControl(name, label);
  return (
    <div class="check">
      <input type="checkbox" id={id} name={name} value={value} checked={isChecked} aria-invalid={invalid} {...focus} />
      <label for={id}>{label}</label>
      <FieldError id={id} error={error} />
    </div>
  );
}

interface GroupProps {
  name: string;
  label: string;
  isLabelUnseen?: boolean;
}

export function Group({ name, label, isLabelUnseen = false, children }: PropsWithChildren<GroupProps>) {
  const { id, error, focus } = useControl(name, label);
  return (
    <fieldset id={id} tabindex={error ? -1 : undefined} {...focus}>
      <legend class={isLabelUnseen ? 'unseen' : undefined}>{label}</legend>
      <FieldError id={id} error={error} />
      {children}
    </fieldset>
  );
}

interface ChoiceProps {
  label: string;
  chosen: string;
  options: readonly (readonly [value: string, label: string, href: string])[];
}

export const Choice = ({ label, chosen, options }: ChoiceProps) => (
  <nav aria-label={label} class="segments">
    <ul>
      {options.map(([value, text, href]) => (
        <li>
          <a href={href} aria-current={value === chosen ? 'true' : undefined}>
            {text}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

interface SwitchProps extends ChoiceProps {
  /** What the Enter key sends beside the fields. */
  enter?: { name: string; value: string };
}

/** Its buttons post typed values to addresses that redraw the form. Enter presses a form's first button, so that is a hidden one. */
export function Switch({ label, chosen, options, enter }: SwitchProps) {
  const { typed, failure } = useContext(FormContext);
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      <span class="unseen" aria-hidden="true">
        <button type="submit" tabindex={-1} {...enter} />
      </span>
      <ul>
        {options.map(([value, text, address]) => (
          <li>
            <button
              type="submit"
              formaction={address}
              aria-current={value === chosen ? 'true' : undefined}
              autofocus={(value === chosen && typed !== null && failure === null) || undefined}
            >
              {text}
            </button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

/** Preserves values of fields that the form does not show at the moment. */
export function Kept({ names }: { names: readonly string[] }) {
  const { typed } = useContext(FormContext);
  return (
    <>
      {names.map((name) => {
        const value = typed?.[name];
        return value === undefined ? null : <input type="hidden" name={name} value={value} />;
      })}
    </>
  );
}
