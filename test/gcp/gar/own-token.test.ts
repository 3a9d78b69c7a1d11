import { expect, test } from "vitest";
import { startCall } from "../../../core/call.ts";
import { holdTimeLimits } from "../../support/time-limits.ts";
import { newCall, openRegistry, useStack } from "../support/registry.ts";

const stack = useStack();
const ofToken = {
  service: "metadata",
  matches: ({ action }: { action: string }) => action.endsWith("/token"),
} as const;

const hasty = ({ attempts, ...limits }: { attempts: number; upstreamTimeoutMs?: number }) =>
  startCall({
    requestId: "test",
    caller: { issuer: "door", subject: "test" },
    signal: AbortSignal.timeout(20_000),
    now: () => new Date(),
    retry: { attempts, baseMs: 1, capMs: 1 },
    ...limits,
  });

test("what was given up while the function's own token was on its way is not sent afterwards, and ends nothing", async () => {
  const { gcp } = stack();
  const registry = openRegistry(stack());
  const name = registry.resolveId("my-app");
  gcp.calls.length = 0;
  const upstreamTimeoutMs = 123;
  const limits = holdTimeLimits(upstreamTimeoutMs);
  const tries = 2;
  const givenUp = Promise.withResolvers<void>();
  // No try waits any longer once the token has been asked for; it comes when all have given up.
  const until = () => {
    limits.end();
    return givenUp.promise;
  };
  gcp.faults.add({ fault: { kind: "slow", until }, ...ofToken });
  // The library that sends requests ends the process where one has a body, and was given up before it is sent.
  const refusal = registry.generateCredentials(
    { name, permissions: "pull", ttlSeconds: 900 },
    hasty({ attempts: tries, upstreamTimeoutMs }),
  );
  const ending = expect(refusal).rejects.toMatchObject({ code: "TIMEOUT", retryable: true });
  // The second try waits for the token that the first has asked for.
  await expect.poll(() => limits.set.length).toBe(tries);
  limits.end();
  await ending;
  givenUp.resolve();
  await expect.poll(() => gcp.calls.map(({ outcome }) => outcome)).toEqual(["slow"]);
  // What was given up would be sent before this is, which needs the same token.
  await registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, newCall());
  expect(gcp.calls.filter(({ service }) => service === "iamcredentials")).toHaveLength(1);
});

test.each([
  [{ kind: "error", status: "PERMISSION_DENIED" }, "BINDING_CONFIG_INVALID", false],
  [{ kind: "error", status: "NOT_FOUND" }, "BINDING_CONFIG_INVALID", false],
  [{ kind: "failure", status: 503 }, "SERVICE_UNAVAILABLE", true],
  [{ kind: "throttle" }, "RATE_LIMIT_EXCEEDED", true],
  [{ kind: "reset" }, "SERVICE_UNAVAILABLE", true],
  [{ kind: "answer", output: {} }, "SERVICE_UNAVAILABLE", true],
] as const)(
  "an own token that cannot be had (%o) is %s, and is asked for again by the next call",
  async (fault, code, retryable) => {
    const { gcp } = stack();
    const registry = openRegistry(stack());
    const name = registry.resolveId("my-app");
    gcp.calls.length = 0;
    const heal = gcp.faults.add({ fault, ...ofToken, times: Number.POSITIVE_INFINITY });
    await expect(
      registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, hasty({ attempts: 1 })),
    ).rejects.toMatchObject({
      code,
      retryable,
    });
    expect(gcp.calls.filter(({ service }) => service === "iamcredentials")).toEqual([]);
    heal();
    expect(await registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, newCall())).toMatchObject(
      { scope: "registry" },
    );
  },
);
