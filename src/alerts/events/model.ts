import * as z from 'zod';
import { isoOrNull } from '../../lib/day.ts';
import type { eventSchema } from '../responses.ts';
import type { alertDelivery, alertEvent } from '../table.ts';
import type { Figures } from './describe.ts';

export type EventRow = typeof alertEvent.$inferSelect;
/** Events of one `bundle` are sent in one message. */
export type ListedEvent = EventRow & { bundle: string };
export type DeliveryRow = typeof alertDelivery.$inferSelect;

/** An offset may lead beyond the four-digit years of RFC 3339. */
const FIRST_INSTANT = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

export const updateEventSchema = z.strictObject({
  acknowledged: z.boolean().optional(),
  whole_group: z.boolean().default(false).describe('Whether the change applies to all events of the group'),
  snoozed_until: z.iso
    .datetime({ offset: true, abort: true })
    .refine((text) => Date.parse(text) >= FIRST_INSTANT && Date.parse(text) <= LAST_INSTANT, 'Must be from the year 0000 to 9999 in UTC')
    .nullable()
    .optional()
    .describe('Until then new events of the same rule and key send no message; null: ends the snooze'),
});

const presentEvent = (row: ListedEvent, deliveries: readonly DeliveryRow[]): z.infer<typeof eventSchema> => ({
  id: row.id,
  kind: row.kind === 'recovered' ? 'recovered' : 'fired',
  rule_id: row.ruleId,
  rule_type: row.ruleType,
  key_id: row.keyId,
  group: row.bundle,
  title: row.title,
  text: row.text,
  figures: JSON.parse(row.figures) as Figures,
  path: row.path,
  created_at: new Date(row.createdAt).toISOString(),
  recovered_at: isoOrNull(row.recoveredAt),
  acknowledged_at: isoOrNull(row.acknowledgedAt),
  snoozed_until: isoOrNull(row.snoozedUntil),
  deliveries: deliveries.map(({ channelId, state, log }) => ({
    channel_id: channelId,
    state,
    attempts: (JSON.parse(log) as { at: number; error: string | null }[]).map(({ at, error }) => ({
      at: new Date(at).toISOString(),
      error,
    })),
  })),
});

export function presentEvents(rows: readonly ListedEvent[], deliveries: readonly DeliveryRow[]): z.infer<typeof eventSchema>[] {
  const ofEvent = Map.groupBy(deliveries, ({ eventId }) => eventId);
  return rows.map((row) => presentEvent(row, ofEvent.get(row.id) ?? []));
}
