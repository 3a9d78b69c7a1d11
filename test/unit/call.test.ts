import { describe, expect, test } from "vitest";
import { type CallOptions, startCall } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { errorOf } from "../support/inputs.ts";

const quick = { attempts: 4, baseMs: 1, capMs: 2 };
const forever = () => new Promise<never>(() => {});
const start = (options: Partial<CallOptions> = {}) =>
  startCall({
    requestId: "req-1",
    caller: { issuer: "door", subject: "test" },
    signal: new AbortController().signal,
    now: () => new Date(0),
    retry: quick,
    ...options,
  });

test("a call carries who, what and when", () => {
  const asOf = { at: new Date(5), isCut: false };
  const call = start({ asOf });
  expect(call).toMatchObject({
    requestId: "req-1",
    caller: { issuer: "door", subject: "test" },
    asOf,
    upstreamCalls: 0,
  });
  expect(call.now()).toEqual(new Date(0));
  expect("asOf" in start()).toBe(false);
});

describe("counting", () => {
  test("every try counts", async () => {
    const call = start();
    let tries = 0;
    const answer = await call.upstream("Test", async () => {
      if (++tries < 3) throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "busy", { retryable: true });
      return "answer";
    });
    expect(answer).toBe("answer");
    expect(call.upstreamCalls).toBe(3);
  });

  test("requests side by side count together", async () => {
    const call = start();
    await Promise.all([1, 2, 3].map((each) => call.upstream("Test", async () => each)));
    expect(call.upstreamCalls).toBe(3);
  });

  test("what is never sent does not count", async () => {
    const call = start({ signal: AbortSignal.abort() });
    let sent = false;
    const error = await errorOf(() =>
      call.upstream("Test", async () => {
        sent = true;
      }),
    );
    expect(error.code).toBe("TIMEOUT");
    expect([sent, call.upstreamCalls]).toEqual([false, 0]);
  });
});

describe("errors", () => {
  test("a refusal passes as it is, once", async () => {
    const call = start();
    const denied = new ArtifactRegistryError("ACCESS_DENIED", "no");
    await expect(call.upstream("Test", () => Promise.reject(denied))).rejects.toBe(denied);
    expect(call.upstreamCalls).toBe(1);
  });

  test("an unknown error passes as it is, once, thrown or rejected", async () => {
    const bug = new TypeError("bug");
    const call = start();
    await expect(call.upstream("Test", () => Promise.reject(bug))).rejects.toBe(bug);
    await expect(
      call.upstream("Test", () => {
        throw bug;
      }),
    ).rejects.toBe(bug);
    expect(call.upstreamCalls).toBe(2);
  });

  test("a policy of one's own counts for one request", async () => {
    const call = start();
    const busy = new ArtifactRegistryError("SERVICE_UNAVAILABLE", "busy", { retryable: true });
    const once = { retry: { ...quick, attempts: 1 } };
    await expect(call.upstream("Test", () => Promise.reject(busy), once)).rejects.toBe(busy);
    expect(call.upstreamCalls).toBe(1);
  });
});

describe("time-out", () => {
  const once = { ...quick, attempts: 1 };

  test("of one request that ignores its signal", async () => {
    const call = start({ upstreamTimeoutMs: 20, retry: once });
    const error = await errorOf(() => call.upstream("ECR CreateRepository", forever));
    expect(error).toMatchObject({
      code: "TIMEOUT",
      httpStatusCode: 408,
      retryable: true,
      message: "ECR CreateRepository did not answer in time.",
      hint: expect.stringMatching(/same call again is safe/),
    });
  });

  test("of one request that heeds it: the library's own abort error does not show", async () => {
    const call = start({ retry: once });
    const heeding = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("canary: socket hang up")));
      });
    const error = await errorOf(() => call.upstream("Test", heeding, { timeoutMs: 20 }));
    expect(error.code).toBe("TIMEOUT");
    expect(JSON.stringify(error.toWire("r"))).not.toContain("canary");
  });

  test("is per request: the next try has its whole time, and may succeed", async () => {
    const call = start({ upstreamTimeoutMs: 20 });
    let tries = 0;
    const answer = await call.upstream("Test", () => (++tries < 3 ? forever() : Promise.resolve("answer")));
    expect([answer, call.upstreamCalls]).toEqual(["answer", 3]);
  });

  test("an answer in time leaves no listener behind", async () => {
    const signals: AbortSignal[] = [];
    const call = start();
    await call.upstream("Test", async (signal) => signals.push(signal));
    expect(signals).toHaveLength(1);
    expect(signals[0]?.aborted).toBe(false);
  });

  test("a request that fails after its time-out is no unhandled rejection", async () => {
    const call = start({ retry: once });
    const late = () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error("late")), 40));
    expect((await errorOf(() => call.upstream("Test", late, { timeoutMs: 10 }))).code).toBe("TIMEOUT");
    // Vitest fails the run on an unhandled rejection.
    await new Promise((resolve) => setTimeout(resolve, 60));
  });
});

describe("the end of the whole operation", () => {
  test("ends a request in flight, without another try", async () => {
    const stop = new AbortController();
    const call = start({ signal: stop.signal });
    const running = errorOf(() => call.upstream("Test", forever));
    stop.abort();
    expect(await running).toMatchObject({ code: "TIMEOUT", retryable: true });
    expect(call.upstreamCalls).toBe(1);
  });

  test("ends a wait between two tries", async () => {
    const stop = new AbortController();
    const call = start({ signal: stop.signal, retry: { attempts: 4, baseMs: 60_000, capMs: 120_000 } });
    const busy = new ArtifactRegistryError("SERVICE_UNAVAILABLE", "busy", { retryable: true, retryAfterSeconds: 60 });
    const running = errorOf(() => call.upstream("Test", () => Promise.reject(busy)));
    setTimeout(() => stop.abort(), 10);
    expect((await running).code).toBe("TIMEOUT");
    expect(call.upstreamCalls).toBe(1);
  });

  test("ends a request that itself brought the end about", async () => {
    const stop = new AbortController();
    const call = start({ signal: stop.signal });
    const error = await errorOf(() =>
      call.upstream("Test", () => {
        stop.abort();
        return forever();
      }),
    );
    expect(error.code).toBe("TIMEOUT");
  });
});
