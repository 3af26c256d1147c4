import * as z from 'zod';
import { listAudit } from '../audit/actions.ts';
import { ACTIONS } from '../audit/model.ts';
import { Field, Form, Select } from '../http/forms/fields.tsx';
import { Frame } from '../http/pages/layout.tsx';
import { createPages, type View } from '../http/pages/page.tsx';
import { formatInstant } from '../lib/format.ts';
import { idSchema } from '../lib/id.ts';
import { listTimeZones } from '../lib/zone.ts';
import { changePassword, listSessions, setTimeZone, signOutOthers } from './actions.ts';
import { changePasswordSchema, timeZoneFormSchema } from './model.ts';

export const userPages = createPages();
const { page, form } = userPages;

const SHOWN_EVENTS = 8;

type Sessions = Awaited<ReturnType<typeof listSessions>>;

/** Adds the user's own zone, which the runtime may not list. */
const zonesWith = (zone: string): string[] => [...new Set([...listTimeZones(), zone])];

const TimeZone = ({ zone }: { zone: string }) => (
  <section class="card">
    <h2>Time zone</h2>
    <p class="hint">Used on all pages unless a page overrides it.</p>
    <Form action="/account/time-zone">
      <Select name="time_zone" label="Time zone" value={zone} options={zonesWith(zone).map((name) => [name, name.replaceAll('_', ' ')])} />
      <button type="submit">Save time zone</button>
    </Form>
  </section>
);

/** Tells password managers whose password it is. It has no name, so it is not sent. */
const Username = ({ view }: { view: View }) => <input type="text" autocomplete="username" value={view.viewer?.email} hidden />;

const Password = ({ view }: { view: View }) => (
  <section class="card">
    <h2>Password</h2>
    <Form action="/account/password">
      <Username view={view} />
      <Field name="current_password" label="Current password" type="password" autocomplete="current-password" />
      <Field
        name="new_password"
        label="New password"
        type="password"
        autocomplete="new-password"
        hint="At least 12 characters. Signs you out everywhere else."
      />
      <button type="submit">Change password</button>
    </Form>
  </section>
);

const SessionList = ({ sessions, zone }: { sessions: Sessions; zone: string }) => (
  <section class="card">
    <h2>Sessions</h2>
    <ul class="rows">
      {sessions.map(({ client, createdAt, isCurrent }) => (
        <li>
          <strong>{client ?? 'Unknown client'}</strong>
          {isCurrent && <span class="badge good">this device</span>}
          <span class="hint">signed in {formatInstant(new Date(createdAt).toISOString(), zone)}</span>
        </li>
      ))}
    </ul>
    <Form action="/account/sessions">
      <button type="submit" class="quiet" disabled={sessions.length < 2}>
        Sign out everywhere else
      </button>
    </Form>
  </section>
);

interface ActivityProps {
  log: Awaited<ReturnType<typeof listAudit>>;
  zone: string;
}

const Activity = ({ log, zone }: ActivityProps) => (
  <section class="card">
    <h2>Activity</h2>
    <ul class="rows">
      {log.data.map(({ at, action, subject, address, client }) => (
        <li>
          <strong>
            {ACTIONS[action]}
            {subject !== null && `: ${subject}`}
          </strong>
          <span class="hint">{[formatInstant(at, zone), client, address].filter((part) => part !== null).join(', ')}</span>
        </li>
      ))}
    </ul>
    {log.data.length === 0 && <p class="empty">No more activity.</p>}
    {log.next_cursor !== null && <a href={`/account?before=${log.next_cursor}`}>Older</a>}
  </section>
);

const Export = () => (
  <section class="card">
    <h2>Export</h2>
    <p>Everything stored about you, as one JSON file: account, keys without their secrets, tokens, views, activity and the whole ledger.</p>
    <a class="button" href="/account/export" download>
      Export all data
    </a>
  </section>
);

const Deletion = ({ view }: { view: View }) => (
  <section class="card danger">
    <h2>Delete the account</h2>
    <p>Permanently deletes your keys, tokens, sessions and history. Export your data first.</p>
    <Form action="/account/delete">
      <Username view={view} />
      <Field name="password" label="Password, to confirm" type="password" autocomplete="current-password" />
      <button type="submit" class="danger">
        Delete account
      </button>
    </Form>
  </section>
);

export async function showAccount(view: View) {
  const zone = view.viewer?.timeZone ?? 'UTC';
  const sessions = await listSessions(view.deps, view.actor);
  const before = idSchema.safeParse(view.c.req.query('before'));
  const log = await listAudit(view.deps, view.actor, { limit: SHOWN_EVENTS, cursor: before.data });
  return (
    <Frame title="Account" here="/account" view={view}>
      <h1>Account</h1>
      <p>
        Signed in as <strong>{view.viewer?.email}</strong>.
      </p>
      <div class="cards columns">
        <TimeZone zone={zone} />
        <Password view={view} />
        <SessionList sessions={sessions} zone={zone} />
        <Activity log={log} zone={zone} />
        <Export />
        <Deletion view={view} />
      </div>
    </Frame>
  );
}

page('/account', 'session', showAccount);

form({
  path: '/account/time-zone',
  access: 'session',
  schema: timeZoneFormSchema,
  async act({ deps, actor, body }) {
    await setTimeZone(deps, actor, body);
    return { to: '/account', message: `Time zone set to ${body.time_zone.replaceAll('_', ' ')}.` };
  },
  show: showAccount,
});

form({
  path: '/account/password',
  access: 'session',
  schema: changePasswordSchema,
  async act({ deps, actor, body }) {
    await changePassword(deps, actor, body);
    return { to: '/account', message: 'Password changed. All other sessions have ended.' };
  },
  show: showAccount,
});

form({
  path: '/account/sessions',
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor }) {
    await signOutOthers(deps, actor);
    return { to: '/account', message: 'You are signed out everywhere else.' };
  },
  show: showAccount,
});
