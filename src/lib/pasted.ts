/** What comes along unseen when something is copied out of a page, a chat or a document. */
import * as z from 'zod';

/** White space, controls, and characters that are drawn as nothing: zero-width ones, marks of direction, the soft hyphen, fillers. */
const INVISIBLE = /^[\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]$/u;

/** A text without the invisible characters around it. In one pass, however long it is. */
export function trimInvisible(text: string): string {
  const characters = [...text];
  const isVisible = (character: string): boolean => !INVISIBLE.test(character);
  const first = characters.findIndex(isVisible);
  return first < 0 ? '' : characters.slice(first, characters.findLastIndex(isVisible) + 1).join('');
}

/** A text that people paste: a key, a token, an address. */
export const pastedSchema = z.string().overwrite(trimInvisible);
