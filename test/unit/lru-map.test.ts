import { expect, test } from "vitest";
import { LruMap } from "../../core/lru-map.ts";

test("what was not used for the longest time makes room", () => {
  const map = new LruMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.get("a")).toBe(1);
  map.set("c", 3);
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([1, undefined, 3]);
});

test("setting a key again is a use of it, and needs no room", () => {
  const map = new LruMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  expect(map.get("b")).toBe(2);
  map.set("a", 4);
  map.set("c", 5);
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([4, undefined, 5]);
});
