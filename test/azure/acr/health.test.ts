import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { callsOf, containerRegistry, newCall, type OpenOptions, openRegistry, useStack } from "../support/registry.ts";
import { controlRole } from "../support/stack.ts";

const stack = useStack({
  sku: "Basic",
  identities: { bare: [controlRole], puller: ["AcrPull", controlRole], uncontrolled: ["AcrPush", "AcrDelete"] },
});
const health = (options: OpenOptions = {}) => openRegistry(stack(), options).health(newCall());
const told = async (options: OpenOptions = {}) =>
  (await health(options)).findings.map(({ message }) => message).join("\n");

afterEach(() => {
  const { azure } = stack();
  azure.faults.clear();
  azure.calls.length = 0;
});

test("a registry that is as it should be is healthy, by five requests", async () => {
  expect(await health()).toEqual({ status: "healthy", findings: [] });
  expect(callsOf(stack()).filter((each) => !each.startsWith("identity"))).toEqual([
    "arm GET registries",
    "arm GET registries",
    "arm GET listUsages",
    "acr exchange",
    "acr token",
  ]);
});

test.each([
  ["adminUserEnabled", true, /admin user is on/],
  ["anonymousPullEnabled", true, /without credentials/],
  ["provisioningState", "Updating", /state is Updating/],
] as const)("%s %s is told", async (setting, value, message) => {
  const registry = containerRegistry(stack());
  const before = registry[setting];
  Object.assign(registry, { [setting]: value });
  try {
    expect(await told()).toMatch(message);
    expect((await health()).status).toBe("degraded");
  } finally {
    Object.assign(registry, { [setting]: before });
  }
});

test("roles that are missing are told, with their names in both modes", async () => {
  const { status, findings } = await health({ as: "puller" });
  expect(status).toBe("degraded");
  expect(findings.map(({ message }) => message)).toEqual(["The function may not push, delete."]);
  for (const role of ["AcrPush", "AcrDelete", "Container Registry Repository Contributor"]) {
    expect(findings[0]?.hint).toContain(role);
  }
});

test("a registry for which no credentials are to be had is unhealthy", async () => {
  const { status, findings } = await health({ as: "bare" });
  expect([status, findings.length]).toEqual(["unhealthy", 1]);
  expect(findings[0]?.hint).toContain("AcrPull");
});

test("a registry whose settings may not be read is degraded", async () => {
  const { status, findings } = await health({ as: "uncontrolled" });
  expect([status, findings.length]).toEqual(["degraded", 1]);
  expect(findings[0]?.hint).toContain("Microsoft.ContainerRegistry/registries/read");
});

test("a login server that is not the registry's is told", async () => {
  expect(await told({ binding: { loginServer: "other.azurecr.io" } })).toContain("loginServer is not the registry's");
});

describe("limits", () => {
  // No built-in role of the others has it; infra/azure gives it to who makes scope maps.
  beforeAll(() => {
    const { azure, identity, registryId } = stack();
    azure.role("Reads usages", { actions: ["Microsoft.ContainerRegistry/registries/listUsages/read"] });
    azure.assign(identity, "Reads usages", registryId);
  });

  const fill = (count: number) => {
    const { scopeMaps } = containerRegistry(stack());
    for (let each = 0; each < count; each++) {
      scopeMaps.set(`full-${each}`, {
        name: `full-${each}`,
        type: "UserDefined",
        creationDate: new Date(),
        description: undefined,
        actions: [],
        provisioningState: "Succeeded",
      });
    }
  };

  afterEach(() => {
    const registry = containerRegistry(stack());
    delete registry.softDeleteDays;
    for (const name of [...registry.scopeMaps.keys()].filter((each) => each.startsWith("full-"))) {
      registry.scopeMaps.delete(name);
    }
  });

  test("soft delete is told, with its days and what it means", async () => {
    containerRegistry(stack()).softDeleteDays = 30;
    const { status, findings } = await health();
    expect([status, findings.length]).toEqual(["degraded", 1]);
    expect(findings[0]?.message).toContain("for 30 days");
    expect(findings[0]?.hint).toContain("az acr config soft-delete update --registry vendorimages --status disabled");
  });

  test("scope maps that go to their end are told, with the numbers", async () => {
    fill(79);
    expect(await health()).toEqual({ status: "healthy", findings: [] });
    fill(80);
    const { status, findings } = await health();
    expect([status, findings.length]).toEqual(["degraded", 1]);
    expect(findings[0]?.message).toContain("80 of the registry's 100 scope maps");
    expect(findings[0]?.hint).toContain("Standard 500");
  });

  test("a cloud without the preview is healthy, and says nothing of soft delete", async () => {
    const { azure } = stack();
    containerRegistry(stack()).softDeleteDays = 30;
    const fault = { kind: "error", status: 400, code: "NoRegisteredProviderFound" } as const;
    azure.faults.add({ fault, action: "GET registries", nth: 2 });
    expect(await health()).toEqual({ status: "healthy", findings: [] });
  });

  test("who may not ask for the usage is not told of it", async () => {
    const { azure } = stack();
    fill(100);
    azure.faults.add({
      fault: { kind: "error", status: 403, code: "AuthorizationFailed" },
      action: "GET listUsages",
    });
    expect(await health()).toEqual({ status: "healthy", findings: [] });
  });
});
