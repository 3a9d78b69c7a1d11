import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { holdTime, type VirtualTime } from "../support/virtual-time.ts";

const start = new Date("2026-05-06T07:08:09.123Z");
let time: VirtualTime;
beforeEach(() => {
  time = holdTime(start);
});
afterEach(() => time.release());
const elapsed = () => time.now().getTime() - start.getTime();

test("nobody waits, and those who wait together go on in their order", async () => {
  const seen: [string, number][] = [];
  const wait = async (name: string, ms: number) => {
    await sleep(ms);
    seen.push([name, elapsed()]);
  };
  await Promise.all([wait("a day", 86_400_000), wait("a second", 1_000), wait("a minute", 60_000)]);
  expect(seen).toEqual([
    ["a second", 1_000],
    ["a minute", 60_000],
    ["a day", 86_400_000],
  ]);
  expect(performance.now()).toBe(86_400_000);
});

test("the time stands still while something is being done", async () => {
  const done = time.begin();
  const waiting = sleep(1_000).then(elapsed);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(elapsed()).toBe(0);
  done();
  expect(await waiting).toBe(1_000);
});

test("a limit does not move the time, and fires when it comes by", async () => {
  const limit = AbortSignal.timeout(5_000);
  await sleep(4_999);
  expect(limit.aborted).toBe(false);
  await expect(sleep(10_000, undefined, { signal: limit })).rejects.toMatchObject({ name: "AbortError" });
  expect([limit.reason.name, elapsed()]).toEqual(["TimeoutError", 5_000]);
});

test("time passes at a test's word, and who is forgotten waits for ever", async () => {
  let woken = false;
  const limit = AbortSignal.timeout(2_000);
  void sleep(1_000).then(() => {
    woken = true;
  });
  time.forget();
  time.pass(60_000);
  await sleep(1);
  expect([woken, limit.aborted, elapsed()]).toEqual([false, false, 60_001]);
});
