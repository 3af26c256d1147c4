import { Check, Field, Form, Group, Kept, Select, Switch } from '../../http/forms/fields.tsx';
import { useError } from '../../http/forms/form-context.ts';
import type { View } from '../../http/pages/page.tsx';
import type { Key } from '../../keys/advice.ts';
import { addressesOfOthers, type ChannelType } from '../channels/model.ts';
import type { RuleType } from '../model.ts';
import { ALL_CHANNELS, channelField, FORM_FIELDS, type FormField, fieldsOfOthers, isAboutKeys } from './form-model.ts';

export const RULE_LABELS: Record<RuleType, string> = {
  budget: 'Budget',
  limit_remaining: 'Key limit',
  balance: 'Balance',
  spike: 'Spend spike',
  key_invalid: 'Invalid key',
  key_expiring: 'Expiring key',
  key_discovered: 'New key',
  sync_overdue: 'Sync overdue',
  digest: 'Digest',
};

export const CHANNEL_LABELS: Record<ChannelType, string> = {
  webhook: 'Webhook',
  slack: 'Slack',
  discord: 'Discord',
  telegram: 'Telegram',
  email: 'Email',
};

interface Named {
  id: number;
  name: string;
}

const RuleField = ({ field, value }: { field: FormField; value: string }) => {
  const { name, label, kind, hint, options = [] } = field;
  if (kind === 'check') return <Check name={name} label={label} isChecked={value !== ''} />;
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
  values?: Record<string, string>;
  keys: readonly Key[];
  channels: readonly Named[];
  view: Pick<View, 'draft' | 'failure'>;
  button: string;
  kinds?: Kinds;
}

interface Kinds {
  label: string;
  options: readonly (readonly [value: string, label: string, address: string])[];
}

/** A rule keeps its deleted key until somebody changes it. */
const goneKey = (id: string, keys: readonly Key[]): [string, string][] =>
  id === '' || keys.some((key) => String(key.id) === id) ? [] : [[id, 'A deleted key']];

/** What the Enter key chooses. */
const LATER = { name: 'act_from', value: 'next_period' };

const WhenToAct = ({ action }: { action: string }) => (
  <Group name="act_from" label="The budget is already used up">
    {useError('act_from') === undefined && <p class="error">Choose when the action begins.</p>}
    <button type="submit" {...LATER}>
      From the next period
    </button>{' '}
    <button type="submit" name="act_from" value="now" class="quiet">
      {action === 'limit' ? 'Limit the key now' : 'Disable the key now'}
    </button>
  </Group>
);

export const RuleForm = ({ action, type, values, keys, channels, view: { draft, failure }, button, kinds }: RuleFormProps) => {
  const shown = draft?.form === action ? draft.values : values;
  const isAsked = shown?.['act_from'] !== undefined || (failure?.form === action && failure.errors['act_from'] !== undefined);
  const textOf = (name: string, initial = ''): string => shown?.[name] ?? initial;
  const isChecked = (name: string): boolean => shown === undefined || textOf(name) !== '';
  return (
    <Form action={action} class="rule">
      {kinds && <Switch chosen={type} {...kinds} {...(isAsked && { enter: LATER })} />}
      <input type="hidden" name="type" value={type} />
      {isAboutKeys(type) && (
        <Select
          name="key_id"
          label="Key"
          value={textOf('key_id')}
          options={[['', 'All keys'], ...keys.map(({ id, name }) => [String(id), name] as const), ...goneKey(textOf('key_id'), keys)]}
        />
      )}
      {FORM_FIELDS[type].map((field) => (
        <RuleField field={field} value={textOf(field.name, field.initial)} />
      ))}
      <Field
        name="name"
        label="Name"
        value={textOf('name')}
        autocomplete="off"
        isRequired={false}
        hint="Optional. Message titles begin with it."
      />
      <Group name="channel_ids" label="Notify">
        {channels.length === 0 && <p class="hint">No channels yet; alerts appear on this page only.</p>}
        <Check name={ALL_CHANNELS} label="All channels, and those added later" isChecked={isChecked(ALL_CHANNELS)} />
        {channels.map(({ id, name }) => (
          <Check name={channelField(id)} label={name} isChecked={isChecked(channelField(id)) || isChecked(ALL_CHANNELS)} />
        ))}
      </Group>
      {kinds && <Kept names={fieldsOfOthers(type)} />}
      {isAsked ? <WhenToAct action={textOf('action')} /> : <button type="submit">{button}</button>}
    </Form>
  );
};

const HINTS: Record<Exclude<ChannelType, 'telegram' | 'email'>, string> = {
  webhook: 'Receives JSON signed per Standard Webhooks.',
  slack: 'Slack webhook URL.',
  discord: 'Discord webhook URL.',
};

const CHANNELS = '/alerts/channels';

interface ChannelFormProps {
  type: ChannelType;
  view: Pick<View, 'draft'>;
  kinds: Kinds;
}

export const ChannelForm = ({ type, view: { draft }, kinds }: ChannelFormProps) => (
  <Form action={CHANNELS} class="line">
    <Switch chosen={type} {...kinds} />
    <input type="hidden" name="type" value={type} />
    <Field name="name" label="Name" autocomplete="off" />
    {type === 'email' ? (
      <Field name="to" label="Email address" type="email" autocomplete="email" />
    ) : type === 'telegram' ? (
      <>
        <Field name="bot_token" label="Bot token" autocomplete="off" class="secret" />
        <Field name="chat_id" label="Chat id" autocomplete="off" />
      </>
    ) : (
      <Field name="url" label="Address" autocomplete="off" class="secret" hint={HINTS[type]} />
    )}
    <Kept names={addressesOfOthers(type)} />
    <Check
      name="add_to_rules"
      label="Send all existing alerts here"
      isChecked={draft?.form !== CHANNELS || draft.values['add_to_rules'] !== undefined}
    />
    <button type="submit">Add channel</button>
  </Form>
);
