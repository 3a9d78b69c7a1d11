import { describe, expect, test } from "vitest";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { readList } from "../../contract/content.ts";
import { consumer, home, replica, useAccount } from "./support/account.ts";
import { callsOf } from "./support/state.ts";

const account = useAccount({ accounts: [consumer] });
const access = { type: "aws", accountIds: [consumer], regions: [], roleArns: [], allowedServiceTypes: [] };

async function stack(prefix = account().fresh()) {
  const env = { ALIEN_STACK_PREFIX: prefix, ALIEN_LEASE_TABLE: account().stack.leaseTable };
  // Two functions of one deployment: what one provisions the other has to find.
  return { prefix, runtime: await account().openDerived(env), provision: await account().openDerived(env) };
}

const operations = [
  ["createRepository", { name: "app" }],
  ["getRepository", { repoId: "app" }],
  ["deleteRepository", { repoId: "app" }],
  ["generateCredentials", { repoId: "app", permissions: "pull" }],
  ["addCrossAccountAccess", { repoId: "app", access }],
  ["removeCrossAccountAccess", { repoId: "app", access }],
  ["getCrossAccountAccess", { repoId: "app" }],
  ["listRepositories", {}],
  ["listImages", { repoId: "app" }],
  ["deleteImage", { repoId: "app", reference: "1.0" }],
  ["listGranteeAccess", { grantee: `aws:${consumer}` }],
  ["removeGranteeAccess", { grantee: `aws:${consumer}` }],
  ["describeRegistry", {}],
] as const;

describe("a registry that no variable binds", () => {
  test.each(operations)("%s is refused before it is provisioned, without a write", async (operation, input) => {
    const { runtime } = await stack();
    const calls = await callsOf(account().emulator, async () => {
      const { body } = await runtime.refused(operation, { registry: "images", ...input });
      expect(body).toMatchObject({ code: "BINDING_NOT_CONFIGURED", retryable: false });
      expect(body.hint).toContain("provisionRegistry");
    });
    expect(calls.map(({ action }) => action)).toEqual(["DescribeRepositories"]);
  });

  test("works after it, in a process that refused it before", async () => {
    const { prefix, runtime, provision } = await stack();
    await runtime.refused("createRepository", { registry: "images", name: "app" });
    await provision.ok("provisionRegistry", { registry: "images" });
    const { name } = await runtime.ok("createRepository", { registry: "images", name: "app" });
    expect(name).toBe(`${prefix}-images-app`);
    const { username } = await runtime.ok("generateCredentials", {
      registry: "images",
      repoId: name,
      permissions: "pull",
    });
    expect(username).toBe("AWS");
    await runtime.ok("addCrossAccountAccess", { registry: "images", repoId: name, access });
    expect(account().policy(name)).toContain(consumer);
  });

  test("lists its own, and ends a consumer at the replicas that it has at this moment", async () => {
    const { prefix, runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images" });
    const { name } = await runtime.ok("createRepository", { registry: "images", name: "app" });
    await account().repository(`${prefix}-builds`, { [ownershipTagKey]: `${prefix}-builds` });
    const registry = "images";
    const { repositories } = await runtime.ok("listRepositories", { registry });
    expect(repositories.map((each) => each.name)).toEqual([`${prefix}-images`, name]);
    await provision.ok("provisionRegistry", { registry, replicationRegions: [replica] });
    await account().push(name);
    await account().emulator.replicate();
    await runtime.ok("addCrossAccountAccess", { registry, repoId: name, access });
    const grantee = `aws:${consumer}`;
    expect((await runtime.ok("listGranteeAccess", { registry, grantee })).repositories).toEqual([
      { repoId: name, grants: [access] },
    ]);
    const ended = await readList<{ changed: string[] }>({ suite: runtime }, "removeGranteeAccess", {
      registry,
      grantee,
    });
    expect(ended.flatMap(({ changed }) => changed)).toEqual([name]);
    expect([account().policy(name), account().policy(name, replica)]).toEqual([undefined, undefined]);
  });

  test("is refused where the repository is not ours", async () => {
    const { prefix, runtime } = await stack();
    await account().repository(`${prefix}-images`);
    await account().repository(`${prefix}-builds`, { [ownershipTagKey]: "other" });
    for (const registry of ["images", "builds"]) {
      const { body } = await runtime.refused("createRepository", { registry, name: "app" });
      expect(body.code).toBe("BINDING_NOT_CONFIGURED");
    }
  });

  test("edits reach the regions that it has at this moment, in a process that knew others", async () => {
    const { prefix, runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images" });
    const { name } = await runtime.ok("createRepository", { registry: "images", name: "app" });
    await provision.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    await account().push(name);
    await account().emulator.replicate();
    await runtime.ok("addCrossAccountAccess", { registry: "images", repoId: name, access });
    expect(account().policy(name, replica)).toContain(consumer);

    await provision.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    expect(account().policy(name, replica)).toBeUndefined();
    await runtime.ok("addCrossAccountAccess", { registry: "images", repoId: name, access });
    expect(account().policy(name, replica)).toBeUndefined();

    await provision.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    await runtime.ok("deleteRepository", { registry: "images", repoId: name });
    expect(account().repositories(replica)).not.toContain(name);
    expect(account().tags(`${prefix}-images`)).toMatchObject({ [ownershipTagKey]: `${prefix}-images` });
  });

  test("a revocation reaches its replicas when home is gone, also after the registry's own repository was", async () => {
    const { prefix, runtime, provision } = await stack();
    const { emulator, stack: aws } = account();
    const lose = (name: string) => emulator.world.registry(aws.account, home).repositories.delete(name);
    await provision.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    const names: string[] = [];
    for (const word of ["one", "two", "three"]) {
      const { name } = await runtime.ok("createRepository", { registry: "images", name: word });
      await account().push(name);
      await emulator.replicate();
      await runtime.ok("addCrossAccountAccess", { registry: "images", repoId: name, access });
      expect(account().policy(name, replica)).toContain(consumer);
      names.push(name);
      lose(name);
    }
    const [one, two, three] = names;
    await runtime.ok("removeCrossAccountAccess", { registry: "images", repoId: one, access });
    expect(account().policy(one ?? "", replica)).toBeUndefined();

    // Where its own repository is gone, only who has seen it before knows whose the registry is.
    lose(`${prefix}-images`);
    const another = await account().openDerived({
      ALIEN_STACK_PREFIX: prefix,
      ALIEN_LEASE_TABLE: account().stack.leaseTable,
    });
    const refused = await another.refused("removeCrossAccountAccess", { registry: "images", repoId: two, access });
    expect(refused.body).toMatchObject({ code: "BINDING_NOT_CONFIGURED" });
    expect(refused.body.hint).toContain("provisionRegistry");
    await runtime.ok("removeCrossAccountAccess", { registry: "images", repoId: two, access });
    expect(account().policy(two ?? "", replica)).toBeUndefined();
    await provision.ok("provisionRegistry", { registry: "images" });
    await another.ok("removeCrossAccountAccess", { registry: "images", repoId: three, access });
    expect(account().policy(three ?? "", replica)).toBeUndefined();
  });

  test("credentials ask for the tags once, and not at each call", async () => {
    const { runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images" });
    const mint = (n: number) =>
      runtime.ok("generateCredentials", { registry: "images", repoId: `app-${n}`, permissions: "pull" });
    expect((await callsOf(account().emulator, () => mint(1))).length).toBe(4);
    expect((await callsOf(account().emulator, () => mint(2))).length).toBe(2);
  });

  test("edits ask for no tags once it was provisioned: the record says which regions it has", async () => {
    const { runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    const { name } = await runtime.ok("createRepository", { registry: "images", name: "app" });
    const edit = { registry: "images", repoId: name, access };
    const calls = await callsOf(account().emulator, () => runtime.ok("addCrossAccountAccess", edit));
    // What only reads goes out at once.
    const read = ["DescribeRepositories", "GetItem", "GetRepositoryPolicy", "GetRepositoryPolicy"];
    const made = calls.map(({ action }) => action);
    expect([...made.slice(0, 1), ...made.slice(1, 5).sort(), ...made.slice(5)]).toEqual([
      "UpdateItem",
      ...read,
      "SetRepositoryPolicy",
      // The replica is there since its repository was created.
      "SetRepositoryPolicy",
      "UpdateItem",
    ]);
    const deletion = await callsOf(account().emulator, () =>
      runtime.ok("deleteRepository", { registry: "images", repoId: name }),
    );
    expect(deletion.map(({ action }) => action)).not.toContain("ListTagsForResource");
  });

  test("is refused again once it was deprovisioned, where something is changed", async () => {
    const { runtime, provision } = await stack();
    await provision.ok("provisionRegistry", { registry: "images" });
    await runtime.ok("createRepository", { registry: "images", name: "app" });
    await provision.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
    const { body } = await runtime.refused("addCrossAccountAccess", { registry: "images", repoId: "app", access });
    expect(body.code).toBe("BINDING_NOT_CONFIGURED");
  });
});

test("two stacks, and two registries of one, have nothing to do with each other", async () => {
  const [one, two] = [await stack(), await stack()];
  await one.provision.ok("provisionRegistry", { registry: "images" });
  await one.provision.ok("provisionRegistry", { registry: "builds" });
  await two.provision.ok("provisionRegistry", { registry: "images" });
  const create = async (suite: typeof one.runtime, registry: string) =>
    (await suite.ok("createRepository", { registry, name: "app" })).name;
  const names = [
    await create(one.runtime, "images"),
    await create(one.runtime, "builds"),
    await create(two.runtime, "images"),
  ];
  expect(names).toEqual([`${one.prefix}-images-app`, `${one.prefix}-builds-app`, `${two.prefix}-images-app`]);
  await one.provision.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
  expect(account().repositories()).not.toContain(names[0]);
  for (const name of names.slice(1)) expect(account().repositories()).toContain(name);
  await two.runtime.ok("generateCredentials", { registry: "images", repoId: "app", permissions: "push-pull" });
});
