import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Row } from "../calls.golden.ts";
import { type Applications, type Bench, startBench } from "./bench.ts";
import { inject, injectionsOf, isNameless, kinds, reference, times, upstreamTimeoutMs } from "./injections.ts";
import { Lanes } from "./lanes.ts";

const levels = ["log", "info", "warn", "error", "debug"] as const;

/** Every kind of fault at every call of these rows, and what must hold then. */
export function faultTests(rows: readonly Row[]): void {
  let bench: Bench;
  let fast: Applications;
  let slow: Applications;
  const lanes = new Lanes({ fast: 4, slow: 48, alone: 1 });
  let injected = 0;

  beforeAll(async () => {
    bench = await startBench();
    fast = bench.applications({});
    // The time of a whole operation is cut, so that nobody waits for four tries of the longest request.
    slow = bench.applications({ upstreamTimeoutMs, operationTimeoutMs: 6_500 });
    for (const level of levels) vi.spyOn(console, level);
  });
  afterAll(() => bench.stop());

  describe.concurrent("a fault at every call", () => {
    test.each(rows)("$operation: $title", { timeout: 150_000 }, async (row) => {
      // Calls that name no repository are hit for everybody who makes them: nobody else may.
      const own = isNameless(row) ? "alone" : undefined;
      const wanted = await lanes.run(own ?? "fast", (number) => reference(bench, bench.slot(number), fast, row));
      const problems = await Promise.all(
        injectionsOf(row).map(async (injection) => {
          const isSlow = injection.kind === "slow";
          const found = await lanes.run(own ?? (isSlow ? "slow" : "fast"), (number) =>
            inject(bench, bench.slot(number), { applications: isSlow ? slow : fast, patient: fast }, injection, wanted),
          );
          injected++;
          const { call, nth, kind, times: often } = injection;
          return found.map((problem) => `${call} (${nth}.) ${kind} ${often}: ${problem}`);
        }),
      );
      expect(problems.flat()).toEqual([]);
    });
  });

  test("none was left out", () => {
    const entries = rows.reduce((sum, { calls }) => sum + calls.length, 0);
    expect(injected).toBe(entries * Object.keys(kinds).length * times.length);
    expect(injected).toBeGreaterThan(500);
  });

  test("nothing was printed", () => {
    for (const level of levels) expect(vi.mocked(console[level]).mock.calls).toEqual([]);
  });
}
