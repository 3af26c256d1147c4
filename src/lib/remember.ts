/** When there are more, all are forgotten. */
const REMEMBERED = 4096;

/** Memoizes a pure function. */
export function remember<K, V>(compute: (key: K) => V, limit = REMEMBERED): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined || known.has(key)) return found as V;
    const value = compute(key);
    if (known.size >= limit) known.clear();
    known.set(key, value);
    return value;
  };
}
