import { describe, expect, test } from "vitest";
import { createSingleFlight } from "../../core/credential-cache.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";

const forever = () => new AbortController().signal;

/** Work that the test ends, and counts. */
function bench() {
  const begun: PromiseWithResolvers<string>[] = [];
  const flights = createSingleFlight<string>("The work");
  const join = (key = "k", signal: AbortSignal = forever()) =>
    flights(key, signal, () => {
      const work = Promise.withResolvers<string>();
      begun.push(work);
      return work.promise;
    });
  return { begun, join };
}

describe("a single flight", () => {
  test("begins at once, and is one for all who come before its end", async () => {
    const { begun, join } = bench();
    const all = Array.from({ length: 20 }, () => join());
    expect(begun).toHaveLength(1);
    begun[0]?.resolve("one");
    expect(new Set(await Promise.all(all))).toEqual(new Set(["one"]));
    const next = join();
    expect(begun).toHaveLength(2);
    begun[1]?.resolve("two");
    expect(await next).toBe("two");
  });

  test("is another one for another key", async () => {
    const { begun, join } = bench();
    const both = Promise.all([join("a"), join("b")]);
    begun[1]?.resolve("b");
    begun[0]?.resolve("a");
    expect(await both).toEqual(["a", "b"]);
  });

  test("that fails tells all of them, and keeps nothing", async () => {
    const { begun, join } = bench();
    const all = Promise.allSettled([join(), join(), join()]);
    begun[0]?.reject(new Error("no"));
    expect(await all).toEqual(Array(3).fill({ status: "rejected", reason: new Error("no") }));
    const next = join();
    begun[1]?.resolve("yes");
    expect(await next).toBe("yes");
  });

  test("that throws at once is a failure like any other", async () => {
    const flights = createSingleFlight<string>("The work");
    const broken = () => {
      throw new Error("at once");
    };
    await expect(flights("k", forever(), broken)).rejects.toThrow("at once");
    expect(await flights("k", forever(), async () => "yes")).toBe("yes");
  });

  test("whoever began and went away is followed by one of the others, and again", async () => {
    const { begun, join } = bench();
    const leavers = [new AbortController(), new AbortController()];
    const gone = leavers.map((leaver) => join("k", leaver.signal));
    const others = [join(), join()];
    for (const [i, leaver] of leavers.entries()) {
      leaver.abort();
      begun[i]?.reject(new Error(`gone ${i}`));
      await expect(gone[i]).rejects.toThrow(`gone ${i}`);
      if (i === 0) await expect.poll(() => begun.length).toBe(2);
    }
    begun.at(-1)?.resolve("yes");
    expect(await Promise.all(others)).toEqual(["yes", "yes"]);
  });

  test("a failure is told although whoever began goes away after it", async () => {
    const { begun, join } = bench();
    const leaver = new AbortController();
    const [first, second] = [join("k", leaver.signal), join()];
    const both = Promise.allSettled([first, second]);
    begun[0]?.resolve("yes");
    leaver.abort();
    expect((await both).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
    expect(begun).toHaveLength(1);
  });

  test("whoever waits waits no longer than their own time, and the others go on", async () => {
    const { begun, join } = bench();
    const first = join();
    const hasty = new AbortController();
    const second = join("k", hasty.signal);
    hasty.abort();
    await expect(second).rejects.toMatchObject({ code: "TIMEOUT", retryable: true });
    const sure = new AbortController();
    const third = join("k", sure.signal);
    sure.abort(new ArtifactRegistryError("ACCESS_DENIED", "their own reason"));
    await expect(third).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    begun[0]?.resolve("yes");
    expect([await first, begun.length]).toEqual(["yes", 1]);
  });
});
