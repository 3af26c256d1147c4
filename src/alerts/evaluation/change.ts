/** How much more one figure is than another, as a share of it; null where that says nothing. */
export const changeOf = (now: number | null, before: number | null): number | null =>
  now === null || before === null || before <= 0 ? null : now / before - 1;
