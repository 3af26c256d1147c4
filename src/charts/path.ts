/** SVG paths through points. Pure. Source: https://www.w3.org/TR/SVG2/paths.html */

/** Null: nothing is known there. */
type Point = readonly [x: number, y: number] | null;

/** A line through points, with a gap where one is unknown. A point between two gaps is a dot, if the stroke's ends are not flat. */
export function linePath(points: readonly Point[]): string {
  let path = '';
  for (let index = 0; index < points.length; index++) {
    const point = points[index];
    if (!point) continue;
    const isFirst = !points[index - 1];
    path += `${isFirst ? 'M' : 'L'}${point[0]},${point[1]}`;
    if (isFirst && !points[index + 1]) path += 'Z';
  }
  return path;
}

/** The area between two lines over the same places, with a gap where these are unknown. */
export function areaPath(upper: readonly Point[], lower: readonly Point[]): string {
  let path = '';
  for (let from = 0, to = 0; from < upper.length; from = to + 1) {
    for (to = from; upper[to]; ) to += 1;
    const edge = [...upper.slice(from, to), ...lower.slice(from, to).reverse()];
    if (edge.length > 0) path += `${linePath(edge)}Z`;
  }
  return path;
}
