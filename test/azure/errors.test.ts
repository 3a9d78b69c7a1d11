import { describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../core/errors.ts";
import {
  failedOperation,
  isNotFound,
  translateArmError,
  translateRegistryError,
} from "../../functions/azure/errors.ts";
import { errorFrom, OciError } from "../../oci/client/errors.ts";

const refused = { what: "The request", hint: "Assign the role." };
const secret = "somebody-elses-object-id";

const registryError = (status: number, code?: string, message = secret, headers: Record<string, string> = {}) =>
  errorFrom(
    new Response(code === undefined ? message : JSON.stringify({ errors: [{ code, message }] }), { status, headers }),
    "request",
    (text) => text,
  );

/** As the client of Azure Resource Manager throws it. */
function armError(
  statusCode: number | undefined,
  code: string | undefined,
  message = secret,
  retryAfter?: string,
): Error {
  const headers = new Headers(retryAfter === undefined ? {} : { "retry-after": retryAfter });
  return Object.assign(new Error(message), { name: "RestError", statusCode, code, response: { headers } });
}

const outcome = (error: unknown) => {
  if (!(error instanceof ArtifactRegistryError)) throw new Error("not translated", { cause: error });
  expect(JSON.stringify(error.toWire("r"))).not.toContain(secret);
  return [error.code, error.retryable, error.retryAfterSeconds];
};

describe("what the registry refuses", () => {
  test.each([
    [401, "UNAUTHORIZED", "ACCESS_DENIED", false],
    [401, undefined, "ACCESS_DENIED", false],
    [403, "DENIED", "ACCESS_DENIED", false],
    [404, "NAME_UNKNOWN", "BINDING_CONFIG_INVALID", false],
    [400, "UNSUPPORTED", "CLOUD_PLATFORM_ERROR", false],
    [405, "UNSUPPORTED", "RESOURCE_CONFLICT", false],
    [409, "CONFLICT", "RESOURCE_CONFLICT", true],
    [429, "TOOMANYREQUESTS", "RATE_LIMIT_EXCEEDED", true],
    [500, "UNKNOWN", "CLOUD_PLATFORM_ERROR", true],
    [502, undefined, "SERVICE_UNAVAILABLE", true],
    [503, undefined, "SERVICE_UNAVAILABLE", true],
    [504, undefined, "SERVICE_UNAVAILABLE", true],
    [302, undefined, "CLOUD_PLATFORM_ERROR", false],
  ] as const)("%s %s is %s, retryable: %s", async (status, code, expected, retryable) => {
    const error = translateRegistryError(await registryError(status, code), refused);
    expect(outcome(error)).toEqual([expected, retryable, undefined]);
  });

  test("tells how long to wait, in both forms", async () => {
    const at = new Date(Date.now() + 3_600_000).toUTCString();
    for (const status of [429, 503]) {
      const seconds = await registryError(status, "TOOMANYREQUESTS", secret, { "retry-after": "7" });
      expect(outcome(translateRegistryError(seconds, refused))[2]).toBe(7);
      const date = await registryError(status, "TOOMANYREQUESTS", secret, { "retry-after": at });
      expect(outcome(translateRegistryError(date, refused))[2]).toBeGreaterThan(3_000);
    }
  });

  test("the role is named where one is missing, and the network where that is closed", async () => {
    expect(translateRegistryError(await registryError(401, "UNAUTHORIZED"), refused)).toHaveProperty(
      "hint",
      refused.hint,
    );
    const denied = await registryError(403, "DENIED", "client with IP '20.0.0.1' is not allowed access.");
    expect(translateRegistryError(denied, refused)).toMatchObject({
      code: "ACCESS_DENIED",
      hint: expect.stringContaining("network"),
    });
  });

  test("no answer at all may be one later", () => {
    const error = translateRegistryError(new OciError(0, "NETWORK", secret), refused);
    expect(outcome(error)).toEqual(["SERVICE_UNAVAILABLE", true, undefined]);
  });

  test("an error of ours stays as it is", () => {
    const error = new ArtifactRegistryError("TIMEOUT", "late");
    expect(translateRegistryError(error, refused)).toBe(error);
    expect(translateArmError(error, refused)).toBe(error);
  });
});

describe("what Azure Resource Manager refuses", () => {
  test.each([
    [403, "AuthorizationFailed", "ACCESS_DENIED", false],
    [401, "ExpiredAuthenticationToken", "ACCESS_DENIED", false],
    [403, "RequestDisallowedByPolicy", "ACCESS_DENIED", false],
    [404, "ResourceGroupNotFound", "BINDING_CONFIG_INVALID", false],
    [404, "ParentResourceNotFound", "BINDING_CONFIG_INVALID", false],
    [400, "InvalidScopeMap", "CLOUD_PLATFORM_ERROR", false],
    [400, "ScopeMapQuotaExceeded", "QUOTA_EXCEEDED", false],
    [403, "QuotaExceeded", "QUOTA_EXCEEDED", false],
    [409, "MaximumCountReached", "QUOTA_EXCEEDED", false],
    [409, "OperationInProgress", "RESOURCE_CONFLICT", true],
    [409, "AnotherOperationInProgress", "RESOURCE_CONFLICT", true],
    [409, "ScopeLocked", "RESOURCE_CONFLICT", false],
    [412, "PreconditionFailed", "RESOURCE_CONFLICT", true],
    [429, "TooManyRequests", "RATE_LIMIT_EXCEEDED", true],
    [429, "SubscriptionRequestsThrottledQuota", "RATE_LIMIT_EXCEEDED", true],
    [500, "InternalServerError", "CLOUD_PLATFORM_ERROR", true],
    [503, "ServerBusy", "SERVICE_UNAVAILABLE", true],
    [undefined, "REQUEST_SEND_ERROR", "SERVICE_UNAVAILABLE", true],
    [undefined, "PARSE_ERROR", "UNEXPECTED_RESPONSE_FORMAT", false],
  ] as const)("%s %s is %s, retryable: %s", (status, code, expected, retryable) => {
    expect(outcome(translateArmError(armError(status, code), refused))).toEqual([expected, retryable, undefined]);
  });

  test("tells how long to wait", () => {
    const error = translateArmError(armError(429, "TooManyRequests", secret, "9"), refused);
    expect(outcome(error)).toEqual(["RATE_LIMIT_EXCEEDED", true, 9]);
  });

  test("what never became a request is told as that", () => {
    expect(outcome(translateArmError(new Error(secret), refused))).toEqual(["CLOUD_PLATFORM_ERROR", false, undefined]);
  });

  test.each([
    ["that lacks what it must have", new TypeError(secret)],
    ["that is no list", armError(undefined, undefined)],
  ])("an answer %s is no answer", (_title, error) => {
    expect(outcome(translateArmError(error, refused))).toEqual(["UNEXPECTED_RESPONSE_FORMAT", false, undefined]);
  });

  test("only a resource that is missing is absence: its group, its registry and its subscription are not", () => {
    expect(isNotFound(armError(404, "ResourceNotFound"))).toBe(true);
    for (const code of ["ResourceGroupNotFound", "ParentResourceNotFound", "SubscriptionNotFound"]) {
      expect(isNotFound(armError(404, code))).toBe(false);
    }
    expect(isNotFound(armError(403, "AuthorizationFailed"))).toBe(false);
    expect(isNotFound(new Error("404"))).toBe(false);
  });
});

describe("how a long-running operation fails", () => {
  const told = (sentence: string) => outcome(failedOperation(new Error(sentence), "The request"));
  const failed = "The long-running operation has failed";

  test.each([
    [`${failed}. ScopeMapQuotaExceeded. ${secret}`, "QUOTA_EXCEEDED", false],
    [`${failed}. Failed. The registry exceeds the maximum of scope maps. ${secret}`, "QUOTA_EXCEEDED", false],
    [`${failed}. InternalServerError. ${secret}`, "CLOUD_PLATFORM_ERROR", true],
    [`${failed}. InvalidScopeMap. ${secret}`, "CLOUD_PLATFORM_ERROR", false],
    [failed, "CLOUD_PLATFORM_ERROR", false],
  ])("%s", (sentence, code, retryable) => expect(told(sentence)).toEqual([code, retryable, undefined]));

  test("a cancelled one has no error of its own", () => {
    expect(outcome(failedOperation(undefined, "The request"))[0]).toBe("CLOUD_PLATFORM_ERROR");
  });
});
