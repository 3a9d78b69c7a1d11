import { describe, expect, test } from "vitest";
import { trustedDoor } from "../../core/doors.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { createSuite } from "../support/application.ts";

const task = { name: "replicate", registry: "images", repoId: "images/app", requestId: "request-1" };

describe("a platform's own upkeep", () => {
  test("runs as the door, with the same audit line as an operation", async () => {
    const { application, audit, registry } = createSuite({ door: trustedDoor("events") });
    const answer = await application.upkeep({
      ...task,
      run: async (opened, call) => {
        expect(opened.service).toBe(registry.service);
        await call.upstream("something", async () => undefined);
      },
    });
    expect(answer).toEqual({ ok: true, requestId: "request-1", output: {} });
    expect(audit).toEqual([
      expect.objectContaining({
        caller: { issuer: "door", subject: "events" },
        operation: "replicate",
        registry: "images",
        repoId: "images/app",
        outcome: "OK",
        upstreamCalls: 1,
      }),
    ]);
  });

  test("answers with what went wrong, and never throws", async () => {
    const { application, audit } = createSuite({ door: trustedDoor("events") });
    const refused = new ArtifactRegistryError("RESOURCE_CONFLICT", "busy", { retryable: true });
    const answer = await application.upkeep({ ...task, run: () => Promise.reject(refused) });
    expect(answer).toMatchObject({ ok: false, error: refused });
    const unknown = await application.upkeep({ ...task, run: () => Promise.reject(new Error("canary")) });
    expect(unknown).toMatchObject({ ok: false, error: { code: "INTERNAL_ERROR" } });
    expect(audit.map(({ outcome }) => outcome)).toEqual(["RESOURCE_CONFLICT", "INTERNAL_ERROR"]);
    expect(JSON.stringify(audit)).not.toContain("canary");
  });

  test("has the same limit of time", async () => {
    const { application } = createSuite({ door: trustedDoor("events"), operationTimeoutMs: 20 });
    const answer = await application.upkeep({
      ...task,
      run: (_registry, call) => call.upstream("something", () => new Promise<void>(() => undefined)),
    });
    expect(answer).toMatchObject({ ok: false, error: { code: "TIMEOUT", retryable: true } });
  });
});
