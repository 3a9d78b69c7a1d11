import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type FaultKind, type Injection, injectionsOf } from "./injections.ts";
import type { Row } from "./rows.ts";

const levels = ["log", "info", "warn", "error", "debug"] as const;

/** Where the rows of a platform are run. */
export interface Harness<Kind extends string> {
  /** Runs the row undisturbed. Returns what runs it with one fault, and tells what is wrong with how that went. */
  prepare(row: Row): Promise<(injection: Injection<Kind>) => Promise<string[]>>;
  stop(): Promise<void>;
}

/** Every kind of fault at every call of these rows, and what must hold then. */
export function faultTests<Kind extends string>(
  rows: readonly Row[],
  kinds: Readonly<Record<Kind, FaultKind<unknown>>>,
  start: () => Promise<Harness<Kind>>,
): void {
  let harness: Harness<Kind>;
  let injected = 0;
  /** What was printed, as it was when it was. */
  const printed: string[] = [];

  beforeAll(async () => {
    harness = await start();
    for (const level of levels) {
      vi.spyOn(console, level).mockImplementation(
        (...args: unknown[]) => void printed.push(args.map(String).join(" ")),
      );
    }
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await harness?.stop();
  });

  describe.concurrent("a fault at every call", () => {
    test.each(rows)("$operation: $title", async (row) => {
      const inject = await harness.prepare(row);
      const problems = await Promise.all(
        injectionsOf(row, kinds).map(async (injection) => {
          const found = await inject(injection);
          injected++;
          const { call, nth, kind, times: often } = injection;
          return found.map((problem) => `${call} (${nth}.) ${kind} ${often}: ${problem}`);
        }),
      );
      expect(problems.flat()).toEqual([]);
    });
  });

  test("none was left out", () => {
    const wanted = rows.flatMap((row) => injectionsOf(row, kinds));
    const always = Object.values<FaultKind<unknown>>(kinds).filter(({ at }) => at === undefined);
    const entries = rows.reduce((sum, { calls }) => sum + calls.length, 0);
    expect(entries).toBeGreaterThan(0);
    expect(injected).toBe(wanted.length);
    expect(injected).toBeGreaterThanOrEqual(entries * always.length * 2);
  });

  test("nothing was printed", () => expect(printed).toEqual([]));
}
