/** All SQL of saved views. */
import { and, asc, eq } from 'drizzle-orm';
import { type Db, rowsOf, statement } from '../db.ts';
import { savedView } from './table.ts';

export type SavedView = typeof savedView.$inferSelect;

/** A user's views by name. */
export const listViews = (db: Db, userId: number): Promise<SavedView[]> =>
  db.select().from(savedView).where(eq(savedView.userId, userId)).orderBy(asc(savedView.name));

/**
 * Saves a view under its name, in place of one that had it; false if the user has `max` others already, or is gone.
 */
export async function saveView(db: Db, view: Omit<SavedView, 'id'>, max: number): Promise<boolean> {
  const text = `INSERT INTO saved_view (user_id, name, query, created_at) SELECT :userId, :name, :query, :createdAt
    WHERE (SELECT count(*) FROM saved_view WHERE user_id = :userId AND name <> :name) < :max AND EXISTS (SELECT 1 FROM user WHERE id = :userId)
    ON CONFLICT (user_id, name) DO UPDATE SET query = excluded.query RETURNING id`;
  const { userId, name, query, createdAt } = view;
  return (await rowsOf(db, statement(db, text, { userId, name, query, createdAt, max }))).length > 0;
}

/** Deletes a view; true if the user had it. */
export async function deleteView(db: Db, userId: number, id: number): Promise<boolean> {
  const rows = await db
    .delete(savedView)
    .where(and(eq(savedView.userId, userId), eq(savedView.id, id)))
    .returning({ id: savedView.id });
  return rows.length > 0;
}

/** Deletes all views of a user. */
export const deleteAllViewsStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, 'DELETE FROM saved_view WHERE user_id = :userId', { userId });
