/** So many values are remembered of a function, and all are forgotten when there are more: what is asked for is much the same. */
const REMEMBERED = 4096;

/** A pure function that remembers what it said, because it is asked for the same things by the thousand. */
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
