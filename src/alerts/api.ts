import { publicOriginOf } from '../http/origin.ts';
import { createApi } from '../http/route.ts';
import { idParams } from '../lib/id.ts';
import { pageQuerySchema } from '../lib/paging.ts';
import { createRule, deleteRule, listActions, listEvents, listRules, updateEvent, updateRule } from './actions.ts';
import { createChannel, deleteChannel, listChannels, testChannel } from './channels/actions.ts';
import { createChannelSchema } from './channels/model.ts';
import { updateEventSchema } from './events/model.ts';
import { createRuleSchema, previewQuerySchema, updateRuleSchema } from './model.ts';
import {
  actionsSchema,
  channelsSchema,
  createdChannelSchema,
  eventSchema,
  eventsSchema,
  previewSchema,
  queuedSchema,
  ruleSchema,
  rulesSchema,
} from './responses.ts';
import { previewRule } from './rules/preview.ts';

const tag = 'Alerts';

export const alertsApi = createApi();

alertsApi.route({
  method: 'post',
  path: '/api/channels',
  tag,
  summary: 'Add a channel for alerts',
  access: 'session',
  body: createChannelSchema,
  success: { status: 201, description: 'The channel. A webhook secret is shown only once', schema: createdChannelSchema },
  handle: ({ c, deps, actor, body }) => createChannel(deps, actor, body, publicOriginOf(c)),
});

alertsApi.route({
  method: 'get',
  path: '/api/channels',
  tag,
  summary: 'List your channels',
  access: 'session',
  success: { status: 200, description: 'Your channels, newest first', schema: channelsSchema },
  handle: ({ deps, actor }) => listChannels(deps, actor),
});

alertsApi.route({
  method: 'post',
  path: '/api/channels/{id}/test',
  tag,
  summary: 'Send a test message to a channel',
  access: 'session',
  params: idParams,
  success: {
    status: 202,
    description: 'The message is queued. The list of channels shows the result',
    schema: queuedSchema,
  },
  handle: async ({ deps, actor, params }) => {
    await testChannel(deps, actor, params.id);
    return { status: 'queued' as const };
  },
});

alertsApi.route({
  method: 'delete',
  path: '/api/channels/{id}',
  tag,
  summary: 'Delete a channel',
  access: 'session',
  params: idParams,
  success: { status: 204, description: 'The channel is deleted' },
  handle: ({ deps, actor, params }) => deleteChannel(deps, actor, params.id),
});

alertsApi.route({
  method: 'post',
  path: '/api/alert-rules',
  tag,
  summary: 'Add a rule',
  access: 'session',
  body: createRuleSchema,
  success: { status: 201, description: 'The rule', schema: ruleSchema },
  problems: [403, 429],
  handle: ({ deps, actor, body }) => createRule(deps, actor, body),
});

alertsApi.route({
  method: 'get',
  path: '/api/alert-rules',
  tag,
  summary: 'List your rules',
  access: 'session',
  success: { status: 200, description: 'Your rules, oldest first', schema: rulesSchema },
  handle: ({ deps, actor }) => listRules(deps, actor),
});

alertsApi.route({
  method: 'get',
  path: '/api/alert-rules/preview',
  tag,
  summary: 'Preview a budget',
  description:
    'Takes the fields of a budget; commas separate lists. Returns how much is used so far and what the action would do immediately.',
  access: 'session',
  query: previewQuerySchema,
  success: { status: 200, description: 'The usage, and the action that would run now', schema: previewSchema },
  handle: ({ deps, actor, query }) => previewRule(deps, actor, query),
});

alertsApi.route({
  method: 'patch',
  path: '/api/alert-rules/{id}',
  tag,
  summary: 'Change a rule',
  description: 'Takes the fields of a new rule of the same type, except `type`. Omitted fields keep their value.',
  access: 'session',
  params: idParams,
  body: updateRuleSchema,
  success: { status: 200, description: 'The changed rule', schema: ruleSchema },
  problems: [409, 429],
  handle: ({ deps, actor, params, body }) => updateRule(deps, actor, params.id, body),
});

alertsApi.route({
  method: 'delete',
  path: '/api/alert-rules/{id}',
  tag,
  summary: 'Delete a rule',
  access: 'session',
  params: idParams,
  success: { status: 204, description: 'The rule is deleted; its events stay' },
  handle: ({ deps, actor, params }) => deleteRule(deps, actor, params.id),
});

alertsApi.route({
  method: 'get',
  path: '/api/breaker-actions',
  tag,
  summary: 'List budget actions on keys at OpenRouter',
  access: 'session',
  success: { status: 200, description: 'The latest 50 actions, newest first', schema: actionsSchema },
  handle: ({ deps, actor }) => listActions(deps, actor),
});

alertsApi.route({
  method: 'get',
  path: '/api/alerts',
  tag,
  summary: 'List alert events',
  access: 'session',
  query: pageQuerySchema,
  success: { status: 200, description: 'A page of events, newest first', schema: eventsSchema },
  handle: ({ deps, actor, query }) => listEvents(deps, actor, query),
});

alertsApi.route({
  method: 'patch',
  path: '/api/alerts/{id}',
  tag,
  summary: 'Acknowledge or snooze an event',
  access: 'session',
  params: idParams,
  body: updateEventSchema,
  success: { status: 200, description: 'The changed event', schema: eventSchema },
  handle: ({ deps, actor, params, body }) => updateEvent(deps, actor, params.id, body),
});
