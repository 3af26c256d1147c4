/** The page of one key: how it is, what it spent, what can be done with it. */

import { listBudgets } from '../alerts/actions.ts';
import { BudgetList } from '../alerts/meters.tsx';
import { ask } from '../explore/actions.ts';
import { AnswerChart } from '../explore/chart.tsx';
import { gapsText } from '../explore/gaps.tsx';
import { keyNamesOf } from '../explore/labels.ts';
import { questionSchema } from '../explore/model.ts';
import { AsOf } from '../http/as-of.tsx';
import { Field, Form } from '../http/fields.tsx';
import { Frame } from '../http/layout.tsx';
import type { View } from '../http/page.tsx';
import { formatCount, formatInstant, formatKnownUsd, formatUsd } from '../lib/format.ts';
import { usdFromNano } from '../lib/money.ts';
import { getKey } from './actions.ts';
import { adviceOf, freeRequestsOf, type Key } from './advice.ts';
import { currentUsage } from './present.ts';
import { AdviceList, BackfillBar, LimitMeter, Status } from './views.tsx';

const KINDS: Record<Key['kind'], string> = {
  inference: 'Ordinary key',
  management: 'Management key',
  discovered: 'Discovered through its management key; its text is not known here',
};

const Facts = ({ item, zone, now }: { item: Key; zone: string; now: number }) => {
  const usage = currentUsage(item, now);
  const free = freeRequestsOf(item, now);
  const facts: (readonly [string, string | null])[] = [
    ['Key', item.label],
    ['Kind', KINDS[item.kind]],
    ['Workspace', item.workspace && (item.workspace.name ?? item.workspace.id)],
    ['Balance of the account', item.balance_usd === null ? null : formatUsd(item.balance_usd)],
    // A management key itself runs no model.
    ...(item.kind === 'management'
      ? []
      : ([
          ['Spent in all', formatUsd(item.usage_usd)],
          ['Today (UTC)', formatUsd(usage.day)],
          ['This week (UTC)', formatUsd(usage.week)],
          ['This month (UTC)', formatUsd(usage.month)],
        ] as const)),
    ['BYOK in all', item.byok_usage_usd ? formatUsd(item.byok_usage_usd) : null],
    [
      'Free requests today (UTC), whole account',
      free && `${formatCount(free.used)} of ${formatCount(free.limit)}, ${formatCount(free.left)} left`,
    ],
    [item.is_expired ? 'Expired' : 'Expires', item.expires_at && formatInstant(item.expires_at, zone)],
    ['Last used', item.last_used_at && formatInstant(item.last_used_at, zone)],
    ['Last read', formatInstant(item.last_synced_at, zone)],
    ['Last checked', formatInstant(item.last_validated_at, zone)],
    ['Added', formatInstant(item.created_at, zone)],
  ];
  return (
    <dl class="facts wide">
      {facts.map(
        ([term, value]) =>
          value !== null && (
            <div>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
};

/** What can be done with a key. A discovered key goes with its management key, and has no text here. */
const Controls = ({ item }: { item: Key }) => {
  const path = `/keys/${item.id}`;
  const isDiscovered = item.kind === 'discovered';
  return (
    <div class="cards">
      <section class="card">
        <h2>Reading</h2>
        <div class="actions">
          <Form action={`${path}/sync`}>
            <button type="submit" disabled={!item.is_active}>
              Sync now
            </button>
          </Form>
          <Form action={`${path}/state`}>
            <input type="hidden" name="is_active" value={item.is_active ? '0' : '1'} />
            <button type="submit" class="quiet">
              {item.is_active ? 'Pause' : 'Resume'}
            </button>
          </Form>
        </div>
      </section>
      <section class="card">
        <h2>Name</h2>
        <Form action={`${path}/name`}>
          <Field name="name" label="Name" value={item.name} autocomplete="off" />
          <button type="submit">Rename</button>
        </Form>
      </section>
      {!isDiscovered && (
        <section class="card">
          <h2>Replace the key</h2>
          <Form action={`${path}/text`}>
            <Field
              name="key"
              label="OpenRouter key"
              autocomplete="off"
              class="secret"
              hint="After you rotated it at OpenRouter. The history stays; counting starts anew."
            />
            <button type="submit">Replace</button>
          </Form>
        </section>
      )}
      <section class="card danger">
        <h2>Delete</h2>
        {isDiscovered && item.managed_by !== null ? (
          <p>
            It goes with <a href={`/keys/${item.managed_by}`}>its management key</a>. To have it not read, pause it.
          </p>
        ) : (
          <>
            <p>The key and its history here go; at OpenRouter nothing changes.</p>
            <a class="button danger quiet" href={`${path}/delete`}>
              Delete…
            </a>
          </>
        )}
      </section>
    </div>
  );
};

/** The last thirty days of a key, by model. */
const QUESTION = questionSchema.parse({});

export async function showKey(view: View, id: number) {
  const zone = view.viewer?.timeZone ?? 'UTC';
  const now = view.deps.now();
  const [item, { answer, keys, range, palette, correctionNano, gaps }, budgets] = await Promise.all([
    getKey(view.deps, view.actor, id),
    ask(view.deps, view.actor, { ...QUESTION, key: [id] }, zone),
    listBudgets(view.deps, view.actor, id),
  ]);
  return (
    <Frame title={item.name} here="/keys/" view={view}>
      <p class="crumbs">
        <a href="/keys">Keys</a>
      </p>
      <div class="head">
        <h1>{item.name}</h1>
        <Status item={item} />
        <AsOf at={item.last_synced_at} zone={zone} now={now} />
      </div>
      <AdviceList advice={adviceOf(item, now, zone).filter(({ tone }) => tone !== 'info')} />
      <LimitMeter item={item} />
      <BackfillBar item={item} />
      {budgets.length > 0 && <BudgetList budgets={budgets} />}
      <Facts item={item} zone={zone} now={now} />
      <section class="card">
        <h2>
          {item.kind === 'management' ? 'Spent outside of its keys in 30 days' : 'Spend of 30 days'}:{' '}
          {formatKnownUsd(answer.total, answer.isComplete)}
        </h2>
        {correctionNano < 0 && (
          <p class="note">
            OpenRouter took back {formatUsd(usdFromNano(-correctionNano))} of this key’s counters in these 30 days. Its own total is lower
            by that amount; the days here still show what was spent on them.
          </p>
        )}
        {gaps.length > 0 && answer.total !== null && <p class="hint">{gapsText(gaps, 1, range.zone)}</p>}
        {answer.series.length === 0 ? (
          <p class="empty">
            {answer.total === null
              ? 'Nothing is known of these days.'
              : answer.isComplete
                ? 'No credits were spent on these days.'
                : 'No spend is known of these days, and not all of them are known.'}
          </p>
        ) : (
          <AnswerChart
            id="key-spend"
            title={`Spend of ${item.name} by day and model`}
            description="A bar for each of the last 30 days, made of what each model cost."
            answer={answer}
            metric="cost"
            rollup="day"
            range={range}
            now={now}
            keyNames={keyNamesOf(keys)}
            palette={palette}
          />
        )}
        <p>
          <a href={`/explore?key=${id}`}>Explore this key</a>
        </p>
      </section>
      <Controls item={item} />
    </Frame>
  );
}
