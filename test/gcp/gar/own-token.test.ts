import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startCall } from "../../../core/call.ts";
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
  gcp.faults.add({ fault: { kind: "slow", ms: 1_000 }, ...ofToken });
  // The library that sends requests ends the process where one has a body, and was given up before it is sent.
  const refusal = registry.generateCredentials(
    { name, permissions: "pull", ttlSeconds: 900 },
    hasty({ attempts: 2, upstreamTimeoutMs: 100 }),
  );
  await expect(refusal).rejects.toMatchObject({ code: "TIMEOUT", retryable: true });
  await expect.poll(() => gcp.calls.map(({ outcome }) => outcome)).toEqual(["slow"]);
  await sleep(200);
  expect(gcp.calls.filter(({ service }) => service === "iamcredentials")).toEqual([]);
  await registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, newCall());
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
  60_000,
);
