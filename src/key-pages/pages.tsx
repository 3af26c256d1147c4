import * as z from 'zod';
import { Field, Form } from '../http/forms/fields.tsx';
import { Frame } from '../http/pages/layout.tsx';
import { createPages, type View } from '../http/pages/page.tsx';
import { addKey, deleteKey, getKey, listKeys, requestSync, updateKey } from '../keys/actions.ts';
import { adviceOf, type Key } from '../keys/advice.ts';
import { addKeySchema, updateKeySchema } from '../keys/model.ts';
import { areCountersCurrent, currentUsage } from '../keys/present.ts';
import { AdviceList, BackfillBar, LimitMeter, Status, spentText } from '../keys/views.tsx';
import { formatAgo, formatUsd } from '../lib/format.ts';
import { showKey } from './key-page.tsx';

export const keyPages = createPages();
const { page, form } = keyPages;

const AddKey = () => (
  <section class="card">
    <h2>Add a key</h2>
    <p class="hint">
      A standard key shows its own spend. A management key imports the whole account: every key, model and provider, up to a year back.
      Encrypted at rest; read-only unless a budget action is enabled.
    </p>
    <Form action="/keys" class="line">
      <Field name="name" label="Name" autocomplete="off" />
      <Field name="key" label="OpenRouter key" autocomplete="off" class="secret" />
      <button type="submit">Add key</button>
    </Form>
  </section>
);

const Row = ({ item, view, isNested }: { item: Key; view: View; isNested: boolean }) => {
  const now = view.deps.now();
  const [usage, byok, isCurrent] = [currentUsage(item, now), currentUsage(item, now, 'byok_'), areCountersCurrent(item, now)];
  // The progress bar already shows it.
  const advice = adviceOf(item, now, view.viewer?.timeZone ?? 'UTC').filter(({ tone }) => tone !== 'info');
  return (
    <li class={isNested ? 'key nested' : 'key'}>
      <div class="key-head">
        <a class="key-name" href={`/keys/${item.id}`}>
          {item.name}
        </a>
        <Status item={item} />
        {item.kind === 'management' && <span class="badge quiet">management</span>}
        {item.workspace && <span class="badge quiet">{item.workspace.name ?? item.workspace.id}</span>}
      </div>
      <dl class="facts">
        {item.kind === 'management' ? (
          <div>
            <dt>Balance</dt>
            <dd>{formatUsd(item.balance_usd)}</dd>
          </div>
        ) : (
          <>
            <div>
              <dt>Today (UTC)</dt>
              <dd>{spentText(usage.day, byok.day, isCurrent)}</dd>
            </div>
            <div>
              <dt>This month (UTC)</dt>
              <dd>{spentText(usage.month, byok.month, isCurrent)}</dd>
            </div>
          </>
        )}
        <div>
          <dt>Last synced</dt>
          <dd>{formatAgo(item.last_synced_at, now)}</dd>
        </div>
      </dl>
      <div class="key-state">
        <LimitMeter item={item} />
        <BackfillBar item={item} />
      </div>
      <AdviceList advice={advice} />
    </li>
  );
};

const Group = ({ title, keys, view }: { title: string; keys: readonly Key[]; view: View }) => (
  <section class="group">
    <h2>{title}</h2>
    <ul class="keys">
      {keys.map((item) => (
        <Row item={item} view={view} isNested={item.kind !== 'management' && item.managed_by !== null} />
      ))}
    </ul>
  </section>
);

/** By account, keys without one last. A second management key of an account is listed with the first. */
function groupsOf(keys: readonly Key[]): { title: string; keys: Key[] }[] {
  const leaders = keys.filter(({ kind, managed_by }) => kind === 'management' && managed_by === null);
  const groups = leaders.map((leader) => ({
    title: leader.name,
    keys: [leader, ...keys.filter(({ managed_by }) => managed_by === leader.id)],
  }));
  const grouped = new Set(groups.flatMap((group) => group.keys));
  const rest = keys.filter((key) => !grouped.has(key));
  return [...groups, ...(rest.length > 0 ? [{ title: groups.length > 0 ? 'Other keys' : 'Keys', keys: rest }] : [])];
}

async function showKeys(view: View) {
  const keys = await listKeys(view.deps, view.actor);
  return (
    <Frame title="Keys" here="/keys" view={view}>
      <h1>Keys</h1>
      <AddKey />
      {keys.length === 0 ? (
        <p class="empty">No keys yet. Add one to see its spend.</p>
      ) : (
        groupsOf(keys).map((group) => <Group {...group} view={view} />)
      )}
    </Frame>
  );
}

page('/keys', 'session', showKeys);
page('/keys/:id', 'session', showKey);

form({
  path: '/keys',
  access: 'session',
  schema: addKeySchema,
  kept: ['name'],
  async act({ deps, actor, body }) {
    const key = await addKey(deps, actor, body);
    const what = {
      active: key.kind === 'management' ? 'Its account is syncing now.' : 'It syncs every hour.',
      unverified: 'OpenRouter could not verify it yet; retried every hour.',
      invalid: 'OpenRouter rejects it at the moment.',
      paused: 'It is paused.',
    };
    return { to: '/keys', message: `“${key.name}” added. ${what[key.status]}` };
  },
  show: showKeys,
});

form({
  path: '/keys/:id/name',
  access: 'session',
  schema: updateKeySchema.pick({ name: true }).required(),
  kept: ['name'],
  async act({ deps, actor, id, body }) {
    const { name } = await updateKey(deps, actor, id, body);
    return { to: `/keys/${id}`, message: `Renamed to “${name}”.` };
  },
  show: showKey,
});

form({
  path: '/keys/:id/secret',
  access: 'session',
  schema: updateKeySchema.pick({ key: true }).required(),
  async act({ deps, actor, id, body }) {
    await updateKey(deps, actor, id, body);
    return { to: `/keys/${id}`, message: 'Key replaced; history kept.' };
  },
  show: showKey,
});

form({
  path: '/keys/:id/state',
  access: 'session',
  schema: z.object({ is_active: z.enum(['0', '1']) }),
  async act({ deps, actor, id, body }) {
    const { is_active: isActive } = await updateKey(deps, actor, id, { is_active: body.is_active === '1' });
    return { to: `/keys/${id}`, message: isActive ? 'Sync resumed.' : 'Sync paused.' };
  },
  show: showKey,
});

form({
  path: '/keys/:id/sync',
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await requestSync(deps, actor, id);
    return { to: `/keys/${id}`, message: 'Sync started. Figures update within seconds.' };
  },
  show: showKey,
});

const DeletePage = ({ view, item }: { view: View; item: Key }) => (
  <Frame title="Delete a key" here="/keys" view={view} class="narrow">
    <h1>Delete “{item.name}”?</h1>
    <p>
      Permanently deletes the key and its history here.{' '}
      {item.kind === 'management' && 'The keys that it discovered and their history are deleted too. '}
      Nothing changes at OpenRouter.
    </p>
    <Form action={`/keys/${item.id}/delete`} class="choice">
      <button type="submit" class="danger">
        Delete key
      </button>
      <a class="button quiet" href={`/keys/${item.id}`}>
        Keep it
      </a>
    </Form>
  </Frame>
);

const showDeletion = async (view: View, id: number) => <DeletePage view={view} item={await getKey(view.deps, view.actor, id)} />;

page('/keys/:id/delete', 'session', showDeletion);

form({
  path: '/keys/:id/delete',
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await deleteKey(deps, actor, id);
    return { to: '/keys', message: 'Key and history deleted.' };
  },
  show: showDeletion,
});
