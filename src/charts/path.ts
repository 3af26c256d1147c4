/** SVG paths through points. Pure. Source: https://www.w3.org/TR/SVG2/paths.html */

type Point = readonly [x: number, y: number];

/** Points in runs, parted where one is unknown. */
function runsOf(points: readonly (Point | null)[]): Point[][] {
  const runs: Point[][] = [];
  for (const [index, point] of points.entries()) {
    if (point === null) continue;
    const last = runs.at(-1);
    if (last && points[index - 1]) last.push(point);
    else runs.push([point]);
  }
  return runs;
}

/** A line through points, with a gap where one is unknown (null). A point between two gaps is a dot, if the stroke's ends are not flat. */
export const linePath = (points: readonly (Point | null)[]): string =>
  runsOf(points)
    .map((run) => (run.length === 1 ? `M${run[0]}Z` : `M${run.join('L')}`))
    .join('');

/** The area between two lines over the same places, with a gap where these are unknown. */
export function areaPath(upper: readonly (Point | null)[], lower: readonly (Point | null)[]): string {
  const edges = runsOf(lower);
  return runsOf(upper)
    .map((run, index) => `M${[...run, ...(edges[index] ?? []).toReversed()].join('L')}Z`)
    .join('');
}
