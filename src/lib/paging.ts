/** Lists in pages, the newest first: a page begins before the id that its cursor names. */
import * as z from 'zod';
import { digitsSchema, idSchema } from './id.ts';

export const pageQuerySchema = z.strictObject({
  limit: digitsSchema(1, 200, 'Must be a whole number from 1 to 200').default(50),
  cursor: idSchema.optional().describe('`next_cursor` of the page before'),
});
export type PageQuery = z.output<typeof pageQuerySchema>;

/** The id before which a page begins. */
export const beforeOf = ({ cursor }: Pick<PageQuery, 'cursor'>): number => cursor ?? Number.MAX_SAFE_INTEGER;

/**
 * The page in rows of which one more than `limit` was asked for, if there is one.
 * @returns `next` is the cursor of the page after it; null on the last one
 */
export function cutPage<T extends { id: number }>(rows: readonly T[], limit: number): { page: T[]; next: string | null } {
  const page = rows.slice(0, limit);
  return { page, next: rows.length > limit ? String(page.at(-1)?.id) : null };
}
