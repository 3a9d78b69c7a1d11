import { afterEach, describe, expect, test } from "vitest";
import { ownershipTag } from "../../../functions/azure/acr/registry.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { controlRole } from "../support/stack.ts";
import { useGroup } from "./support/group.ts";
import { actionsOf, callsOf, isRead, stateOf } from "./support/state.ts";

const group = useGroup();
const input = { registry: "images" };
const abac = { ALIEN_ACR_ROLE_ASSIGNMENT_MODE: "rbac-abac" };
const rolesOf = {
  rbac: ["AcrPush", "AcrDelete", controlRole],
  "rbac-abac": [
    "Container Registry Repository Contributor",
    "Container Registry Repository Catalog Lister",
    controlRole,
  ],
} as const;
const held = (mode: keyof typeof rolesOf, ids = [group().identity.principalId]) =>
  ids.flatMap((id) => rolesOf[mode].map((role) => `${id} ${role}`));

afterEach(() => group().azure.faults.clear());

describe("from nothing", () => {
  test.each(["rbac", "rbac-abac"] as const)("the binding, a closed registry and its roles: %s", async (mode) => {
    const name = group().fresh();
    const suite = await group().open(name, { env: { ALIEN_ACR_ROLE_ASSIGNMENT_MODE: mode } });
    const { binding } = await suite.ok("provisionRegistry", input);
    expect(binding).toEqual({ ...group().binding(name), loginServer: `${name}.azurecr.io` });
    expect(group().registry(name)).toMatchObject({
      location: "westeurope",
      sku: "Standard",
      mode: { rbac: "LegacyRegistryPermissions", "rbac-abac": "AbacRepositoryPermissions" }[mode],
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      tags: { [ownershipTag]: `${name}/` },
    });
    expect(group().roles(name)).toEqual(held(mode));
  });

  test("the binding is usable at once: its credentials push and pull a real image, and no more", async () => {
    const name = group().fresh();
    const { binding } = await (await group().open(name)).ok("provisionRegistry", input);
    const suite = await group().open(name, { binding });
    const { name: repository } = await suite.ok("createRepository", { ...input, name: "team/app" });
    const client = async (permissions: string) => {
      const minted = await suite.ok("generateCredentials", { ...input, repoId: repository, permissions });
      return createClient({ url: group().azure.registryUrl(name), credentials: { bearer: minted.password } });
    };
    const image = buildImage({ seed: name });
    const pull = await client("pull");
    await expect(pushImage(pull, repository, "1.0", image)).rejects.toMatchObject({ status: 401 });
    await pushImage(await client("push-pull"), repository, "1.0", image);
    expect(await pullImage(pull, repository, "1.0")).toEqual(image);
  });

  test("the functions that serve, where they are listed, and not the one that provisions; as it is configured", async () => {
    const name = group().fresh();
    const serving = ["api", "worker"].map((each) => group().azure.identity(group().fresh(each)).principalId);
    const scopeMapRole = group().azure.role("Scope maps", {
      actions: ["Microsoft.ContainerRegistry/registries/scopeMaps/*"],
    });
    const env = {
      ALIEN_FUNCTION_PRINCIPAL_IDS: ` ${serving.join(" , ").toUpperCase()},`,
      ALIEN_ACR_SKU: "premium",
      ALIEN_AZURE_LOCATION: "",
      REGION_NAME: "North Europe",
      ALIEN_SCOPE_MAP_ROLE_ID: scopeMapRole.id,
    };
    await (await group().open(name, { env })).ok("provisionRegistry", input);
    expect(group().registry(name)).toMatchObject({ sku: "Premium", location: "northeurope" });
    const roles = ["AcrPush", "AcrDelete", "Scope maps"];
    expect(group().roles(name)).toEqual(serving.flatMap((id) => roles.map((role) => `${id} ${role}`)));
  });

  test("a registry without a prefix has a container registry for itself", async () => {
    const name = group().fresh();
    const suite = await group().open(name, { binding: { repositoryPrefix: "" } });
    const { binding } = await suite.ok("provisionRegistry", input);
    expect(binding).not.toHaveProperty("repositoryPrefix");
    expect(group().registry(name)?.tags).toEqual({ [ownershipTag]: "/" });
    await suite.ok("deprovisionRegistry", input);
  });
});

describe("the calls", () => {
  test("from nothing, and again: then nothing is written", async () => {
    const name = group().fresh();
    const suite = await group().open(name);
    const assign = "arm:PUT roleAssignments";
    const first = await callsOf(group(), () => suite.ok("provisionRegistry", input));
    expect(actionsOf(first)).toEqual([
      ...["arm:GET registries", "arm:LIST registries"],
      ...["arm:PUT registries", "arm:GET operationStatuses", "arm:GET registries"],
      ...["arm:LIST roleAssignments", assign, assign, assign],
    ]);
    const before = stateOf(group());
    const again = await callsOf(group(), () => suite.ok("provisionRegistry", input));
    expect(actionsOf(again)).toEqual(["arm:GET registries", "arm:LIST roleAssignments"]);
    expect(stateOf(group())).toEqual(before);
  });

  test("no region is as good as none, and others are refused before anything is asked", async () => {
    const suite = await group().open(group().fresh());
    const calls = await callsOf(group(), async () => {
      const { body } = await suite.refused("provisionRegistry", { ...input, replicationRegions: ["eu-west-1"] });
      expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "replicationRegions" } });
      expect(body.hint).toContain("az acr replication");
    });
    expect(calls).toEqual([]);
    await suite.ok("provisionRegistry", { ...input, replicationRegions: [] });
  });
});

describe("what exists", () => {
  test("a registry with our tag is adopted, closed, and keeps what is nobody's business", async () => {
    const name = group().fresh();
    const kept = { networkRuleSet: { defaultAction: "Deny" } };
    const options = { sku: "Premium", adminUserEnabled: true, anonymousPullEnabled: true, others: kept } as const;
    await group().seedOwn(name, { ...options, tags: { team: "a" } });
    const reader = group().azure.identity(group().fresh("reader"));
    group().azure.assign(reader, "AcrPull", group().scope(name));
    await (await group().open(name)).ok("provisionRegistry", input);
    expect(group().registry(name)).toMatchObject({
      sku: "Premium",
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      others: kept,
      tags: { team: "a", [ownershipTag]: `${name}/` },
    });
    expect(group().roles(name)).toEqual([`${reader.principalId} AcrPull`, ...held("rbac")]);
  });

  test("the tag is found whatever the case of its name", async () => {
    const name = group().fresh();
    await group().seed(name, { tags: { "Alien-Artifact-Registry": `${name}/` } });
    await (await group().open(name)).ok("provisionRegistry", input);
  });

  test("a change of the SKU and of the mode: the roles are there before the mode changes, the others go after it", async () => {
    const name = group().fresh();
    await (await group().open(name)).ok("provisionRegistry", input);
    const suite = await group().open(name, { env: { ...abac, ALIEN_ACR_SKU: "Premium" } });
    const calls = await callsOf(group(), () => suite.ok("provisionRegistry", input));
    expect(actionsOf(calls.filter((call) => !isRead(call)))).toEqual([
      ...["arm:PUT roleAssignments", "arm:PUT roleAssignments", "arm:PATCH registries"],
      ...["arm:DELETE roleAssignments", "arm:DELETE roleAssignments"],
    ]);
    expect(group().registry(name)).toMatchObject({ sku: "Premium", mode: "AbacRepositoryPermissions" });
    expect([...group().roles(name)].sort()).toEqual([...held("rbac-abac")].sort());
    // What is not configured stays.
    const again = await group().open(name);
    expect(
      (await callsOf(group(), () => again.ok("provisionRegistry", input))).filter((call) => !isRead(call)),
    ).toEqual([]);
  });

  test("a function that serves no longer loses its roles, and nobody else's assignment is touched", async () => {
    const name = group().fresh();
    const [old, now] = ["old", "now"].map((each) => group().azure.identity(group().fresh(each)));
    const open = (...ids: (string | undefined)[]) =>
      group().open(name, { env: { ALIEN_FUNCTION_PRINCIPAL_IDS: ids.join() } });
    await (await open(old?.principalId, now?.principalId)).ok("provisionRegistry", input);
    if (old) group().azure.assign(old, "AcrPull", group().scope(name));
    await (await open(now?.principalId)).ok("provisionRegistry", input);
    expect(group().roles(name)).toEqual([...held("rbac", [now?.principalId ?? ""]), `${old?.principalId} AcrPull`]);
  });

  test("where nobody says who serves, nobody loses a role of ours but the roles of the other mode", async () => {
    const name = group().fresh();
    const listed = group().azure.identity(group().fresh("listed")).principalId;
    await (await group().open(name, { env: { ALIEN_FUNCTION_PRINCIPAL_IDS: listed } })).ok("provisionRegistry", input);
    await (await group().open(name)).ok("provisionRegistry", input);
    await (await group().open(name, { env: abac })).ok("provisionRegistry", input);
    const own = group().identity.principalId;
    expect([...group().roles(name)].sort()).toEqual([...held("rbac", [listed]), ...held("rbac-abac", [own])].sort());
  });

  test("roles that somebody assigned already, there or above, are not assigned twice", async () => {
    const name = group().fresh();
    await group().seedOwn(name);
    const serving = group().azure.identity(group().fresh("serving"));
    group().azure.assign(serving, "AcrPush", group().scope(name));
    group().azure.assign(serving, "AcrDelete", group().azure.resourceGroup(group().azure.resourceGroupName));
    const env = { ALIEN_FUNCTION_PRINCIPAL_IDS: serving.principalId };
    await (await group().open(name, { env })).ok("provisionRegistry", input);
    expect(group().roles(name)).toEqual(["AcrPush", controlRole].map((role) => `${serving.principalId} ${role}`));
  });

  test("what an earlier call began is waited for, and finished", async () => {
    const name = group().fresh();
    const registry = await group().seedOwn(name);
    registry.provisioningState = "Creating";
    let looks = 0;
    group().azure.faults.before = ({ action }) => {
      if (action === "GET registries" && ++looks === 3) registry.provisioningState = "Succeeded";
    };
    await (await group().open(name)).ok("provisionRegistry", input);
    expect([looks, group().roles(name).length]).toEqual([3, 3]);
  });

  test("what failed half-way is mended", async () => {
    const name = group().fresh();
    const registry = await group().seedOwn(name);
    registry.provisioningState = "Failed";
    await (await group().open(name)).ok("provisionRegistry", input);
    expect(group().registry(name)?.provisioningState).toBe("Succeeded");
  });
});
