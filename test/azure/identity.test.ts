import { afterEach, describe, expect, test } from "vitest";
import { createOwnIdentity } from "../../functions/azure/identity.ts";
import { errorOf } from "../support/inputs.ts";
import { useStack } from "./support/registry.ts";

const stack = useStack({ identities: { one: [], two: [], three: [], four: [], five: [] } });
const scope = "https://containerregistry.azure.net/.default";
const tokenOf = (name: string) => createOwnIdentity({ AZURE_CLIENT_ID: stack().other(name).clientId }).getToken(scope);

afterEach(() => stack().azure.faults.clear());

describe("the function's own identity", () => {
  test("is the one that AZURE_CLIENT_ID names, and its token is kept", async () => {
    stack().azure.calls.length = 0;
    const token = await tokenOf("one");
    expect(await tokenOf("one")).toMatchObject({ token: token.token });
    expect(stack().azure.calls.map(({ input }) => [input.client_id, input.resource])).toEqual([
      [stack().other("one").clientId, "https://containerregistry.azure.net"],
    ]);
  });

  test("that is not assigned to the function, or is not there at all", async () => {
    for (const env of [{ AZURE_CLIENT_ID: "11111111-2222-3333-4444-555555555555" }, {}]) {
      const error = await errorOf(() => createOwnIdentity(env).getToken(scope));
      expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
      expect(error.hint).toContain("AZURE_CLIENT_ID");
    }
  });

  test.each([
    ["two", { kind: "throttle" }, "RATE_LIMIT_EXCEEDED"],
    ["three", { kind: "failure", status: 500 }, "SERVICE_UNAVAILABLE"],
    ["four", { kind: "reset" }, "SERVICE_UNAVAILABLE"],
  ] as const)("%s: %o may pass by itself", async (name, fault, code) => {
    stack().azure.faults.add({ fault, action: "getToken", times: 1 });
    expect(await errorOf(() => tokenOf(name))).toMatchObject({ code, retryable: true });
    expect((await tokenOf(name)).token).not.toBe("");
  });

  test("an answer without a token", async () => {
    stack().azure.faults.add({ fault: { kind: "answer", output: {} }, action: "getToken", times: 1 });
    expect(await errorOf(() => tokenOf("five"))).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
  });
});
