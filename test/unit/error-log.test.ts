import { describe, expect, test } from "vitest";
import { errorLine } from "../../core/error-log.ts";
import { ArtifactRegistryError, type ErrorCode } from "../../core/errors.ts";
import { createSuite } from "../support/application.ts";
import { goodInputs } from "../support/inputs.ts";

const line = (error: unknown) => errorLine(error, "2026-05-06T07:08:09.123Z", "req-1");

describe("what went wrong inside", () => {
  test("is logged with its stack and its causes, the outermost first", () => {
    const cause = new TypeError("x is not a function", { cause: new Error("the disk is full") });
    const logged = line(cause);
    expect(logged).toMatchObject({
      time: "2026-05-06T07:08:09.123Z",
      requestId: "req-1",
      level: "error",
      outcome: "INTERNAL_ERROR",
      errors: [
        { name: "ArtifactRegistryError", message: "An unexpected error occurred." },
        { name: "TypeError", message: "x is not a function" },
        { name: "Error", message: "the disk is full" },
      ],
    });
    for (const { stack } of logged?.errors ?? []) expect(stack).toMatch(/^\s+at .*error-log\.test\.ts|at .*errors\.ts/);
  });

  test.each<[ErrorCode, boolean]>([
    ["INVALID_INPUT", false],
    ["AUTHENTICATION_ERROR", false],
    ["ACCESS_DENIED", false],
    ["RESOURCE_NOT_FOUND", false],
    ["RATE_LIMIT_EXCEEDED", false],
    ["OPERATION_NOT_SUPPORTED", false],
    ["BINDING_CONFIG_INVALID", true],
    ["CLOUD_PLATFORM_ERROR", true],
    ["INTERNAL_ERROR", true],
    ["SERVICE_UNAVAILABLE", true],
    ["TIMEOUT", true],
    ["UNEXPECTED_RESPONSE_FORMAT", true],
  ])("%s: %s", (code, logged) => {
    expect(line(new ArtifactRegistryError(code, "It failed.")) !== undefined).toBe(logged);
  });

  test("is told of what was thrown and is no error, without repeating it", () => {
    expect(line("canary")?.errors.at(-1)).toEqual({
      name: "string",
      message: "Something was thrown that is no error.",
    });
  });

  test("ends where causes go round in circles", () => {
    const one = new Error("one");
    one.cause = new Error("other", { cause: one });
    expect(line(one)?.errors).toHaveLength(5);
  });

  test.each([
    ["a bearer", "401 for Authorization: Bearer abc.def.ghi"],
    ["a basic password", "sent Basic dG9rZW46Y2FuYXJ5"],
    ["a password in JSON", '{"password":"canary"}'],
    ["a token in a query", "GET https://h/?a=b&token=canary&c=d"],
    ["a JWT", `refused ${"a".repeat(40)}.${"b".repeat(60)}.${"c".repeat(43)}`],
    ["a long secret", `bad key ${Buffer.alloc(64, "canary").toString("base64")}`],
  ])("holds no secret: %s", (_title, message) => {
    const text = line(new Error(message))?.errors[1]?.message ?? "";
    expect(text).toContain("[redacted]");
    expect(text).not.toMatch(/canary|abc|dG9r|aaaa|bbbb|cccc|Y2FuYXJ5/);
  });

  test("keeps what helps", () => {
    const message =
      "connect ECONNREFUSED 127.0.0.1:443 at arn:aws:iam::111122223333:role/images-pull (request 0b9f6a43-52c1-4a0e-9a51-6f2d3c0e8a17)";
    expect(line(new Error(message))?.errors[1]?.message).toBe(message);
  });

  test("is logged once, under the request id that the caller was told", async () => {
    const suite = createSuite({
      fake: {
        upstream: () => {
          throw new RangeError("offset is out of bounds");
        },
      },
    });
    const caller = { platformCaller: { issuer: "aws", subject: "me" } };
    const answer = await suite.application.run({
      operation: "getRepository",
      input: () => goodInputs.getRepository,
      evidence: caller,
    });
    expect(answer).toMatchObject({ ok: false, error: { code: "INTERNAL_ERROR" } });
    expect(suite.errors).toHaveLength(1);
    expect(suite.errors[0]).toMatchObject({
      requestId: answer.requestId,
      errors: [{}, { name: "RangeError", message: "offset is out of bounds" }],
    });
    expect(JSON.stringify(answer)).not.toContain("offset");
    expect(suite.audit[0]).toMatchObject({ requestId: answer.requestId, outcome: "INTERNAL_ERROR" });
  });

  test("a caller's own mistake is not logged there", async () => {
    const suite = createSuite();
    await suite.application.run({ operation: "getRepository", input: () => ({}), evidence: {} });
    expect(suite.errors).toEqual([]);
  });

  test("a body that never comes is no error of ours", async () => {
    const suite = createSuite({ operationTimeoutMs: 30 });
    const caller = { platformCaller: { issuer: "aws", subject: "me" } };
    const answer = await suite.application.run({
      operation: "getRepository",
      input: () => new Promise<void>(() => {}),
      evidence: caller,
    });
    expect(answer).toMatchObject({ ok: false, error: { code: "TIMEOUT" } });
    expect(suite.errors).toEqual([]);
  });

  test("a platform that never answers is logged", async () => {
    const suite = createSuite({ operationTimeoutMs: 30, fake: { upstream: () => new Promise<void>(() => {}) } });
    const caller = { platformCaller: { issuer: "aws", subject: "me" } };
    await suite.application.run({
      operation: "getRepository",
      input: () => goodInputs.getRepository,
      evidence: caller,
    });
    expect(suite.errors).toMatchObject([{ outcome: "TIMEOUT" }]);
  });
});
