import type * as z from 'zod';
import { formatAgo, formatInstant } from '../../lib/format.ts';
import type { channelSchema, eventSchema } from '../responses.ts';
import { ActionButton } from '../views.tsx';
import { textOfSeveral, titleOfSeveral } from './group-message.ts';

type Event = z.infer<typeof eventSchema>;
type Channel = z.infer<typeof channelSchema>;
type Group = readonly [Event, ...Event[]];

const deliveryText = ({ state, attempts }: Event['deliveries'][number], channel: string): string => {
  const error = attempts.at(-1)?.error ?? null;
  if (state === 'sent') return `sent to ${channel}`;
  if (state === 'failed') return `not delivered to ${channel}${error === null ? '' : `: ${error}`}`;
  return error === null ? `waiting to be sent to ${channel}` : `not delivered to ${channel} yet, retrying: ${error}`;
};

/** A group is one message, so its members share deliveries, except snoozed ones without any. */
const Deliveries = ({ group, channels }: { group: Group; channels: readonly Channel[] }) => (
  <>
    {(group.find(({ deliveries }) => deliveries.length > 0)?.deliveries ?? []).map((delivery) => (
      <span class="hint">{deliveryText(delivery, channels.find(({ id }) => id === delivery.channel_id)?.name ?? 'a deleted channel')}</span>
    ))}
  </>
);

const isClosed = (event: Event): boolean => event.kind === 'recovered' || event.recovered_at !== null || event.acknowledged_at !== null;

/** `done` when everything has recovered or is acknowledged. */
const toneOf = (group: Group): 'done' | 'bad' | 'warn' => {
  if (group.every(isClosed)) return 'done';
  return group[0].rule_type === 'key_invalid' ? 'bad' : 'warn';
};

interface Texts {
  title: string;
  text: string;
  path: string | null;
}

function textsOf(group: Group, names: ReadonlyMap<number, string>): Texts {
  const [only] = group;
  if (group.length === 1) return only;
  const events = group.map(({ key_id: keyId, title, text }) => ({ keyId, title, text }));
  return { title: titleOfSeveral(only.rule_type, group.length), text: textOfSeveral(events, names), path: null };
}

const Title = ({ group, texts: { title, path } }: { group: Group; texts: Texts }) => {
  const text = `${group[0].kind === 'recovered' ? 'Recovered: ' : ''}${title}`;
  return path === null ? <strong>{text}</strong> : <a href={path}>{text}</a>;
};

const Each = ({ group }: { group: Group }) => (
  <details>
    <summary>Show all {group.length}</summary>
    <ul>
      {group.map(({ title, text, path }) => (
        <li>
          <a href={path}>{title}</a>: {text}
        </li>
      ))}
    </ul>
  </details>
);

const Buttons = ({ group, about, zone, now }: { group: Group; about: string; zone: string; now: number }) => {
  const [{ id }] = group;
  const acknowledgedAt = group.map(({ acknowledged_at: at }) => at ?? '').sort()[0] || null;
  const snoozedUntil = group.map(({ snoozed_until: until }) => until ?? '').sort()[0] || null;
  return (
    <div class="actions">
      {acknowledgedAt === null ? (
        <ActionButton action={`/alerts/${id}/acknowledge`} label="Acknowledge" about={about} />
      ) : (
        <span class="hint">acknowledged {formatAgo(acknowledgedAt, now)}</span>
      )}
      {snoozedUntil !== null && Date.parse(snoozedUntil) > now ? (
        <span class="hint">snoozed until {formatInstant(snoozedUntil, zone)}</span>
      ) : (
        <ActionButton action={`/alerts/${id}/snooze`} label="Snooze for a day" about={about} fields={{ hours: '24' }} />
      )}
    </div>
  );
};

interface EventListProps {
  events: readonly Event[];
  channels: readonly Channel[];
  keys: readonly { id: number; name: string }[];
  zone: string;
  now: number;
}

const groupsOf = (events: readonly Event[]): Group[] =>
  [...Map.groupBy(events, ({ group }) => group).values()].flatMap(([first, ...others]): Group[] => (first ? [[first, ...others]] : []));

export const EventList = ({ events, channels, keys, zone, now }: EventListProps) => {
  const names = new Map(keys.map(({ id, name }) => [id, name]));
  return (
    <ol class="events">
      {groupsOf(events).map((group) => {
        const texts = textsOf(group, names);
        const [{ created_at: at }] = group;
        return (
          <li class={`event ${toneOf(group)}`}>
            <div>
              <p>
                <Title group={group} texts={texts} />{' '}
                <time datetime={at} class="hint">
                  {formatInstant(at, zone)}
                </time>
              </p>
              <p>
                {texts.text} <Deliveries group={group} channels={channels} />
              </p>
              {group.length > 1 && <Each group={group} />}
            </div>
            <Buttons group={group} about={texts.title} zone={zone} now={now} />
          </li>
        );
      })}
    </ol>
  );
};
