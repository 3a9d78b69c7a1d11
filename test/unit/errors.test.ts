import { describe, expect, test } from "vitest";
import {
  ArtifactRegistryError,
  type ErrorCode,
  invalidInput,
  statusOf,
  toArtifactRegistryError,
} from "../../core/errors.ts";

const canary = "canary-secret-4711";

// The shared contract, "Errors", written down a second time: a change of a status is a change for every caller.
test.each<[ErrorCode, number]>([
  ["INVALID_INPUT", 400],
  ["BINDING_NOT_CONFIGURED", 400],
  ["BINDING_CONFIG_INVALID", 400],
  ["AUTHENTICATION_ERROR", 401],
  ["ACCESS_DENIED", 403],
  ["RESOURCE_NOT_FOUND", 404],
  ["TIMEOUT", 408],
  ["RESOURCE_CONFLICT", 409],
  ["PAYLOAD_TOO_LARGE", 413],
  ["RATE_LIMIT_EXCEEDED", 429],
  ["QUOTA_EXCEEDED", 429],
  ["INTERNAL_ERROR", 500],
  ["OPERATION_NOT_SUPPORTED", 501],
  ["UNEXPECTED_RESPONSE_FORMAT", 502],
  ["CLOUD_PLATFORM_ERROR", 502],
  ["SERVICE_UNAVAILABLE", 503],
])("%s has the status %i", (code, status) => {
  expect(new ArtifactRegistryError(code, "x").httpStatusCode).toBe(status);
});

test("the table has sixteen codes", () => {
  expect(Object.keys(statusOf)).toHaveLength(16);
});

describe("the wire form", () => {
  test("says everything that the contract names", () => {
    const error = new ArtifactRegistryError("RATE_LIMIT_EXCEEDED", "Too many requests.", {
      retryable: true,
      hint: "Wait.",
      context: { field: "ttlSeconds", limit: 5, exact: true },
      retryAfterSeconds: 7,
      cause: new Error(canary),
    });
    expect(error.toWire("req-1")).toEqual({
      code: "RATE_LIMIT_EXCEEDED",
      message: "Too many requests.",
      retryable: true,
      httpStatusCode: 429,
      context: { field: "ttlSeconds", limit: 5, exact: true },
      hint: "Wait.",
      requestId: "req-1",
    });
  });

  test("absent is absent, never null", () => {
    const wire = new ArtifactRegistryError("TIMEOUT", "x").toWire("req-1");
    expect(Object.keys(wire)).toEqual(["code", "message", "retryable", "httpStatusCode", "requestId"]);
    expect(wire.retryable).toBe(false);
  });

  test("leaves cause and stack behind", () => {
    const error = new ArtifactRegistryError("INTERNAL_ERROR", "x", { cause: new Error(canary) });
    expect(error.cause).toBeInstanceOf(Error);
    const text = JSON.stringify(error.toWire("req-1"));
    expect(text).not.toContain(canary);
    expect(text).not.toContain(".ts:");
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])("a Retry-After of %d is none", (retryAfterSeconds) => {
  expect(
    new ArtifactRegistryError("RATE_LIMIT_EXCEEDED", "x", { retryAfterSeconds }).retryAfterSeconds,
  ).toBeUndefined();
});

test("a Retry-After of 0 is one", () => {
  expect(new ArtifactRegistryError("RATE_LIMIT_EXCEEDED", "x", { retryAfterSeconds: 0 }).retryAfterSeconds).toBe(0);
});

test("invalidInput names the field", () => {
  expect(invalidInput("no", "access.accountIds.0", "do")).toMatchObject({
    code: "INVALID_INPUT",
    retryable: false,
    context: { field: "access.accountIds.0" },
    hint: "do",
  });
  expect(invalidInput("no").context).toBeUndefined();
});

describe("anything that is thrown becomes the one type", () => {
  test("our own error stays itself", () => {
    const error = invalidInput("no");
    expect(toArtifactRegistryError(error)).toBe(error);
  });

  test.each<[string, unknown]>([
    ["an error", new TypeError(canary)],
    ["a string", canary],
    ["nothing", undefined],
    ["null", null],
    ["an object that looks like ours", { code: "ACCESS_DENIED", message: canary, toWire: () => ({ canary }) }],
    ["an error with a code of ours", Object.assign(new Error(canary), { code: "RESOURCE_NOT_FOUND" })],
    ["an abort", AbortSignal.abort(new Error(canary)).reason],
  ])("%s says nothing about itself", (_title, thrown) => {
    const error = toArtifactRegistryError(thrown);
    expect(error).toMatchObject({ code: "INTERNAL_ERROR", retryable: false, message: "An unexpected error occurred." });
    expect(error.cause).toBe(thrown);
    expect(JSON.stringify(error.toWire("req-1"))).not.toContain(canary);
  });
});
