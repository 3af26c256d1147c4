/** What happened together as one message: one event in its own words, several as a count, a few of them, and one link. Pure. */
import type { EventRow } from './model.ts';
import type { Figures } from './words.ts';

interface Item {
  eventId: number;
  title: string;
  text: string;
  figures: Figures;
  /** Where the figures are shown. */
  url: string;
}

/** What is sent of one event or several. */
export interface Notice extends Item {
  kind: EventRow['kind'];
  rule: string;
  at: number;
  /** All that it tells of, or the first of them. */
  items: Item[];
  count: number;
}

/** So many are named or told of in a message of several. */
const FEW = 5;
/** A program gets so many of them; the API has them all. */
const MAX_ITEMS = 100;

const TITLES: Record<string, (count: number) => string> = {
  budget: (count) => `${count} budget alerts`,
  limit_remaining: (count) => `${count} limits nearly used up`,
  balance: (count) => `${count} low account balances`,
  spike: (count) => `${count} spend spikes`,
  key_invalid: (count) => `${count} keys are invalid`,
  key_expiring: (count) => `${count} keys expire soon`,
  key_discovered: (count) => `${count} new keys`,
  sync_overdue: (count) => `${count} keys overdue for sync`,
  digest: (count) => `${count} digests`,
};

/** The title of several events of a type. */
export const titleOfSeveral = (ruleType: string, count: number): string => (TITLES[ruleType] ?? ((n) => `${n} alerts`))(count);

/** The first few of some things, in words, and how many there are beside them. */
export const firstFew = (things: readonly string[], separator = ', '): string =>
  things.slice(0, FEW).join(separator) + (things.length > FEW ? ` and ${things.length - FEW} more` : '');

/** Names and what is said of them all; where not all of them are named or have the same said of them, a few titles with their texts. */
export function textOfSeveral(events: readonly Pick<EventRow, 'keyId' | 'title' | 'text'>[], names: ReadonlyMap<number, string>): string {
  const named = events.map(({ keyId }) => (keyId === null ? undefined : names.get(keyId)));
  const isAlike = new Set(events.map(({ text }) => text)).size === 1;
  if (isAlike && named.every((name) => name !== undefined)) return `${firstFew(named)}. ${events[0]?.text ?? ''}`;
  const told = events.slice(0, FEW).map(({ title, text }) => `${title}: ${text}`);
  return [...told, ...(events.length > FEW ? [`And ${events.length - FEW} more.`] : [])].join('\n');
}

/**
 * A message of events that happened together.
 * @param names of keys, by their id
 * @param origin under which the monitor is used
 */
export function noticeOf(events: readonly [EventRow, ...EventRow[]], names: ReadonlyMap<number, string>, origin: string): Notice {
  const items = events.slice(0, MAX_ITEMS).map(
    (event): Item => ({
      eventId: event.id,
      title: event.title,
      text: event.text,
      figures: JSON.parse(event.figures),
      url: `${origin}${event.path}`,
    }),
  );
  const [{ id: eventId, kind, ruleType: rule, createdAt: at }] = events;
  const common = { eventId, kind, rule, at, items, count: events.length };
  const [only] = items;
  if (events.length === 1 && only) return { ...only, ...common };
  const title = titleOfSeveral(rule, events.length);
  return { ...common, title, text: textOfSeveral(events, names), figures: { count: events.length }, url: `${origin}/alerts` };
}
