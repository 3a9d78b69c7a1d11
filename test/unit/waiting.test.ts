import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { NotYet, untilReady } from "../../core/until-ready.ts";
import { defaultRetry, delayMs, type RetryPolicy, retrying } from "../../core/waiting.ts";
import { errorOf } from "../support/inputs.ts";

const never = new AbortController().signal;
const busy = (retryAfterSeconds?: number) =>
  new ArtifactRegistryError("SERVICE_UNAVAILABLE", "busy", {
    retryable: true,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });

/** Fails `failures` times, then answers; notes every wait instead of waiting. */
async function run(failures: number, options: { policy?: RetryPolicy; error?: unknown; random?: () => number } = {}) {
  let tries = 0;
  const waits: number[] = [];
  const attempt = async () => {
    tries++;
    if (tries <= failures) throw options.error ?? busy();
    return "answer";
  };
  const tools = {
    random: options.random ?? (() => 0.5),
    wait: async (milliseconds: number) => {
      waits.push(milliseconds);
    },
  };
  const result = await retrying(attempt, never, options.policy, tools).catch((error: unknown) => ({ error }));
  return { result, tries, waits };
}

describe("attempts", () => {
  test.each([0, 1, 2, 3])("%i failures, then the answer", async (failures) => {
    expect(await run(failures)).toMatchObject({ result: "answer", tries: failures + 1 });
  });

  test("gives up after four tries with the last error", async () => {
    const error = busy();
    expect(await run(99, { error })).toEqual({ result: { error }, tries: 4, waits: [50, 100, 200] });
  });

  test("a policy of one try never waits", async () => {
    expect(await run(1, { policy: { ...defaultRetry, attempts: 1 } })).toMatchObject({ tries: 1, waits: [] });
  });

  test.each<[string, unknown]>([
    ["an error that is not retryable", new ArtifactRegistryError("ACCESS_DENIED", "no")],
    ["a quota that needs a person", new ArtifactRegistryError("QUOTA_EXCEEDED", "full", { retryAfterSeconds: 1 })],
    ["an unknown error", new Error("bug")],
    ["an object that says retryable", { retryable: true }],
    ["undefined", undefined],
  ])("%s is not repeated", async (_title, error) => {
    let tries = 0;
    const attempt = async () => {
      tries++;
      throw error;
    };
    await expect(retrying(attempt, never)).rejects.toBe(error);
    expect(tries).toBe(1);
  });
});

describe("waits", () => {
  test("are random between 0 and a bound that doubles up to the cap", async () => {
    const policy = { attempts: 8, baseMs: 100, capMs: 2_000 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 7, maxLength: 7 }),
        async (dice) => {
          const rest = [...dice];
          const { waits } = await run(99, { policy, random: () => rest.shift() ?? 0 });
          const bounds = [100, 200, 400, 800, 1_600, 2_000, 2_000];
          expect(waits).toEqual(bounds.map((bound, index) => (dice[index] ?? 0) * bound));
        },
      ),
    );
  });

  test("Retry-After is a floor, not a ceiling", async () => {
    expect((await run(99, { error: busy(1) })).waits).toEqual([1_000, 1_000, 1_000]);
    expect((await run(99, { error: busy(0.15), random: () => 1 })).waits).toEqual([150, 200, 400]);
  });

  test("a Retry-After at the cap is waited for; a longer one is handed on at once", async () => {
    expect(await run(1, { error: busy(2) })).toMatchObject({ result: "answer", waits: [2_000] });
    const error = busy(2.001);
    expect(await run(1, { error })).toEqual({ result: { error }, tries: 1, waits: [] });
  });

  test.each([-5, Number.NaN])("a Retry-After of %d is no floor", async (seconds) => {
    expect((await run(1, { error: busy(seconds) })).waits).toEqual([50]);
  });
});

describe("abort", () => {
  test("before a wait: the last error, without another try", async () => {
    const stop = new AbortController();
    let tries = 0;
    const attempt = async () => {
      tries++;
      stop.abort();
      throw busy();
    };
    expect((await errorOf(() => retrying(attempt, stop.signal))).code).toBe("SERVICE_UNAVAILABLE");
    expect(tries).toBe(1);
  });

  test("during a wait: at once", async () => {
    const stop = new AbortController();
    let tries = 0;
    const attempt = async () => {
      tries++;
      setImmediate(() => stop.abort());
      throw busy(60);
    };
    const policy = { attempts: 4, baseMs: 1, capMs: 120_000 };
    await expect(retrying(attempt, stop.signal, policy)).rejects.toThrow();
    expect(tries).toBe(1);
  });
});

describe("untilReady", () => {
  const backoff = { baseMs: 100, capMs: 300 };

  /** Is not ready `misses` times; notes every wait instead of waiting. */
  async function look(misses: number, more: { attempts?: number; jitter?: "full" | "half" } = {}) {
    const waits: number[] = [];
    const tools = { random: () => 0.5, wait: async (milliseconds: number) => void waits.push(milliseconds) };
    const seen: number[] = [];
    const work = async (tries: number) => {
      seen.push(tries);
      if (tries <= misses) throw new NotYet(new Error(`try ${tries}`));
      return "ready";
    };
    const result = await untilReady(work, never, { ...backoff, ...more }, tools).catch((error: Error) => error.message);
    return { result, seen, waits };
  }

  test("waits longer each time, up to the cap, and tells the work which try it is", async () => {
    expect(await look(4)).toEqual({ result: "ready", seen: [1, 2, 3, 4, 5], waits: [100, 200, 300, 300] });
  });

  test("has full jitter, or half, where it is asked for", async () => {
    expect((await look(2, { jitter: "full" })).waits).toEqual([50, 100]);
    expect((await look(2, { jitter: "half" })).waits).toEqual([75, 150]);
  });

  test("throws what the last try said when the tries are used up", async () => {
    expect(await look(9, { attempts: 3 })).toEqual({ result: "try 3", seen: [1, 2, 3], waits: [100, 200] });
  });

  test("throws every other error at once", async () => {
    let tries = 0;
    const work = async () => {
      tries++;
      throw busy();
    };
    expect((await errorOf(() => untilReady(work, never, backoff))).code).toBe("SERVICE_UNAVAILABLE");
    expect(tries).toBe(1);
  });

  test.each(["before", "during"] as const)(
    "a signal that fires %s a wait ends it with what the try said",
    async (when) => {
      const stop = new AbortController();
      let tries = 0;
      const work = async () => {
        tries++;
        if (when === "before") stop.abort();
        else setImmediate(() => stop.abort());
        throw new NotYet(busy());
      };
      const error = await errorOf(() => untilReady(work, stop.signal, { baseMs: 600_000, capMs: 600_000 }));
      expect(error.code).toBe("SERVICE_UNAVAILABLE");
      expect(tries).toBe(1);
    },
  );
});

test("a bound stays a number after any number of tries", () => {
  for (const baseMs of [0, 1, 1_000]) {
    for (const tries of [1, 2, 60, 2_000]) {
      expect(delayMs({ baseMs, capMs: 5_000 }, tries)).toBe(
        baseMs === 0 ? 0 : Math.min(5_000, baseMs * 2 ** (tries - 1)),
      );
    }
  }
});
