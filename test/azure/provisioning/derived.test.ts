import { describe, expect, test } from "vitest";
import { ownershipTag } from "../../../functions/azure/acr/registry.ts";
import { controlRole } from "../support/stack.ts";
import { useGroup } from "./support/group.ts";
import { actionsOf, callsOf } from "./support/state.ts";

const group = useGroup();
const place = () => ({ ALIEN_AZURE_RESOURCE_GROUP: group().azure.resourceGroupName });

/** Two functions of one deployment: what one provisions the other has to find. */
async function stack(prefix = group().fresh("s"), env: Record<string, string> = {}) {
  const all = { ALIEN_STACK_PREFIX: prefix, ...place(), ...env };
  const runtime = await group().openDerived(all);
  return { prefix, runtime, provision: await group().openDerived({ ...all, ALIEN_DOOR: "provision" }) };
}

const operations = [
  ["createRepository", { name: "app" }],
  ["getRepository", { repoId: "app" }],
  ["deleteRepository", { repoId: "app" }],
  ["generateCredentials", { repoId: "app", permissions: "pull" }],
  ["describeRegistry", {}],
] as const;

describe("a registry that no variable binds", () => {
  test.each(operations)("%s is refused before it is provisioned, with one look", async (operation, input) => {
    const { runtime } = await stack();
    const calls = await callsOf(group(), async () => {
      const { body } = await runtime.refused(operation, { registry: "images", ...input });
      expect(body).toMatchObject({ code: "BINDING_NOT_CONFIGURED", retryable: false });
      expect(body.hint).toContain("provisionRegistry");
    });
    expect(actionsOf(calls)).toEqual(["arm:GET registries"]);
  });

  test("works after it, in a process that refused it before", async () => {
    const { prefix, runtime, provision } = await stack();
    await runtime.refused("createRepository", { registry: "images", name: "app" });
    const { binding } = await provision.ok("provisionRegistry", { registry: "images" });
    expect(binding).toMatchObject({ service: "acr", repositoryPrefix: `${prefix}-images` });
    expect(binding.registryName).toMatch(new RegExp(`^${prefix}images[a-z0-9]{19}$`));
    expect(binding.loginServer).toBe(`${binding.registryName}.azurecr.io`);
    const made = await runtime.ok("createRepository", { registry: "images", name: "app" });
    expect(made).toMatchObject({ name: `${prefix}-images/app`, uri: `${binding.loginServer}/${prefix}-images/app` });
    const minted = await runtime.ok("generateCredentials", {
      registry: "images",
      repoId: "app",
      permissions: "push-pull",
    });
    expect(minted.scope).toBe("repository");
    expect((await runtime.ok("describeRegistry", { registry: "images" })).registryEndpoint).toContain("azurecr.io");
    expect((await provision.ok("describeRegistry", { registry: "images" })).health.status).toBe("healthy");
    // The binding that was answered means the same registry.
    const bound = await group().openDerived({ ALIEN_IMAGES_BINDING: JSON.stringify(binding) });
    expect(await bound.ok("getRepository", { registry: "images", repoId: made.name })).toEqual(made);
  });

  test("is refused where the container registry is not ours", async () => {
    const { runtime, provision } = await stack();
    const { binding } = await provision.ok("provisionRegistry", { registry: "images" });
    const found = group().registry(String(binding.registryName));
    if (found) found.tags = { [ownershipTag]: "other/" };
    const { body } = await runtime.refused("createRepository", { registry: "images", name: "app" });
    expect(body.code).toBe("BINDING_NOT_CONFIGURED");
  });

  test("credentials ask for the tag once, and not at each call", async () => {
    const { runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images" });
    const mint = (n: number) => () =>
      runtime.ok("generateCredentials", { registry: "images", repoId: `app-${n}`, permissions: "pull" });
    expect(actionsOf(await callsOf(group(), mint(1)))).toEqual(["arm:GET registries", "acr:exchange", "acr:token"]);
    expect(actionsOf(await callsOf(group(), mint(2)))).toEqual(["acr:token"]);
  });

  test("deletion asks anew: once it was taken away, and its name again, it is refused", async () => {
    const { prefix, runtime, provision } = await stack();
    const { binding } = await provision.ok("provisionRegistry", { registry: "images" });
    const name = String(binding.registryName);
    await runtime.ok("createRepository", { registry: "images", name: "app" });
    await provision.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
    await group().seed(name);
    group().azure.assign(group().identity, "AcrDelete", group().scope(name));
    group().azure.assign(group().identity, controlRole, group().scope(name));
    await group().push(name, `${prefix}-images/app`);
    const { body } = await runtime.refused("deleteRepository", { registry: "images", repoId: "app" });
    expect(body.code).toBe("BINDING_NOT_CONFIGURED");
    expect(group().registry(name)?.repositories.size).toBe(1);
  });
});

describe("its place", () => {
  test.each(["AZURE_SUBSCRIPTION_ID", "ALIEN_AZURE_RESOURCE_GROUP"])("is not known without %s", async (variable) => {
    const { runtime } = await stack(undefined, { [variable]: "" });
    const { body } = await runtime.refused("createRepository", { registry: "images", name: "app" });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false, context: { variable } });
  });

  test("is told by App Service too", async () => {
    const WEBSITE_RESOURCE_GROUP = group().azure.resourceGroupName;
    const { provision } = await stack(undefined, { ALIEN_AZURE_RESOURCE_GROUP: "", WEBSITE_RESOURCE_GROUP });
    const { binding } = await provision.ok("provisionRegistry", { registry: "images" });
    expect(binding.resourceGroupName).toBe(WEBSITE_RESOURCE_GROUP);
  });

  test("a stack's prefix that no repository can have", async () => {
    const { runtime } = await stack("Acme!");
    const { body } = await runtime.refused("createRepository", { registry: "images", name: "app" });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
  });
});

describe("two registries", () => {
  test("of two stacks, or of one, have nothing to do with each other", async () => {
    const [one, two] = [await stack(), await stack()];
    const made: string[] = [];
    for (const [{ provision }, registry] of [
      [one, "images"],
      [one, "builds"],
      [two, "images"],
    ] as const) {
      const { binding } = await provision.ok("provisionRegistry", { registry });
      made.push(String(binding.registryName));
    }
    expect(new Set(made).size).toBe(3);
    await one.runtime.ok("createRepository", { registry: "builds", name: "kept" });
    await one.provision.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
    expect(made.map((name) => group().registry(name) !== undefined)).toEqual([false, true, true]);
    await one.runtime.ok("getRepository", { registry: "builds", repoId: "kept" });
  });

  test("a derived one whose prefix is another's, or extends it, is refused before anything is asked", async () => {
    for (const more of ["", "-dev"]) {
      const prefix = group().fresh("s");
      const theirs = { ...group().binding(group().fresh()), repositoryPrefix: `${prefix}-images${more}` };
      const { runtime, provision } = await stack(prefix, { ALIEN_BUILDS_BINDING: JSON.stringify(theirs) });
      const calls = await callsOf(group(), async () => {
        for (const [suite, operation] of [
          [runtime, "describeRegistry"],
          [provision, "provisionRegistry"],
        ] as const) {
          const { body } = await suite.refused(operation, { registry: "images" });
          expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
          expect(body.message).toContain("overlap");
        }
      });
      expect(calls).toEqual([]);
    }
  });
});
