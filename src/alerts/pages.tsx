import * as z from 'zod';
import { failFields } from '../errors.ts';
import { Copyable } from '../http/forms/copyable.tsx';
import { publicOriginOf } from '../http/origin.ts';
import { Frame } from '../http/pages/layout.tsx';
import { createPages, type View } from '../http/pages/page.tsx';
import { listKeys } from '../keys/actions.ts';
import { HOUR_MS } from '../lib/day.ts';
import { idSchema } from '../lib/id.ts';
import { createRule, deleteRule, getRule, listActions, listEvents, listRules, replaceRule, updateEvent } from './actions.ts';
import { createChannel, deleteChannel, listChannels, testChannel } from './channels/actions.ts';
import { channelFormSchema } from './channels/model.ts';
import { EventList } from './events/list.tsx';
import type { RuleInput } from './model.ts';
import { ruleFromForm, typedInto } from './rules/form-model.ts';
import { NewChannel, NewRule } from './rules/new-forms.tsx';
import { askWhenToAct } from './rules/preview.ts';
import { showRule } from './rules/rule-page.tsx';
import { ActionList, ChannelList, RuleList } from './views.tsx';

export const alertPages = createPages();
const { page, form, redraw } = alertPages;

const HERE = '/alerts';
/** Groups take one line each, so this is less than it seems. */
const EVENTS = 200;

async function showAlerts(view: View) {
  const { deps, actor } = view;
  const cursor = idSchema.safeParse(view.c.req.query('before')).data;
  const [{ data: events, next_cursor: older }, rules, channels, keys, actions] = await Promise.all([
    listEvents(deps, actor, { limit: EVENTS, cursor }),
    listRules(deps, actor),
    listChannels(deps, actor),
    listKeys(deps, actor),
    listActions(deps, actor),
  ]);
  const zone = view.viewer?.timeZone ?? 'UTC';
  const secret = view.flash?.secret;
  return (
    <Frame title="Alerts" here={HERE} view={view}>
      <h1>Alerts</h1>
      {secret !== undefined && (
        <section class="card fresh">
          <h2>The signing secret of your webhook</h2>
          <p>Copy it now; it won’t be shown again. The receiver verifies messages with it.</p>
          <Copyable id="secret" label="Secret" text={secret} />
        </section>
      )}
      <section class="card">
        <h2>Alert history</h2>
        {events.length === 0 ? (
          <p class="empty">No alerts yet.</p>
        ) : (
          <EventList events={events} channels={channels} keys={keys} zone={zone} now={deps.now()} />
        )}
        {older !== null && <a href={`${HERE}?before=${older}`}>Older alerts</a>}
      </section>
      <section class="card">
        <h2>Rules</h2>
        {rules.length === 0 ? <p class="empty">No rules yet.</p> : <RuleList rules={rules} channels={channels} />}
      </section>
      {actions.length > 0 && (
        <section class="card">
          <h2>Budget actions</h2>
          <ActionList actions={actions} keys={keys} zone={zone} />
        </section>
      )}
      <NewRule view={view} keys={keys} channels={channels} />
      <section class="card">
        <h2>Channels</h2>
        {channels.length === 0 ? (
          <p class="empty">No channels yet; alerts appear here only.</p>
        ) : (
          <ChannelList channels={channels} now={deps.now()} />
        )}
      </section>
      <NewChannel view={view} />
    </Frame>
  );
}

page(HERE, 'session', showAlerts);

const ruleFormSchema = z.record(z.string(), z.string());

function parseRule(values: Record<string, string>): RuleInput {
  const made = ruleFromForm(values);
  return 'rule' in made ? made.rule : failFields(made.errors);
}

const isKept = (name: string): boolean => name !== 'password';

form({
  path: `${HERE}/rules`,
  access: 'session',
  schema: ruleFormSchema,
  kept: isKept,
  async act({ deps, actor, body }) {
    const input = parseRule(body);
    await askWhenToAct(deps, actor, input, null);
    const rule = await createRule(deps, actor, input);
    return { to: HERE, message: `Rule added. ${rule.sentence}` };
  },
  show: showAlerts,
});

redraw({ path: `${HERE}/new-rule`, access: 'session', form: `${HERE}/rules`, kept: isKept, typed: typedInto, show: showAlerts });

page(`${HERE}/rules/:id`, 'session', showRule);

form({
  path: `${HERE}/rules/:id`,
  access: 'session',
  schema: ruleFormSchema,
  kept: isKept,
  async act({ deps, actor, id, body }) {
    const input = parseRule(body);
    await askWhenToAct(deps, actor, input, await getRule(deps, actor, id));
    const rule = await replaceRule(deps, actor, id, input);
    return { to: HERE, message: `Rule changed. ${rule.sentence}` };
  },
  show: showRule,
});

form({
  path: `${HERE}/rules/:id/delete`,
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await deleteRule(deps, actor, id);
    return { to: HERE, message: 'Rule deleted; its history stays.' };
  },
  show: showAlerts,
});

const KEPT_OF_CHANNEL = ['type', 'name', 'chat_id', 'to', 'add_to_rules'];

form({
  path: `${HERE}/channels`,
  access: 'session',
  schema: channelFormSchema,
  kept: KEPT_OF_CHANNEL,
  async act({ c, deps, actor, body }) {
    const { name, secret } = await createChannel(deps, actor, body, publicOriginOf(c));
    return {
      to: HERE,
      message: `Channel “${name}” added. Send a test message to see that it works.`,
      ...(secret !== null && { secret }),
    };
  },
  show: showAlerts,
});

redraw({ path: `${HERE}/new-channel`, access: 'session', form: `${HERE}/channels`, kept: KEPT_OF_CHANNEL, show: showAlerts });

form({
  path: `${HERE}/channels/:id/test`,
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await testChannel(deps, actor, id);
    return { to: HERE, message: 'Test message queued. Reload this page to see the result.' };
  },
  show: showAlerts,
});

form({
  path: `${HERE}/channels/:id/delete`,
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await deleteChannel(deps, actor, id);
    return { to: HERE, message: 'Channel deleted.' };
  },
  show: showAlerts,
});

form({
  path: `${HERE}/:id/acknowledge`,
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await updateEvent(deps, actor, id, { acknowledged: true, whole_group: true });
    return { to: HERE };
  },
  show: showAlerts,
});

form({
  path: `${HERE}/:id/snooze`,
  access: 'session',
  schema: z.object({
    hours: z.coerce
      .number()
      .int()
      .min(1)
      .max(24 * 30),
  }),
  async act({ deps, actor, id, body }) {
    const until = new Date(deps.now() + body.hours * HOUR_MS).toISOString();
    await updateEvent(deps, actor, id, { snoozed_until: until, whole_group: true });
    return { to: HERE, message: `Snoozed for ${body.hours} hours.` };
  },
  show: showAlerts,
});
