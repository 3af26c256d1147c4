import { Frame } from '../../http/pages/layout.tsx';
import type { View } from '../../http/pages/page.tsx';
import { listKeys } from '../../keys/actions.ts';
import { getRule } from '../actions.ts';
import { listChannels } from '../channels/actions.ts';
import { formOf } from './form-model.ts';
import { RULE_LABELS, RuleForm } from './forms.tsx';

export async function showRule(view: View, id: number) {
  const rule = await getRule(view.deps, view.actor, id);
  const [keys, channels] = await Promise.all([listKeys(view.deps, view.actor), listChannels(view.deps, view.actor)]);
  return (
    <Frame title="Change a rule" here={'/alerts/rules'} view={view} class="narrow">
      <h1>Change a rule: {RULE_LABELS[rule.type].toLowerCase()}</h1>
      <RuleForm
        action={`/alerts/rules/${id}`}
        type={rule.type}
        values={formOf(rule)}
        keys={keys}
        channels={channels}
        view={view}
        button="Save"
      />
    </Frame>
  );
}
