/** A text whose escaped form has at most `max` UTF-16 units. Cuts no character and no escape in two; a cut text ends in an ellipsis. */
export function cutText(text: string, max: number, toMarkup: (text: string) => string = (same) => same): string {
  const whole = text.toWellFormed();
  // Escaping never shortens a text.
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
