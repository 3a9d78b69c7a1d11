import { afterEach, describe, expect, test } from "vitest";
import { ownershipTag } from "../../../functions/azure/acr/registry.ts";
import { type Group, useGroup } from "./support/group.ts";
import { callsOf, isRead, stateOf } from "./support/state.ts";

const group = useGroup();
const input = { registry: "images" };

interface Case {
  /** What stands in the way of the container registry of this name. */
  readonly arrange?: (name: string, group: Group) => unknown;
  readonly env?: Record<string, string>;
  readonly code?: string;
  readonly retryable?: boolean;
  readonly says: string | RegExp;
}

const misconfigured = (variable: string, value: string): Case => ({
  env: { [variable]: value },
  code: "BINDING_CONFIG_INVALID",
  says: variable,
});

const cases: Readonly<Record<string, Case>> = {
  "a container registry without our tag": {
    arrange: (name, group) => group.seed(name),
    says: /exists and is not this registry's.* Give it the tag alien-artifact-registry=reg.*\/ to have it adopted/,
  },
  "a container registry of another registry": {
    arrange: (name, group) => group.seed(name, { tags: { [ownershipTag]: "other/" } }),
    says: "exists and is not this registry's",
  },
  "one that is somebody else's, and being made": {
    arrange: async (name, group) => Object.assign(await group.seed(name), { provisioningState: "Creating" }),
    says: "exists and is not this registry's",
  },
  "a role that somebody narrowed": {
    async arrange(name, group) {
      await group.seedOwn(name, { mode: "abac", adminUserEnabled: true });
      const condition = "(@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals 'a')";
      group.azure.assign(group.identity, "Container Registry Repository Contributor", group.scope(name), condition);
    },
    says: "Container Registry Repository Contributor on the registry under a condition",
  },
  "a registry whose prefix ours extends by -": {
    arrange: (name, group) => group.seed(group.fresh("other"), { tags: { [ownershipTag]: `${name}/` } }),
    says: "overlaps",
  },
  "a registry that extends our prefix by /": {
    arrange: (name, group) => group.seed(group.fresh("other"), { tags: { [ownershipTag]: `${name}-x/dev/` } }),
    says: "overlaps",
  },
  "a registry of the same prefix": {
    arrange: (name, group) => group.seed(group.fresh("other"), { tags: { [ownershipTag]: `${name}-x/` } }),
    says: "overlaps",
  },
  "functions that are no object ids": misconfigured("ALIEN_FUNCTION_PRINCIPAL_IDS", "function, you@example.com"),
  "an unknown SKU": misconfigured("ALIEN_ACR_SKU", "Huge"),
  "an unknown mode": misconfigured("ALIEN_ACR_ROLE_ASSIGNMENT_MODE", "abac"),
  "a role by its name": misconfigured("ALIEN_SCOPE_MAP_ROLE_ID", "Reader"),
  "no location": misconfigured("ALIEN_AZURE_LOCATION", ""),
  "an API that cannot be reached": {
    arrange: (_, { azure }) =>
      azure.faults.add({ fault: { kind: "reset" }, action: "LIST registries", times: Number.POSITIVE_INFINITY }),
    code: "SERVICE_UNAVAILABLE",
    retryable: true,
    says: "LIST registries",
  },
};

afterEach(() => group().azure.faults.clear());

describe("provisionRegistry refuses, and nothing was changed", () => {
  test.each(Object.entries(cases))("%s", async (_title, { arrange, env = {}, code, retryable = false, says }) => {
    const name = group().fresh();
    await arrange?.(name, group());
    const suite = await group().open(name, { env, binding: { repositoryPrefix: `${name}-x` } });
    const own = group().registry(name);
    // What is ours by its prefix is so by this one.
    if (own?.tags[ownershipTag] === `${name}/`) own.tags = { [ownershipTag]: `${name}-x/` };
    const before = stateOf(group());
    const calls = await callsOf(group(), async () => {
      const { body } = await suite.refused("provisionRegistry", input);
      expect(body).toMatchObject({ code: code ?? "RESOURCE_CONFLICT", retryable });
      expect(`${body.message} ${body.hint}`).toMatch(says);
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(group())).toEqual(before);
  });

  test("a resource group that is not there", async () => {
    const suite = await group().open(group().fresh(), { binding: { resourceGroupName: "nowhere" } });
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body.code).toMatch(/^(?:ACCESS_DENIED|BINDING_CONFIG_INVALID)$/);
  });
});

describe("what is no refusal", () => {
  test("two calls at once: both end well, with one registry", async () => {
    const name = group().fresh();
    const suites = [await group().open(name), await group().open(name)];
    const answers = await Promise.all(suites.map((suite) => suite.ok("provisionRegistry", input)));
    expect(answers[0]).toEqual(answers[1]);
    expect(group().roles(name)).toHaveLength(3);
    const again = await callsOf(group(), async () => (await group().open(name)).ok("provisionRegistry", input));
    expect(again.filter((call) => !isRead(call))).toEqual([]);
  });

  test("neighbours that only look alike, or that nobody provisioned", async () => {
    const name = group().fresh();
    await group().seedOwn(`${name}2`);
    await group().seed(`${name}theirs`);
    await (await group().open(name)).ok("provisionRegistry", input);
  });
});

describe("what is found out while it writes", () => {
  test("a name that is taken elsewhere on Azure", async () => {
    const name = group().fresh();
    await group().seed(name, { resourceGroup: "somebody-elses" });
    const before = stateOf(group());
    const { body } = await (await group().open(name)).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(body.hint).toContain("unique in all of Azure");
    expect(stateOf(group())).toEqual(before);
  });

  test.each([
    ["a location that Azure does not have", { status: 400, code: "LocationNotAvailableForResourceType" }],
    ["a SKU that lacks what is used", { status: 400, code: "FeatureNotSupported" }],
  ])("%s", async (_title, more) => {
    const suite = await group().open(group().fresh());
    group().azure.faults.add({ fault: { kind: "error", ...more }, action: "PUT registries" });
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false, context: { azure: more.code } });
  });

  test.each([
    ["registries", "PUT registries", { status: 409, code: "RegistryQuotaExceeded" }],
    ["role assignments", "PUT roleAssignments", { status: 400, code: "RoleAssignmentLimitExceeded" }],
  ])("as many %s as there may be", async (_title, action, more) => {
    const suite = await group().open(group().fresh());
    group().azure.faults.add({ fault: { kind: "error", ...more }, action });
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "QUOTA_EXCEEDED", retryable: false });
  });

  test("an identity that is a person's, or a role that does not exist: said by their variables", async () => {
    for (const [code, variable] of [
      ["UnmatchedPrincipalType", "ALIEN_FUNCTION_PRINCIPAL_IDS"],
      ["RoleDefinitionDoesNotExist", "ALIEN_SCOPE_MAP_ROLE_ID"],
    ] as const) {
      const suite = await group().open(group().fresh());
      group().azure.faults.add({ fault: { kind: "error", status: 400, code }, action: "PUT roleAssignments" });
      const { body } = await suite.refused("provisionRegistry", input);
      expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
      expect(body.hint).toContain(variable);
    }
    const unknown = { ALIEN_SCOPE_MAP_ROLE_ID: "00000000-0000-4000-8000-000000000000" };
    const { body } = await (await group().open(group().fresh(), { env: unknown })).refused("provisionRegistry", input);
    expect(body.message).toContain("no role 00000000-");
  });

  test("somebody assigns the role meanwhile: that is as good", async () => {
    const name = group().fresh();
    group().azure.faults.before = ({ action }) => {
      if (action !== "PUT roleAssignments") return;
      group().azure.faults.clear();
      group().azure.assign(group().identity, "AcrPush", group().scope(name));
    };
    await (await group().open(name)).ok("provisionRegistry", input);
    expect(group().roles(name)).toHaveLength(3);
  });
});
