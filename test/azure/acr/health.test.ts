import { afterEach, expect, test } from "vitest";
import { callsOf, containerRegistry, newCall, type OpenOptions, openRegistry, useStack } from "../support/registry.ts";
import { controlRole } from "../support/stack.ts";

const stack = useStack({
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

test("a registry that is as it should be is healthy, by three requests", async () => {
  expect(await health()).toEqual({ status: "healthy", findings: [] });
  expect(callsOf(stack()).filter((each) => !each.startsWith("identity"))).toEqual([
    "arm GET registries",
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
