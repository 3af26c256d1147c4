import * as z from 'zod';
import { isoOrNull } from '../lib/day.ts';
import { nameSchema } from '../lib/name.ts';
import type { tokenSchema } from './responses.ts';
import type { apiToken } from './table.ts';

export type TokenRow = typeof apiToken.$inferSelect;

export const createTokenSchema = z.strictObject({ name: nameSchema });

export const presentToken = (row: TokenRow): z.infer<typeof tokenSchema> => ({
  id: row.id,
  name: row.name,
  created_at: new Date(row.createdAt).toISOString(),
  last_used_at: isoOrNull(row.lastUsedAt),
  is_active: row.isActive,
  prefix: row.prefix,
});
