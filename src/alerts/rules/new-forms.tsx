/** Forms of new rules and channels. Switching the type keeps what was typed into common fields. */
import type { View } from '../../http/pages/page.tsx';
import type { listKeys } from '../../keys/actions.ts';
import { CHANNEL_TYPES } from '../channels/model.ts';
import { RULE_TYPES } from '../model.ts';
import { CHANNEL_LABELS, ChannelForm, RULE_LABELS, RuleForm } from './forms.tsx';

const HERE = '/alerts';

/** The type in the address, or of the form that failed. */
const chosen = <const T extends string>(view: View, name: string, types: readonly T[], form: string): T => {
  const asked = view.failure?.form === form ? view.failure.values['type'] : view.c.req.query(name);
  return types.find((type) => type === asked) ?? (types[0] as T);
};

interface NewRuleProps {
  view: View;
  keys: Awaited<ReturnType<typeof listKeys>>;
  channels: { id: number; name: string }[];
}

export const NewRule = ({ view, keys, channels }: NewRuleProps) => {
  const action = `${HERE}/rules`;
  const options = RULE_TYPES.map((one) => [one, RULE_LABELS[one], `${HERE}/new-rule?rule=${one}`] as const);
  return (
    <section class="card" id="new-rule">
      <h2>New rule</h2>
      <RuleForm
        action={action}
        type={chosen(view, 'rule', RULE_TYPES, action)}
        keys={keys}
        channels={channels}
        view={view}
        button="Add rule"
        kinds={{ label: 'Type of rule', options }}
      />
    </section>
  );
};

export const NewChannel = ({ view }: { view: View }) => {
  const possible = CHANNEL_TYPES.filter((one) => one !== 'email' || view.deps.sendEmail !== null);
  const options = possible.map((one) => [one, CHANNEL_LABELS[one], `${HERE}/new-channel?channel=${one}`] as const);
  return (
    <section class="card" id="new-channel">
      <h2>New channel</h2>
      <ChannelForm type={chosen(view, 'channel', possible, `${HERE}/channels`)} view={view} kinds={{ label: 'Type of channel', options }} />
    </section>
  );
};
