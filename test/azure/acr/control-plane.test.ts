import { afterEach, describe, expect, test } from "vitest";
import { scopeMapName } from "../../../functions/azure/names.ts";
import { errorOf } from "../../support/inputs.ts";
import {
  callsOf,
  containerRegistry,
  newCall,
  type OpenOptions,
  openRegistry,
  seedScopeMap,
  useStack,
} from "../support/registry.ts";
import { controlRole } from "../support/stack.ts";

const stack = useStack({ identities: { uncontrolled: ["AcrPush", "AcrDelete"], everywhere: [] } });
const create = (name: string, options: OpenOptions = {}, call = newCall()) => {
  const { createRepository, routeName } = openRegistry(stack(), options);
  return createRepository(routeName(name), call);
};
const scopeMapOf = (name: string) =>
  containerRegistry(stack()).scopeMaps.get(scopeMapName(openRegistry(stack()).resolveId(name)));

afterEach(() => {
  const { azure } = stack();
  azure.faults.clear();
  azure.calls.length = 0;
  Object.assign(azure.behaviour, { operationMs: 10 });
});

describe("a long-running operation", () => {
  test.each([0, 400])("that takes %i ms is waited for", async (operationMs) => {
    stack().azure.behaviour.operationMs = operationMs;
    await create(`waited-${operationMs}`);
    expect(scopeMapOf(`waited-${operationMs}`)?.provisioningState).toBe("Succeeded");
    const { deleteRepository, resolveId } = openRegistry(stack());
    await deleteRepository(resolveId(`waited-${operationMs}`), newCall());
    expect(scopeMapOf(`waited-${operationMs}`)).toBeUndefined();
  });

  test.each([
    ["InternalServerError", "CLOUD_PLATFORM_ERROR", true],
    ["InvalidScopeMap", "CLOUD_PLATFORM_ERROR", false],
    ["QuotaExceeded", "QUOTA_EXCEEDED", false],
  ])("that fails with %s says so, and the same call finishes it", async (code, expected, retryable) => {
    const name = `failed-${code.toLowerCase()}`;
    stack().azure.faults.add({ fault: { kind: "operation", code }, action: "PUT scopeMaps" });
    expect(await errorOf(() => create(name))).toMatchObject({ code: expected, retryable });
    expect(scopeMapOf(name)).toBeUndefined();
    expect((await create(name)).name).toBe(`images/${name}`);
  });

  test("whose end cannot be seen at first is looked at again", async () => {
    const { faults, calls } = stack().azure;
    faults.add({
      fault: { kind: "failure", status: 503 },
      matches: ({ action }) => action.startsWith("GET operation"),
      times: 2,
    });
    await create("looked-again");
    expect(callsOf(stack()).filter((each) => each === "arm PUT scopeMaps")).toHaveLength(1);
    expect(calls.filter(({ action }) => action.startsWith("GET operation")).length).toBeGreaterThanOrEqual(3);
  });

  test("that does not end in the operation's time goes on, and is told so", async () => {
    stack().azure.faults.add({ fault: { kind: "unending" }, action: "PUT scopeMaps" });
    expect(await errorOf(() => create("unending", {}, newCall(1_500)))).toMatchObject({
      code: "TIMEOUT",
      retryable: true,
    });
  });
});

describe("what Azure Resource Manager refuses", () => {
  test.each(["throttle", "reset", "failure"] as const)("%s is tried again", async (kind) => {
    for (const action of ["GET scopeMaps", "PUT scopeMaps"])
      stack().azure.faults.add({ fault: { kind }, action, times: 2 });
    expect((await create(`again-${kind}`)).name).toBe(`images/again-${kind}`);
  });

  test("an answer that was lost is harmless", async () => {
    stack().azure.faults.add({ fault: { kind: "lost" }, action: "PUT scopeMaps" });
    expect((await create("lost")).createdAt).toBe(scopeMapOf("lost")?.creationDate.toISOString());
  });

  test("an identity that may not write scope maps is told the permission and the role", async () => {
    const error = await errorOf(() => create("denied", { as: "uncontrolled" }));
    expect(error).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(error.hint).toContain("Microsoft.ContainerRegistry/registries/scopeMaps/");
    expect(scopeMapOf("denied")).toBeUndefined();
  });

  test.each([
    ["the resource group", { resourceGroupName: "elsewhere" }],
    ["the registry", { registryName: "elsewhere" }],
  ])("a binding with another name of %s", async (_, binding) => {
    // Who may do nothing elsewhere is not told what there is.
    expect((await errorOf(() => create("misbound", { binding }))).code).toBe("ACCESS_DENIED");
    const { azure, other } = stack();
    azure.assign(other("everywhere"), controlRole, `/subscriptions/${azure.subscription}`);
    const error = await errorOf(() => create("misbound", { binding, as: "everywhere" }));
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
  });

  test.each([
    ["another", { AZURE_SUBSCRIPTION_ID: "11111111-2222-3333-4444-555555555555" }],
    ["no", { AZURE_SUBSCRIPTION_ID: undefined, WEBSITE_OWNER_NAME: undefined }],
  ])("%s subscription", async (_, env) => {
    const error = await errorOf(() => create("misbound", { env }));
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
  });

  test("an address where nobody listens", async () => {
    const error = await errorOf(() => create("unreachable", { env: { ALIEN_ARM_ENDPOINT: "https://127.0.0.1:1" } }));
    expect(error).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
  });
});

describe("a registry that has no room for another scope map", () => {
  const full = async (look: () => Promise<void>) => {
    const { scopeMaps } = containerRegistry(stack());
    const before = new Map(scopeMaps);
    const own = [...scopeMaps.values()].filter(({ type }) => type === "UserDefined").length;
    for (let i = own; i < 100; i++) seedScopeMap(stack(), `another-${i}`);
    try {
      await look();
      expect(scopeMapOf("no-room")).toBeUndefined();
    } finally {
      scopeMaps.clear();
      for (const [name, each] of before) scopeMaps.set(name, each);
    }
  };

  test("says so", () =>
    full(async () => {
      const error = await errorOf(() => create("no-room"));
      expect(error).toMatchObject({ code: "QUOTA_EXCEEDED", retryable: false, context: { quota: "scopeMaps" } });
      expect(error.hint).toContain("Basic has 100");
    }));

  test("and what the limit is, and what is in use, where the function may see that", () =>
    full(async () => {
      const { azure, identity, registryId } = stack();
      azure.role("Usage Reader", { actions: ["Microsoft.ContainerRegistry/registries/listUsages/read"] });
      azure.assign(identity, "Usage Reader", registryId);
      const error = await errorOf(() => create("no-room"));
      expect(error).toMatchObject({
        code: "QUOTA_EXCEEDED",
        retryable: false,
        context: { quota: "scopeMaps", limit: 100, inUse: 100 },
      });
      expect(error.message).toContain("100 of 100");
    }));
});

describe("the login server", () => {
  test("is asked for once where the binding does not tell it", async () => {
    const registry = openRegistry(stack(), { binding: { loginServer: undefined } });
    expect(await registry.registryEndpoint(newCall())).toBe(`https://${stack().loginServer}`);
    const { uri } = await registry.createRepository(registry.routeName("asked"), newCall());
    expect(uri).toBe(`${stack().loginServer}/images/asked`);
    expect(callsOf(stack()).filter((each) => each === "arm GET registries")).toHaveLength(1);
  });

  test("of the binding asks nobody", async () => {
    expect(await openRegistry(stack()).registryEndpoint(newCall())).toBe(`https://${stack().loginServer}`);
    expect(callsOf(stack())).toEqual([]);
  });
});

describe("a conflict that passes by itself", () => {
  const conflicts = [
    [409, "RegistryNotReady"],
    [409, "SomethingNew"],
    [412, "PreconditionFailed"],
  ] as const;

  test.each(conflicts)("%s %s is tried again until the operation's time is over", async (status, code) => {
    const name = `conflict-${code.toLowerCase()}`;
    const fault = { kind: "error", status, code } as const;
    // More often than other refusals are: it lasts for seconds.
    stack().azure.faults.add({ fault, action: "PUT scopeMaps", times: 6 });
    expect((await create(name)).name).toBe(`images/${name}`);
    stack().azure.faults.add({ fault, action: "DELETE scopeMaps", times: 6 });
    const { deleteRepository, resolveId } = openRegistry(stack());
    await deleteRepository(resolveId(name), newCall());
    expect(scopeMapOf(name)).toBeUndefined();
    stack().azure.faults.add({ fault, action: "PUT scopeMaps", times: 1_000 });
    const error = await errorOf(() => create(name, {}, newCall(1_500)));
    expect(error).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
  });

  test.each(["ScopeLocked", "MissingSubscriptionRegistration", "ReadOnlyDisabledSubscription"])(
    "%s is none: somebody must do something first",
    async (code) => {
      const { faults } = stack().azure;
      faults.add({ fault: { kind: "error", status: 409, code }, action: "PUT scopeMaps", times: 9 });
      expect(await errorOf(() => create("final"))).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
      expect(callsOf(stack()).filter((each) => each === "arm PUT scopeMaps")).toHaveLength(1);
    },
  );
});

describe("an operation that the function may not look at", () => {
  const denied = { kind: "error", status: 403, code: "AuthorizationFailed" } as const;
  const polls = ({ action }: { action: string }) => action.startsWith("GET operation");

  test.each([0, 300])("is seen to end by the scope map itself, after %i ms", async (operationMs) => {
    const { azure } = stack();
    azure.behaviour.operationMs = operationMs;
    azure.faults.add({ fault: denied, matches: polls, times: 1_000 });
    const name = `looked-${operationMs}`;
    expect((await create(name)).createdAt).toBe(scopeMapOf(name)?.creationDate.toISOString());
    expect(scopeMapOf(name)?.provisioningState).toBe("Succeeded");
    const { deleteRepository, resolveId } = openRegistry(stack());
    await deleteRepository(resolveId(name), newCall());
    expect(scopeMapOf(name)).toBeUndefined();
  });

  test("is asked about once, and not again at each look", async () => {
    const { azure } = stack();
    azure.behaviour.operationMs = 300;
    azure.faults.add({ fault: denied, matches: polls, times: 1_000 });
    await create("once");
    expect(azure.calls.filter(polls)).toHaveLength(1);
  });

  test("that failed is told by the scope map's state", async () => {
    const { azure } = stack();
    azure.faults.add({ fault: denied, matches: polls, times: 1_000 });
    azure.faults.after = async ({ action }) => {
      const made = scopeMapOf("failing");
      if (action === "PUT scopeMaps" && made) Object.assign(made, { provisioningState: "Failed" });
    };
    azure.behaviour.operationMs = 60_000;
    const error = await errorOf(() => create("failing"));
    azure.faults.after = undefined;
    expect(error).toMatchObject({ code: "CLOUD_PLATFORM_ERROR", retryable: true });
  });
});
