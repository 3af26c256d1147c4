/** Forms: a label, a control, and what is wrong with it, tied together for those who do not see the page. */
import { type Child, createContext, type PropsWithChildren, useContext } from 'hono/jsx';
import type { Failure } from './page.tsx';

interface FormProps {
  action: string;
  failure: Failure | null;
  class?: string;
}

/** The form in which a control stands, and what was wrong with it. */
const FormContext = createContext<{ path: string; failure: Failure | null }>({ path: '', failure: null });

/** The path of a form's address, and its failure if it is the one that failed. */
function contextOf({ action, failure }: FormProps) {
  const path = action.split('?')[0] ?? action;
  return { path, failure: failure?.form === path ? failure : null };
}

/** A form that is sent with POST. What is wrong with the whole of it stands above its fields. */
export function Form({ children, ...props }: PropsWithChildren<FormProps>) {
  const context = contextOf(props);
  const detail = context.failure?.detail ?? null;
  return (
    <form method="post" action={props.action} novalidate class={props.class}>
      {detail !== null && (
        <p class="notice failed" role="alert">
          {detail}
        </p>
      )}
      <FormContext.Provider value={context}>{children}</FormContext.Provider>
    </form>
  );
}

/** A form that asks: it becomes part of the address. */
export const AskForm = ({ children, ...props }: PropsWithChildren<FormProps>) => (
  <form method="get" action={props.action} class={props.class}>
    <FormContext.Provider value={contextOf(props)}>{children}</FormContext.Provider>
  </form>
);

interface FieldProps {
  name: string;
  label: string;
  type?: 'text' | 'email' | 'password' | 'date';
  value?: string;
  hint?: Child;
  autocomplete?: string;
  /** Id of a list of proposals. */
  list?: string;
  class?: string;
  isRequired?: boolean;
}

/** The name of a control among all forms of a page. */
const idOf = (form: string, name: string): string => `${form}/${name}`.replace(/\W+/g, '-').replace(/^-/, '');

/** A line of text. After an error it holds what was typed, unless that is a secret. */
export function Field({ name, label, type = 'text', value, hint, isRequired = true, ...rest }: FieldProps) {
  const { path, failure } = useContext(FormContext);
  const error = failure?.errors[name];
  const id = idOf(path, name);
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        value={failure?.values[name] ?? value}
        required={isRequired}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={described || undefined}
        spellcheck={false}
        {...rest}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
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

/** A choice of one, in a form. */
export function Select({ name, label, value, options, hint }: SelectProps) {
  const { path, failure } = useContext(FormContext);
  const id = idOf(path, name);
  const error = failure?.errors[name];
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name} aria-invalid={error ? 'true' : undefined} aria-describedby={described || undefined}>
        {options.map(([option, text]) => (
          <option value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  chosen: string;
  options: readonly (readonly [value: string, label: string, href: string])[];
}

/** A choice of one, as links. */
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

/** What is wrong with a question in the address, where no field of the page can say it. */
export function Problems({ failure, fields }: { failure: Failure | null; fields: readonly string[] }) {
  const others = Object.entries(failure?.errors ?? {}).filter(([name]) => !fields.includes(name));
  return others.length === 0 ? null : (
    <p class="notice failed" role="alert">
      {others.map(([name, message]) => `${name}: ${message}`).join('; ')}. The default is shown instead.
    </p>
  );
}
