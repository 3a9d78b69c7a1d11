import { expect, test } from "vitest";
import { rollingRestart } from "./run.ts";

/** `npm run bench:rolling` does the same with 200 connections, for a minute. */
test("a rolling restart under load fails no request, and no secret is in a log or a metric", async () => {
  const { outcomes, proxyFailures, exitCodes, answered, leaks, searched, minted } = await rollingRestart({
    connections: 50,
    seconds: 2,
  });
  expect(Object.keys(outcomes)).toEqual(["200"]);
  expect(proxyFailures).toEqual([]);
  expect(exitCodes).toEqual([0, 0, 0, 0]);
  // Every instance had its share, or nothing was rolled.
  for (const count of answered) expect(count).toBeGreaterThan(0);
  expect(answered.reduce((sum, count) => sum + count, 0)).toBe(outcomes["200"]);
  expect(leaks).toEqual([]);
  expect(searched.secrets).toBeGreaterThan(100);
  expect(searched.logLines).toBeGreaterThan(outcomes["200"] ?? 0);
  expect(minted).toBeGreaterThan(0);
});

test("a restart that finishes nothing is seen to fail requests", async () => {
  const { outcomes, exitCodes } = await rollingRestart({ connections: 50, seconds: 1, signal: "SIGKILL" });
  expect(exitCodes.slice(0, 2)).toEqual([null, null]);
  expect(Object.keys(outcomes).filter((outcome) => outcome !== "200")).not.toEqual([]);
});
