// A map for what most often has one or two entries: the topics of a session, the sessions of a
// user. An empty Map is 280 bytes, and each session at rest would have six of them; this is 24, and
// 16 to 40 more for an entry. From the ninth entry on it keeps a Map.

const PAIRS_MAX = 8;

/** Keeps the order in which keys were added, as a Map does. Iterating is over what was there. */
export class SmallMap<K, V> {
  /** Keys and values by turns; a lone pair of them is the rule. */
  #pairs: unknown[] | undefined;
  #map: Map<K, V> | undefined;

  get size(): number {
    return this.#map?.size ?? (this.#pairs?.length ?? 0) / 2;
  }

  get(key: K): V | undefined {
    if (this.#map !== undefined) return this.#map.get(key);
    const at = this.#find(key);
    return at < 0 ? undefined : (this.#pairs![at + 1] as V);
  }

  has(key: K): boolean {
    return this.#map === undefined ? this.#find(key) >= 0 : this.#map.has(key);
  }

  set(key: K, value: V): void {
    if (this.#map !== undefined) {
      this.#map.set(key, value);
      return;
    }
    const at = this.#find(key);
    if (at >= 0) this.#pairs![at + 1] = value;
    else if (this.#pairs === undefined) this.#pairs = [key, value];
    else if (this.#pairs.length < PAIRS_MAX * 2) this.#pairs.push(key, value);
    else {
      this.#map = new Map([...this].concat([[key, value]]));
      this.#pairs = undefined;
    }
  }

  /** Whether it was there. */
  delete(key: K): boolean {
    if (this.#map !== undefined) {
      const isKnown = this.#map.delete(key);
      if (this.#map.size === 0) this.#map = undefined;
      return isKnown;
    }
    const at = this.#find(key);
    if (at < 0) return false;
    if (this.#pairs!.length === 2) this.#pairs = undefined;
    else this.#pairs!.splice(at, 2);
    return true;
  }

  keys(): Iterable<K> {
    return this.#map === undefined ? this.#every<K>(0) : [...this.#map.keys()];
  }

  /** Hot path: of a large one nothing is copied, and it must not change meanwhile. */
  values(): Iterable<V> {
    return this.#map === undefined ? this.#every<V>(1) : this.#map.values();
  }

  [Symbol.iterator](): Iterator<[K, V]> {
    if (this.#map !== undefined) return this.#map.entries();
    const keys = this.#every<K>(0);
    const values = this.#every<V>(1);
    return keys.map((key, at): [K, V] => [key, values[at]!]).values();
  }

  #every<T>(first: 0 | 1): T[] {
    const every: T[] = [];
    const pairs = this.#pairs;
    if (pairs === undefined) return every;
    for (let at = first; at < pairs.length; at += 2) every.push(pairs[at] as T);
    return every;
  }

  #find(key: K): number {
    const pairs = this.#pairs;
    if (pairs === undefined) return -1;
    for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === key) return at;
    return -1;
  }
}
