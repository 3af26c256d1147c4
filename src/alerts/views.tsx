import type * as z from 'zod';
import { Form } from '../http/forms/fields.tsx';
import { formatAgo, formatInstant } from '../lib/format.ts';
import type { actionSchema, channelSchema, ruleSchema } from './responses.ts';
import { CHANNEL_LABELS } from './rules/forms.tsx';

type Channel = z.infer<typeof channelSchema>;
type PresentedRule = z.infer<typeof ruleSchema>;

/** `about` names the row for screen readers. */
export const ActionButton = ({
  action,
  label,
  about,
  fields = {},
}: {
  action: string;
  label: string;
  about: string;
  fields?: Record<string, string>;
}) => (
  <Form action={action} class="action">
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <button type="submit" class="quiet" aria-label={`${label}: ${about}`}>
      {label}
    </button>
  </Form>
);

function receiversOf({ channel_ids: ids }: PresentedRule, channels: readonly Channel[]): string {
  if (ids === 'all') return 'Sent to all channels.';
  const names = channels.filter(({ id }) => ids.includes(id)).map(({ name }) => name);
  return names.length > 0 ? `Sent to ${names.join(', ')}.` : 'In-app only.';
}

export const RuleList = ({ rules, channels }: { rules: readonly PresentedRule[]; channels: readonly Channel[] }) => (
  <ul class="rows">
    {rules.map((rule) => {
      return (
        <li class="rule-row">
          <span>
            {rule.name !== null && <strong>{rule.name}: </strong>}
            {rule.sentence} <span class="hint">{receiversOf(rule, channels)}</span>
          </span>
          <span class="actions">
            <a href={`/alerts/rules/${rule.id}`} aria-label={`Change: ${rule.sentence}`}>
              Change
            </a>
            <ActionButton action={`/alerts/rules/${rule.id}/delete`} label="Delete" about={rule.sentence} />
          </span>
        </li>
      );
    })}
  </ul>
);

const ChannelState = ({ channel, now }: { channel: Channel; now: number }) => {
  const { status, last_success_at: success, last_error: error } = channel;
  if (status === 'failing') return <strong class="error">No delivery for a day. {error}</strong>;
  if (error !== null) return <span class="error">The last message failed. {error}</span>;
  return <span class="hint">{success === null ? 'Nothing sent yet.' : `Last message ${formatAgo(success, now)}.`}</span>;
};

export const ChannelList = ({ channels, now }: { channels: readonly Channel[]; now: number }) => (
  <ul class="rows">
    {channels.map((channel) => (
      <li class="rule-row">
        <span>
          <strong>{channel.name}</strong> <span class="badge quiet">{CHANNEL_LABELS[channel.type]}</span> <code>{channel.label}</code>{' '}
          <ChannelState channel={channel} now={now} />
        </span>
        <span class="actions">
          <ActionButton action={`/alerts/channels/${channel.id}/test`} label="Test" about={channel.name} />
          <ActionButton action={`/alerts/channels/${channel.id}/delete`} label="Delete" about={channel.name} />
        </span>
      </li>
    ))}
  </ul>
);

const ACTIONS = { dry_run: 'Dry run', disable: 'Disable', limit: 'Limit' } as const;

interface ActionListProps {
  actions: readonly z.infer<typeof actionSchema>[];
  keys: readonly { id: number; name: string }[];
  zone: string;
}

export const ActionList = ({ actions, keys, zone }: ActionListProps) => (
  <ul class="rows">
    {actions.map((action) => (
      <li>
        <a href={`/keys/${action.key_id}`}>{keys.find(({ id }) => id === action.key_id)?.name ?? 'a deleted key'}</a>
        <span class="badge quiet">{ACTIONS[action.action]}</span>
        <span>{action.answer ?? 'In progress.'}</span>
        <span class="hint">
          {formatInstant(action.restored_at ?? action.done_at ?? action.created_at, zone)}
          {action.state === 'done' && action.restore && `, until ${formatInstant(action.restore_at, zone)}`}
        </span>
      </li>
    ))}
  </ul>
);
