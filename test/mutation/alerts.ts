/** What `npm run mutate` takes out of alerts, of the circuit breaker above all. */
import { type Guard, of } from './find.ts';

const HERE = 'scenario/guards';
const BREAKER = ['pure/breaker', 'pure/alert-news', 'scenario/breaker'];
const MESSAGES = ['pure/alert-messages', 'scenario/alerts'];

export const ALERTS: Guard[] = [
  ...of('src/alerts/channels/actions.ts', ['scenario/alerts'], [["'url' in input && !isAllowedUrl(input.url, origin)", 'false']]),
  ...of(
    'src/alerts/channels/model.ts',
    ['pure/alerts', 'scenario/alerts'],
    [
      ["protocol === 'https:' ||", 'true ||'],
      [' && isLoopback(new URL(origin).hostname)', ''],
      ["+ new URL(text).password === ''", "+ new URL(text).password !== '-'"],
      ['/…`', '/…${input.url}`'],
      ['input.to.slice(0, 1)', 'input.to'],
      ['input.chat_id.slice(0, 3)', 'input.chat_id'],
    ],
  ),
  ...of(
    'src/alerts/events/delivery.ts',
    [HERE, 'scenario/alerts'],
    [
      "if (!isAllowedUrl(outgoing.url, originOf(deps, channel))) return { error: 'The address is not https.' };",
      "redirect: 'manual',",
      ' signal: AbortSignal.timeout(TIMEOUT_MS)',
      ["'Could not connect to the receiver.'", 'String(error)'],
    ],
  ),
  ...of('src/alerts/events/messages.ts', MESSAGES, [
    ['crypto.getRandomValues(new Uint8Array(32))', 'new Uint8Array(32)'],
    ['toMarkup: escapeSlack', 'toMarkup: same'],
    ['toMarkup: escapeDiscord', 'toMarkup: same'],
    'allowed_mentions: { parse: [] },',
  ]),
  ...of(
    'src/alerts/rules/checks.ts',
    ['scenario/breaker', 'scenario/audit', 'scenario/alerts'],
    [
      ['rule.password !== undefined && (await isPasswordOf(deps, actor, rule.password))', 'true'],
      ['channels.has(id) ?', 'true ?'],
      ['keys.some(({ id }) => id === rule.key_id)', 'true'],
      ' || key.managed_by === null',
    ],
  ),
  ...of(
    'src/alerts/store.ts',
    ['scenario/alerts', 'scenario/breaker', 'scenario/owners'],
    [
      ['alert_rule WHERE user_id = :userId) < :max', 'alert_rule WHERE user_id = :userId) < :max + 999'],
      ['channel WHERE user_id = :userId) < :max', 'channel WHERE user_id = :userId) < :max + 999'],
      [
        'alert_rule WHERE user_id = :userId) < :max AND EXISTS (SELECT 1 FROM user WHERE id = :userId)',
        'alert_rule WHERE user_id = :userId) < :max',
      ],
      [
        'channel WHERE user_id = :userId) < :max AND EXISTS (SELECT 1 FROM user WHERE id = :userId)',
        'channel WHERE user_id = :userId) < :max',
      ],
      ['eq(alertRule.version, version)', 'undefined'],
      ['AND user_id <> :userId', 'AND 1 <> :userId'],
    ],
  ),
  ...of('src/alerts/evaluation/evaluate.ts', [HERE, 'scenario/alerts'], [['row.userId === userId', 'true']]),
  ...of('src/alerts/evaluation/situation-store.ts', [HERE, 'scenario/alerts'], [['${table.userId} = ${fieldOf(0)}', '1']]),
  ...of(
    'src/alerts/events/store.ts',
    [HERE, 'scenario/alerts', 'scenario/breaker'],
    [" AND r.version = ${jsonField('rule.version')}", "\n      AND r.armed_version = ${jsonField('ruleVersion')}"],
  ),
  ...of(
    'src/alerts/events/delivery-store.ts',
    [HERE, 'scenario/alerts'],
    [
      ['eq(alertDelivery.channelId, channelId)', 'undefined'],
      ['lte(nextAt, now)', 'undefined'],
    ],
  ),
  ...of(
    'src/alerts/breaker/store.ts',
    [...BREAKER, HERE],
    [
      ' AND r.armed_version = breaker_action.rule_version',
      ' AND k.hash = breaker_action.hash',
      ["(state <> 'planned' OR ${IS_ARMED})", '1'],
      ['AND attempts = :attempts AND state = :state', 'AND :attempts IS NOT NULL AND :state IS NOT NULL'],
      ['AND attempts = :attempts RETURNING', 'AND :attempts IS NOT NULL RETURNING'],
      ['lte(breakerAction.nextAt, now)', 'undefined'],
    ],
  ),
  ...of(
    'src/alerts/breaker/actions.ts',
    ['scenario/breaker'],
    [
      ["manager?.kind !== 'management' || ", ''],
      [' || !manager.isActive', ''],
      [
        '!(await store.confirmStep(deps.db, action, before ?? null, deps.now() + LEASE_MS))',
        '(await store.confirmStep(deps.db, action, before ?? null, deps.now() + LEASE_MS), false)',
      ],
    ],
  ),
  ...of('src/alerts/breaker/model.ts', BREAKER, [
    'rule.version !== action.ruleVersion || ',
    ' || rule.hash !== action.hash',
    ['now >= action.restoreAt ? TEXTS.over : null', 'null'],
    ['if (!isOurs(action, settings, alike))', 'if (false)'],
    ['alike.some((other) => isInForce(other, settings, now) && now < other.restoreAt)', 'false'],
    ["if (action.kind === 'dry_run')", 'if (false)'],
    " && action.kind !== 'dry_run'",
    'action.restore && ',
    "rule.action === 'none' || ",
    '!isUsedUp(budget) || ',
    ' || key.managed_by === null',
  ]),
  ...of(
    'src/alerts/breaker/model.ts',
    ['scenario/preview'],
    ['if (rule.actsFrom !== null && startOfLocalDay(from, zone) < rule.actsFrom) return null;'],
  ),
];
