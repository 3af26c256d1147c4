import { listBudgets } from '../alerts/actions.ts';
import { BudgetList } from '../alerts/rules/meters.tsx';
import { ask } from '../explore/actions.ts';
import { AnswerChart } from '../explore/chart.tsx';
import { gapsText, nothingText } from '../explore/gaps.tsx';
import { keyNamesOf } from '../explore/labels.ts';
import { questionSchema } from '../explore/model.ts';
import { Field, Form } from '../http/forms/fields.tsx';
import { AsOf } from '../http/pages/as-of.tsx';
import { Frame } from '../http/pages/layout.tsx';
import type { View } from '../http/pages/page.tsx';
import { getKey } from '../keys/actions.ts';
import { adviceOf, freeRequestsOf, type Key } from '../keys/advice.ts';
import { areCountersCurrent, currentUsage } from '../keys/present.ts';
import { AdviceList, BackfillBar, LimitMeter, Status, spentText } from '../keys/views.tsx';
import { formatCount, formatInstant, formatUsd } from '../lib/format.ts';
import { usdFromNano } from '../lib/money.ts';

const KINDS: Record<Key['kind'], string> = {
  inference: 'Standard',
  management: 'Management',
  discovered: 'Discovered by its management key; its secret is not stored here',
};

const Facts = ({ item, zone, now }: { item: Key; zone: string; now: number }) => {
  const [usage, byok, isCurrent] = [currentUsage(item, now), currentUsage(item, now, 'byok_'), areCountersCurrent(item, now)];
  const free = freeRequestsOf(item, now);
  const facts: (readonly [string, string | null])[] = [
    ['Key', item.label],
    ['Type', KINDS[item.kind]],
    ['Workspace', item.workspace && (item.workspace.name ?? item.workspace.id)],
    ['Account balance', item.balance_usd === null ? null : formatUsd(item.balance_usd)],
    // A management key itself runs no model.
    ...(item.kind === 'management'
      ? []
      : ([
          ['Lifetime spend', spentText(item.usage_usd, item.byok_usage_usd, isCurrent)],
          ['Today (UTC)', spentText(usage.day, byok.day, isCurrent)],
          ['This week (UTC)', spentText(usage.week, byok.week, isCurrent)],
          ['This month (UTC)', spentText(usage.month, byok.month, isCurrent)],
        ] as const)),
    [
      'Free requests today (UTC), whole account',
      free && `${formatCount(free.used)} of ${formatCount(free.limit)}, ${formatCount(free.left)} left`,
    ],
    [item.is_expired ? 'Expired' : 'Expires', item.expires_at && formatInstant(item.expires_at, zone)],
    ['Last used', item.last_used_at && formatInstant(item.last_used_at, zone)],
    ['Last synced', formatInstant(item.last_synced_at, zone)],
    ['Last verified', formatInstant(item.last_validated_at, zone)],
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

/** A discovered key is deleted with its management key, and has no secret here. */
const Controls = ({ item }: { item: Key }) => {
  const path = `/keys/${item.id}`;
  const isDiscovered = item.kind === 'discovered';
  return (
    <div class="cards">
      <section class="card">
        <h2>Sync</h2>
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
          <Form action={`${path}/secret`}>
            <Field
              name="key"
              label="OpenRouter key"
              autocomplete="off"
              class="secret"
              hint="Use this after rotating the key at OpenRouter. History is kept."
            />
            <button type="submit">Replace</button>
          </Form>
        </section>
      )}
      <section class="card danger">
        <h2>Delete</h2>
        {isDiscovered && item.managed_by !== null ? (
          <p>
            Managed by <a href={`/keys/${item.managed_by}`}>its management key</a>. Pause it to stop syncing.
          </p>
        ) : (
          <>
            <p>Deletes the key and its history here. Nothing changes at OpenRouter.</p>
            <a class="button danger quiet" href={`${path}/delete`}>
              Delete…
            </a>
          </>
        )}
      </section>
    </div>
  );
};

const QUESTION = questionSchema.parse({});

type Asked = Awaited<ReturnType<typeof ask>>;

/** Credits or, if there are none, BYOK. */
const Spend = ({ item, asked, now }: { item: Key; asked: Asked; now: number }) => {
  const { answer: credits, byok, keys, range, palette, correctionNano, gaps } = asked;
  const isByok = !credits.total && Boolean(byok.total);
  const answer = isByok ? byok : credits;
  return (
    <section class="card">
      <h2>
        {item.kind === 'management' ? 'Unattributed spend, last 30 days' : 'Last 30 days'}:{' '}
        {spentText(credits.total, byok.total, credits.isComplete)}
      </h2>
      {item.kind === 'management' && (
        <p class="hint">
          Account spend in the chatroom, or with keys that are paused or deleted here. A day appears when it is over and all other keys of
          the account are synced.
        </p>
      )}
      {correctionNano < 0 && (
        <p class="note">
          OpenRouter reduced this key’s counters by {formatUsd(usdFromNano(-correctionNano))} in these 30 days, so its own total is lower.
          The days here keep the original spend.
        </p>
      )}
      {gaps.length > 0 && answer.total !== null && <p class="hint">{gapsText(gaps, 1, range.zone)}</p>}
      {answer.series.length === 0 && <p class="empty">{nothingText(isByok ? 'byok_cost' : 'cost', answer, byok.total)}</p>}
      {(answer.series.length > 0 || (answer.total !== null && !answer.isComplete)) && (
        <AnswerChart
          id="key-spend"
          title={`${isByok ? 'BYOK spend' : 'Spend'} of ${item.name} by day and model`}
          description="Spend by model for each of the last 30 days."
          answer={answer}
          metric={isByok ? 'byok_cost' : 'cost'}
          rollup="day"
          range={range}
          now={now}
          keyNames={keyNamesOf(keys)}
          palette={palette}
        />
      )}
      <p>
        <a href={`/explore?key=${item.id}${isByok ? '&metric=byok_cost' : ''}`}>Explore this key</a>
      </p>
    </section>
  );
};

export async function showKey(view: View, id: number) {
  const zone = view.viewer?.timeZone ?? 'UTC';
  const now = view.deps.now();
  const [item, asked, budgets] = await Promise.all([
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
      <Spend item={item} asked={asked} now={now} />
      <Controls item={item} />
    </Frame>
  );
}
