import { describe, expect, test } from "vitest";
import { ownershipLabel } from "../../../functions/gcp/gar/own-repository.ts";
import { useProject } from "./support/project.ts";
import { actionsOf, callsOf } from "./support/state.ts";

const project = useProject();
const access = {
  type: "gcp",
  projectNumbers: ["444455556666"],
  serviceAccountEmails: [],
  allowedServiceTypes: ["worker"],
};

async function stack(prefix = project().fresh("s"), env: Record<string, string> = {}) {
  const all = { ALIEN_STACK_PREFIX: prefix, ...env };
  // Two functions of one deployment: what one provisions the other has to find.
  return { prefix, runtime: await project().openDerived(all), provision: await project().openDerived(all) };
}

const operations = [
  ["createRepository", { name: "app" }],
  ["getRepository", { repoId: "app" }],
  ["deleteRepository", { repoId: "app" }],
  ["generateCredentials", { repoId: "app", permissions: "pull" }],
  ["addCrossAccountAccess", { repoId: "app", access }],
  ["removeCrossAccountAccess", { repoId: "app", access }],
  ["getCrossAccountAccess", { repoId: "app" }],
  ["describeRegistry", {}],
] as const;

describe("a registry that no variable binds", () => {
  test.each(operations)("%s is refused before it is provisioned, without a write", async (operation, input) => {
    const { runtime } = await stack();
    const calls = await callsOf(project().gcp, async () => {
      const { body } = await runtime.refused(operation, { registry: "images", ...input });
      expect(body).toMatchObject({ code: "BINDING_NOT_CONFIGURED", retryable: false });
      expect(body.hint).toContain("provisionRegistry");
    });
    expect(actionsOf(calls)).toEqual(["artifactregistry:GetRepository"]);
  });

  test("works after it, in a process that refused it before", async () => {
    const { prefix, runtime, provision } = await stack();
    await runtime.refused("createRepository", { registry: "images", name: "app" });
    const { binding } = await provision.ok("provisionRegistry", { registry: "images" });
    expect(binding).toMatchObject({ repositoryName: `${prefix}-images`, location: "europe-west1" });
    const { name } = await runtime.ok("createRepository", { registry: "images", name: "app" });
    expect(name).toBe(`${project().stack.project}/${prefix}-images/app`);
    const minted = await runtime.ok("generateCredentials", { registry: "images", repoId: name, permissions: "pull" });
    expect(minted.username).toBe("oauth2accesstoken");
    await runtime.ok("addCrossAccountAccess", { registry: "images", repoId: name, access });
    const policy = project().gcp.policy(project().name(`${prefix}-images`));
    expect(JSON.stringify(policy)).toContain("service-444455556666@");
    expect(await runtime.ok("getCrossAccountAccess", { registry: "images", repoId: name })).toMatchObject({ access });
    const { health } = await runtime.ok("describeRegistry", { registry: "images" });
    expect(health.status).toBe("healthy");
  });

  test("is refused where nobody can push to the repository, with the reason", async () => {
    const { prefix, runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images" });
    Object.assign(project().repository(`${prefix}-images`) ?? {}, { mode: "VIRTUAL_REPOSITORY" });
    const { body } = await runtime.refused("createRepository", { registry: "images", name: "app" });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(body.message).toContain("VIRTUAL_REPOSITORY");
  });

  test("is refused where the repository is not ours", async () => {
    const { prefix, runtime } = await stack();
    project().seedRepository(`${prefix}-images`);
    project().seedRepository(`${prefix}-builds`, { [ownershipLabel]: "other" });
    for (const registry of ["images", "builds"]) {
      const { body } = await runtime.refused("createRepository", { registry, name: "app" });
      expect(body.code).toBe("BINDING_NOT_CONFIGURED");
    }
  });

  test("credentials ask for the label once, and not at each call", async () => {
    const { runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images" });
    const mint = (n: number) => () =>
      runtime.ok("generateCredentials", { registry: "images", repoId: `app-${n}`, permissions: "pull" });
    expect(actionsOf(await callsOf(project().gcp, mint(1)))).toEqual(["artifactregistry:GetRepository"]);
    expect(await callsOf(project().gcp, mint(2))).toEqual([]);
  });

  test.each(["addCrossAccountAccess", "removeCrossAccountAccess", "deleteRepository"] as const)(
    "%s asks anew: once it was taken away, and its name again, it is refused",
    async (operation) => {
      const { prefix, runtime, provision } = await stack();
      await provision.ok("provisionRegistry", { registry: "images" });
      await runtime.ok("createRepository", { registry: "images", name: "app" });
      await provision.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
      const theirs = project().seedRepository(`${prefix}-images`);
      await project().push(`${prefix}-images`);
      const input = { registry: "images", repoId: "app", ...(operation !== "deleteRepository" && { access }) };
      const { body } = await runtime.refused(operation, input);
      expect(body.code).toBe("BINDING_NOT_CONFIGURED");
      expect(project().gcp.policy(theirs).bindings).toEqual([]);
      expect(project().repository(`${prefix}-images`)?.packages.size).toBe(1);
    },
  );

  test("may not look at the repository: it is said who lacks what", async () => {
    const { gcp } = project();
    const GCE_METADATA_HOST = await gcp.metadata(gcp.serviceAccount("bare-function"));
    const { runtime } = await stack(undefined, { GCE_METADATA_HOST });
    const { body } = await runtime.refused("createRepository", { registry: "images", name: "app" });
    expect(body).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(body.hint).toMatch(/artifactregistry\.repositories\.get on .* \(roles\/artifactregistry\.reader\)/);
  });
});

describe("its place", () => {
  test.each(["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"])("is not known without %s", async (variable) => {
    const { runtime } = await stack(undefined, { [variable]: "" });
    const { body } = await runtime.refused("createRepository", { registry: "images", name: "app" });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(body.hint).toContain(variable);
  });

  test.each(["Acme", "1acme", "a".repeat(60)])("a stack's prefix that no repository can have: %s", async (prefix) => {
    const { runtime } = await stack(prefix);
    const { body } = await runtime.refused("createRepository", { registry: "images", name: "app" });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
  });
});

describe("two registries", () => {
  test("of two stacks, or of one, have nothing to do with each other", async () => {
    const [one, two] = [await stack(), await stack()];
    await one.provision.ok("provisionRegistry", { registry: "images" });
    await one.provision.ok("provisionRegistry", { registry: "builds" });
    await two.provision.ok("provisionRegistry", { registry: "images" });
    for (const id of [`${one.prefix}-images`, `${one.prefix}-builds`, `${two.prefix}-images`]) await project().push(id);
    await one.provision.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
    expect(project().repository(`${one.prefix}-images`)).toBeUndefined();
    expect(project().repository(`${one.prefix}-builds`)?.packages.size).toBe(1);
    for (const permissions of ["pull", "push-pull"]) {
      await two.runtime.ok("generateCredentials", { registry: "images", repoId: "app", permissions });
    }
  });

  test.each([
    ["the same repository", (prefix: string) => `${prefix}-images`],
    ["one that extends it", (prefix: string) => `${prefix}-images-dev`],
  ])("a derived one whose name is that of %s under another name is refused", async (_title, id) => {
    const prefix = project().fresh("s");
    const bound = JSON.stringify(project().binding(id(prefix)));
    const { runtime, provision } = await stack(prefix, { ALIEN_BUILDS_BINDING: bound });
    for (const [suite, operation] of [
      [runtime, "generateCredentials"],
      [provision, "provisionRegistry"],
    ] as const) {
      const more = operation === "generateCredentials" ? { repoId: "app", permissions: "pull" } : {};
      const calls = await callsOf(project().gcp, async () => {
        const { body } = await suite.refused(operation, { registry: "images", ...more });
        expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
        expect(body.message).toContain("overlap");
      });
      expect(calls).toEqual([]);
    }
  });

  test("a derived one in whose space another already is, is not provisioned", async () => {
    const { prefix, provision } = await stack();
    project().seedOwn(`${prefix}-images-dev`);
    const { body } = await provision.refused("provisionRegistry", { registry: "images" });
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(project().repository(`${prefix}-images`)).toBeUndefined();
  });
});
