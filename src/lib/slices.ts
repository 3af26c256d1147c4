/** Slices of at most `most`, in order. A larger item gets its own slice. @param sizeOf what an item counts for */
export function slicesOf<T>(items: readonly T[], most: number, sizeOf: (item: T) => number = () => 1): T[][] {
  const slices: T[][] = [];
  let size = 0;
  for (const item of items) {
    const own = sizeOf(item);
    size += own;
    const last = slices.at(-1);
    if (last && size <= most) last.push(item);
    else {
      slices.push([item]);
      size = own;
    }
  }
  return slices;
}
