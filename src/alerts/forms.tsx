/** Forms of rules and channels. */
import { Field, Form, Select } from '../http/fields.tsx';
import type { Failure } from '../http/page.tsx';
import type { Key } from '../keys/advice.ts';
import type { ChannelType } from './channel-model.ts';
import { ALL_CHANNELS, channelField, FORM_FIELDS, type FormField } from './form-model.ts';
import type { RuleType } from './model.ts';

/** Types of rules, in words. */
export const RULE_LABELS: Record<RuleType, string> = {
  budget: 'Budget',
  limit_remaining: 'Limit of a key',
  balance: 'Balance',
  spike: 'Unusual spend',
  key_invalid: 'Invalid key',
  key_expiring: 'Expiring key',
  key_discovered: 'New key',
  sync_overdue: 'Key not read',
  digest: 'Digest',
};

export const CHANNEL_LABELS: Record<ChannelType, string> = {
  webhook: 'Webhook',
  slack: 'Slack',
  discord: 'Discord',
  telegram: 'Telegram',
  email: 'E-mail',
};

interface Named {
  id: number;
  name: string;
}

interface CheckProps {
  id: string;
  name: string;
  label: string;
  isChecked: boolean;
}

const Check = ({ id, name, label, isChecked }: CheckProps) => (
  <div class="check">
    <input type="checkbox" id={id} name={name} value="on" checked={isChecked} />
    <label for={id}>{label}</label>
  </div>
);

const RuleField = ({ field, value, id }: { field: FormField; value: string; id: string }) => {
  const { name, label, kind, hint, options = [] } = field;
  if (kind === 'check') return <Check id={id} name={name} label={label} isChecked={value !== ''} />;
  if (kind === 'choice') return <Select name={name} label={label} value={value} options={options} {...(hint && { hint })} />;
  const type = kind === 'password' ? 'password' : 'text';
  const autocomplete = kind === 'password' ? 'current-password' : 'off';
  return (
    <Field name={name} label={label} type={type} value={value} autocomplete={autocomplete} isRequired={false} {...(hint && { hint })} />
  );
};

interface RuleFormProps {
  action: string;
  type: RuleType;
  /** Of a rule that is there. */
  values?: Record<string, string>;
  keys: readonly Key[];
  channels: readonly Named[];
  failure: Failure | null;
  button: string;
}

/** A rule about a key that is gone stays about it until somebody changes it. */
const goneKey = (id: string, keys: readonly Key[]): [string, string][] =>
  id === '' || keys.some((key) => String(key.id) === id) ? [] : [[id, 'A key that is gone']];

/** What would happen at once, and the two ways to go on. The first button is the one that the Enter key presses. */
const WhenToAct = ({ error, action }: { error: string | undefined; action: string }) => (
  <fieldset aria-describedby="rule-act_from-error">
    <legend>All of it is used already</legend>
    <p class="error" id="rule-act_from-error">
      {error ?? 'Choose when the action begins.'}
    </p>
    <button type="submit" name="act_from" value="next_period">
      From the next period
    </button>{' '}
    <button type="submit" name="act_from" value="now" class="quiet">
      {action === 'limit' ? 'Limit the key now' : 'Disable the key now'}
    </button>
  </fieldset>
);

/** Everything that can be said of a rule of a type. */
export const RuleForm = ({ action, type, values, keys, channels, failure, button }: RuleFormProps) => {
  const failed = failure?.form === action ? failure : null;
  const shown = failed?.values ?? values;
  const isAsked = failed?.errors['act_from'] !== undefined || failed?.values['act_from'] !== undefined;
  const textOf = (name: string, initial = ''): string => (shown === undefined ? initial : (shown[name] ?? ''));
  const isChecked = (name: string): boolean => shown === undefined || textOf(name) !== '';
  return (
    <Form action={action} failure={failure} class="rule">
      <input type="hidden" name="type" value={type} />
      {type !== 'key_discovered' && (
        <Select
          name="key_id"
          label="Key"
          value={textOf('key_id')}
          options={[['', 'All keys'], ...keys.map(({ id, name }) => [String(id), name] as const), ...goneKey(textOf('key_id'), keys)]}
        />
      )}
      {FORM_FIELDS[type].map((field) => (
        <RuleField field={field} value={textOf(field.name, field.initial)} id={`rule-${field.name}`} />
      ))}
      <Field
        name="name"
        label="Name"
        value={textOf('name')}
        autocomplete="off"
        isRequired={false}
        hint="Messages begin with it. May be left empty."
      />
      <fieldset>
        <legend>Notify</legend>
        {channels.length === 0 && <p class="hint">No channels yet; alerts appear on this page only.</p>}
        <Check id="rule-all_channels" name={ALL_CHANNELS} label="All channels, and those added later" isChecked={isChecked(ALL_CHANNELS)} />
        {channels.map(({ id, name }) => (
          <Check
            id={`rule-${channelField(id)}`}
            name={channelField(id)}
            label={name}
            isChecked={isChecked(channelField(id)) || isChecked(ALL_CHANNELS)}
          />
        ))}
      </fieldset>
      {isAsked ? <WhenToAct error={failed?.errors['act_from']} action={textOf('action')} /> : <button type="submit">{button}</button>}
    </Form>
  );
};

const HINTS: Record<Exclude<ChannelType, 'telegram' | 'email'>, string> = {
  webhook: 'It gets JSON, signed as the Standard Webhooks specification says.',
  slack: 'The address of an incoming webhook.',
  discord: 'The address of a webhook of a Discord channel.',
};

/** On, unless a form that failed had it off. */
const isAddedToRules = (failure: Failure | null): boolean =>
  failure?.form !== '/alerts/channels' || failure.values['add_to_rules'] !== undefined;

/** What is needed to send to a receiver of a type. */
export const ChannelForm = ({ type, failure }: { type: ChannelType; failure: Failure | null }) => (
  <Form action="/alerts/channels" failure={failure} class="line">
    <input type="hidden" name="type" value={type} />
    <Field name="name" label="Name" autocomplete="off" />
    {type === 'email' ? (
      <Field name="to" label="E-mail address" type="email" autocomplete="email" />
    ) : type === 'telegram' ? (
      <>
        <Field name="bot_token" label="Bot token" autocomplete="off" class="secret" />
        <Field name="chat_id" label="Chat id" autocomplete="off" />
      </>
    ) : (
      <Field name="url" label="Address" autocomplete="off" class="secret" hint={HINTS[type]} />
    )}
    <Check id="channel-add_to_rules" name="add_to_rules" label="Send all existing alerts here" isChecked={isAddedToRules(failure)} />
    <button type="submit">Add channel</button>
  </Form>
);
