/**
 * A map with a bounded number of entries; the least recently used one makes room. The library `lru-cache` does more, and adds
 * 18 KiB and 4 ms to a cold start. `oci/registry` uses the library all the same: it bounds bytes as well, its maps are larger,
 * and its process starts once.
 */
export class LruMap<Key, Value extends NonNullable<unknown>> {
  readonly #max: number;
  // A Map keeps the order in which its entries were set.
  readonly #entries = new Map<Key, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Whether any of the values is so. No entry counts as used by it. */
  some(is: (value: Value) => boolean): boolean {
    for (const value of this.#entries.values()) if (is(value)) return true;
    return false;
  }
}
