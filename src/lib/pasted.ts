/** Invisible characters that come along when something is copied from a page, a chat or a document. */
import * as z from 'zod';

/** White space, controls, zero-width characters, direction marks, soft hyphens, fillers. */
const INVISIBLE = /^[\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]$/u;

export function trimInvisible(text: string): string {
  const characters = [...text];
  const isVisible = (character: string): boolean => !INVISIBLE.test(character);
  const first = characters.findIndex(isVisible);
  return first < 0 ? '' : characters.slice(first, characters.findLastIndex(isVisible) + 1).join('');
}

export const pastedSchema = z.string().overwrite(trimInvisible);
