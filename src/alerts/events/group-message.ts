/** Messages for groups: one event in full; several as a count, the first few, and a link. Pure. */
import type { Figures } from './describe.ts';
import type { EventRow } from './model.ts';

interface Item {
  eventId: number;
  title: string;
  text: string;
  figures: Figures;
  url: string;
}

export interface GroupMessage extends Item {
  kind: EventRow['kind'];
  rule: string;
  at: number;
  items: Item[];
  count: number;
}

/** Events named in a message for people. */
const FEW = 5;
/** Events in a message for programs; the API has them all. */
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

export const titleOfSeveral = (ruleType: string, count: number): string => (TITLES[ruleType] ?? ((n) => `${n} alerts`))(count);

/** `a, b and 3 more` */
export const firstFew = (things: readonly string[], separator = ', '): string =>
  things.slice(0, FEW).join(separator) + (things.length > FEW ? ` and ${things.length - FEW} more` : '');

/** Key names with their common text; where texts differ or names are missing, the first few events in full. */
export function textOfSeveral(events: readonly Pick<EventRow, 'keyId' | 'title' | 'text'>[], names: ReadonlyMap<number, string>): string {
  const named = events.map(({ keyId }) => (keyId === null ? undefined : names.get(keyId)));
  const isAlike = new Set(events.map(({ text }) => text)).size === 1;
  if (isAlike && named.every((name) => name !== undefined)) return `${firstFew(named)}. ${events[0]?.text ?? ''}`;
  const first = events.slice(0, FEW).map(({ title, text }) => `${title}: ${text}`);
  return [...first, ...(events.length > FEW ? [`And ${events.length - FEW} more.`] : [])].join('\n');
}

/** @param names of keys by id @param origin of this monitor */
export function groupMessageOf(
  events: readonly [EventRow, ...EventRow[]],
  names: ReadonlyMap<number, string>,
  origin: string,
): GroupMessage {
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
