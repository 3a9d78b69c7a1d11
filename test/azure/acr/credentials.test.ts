import { afterEach, describe, expect, test } from "vitest";
import { pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { errorOf } from "../../support/inputs.ts";
import { callsOf, claimsOf, clientOf, newCall, openRegistry, useStack } from "../support/registry.ts";

const stack = useStack({ identities: { throttle: ["AcrPull"], reset: ["AcrPull"], failure: ["AcrPull"] } });
const open = (options = {}) => openRegistry(stack(), options);
const mint = (registry: ReturnType<typeof open>, permissions: "pull" | "push-pull" = "pull", call = newCall()) =>
  registry.generateCredentials({ name: registry.routeName("team/app"), permissions, ttlSeconds: 900 }, call);
const scopes = () =>
  stack()
    .azure.calls.filter(({ action }) => action === "token")
    .map(({ input }) => input.scope);

afterEach(() => {
  const { azure } = stack();
  azure.faults.clear();
  azure.calls.length = 0;
});

describe("credentials", () => {
  test.each([
    ["pull", ["pull", "metadata_read"]],
    ["push-pull", ["pull", "push", "metadata_read"]],
  ] as const)(
    "%s: an access token for exactly one repository and %o, with its own end",
    async (permissions, actions) => {
      const minted = await mint(open(), permissions);
      expect(minted).toMatchObject({ authMethod: "bearer", username: "", scope: "repository" });
      expect(JSON.stringify(minted)).toContain("[redacted]");
      const { access, exp } = claimsOf(minted);
      expect(access).toEqual([{ type: "repository", name: "images/team/app", actions }]);
      expect(minted.expiresAt).toEqual(new Date(exp * 1_000));
      expect(scopes()).toEqual([`repository:images/team/app:${actions.join(",")}`]);
    },
  );

  test("further repositories are asked for in scopes of their own, to pull", async () => {
    const registry = open();
    const alsoPull = ["base", "tools"].map((name) => registry.routeName(name));
    const name = registry.routeName("team/app");
    const minted = await registry.generateCredentials({ name, permissions: "push-pull", alsoPull }, newCall());
    expect(claimsOf(minted).access).toEqual([
      { type: "repository", name: "images/team/app", actions: ["pull", "push", "metadata_read"] },
      { type: "repository", name: "images/base", actions: ["pull", "metadata_read"] },
      { type: "repository", name: "images/tools", actions: ["pull", "metadata_read"] },
    ]);
    expect(scopes()).toEqual([
      "repository:images/team/app:pull,push,metadata_read " +
        "repository:images/base:pull,metadata_read repository:images/tools:pull,metadata_read",
    ]);
  });

  test.each(["pull", "push-pull"] as const)(
    "%s: list the tags of their repository, as Flux, Helm and Renovate do",
    async (permissions) => {
      const registry = open();
      const pusher = clientOf(stack(), (await mint(registry, "push-pull")).password.reveal());
      await pushImage(pusher, "images/team/app", "1.0", buildImage({ seed: "tags" }));
      const { password } = await mint(registry, permissions);
      expect(await clientOf(stack(), password.reveal()).tags("images/team/app")).toContain("1.0");
    },
  );

  test("push and pull, and end when they say", async () => {
    const { azure } = stack();
    const minted = await mint(open(), "push-pull");
    const client = clientOf(stack(), minted.password.reveal());
    const image = buildImage({ seed: "credentials" });
    await pushImage(client, "images/team/app", "1.0", image);
    expect(await pullImage(client, "images/team/app", "1.0")).toEqual(image);
    azure.advance((minted.expiresAt?.getTime() ?? 0) - Date.now() + 20);
    await expect(client.pullManifest("images/team/app", "1.0")).rejects.toMatchObject({ status: 401 });
    await expect(client.pushBlob("images/team/app", { digest: "", body: Buffer.of() })).rejects.toMatchObject({
      status: 401,
    });
  });

  test("the exchange is done once for many requests, and anew for another registry", async () => {
    const registry = open();
    await Promise.all(Array.from({ length: 10 }, () => mint(registry)));
    await mint(registry);
    const counted = (action: string) => callsOf(stack()).filter((each) => each === action).length;
    expect([counted("acr exchange"), counted("acr token")]).toEqual([1, 11]);
    await mint(open({ prefix: "builds" }));
    expect(counted("acr exchange")).toBe(2);
  });

  test("never are, nor contain, the refresh token", async () => {
    const minted = await mint(open());
    expect(claimsOf(minted)).toMatchObject({ grant_type: "access_token" });
    expect(claimsOf(minted)).not.toHaveProperty("permissions");
  });

  test("a refresh token that the registry no longer takes is replaced, once", async () => {
    const registry = open();
    await mint(registry);
    stack().azure.calls.length = 0;
    stack().azure.faults.add({
      fault: { kind: "error", status: 401, code: "UNAUTHORIZED" },
      action: "token",
      times: 1,
    });
    await mint(registry);
    expect(callsOf(stack())).toEqual(["acr token", "acr exchange", "acr token"]);
    stack().azure.faults.add({
      fault: { kind: "error", status: 401, code: "UNAUTHORIZED" },
      action: "token",
      times: 2,
    });
    expect((await errorOf(() => mint(registry))).code).toBe("ACCESS_DENIED");
  });

  test.each(["throttle", "reset", "failure"] as const)("a %s is tried again", async (kind) => {
    for (const action of ["getToken", "exchange", "token"]) {
      stack().azure.faults.add({ fault: { kind }, action, times: 2 });
    }
    expect((await mint(open({ as: kind }))).scope).toBe("repository");
    expect(callsOf(stack()).filter((each) => each === "identity getToken")).toHaveLength(3);
  });

  test("a wait that the registry asks for, and nobody can be kept waiting for, is handed on", async () => {
    for (const action of ["exchange", "token"]) {
      stack().azure.faults.add({ fault: { kind: "throttle", retryAfterSeconds: 60 }, action });
      expect(await errorOf(() => mint(open()))).toMatchObject({
        code: "RATE_LIMIT_EXCEEDED",
        retryable: true,
        retryAfterSeconds: 60,
      });
      stack().azure.faults.clear();
    }
  });

  test("a registry that does not answer in time", async () => {
    const operation = new AbortController();
    const answered = Promise.withResolvers<void>();
    const until = () => {
      operation.abort();
      return answered.promise;
    };
    stack().azure.faults.add({ fault: { kind: "slow", until }, action: "exchange" });
    const minting = () => mint(open(), "pull", newCall(undefined, operation.signal));
    expect(await errorOf(minting)).toMatchObject({ code: "TIMEOUT", retryable: true });
    answered.resolve();
  });
});
