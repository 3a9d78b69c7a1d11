import { LRUCache } from "lru-cache";

/**
 * A cache of at most so many entries; the least recently used one makes room. Given `max`, the library takes the memory of
 * all entries at once, which is a millisecond for each fifty thousand: so each entry has the size 1 instead.
 */
export function boundedCache<Key extends {}, Value extends {}>(entries: number): LRUCache<Key, Value> {
  return new LRUCache({ maxSize: entries, sizeCalculation: () => 1 });
}
