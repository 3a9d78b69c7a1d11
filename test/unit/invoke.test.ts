import { describe, expect, test } from "vitest";
import { localDoor, oidcDoor, platformDoor, trustedDoor } from "../../core/doors.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { invoke } from "../../core/invoke.ts";
import { operationNames, operations } from "../../core/operations.ts";
import { createSuite } from "../support/application.ts";
import { errorOf, goodInputs } from "../support/inputs.ts";

const door = trustedDoor("invoke");

test.each(operationNames.filter((name) => operations[name].kind !== "provision"))(
  "%s is the HTTP body with operation in it",
  async (name) => {
    const suite = createSuite({ door });
    const output = await invoke(suite.application, { operation: name, ...goodInputs[name] }, { requestId: "req-1" });
    expect(output).toBeTypeOf("object");
    expect(suite.audit).toMatchObject([
      {
        requestId: "req-1",
        door: "invoke",
        caller: { issuer: "door", subject: "invoke" },
        operation: name,
        outcome: "OK",
      },
    ]);
  },
);

test("provisioning passes the provision door, and only it", async () => {
  const payload = { operation: "provisionRegistry", registry: "images" };
  const provision = createSuite({ door: trustedDoor("provision") });
  expect(await invoke(provision.application, payload)).toEqual({ binding: { service: "fake", prefix: "images" } });
  expect((await errorOf(() => invoke(createSuite({ door }).application, payload))).code).toBe("ACCESS_DENIED");
});

test.each([
  platformDoor(),
  oidcDoor(async () => ({ issuer: "x", subject: "x" })),
  trustedDoor("events"),
  localDoor("t"),
])("the $name door is shut", async (shut) => {
  const suite = createSuite({ door: shut });
  const error = await errorOf(() =>
    invoke(suite.application, { operation: "getRepository", ...goodInputs.getRepository }),
  );
  expect(error.code).toBe("AUTHENTICATION_ERROR");
  expect([suite.audit, suite.registry.recorded]).toEqual([[], []]);
});

describe("bad payloads", () => {
  test.each<[string, unknown, string, string | undefined]>([
    ["nothing", undefined, "INVALID_INPUT", undefined],
    ["null", null, "INVALID_INPUT", undefined],
    ["a string", "createRepository", "INVALID_INPUT", undefined],
    ["a list", [], "INVALID_INPUT", "operation"],
    ["no operation", goodInputs.getRepository, "INVALID_INPUT", "operation"],
    ["an operation that is no string", { ...goodInputs.getRepository, operation: 1 }, "INVALID_INPUT", "operation"],
    ["an unknown operation", { ...goodInputs.getRepository, operation: "constructor" }, "INVALID_INPUT", "operation"],
    ["an unknown field", { ...goodInputs.getRepository, operation: "getRepository", x: 1 }, "INVALID_INPUT", "x"],
    [
      "a field named constructor",
      { ...goodInputs.getRepository, operation: "getRepository", constructor: 1 },
      "INVALID_INPUT",
      "constructor",
    ],
    [
      "a field named prototype",
      { ...goodInputs.getRepository, operation: "getRepository", prototype: 1 },
      "INVALID_INPUT",
      "prototype",
    ],
    [
      "a field named __proto__",
      JSON.parse('{"operation":"getRepository","registry":"images","repoId":"x","__proto__":{}}'),
      "INVALID_INPUT",
      "__proto__",
    ],
    ["an HTTP envelope", { version: "2.0", requestContext: {}, body: "{}", headers: {} }, "INVALID_INPUT", "operation"],
    [
      "too large",
      { operation: "createRepository", registry: "images", name: "x".repeat(70_000) },
      "PAYLOAD_TOO_LARGE",
      undefined,
    ],
    [
      "too deep",
      { operation: "createRepository", x: JSON.parse("[".repeat(17) + "]".repeat(17)) },
      "INVALID_INPUT",
      undefined,
    ],
  ])("%s", async (_title, payload, code, field) => {
    const suite = createSuite({ door });
    const error = await errorOf(() => invoke(suite.application, payload));
    expect([error.code, error.context?.field]).toEqual([code, field]);
    expect(suite.registry.recorded).toEqual([]);
  });
});

test("what an adapter throws comes out as the one type, without its secret", async () => {
  const suite = createSuite({
    door,
    fake: {
      upstream: () => {
        throw new Error("canary");
      },
    },
  });
  const error = await errorOf(() =>
    invoke(suite.application, { operation: "getRepository", ...goodInputs.getRepository }),
  );
  expect(error).toBeInstanceOf(ArtifactRegistryError);
  expect(error.code).toBe("INTERNAL_ERROR");
  expect(error.message).not.toContain("canary");
});

test("the platform's deadline ends it", async () => {
  const stop = new AbortController();
  const suite = createSuite({
    door,
    fake: {
      upstream: () => {
        stop.abort();
        return new Promise<void>(() => {});
      },
    },
  });
  const payload = { operation: "getRepository", ...goodInputs.getRepository };
  expect((await errorOf(() => invoke(suite.application, payload, { signal: stop.signal }))).code).toBe("TIMEOUT");
});
