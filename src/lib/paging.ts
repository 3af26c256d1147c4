/** Lists in pages, newest first. A cursor is the last id of the previous page. */
import * as z from 'zod';
import { digitsSchema, idSchema } from './id.ts';

export const pageQuerySchema = z.strictObject({
  limit: digitsSchema(1, 200, 'Must be a whole number from 1 to 200').default(50),
  cursor: idSchema.optional().describe('`next_cursor` of the previous page'),
});
export type PageQuery = z.output<typeof pageQuerySchema>;

export const beforeOf = ({ cursor }: Pick<PageQuery, 'cursor'>): number => cursor ?? Number.MAX_SAFE_INTEGER;

/** Takes `limit + 1` rows. @returns `next` is the cursor of the next page; null on the last one */
export function cutPage<T extends { id: number }>(rows: readonly T[], limit: number): { page: T[]; next: string | null } {
  const page = rows.slice(0, limit);
  return { page, next: rows.length > limit ? String(page.at(-1)?.id) : null };
}
