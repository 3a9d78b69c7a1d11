import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { createOwnIdentity } from "../../functions/azure/identity.ts";
import { errorOf } from "../support/inputs.ts";
import { useStack } from "./support/registry.ts";

const stack = useStack({ identities: { one: [], two: [], three: [], four: [], five: [], six: [] } });
const scope = "https://containerregistry.azure.net/.default";
const tokenOf = (name: string) =>
  createOwnIdentity({ ...stack().env(), AZURE_CLIENT_ID: stack().other(name).clientId }).getToken(scope);

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
    const { AZURE_CLIENT_ID: _, ...without } = stack().env();
    for (const env of [{ ...without, AZURE_CLIENT_ID: "11111111-2222-3333-4444-555555555555" }, without]) {
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
    // A connection that was kept and breaks is tried once more.
    stack().azure.faults.add({ fault, action: "getToken", times: 2 });
    expect(await errorOf(() => tokenOf(name))).toMatchObject({ code, retryable: true });
    stack().azure.faults.clear();
    expect((await tokenOf(name)).token).not.toBe("");
  });

  test.each([{}, { access_token: "x" }, { access_token: "", expires_on: "9999999999" }, []])(
    "an answer without a token: %j",
    async (output) => {
      stack().azure.faults.add({ fault: { kind: "answer", output }, action: "getToken", times: 1 });
      expect(await errorOf(() => tokenOf("five"))).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    },
  );

  test("gets another token before its own ends, and one for each resource", async () => {
    const soon = String(Math.floor(Date.now() / 1_000) + 200);
    stack().azure.faults.add({
      fault: { kind: "answer", output: { access_token: "short", expires_on: soon } },
      action: "getToken",
      times: 1,
    });
    expect((await tokenOf("six")).token).toBe("short");
    const { token } = await tokenOf("six");
    expect(token).not.toBe("short");
    const env = { ...stack().env(), AZURE_CLIENT_ID: stack().other("six").clientId };
    const other = await createOwnIdentity(env).getToken("https://management.azure.com/.default");
    expect(other.token).not.toBe(token);
  });
});

describe("where the platform gives no managed identity", () => {
  /** A folder with an `az` that answers as Azure's command line does, and nothing else to run. */
  async function signedIn(script: string): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "az-"));
    await writeFile(join(folder, "az"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const before = process.env.PATH;
    process.env.PATH = `${folder}:/usr/bin:/bin`;
    onTestFinished(async () => {
      process.env.PATH = before;
      await rm(folder, { recursive: true });
    });
  }

  test("az login is enough: a developer's own token is used", async () => {
    const token = { accessToken: "token-of-a-developer", expires_on: Math.floor(Date.now() / 1_000) + 3_600 };
    await signedIn(`echo '${JSON.stringify(token)}'`);
    const got = await createOwnIdentity({}).getToken(scope);
    expect(got.token).toBe("token-of-a-developer");
  });
});
