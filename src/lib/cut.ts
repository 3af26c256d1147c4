/**
 * A text of at most `max` UTF-16 units once it is escaped: what is too long ends in an ellipsis, and neither a character nor what it is escaped as is
 * cut in two. Pure.
 */
export function cutText(text: string, max: number, toMarkup: (text: string) => string = (same) => same): string {
  const whole = text.toWellFormed();
  // No escape makes a text shorter.
  if (whole.length <= max) {
    const escaped = toMarkup(whole);
    if (escaped.length <= max) return escaped;
  }
  let cut = '';
  for (const character of whole) {
    const piece = toMarkup(character);
    if (cut.length + piece.length > max - 1) break;
    cut += piece;
  }
  return max < 1 ? '' : `${cut}…`;
}
