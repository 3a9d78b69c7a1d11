import { describe, expect, test } from "vitest";
import { ownershipTag } from "../../../functions/azure/acr/registry.ts";
import { type Group, useGroup } from "./support/group.ts";
import { actionsOf, callsOf, isRead, stateOf } from "./support/state.ts";

const group = useGroup();
const door = { ALIEN_DOOR: "provision" };
const input = { registry: "images" };

async function provisioned(env: Record<string, string> = door) {
  const name = group().fresh();
  const { binding } = await (await group().open(name, { env })).ok("provisionRegistry", input);
  return { name, suite: await group().open(name, { binding, env }) };
}

interface Case {
  readonly change: (name: string, group: Group) => unknown;
  readonly env?: Record<string, string>;
  readonly says: readonly (string | RegExp)[];
  /** Absent: provisioning mends it. */
  readonly hint?: string;
}

const set = (parts: object) => (name: string, group: Group) => Object.assign(group.registry(name) ?? {}, parts);

const cases: Readonly<Record<string, Case>> = {
  "a registry that is gone": {
    async change(name, group) {
      const found = group.registry(name);
      if (found) await group.azure.world.removeRegistry(found);
    },
    says: ["is not provisioned"],
  },
  "a registry without our tag": {
    change: set({ tags: {} }),
    says: ["is not this registry's"],
    hint: "to have it adopted",
  },
  "a registry with the tag of another": {
    change: set({ tags: { [ownershipTag]: "other/" } }),
    says: ["is not this registry's"],
    hint: "to have it adopted",
  },
  "an admin user": { change: set({ adminUserEnabled: true }), says: ["admin user is on"] },
  "anonymous pulls": { change: set({ anonymousPullEnabled: true }), says: ["without credentials"] },
  "another SKU than the configured": {
    change: set({ sku: "Basic" }),
    env: { ALIEN_ACR_SKU: "Standard" },
    says: ["The registry's SKU is Basic, not Standard"],
  },
  "another mode than the configured": {
    change: set({ mode: "AbacRepositoryPermissions" }),
    env: { ALIEN_ACR_ROLE_ASSIGNMENT_MODE: "rbac" },
    says: ["AbacRepositoryPermissions, not LegacyRegistryPermissions"],
  },
  "a change that failed": { change: set({ provisioningState: "Failed" }), says: ["state is Failed"] },
  "a change that goes on": {
    change: set({ provisioningState: "Updating" }),
    says: ["state is Updating"],
    hint: "later",
  },
  "another login server": {
    change: (name, group) => set({ loginServer: `${name}-a1b2.azurecr.io` })(name, group),
    says: ["loginServer is not the registry's"],
    hint: "a1b2.azurecr.io",
  },
  "a role that is missing": {
    change: (name, group) => group.azure.unassign(group.identity, "AcrPush", group.scope(name)),
    says: [/^The identity .* lacks the role AcrPush on the registry/],
  },
  "a role that is narrowed": {
    change(name, group) {
      const condition = "(@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals 'a')";
      group.azure.unassign(group.identity, "AcrDelete", group.scope(name));
      group.azure.assign(group.identity, "AcrDelete", group.scope(name), condition);
    },
    says: ["has the role AcrDelete on the registry under a condition"],
    hint: "Remove that role assignment",
  },
  "roles of a function that serves no longer": {
    change: () => undefined,
    env: { ALIEN_FUNCTION_PRINCIPAL_IDS: "11111111-1111-4111-8111-111111111111" },
    says: [...Array(3).fill("11111111-.* lacks the role"), ...Array(3).fill("no longer needs")],
  },
};

describe("describeRegistry at the provision door", () => {
  test("finds nothing in a registry that is as it was made", async () => {
    const { suite } = await provisioned();
    const calls = await callsOf(group(), async () => {
      const { health } = await suite.ok("describeRegistry", input);
      expect(health).toEqual({ status: "healthy", findings: [] });
    });
    expect(actionsOf(calls)).toEqual(["arm:GET registries", "arm:LIST roleAssignments"]);
  });

  test.each(Object.entries(cases))("finds %s, writes nothing, and provisioning mends it", async (_title, each) => {
    const { change, env, says, hint } = each;
    const { name } = await provisioned();
    const binding = { loginServer: `${name}.azurecr.io` };
    const suite = await group().open(name, { binding, env: { ...door, ...env } });
    await change(name, group());
    const before = stateOf(group());
    const calls = await callsOf(group(), async () => {
      const { health } = await suite.ok("describeRegistry", input);
      expect(health.status).toBe("degraded");
      expect(health.findings).toEqual(
        says.map((message) => ({
          message: expect.stringMatching(message),
          hint: expect.stringContaining(hint ?? "provisionRegistry"),
        })),
      );
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(group())).toEqual(before);
    if (hint !== undefined) return;
    await suite.ok("provisionRegistry", input);
    expect((await suite.ok("describeRegistry", input)).health).toEqual({ status: "healthy", findings: [] });
  });
});

describe("describeRegistry at another door", () => {
  test("does not look at role assignments", async () => {
    const { suite } = await provisioned({ ALIEN_DOOR: "platform" });
    const calls = await callsOf(group(), () => suite.ok("describeRegistry", input));
    expect(actionsOf(calls).filter((call) => call.includes("roleAssignments"))).toEqual([]);
  });
});
