import { beforeEach, describe, expect, test } from "vitest";
import { pullImage } from "../../../oci/client/index.ts";
import { registryClient } from "../../emulators/aws/support.ts";
import { buildImage } from "../../oci/client/images.ts";
import { further, home, replica, rule, useAccount } from "./support/account.ts";
import { callsOf } from "./support/state.ts";

const repositoryDefaults = { imageTagMutability: "IMMUTABLE", scanOnPush: true, keepLast: 9 };
const account = useAccount();
beforeEach(async () => {
  account().emulator.faults.clear();
  await account().setRules([]);
  await account().emulator.replicate();
});

/** A registry without replicas that holds images of two repositories, one pushed a day ago. */
async function withImages() {
  const prefix = account().fresh();
  const suite = await account().open(prefix, { binding: { repositoryDefaults }, env: { ALIEN_DOOR: "provision" } });
  await suite.ok("provisionRegistry", { registry: "images" });
  const work = await account().open(prefix, { binding: { repositoryDefaults } });
  const names: string[] = [];
  for (const name of ["app", "empty", "web"]) {
    names.push((await work.ok("createRepository", { registry: "images", name })).name);
  }
  const [app = "", , web = ""] = names;
  await account().push(app);
  await account().push(web);
  await account().push(prefix);
  return { prefix, suite, app, web };
}
const repository = (region: string, name: string) =>
  account().emulator.world.registry(account().stack.account, region).repositories.get(name);
const sizes = (...names: string[]) =>
  names
    .flatMap((name) => [...(repository(home, name)?.images.values() ?? [])])
    .reduce((sum, { size }) => sum + size, 0);
/** As if the images of a repository had been pushed a day ago. */
function age(name: string): void {
  for (const image of repository(home, name)?.images.values() ?? []) {
    Object.assign(image, { pushedAt: new Date(Date.now() - 24 * 3_600_000) });
  }
}
const provision = (suite: Awaited<ReturnType<typeof withImages>>["suite"], more: object) =>
  suite.ok("provisionRegistry", { registry: "images", ...more });
const backfills = async (suite: Awaited<ReturnType<typeof withImages>>["suite"], regions: string[]) =>
  (await provision(suite, { replicationRegions: regions, backfill: true })).backfills;

describe("provisionRegistry with backfill", () => {
  test("copies what a new region lacks, into repositories with the binding's settings, and tells how much", async () => {
    const { prefix, suite, app, web } = await withImages();
    const images = { images: 3, sizeBytes: sizes(app, web, prefix) };
    expect(await backfills(suite, [replica])).toEqual([{ region: replica, ...images, state: "started" }]);
    for (const name of [app, web]) {
      expect(repository(replica, name)).toMatchObject({ tagMutability: "IMMUTABLE", scanOnPush: true });
      expect(repository(replica, name)?.lifecyclePolicy).toBeDefined();
    }
    expect(repository(replica, `${prefix}-empty`)).toBeUndefined();
    // Until it is over, AWS refuses another one.
    expect(await backfills(suite, [replica])).toEqual([{ region: replica, ...images, state: "running" }]);

    await account().emulator.replicate();
    const client = await registryClient(account().emulator, account().emulator.admin(), replica);
    for (const name of [app, web, prefix]) {
      expect(await pullImage(client, name, "1.0")).toEqual(buildImage({ seed: name }));
    }
    const done = { region: replica, images: 0, sizeBytes: 0, state: "complete" };
    const calls = await callsOf(account().emulator, async () => {
      expect(await backfills(suite, [replica])).toEqual([done]);
    });
    expect(calls.filter(({ action }) => action === "StartReplicationBackfill")).toEqual([]);
    // A further region gets all of it, and the first one nothing again.
    expect(await backfills(suite, [replica, further])).toEqual([
      { region: further, ...images, state: "started" },
      done,
    ]);
  });

  test("is not done without the wish, and answers an empty list where nothing is replicated", async () => {
    const { suite } = await withImages();
    const calls = await callsOf(account().emulator, async () => {
      expect(await provision(suite, { replicationRegions: [replica] })).not.toHaveProperty("backfills");
      expect(await provision(suite, { replicationRegions: [], backfill: true })).toMatchObject({ backfills: [] });
    });
    expect(calls.filter(({ action }) => /Images|Backfill/.test(action))).toEqual([]);
  });

  test("names the prefixes of others whose older images AWS copies as well", async () => {
    const { prefix, suite } = await withImages();
    account().emulator.world.registry(account().stack.account, home).rules = [
      rule("theirs", replica),
      rule("elsewhere", further),
      { destinations: [{ region: replica, registryId: "111122223333" }], repositoryFilters: [] },
      rule(prefix, replica),
    ];
    expect(await backfills(suite, [replica])).toMatchObject([{ state: "started", others: ["*", "theirs"] }]);
  });

  test("waits where AWS runs no more at once", async () => {
    const { suite } = await withImages();
    account().emulator.faults.add({
      fault: { kind: "error", code: "LimitExceededException" },
      action: "StartReplicationBackfill",
    });
    expect(await backfills(suite, [replica])).toMatchObject([{ images: 3, state: "waiting" }]);
    expect(await backfills(suite, [replica])).toMatchObject([{ images: 3, state: "started" }]);
  });

  test.each([
    ["cannot tell how much it is", "DescribeImages"],
    ["cannot make a repository with its settings first", "CreateRepository"],
  ])("starts nothing where it %s", async (_, action) => {
    const { suite } = await withImages();
    await provision(suite, { replicationRegions: [replica] });
    const fault = { kind: "error", code: "AccessDeniedException" } as const;
    account().emulator.faults.add({ fault, action, region: replica });
    const calls = await callsOf(account().emulator, async () => {
      const { body } = await suite.refused("provisionRegistry", {
        registry: "images",
        replicationRegions: [replica],
        backfill: true,
      });
      expect(body).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining(`ecr:${action}`) });
    });
    expect(calls.filter(({ action }) => action === "StartReplicationBackfill")).toEqual([]);
  });
});

describe("describeRegistry", () => {
  const findings = async (suite: Awaited<ReturnType<typeof withImages>>["suite"]) =>
    (await suite.ok("describeRegistry", { registry: "images" })).health.findings;

  test("names a region that lacks older images, and those of the last hour are on their way", async () => {
    const { prefix, suite: unbound, app } = await withImages();
    const { binding } = await provision(unbound, { replicationRegions: [replica] });
    const suite = await account().open(prefix, { binding, env: { ALIEN_DOOR: "provision" } });
    const missing = { message: `${replica} lacks "${prefix}-app", "${prefix}-empty", "${prefix}-web".` };
    expect(await findings(suite)).toEqual([expect.objectContaining(missing)]);
    age(app);
    const lacking = {
      message: `${replica} lacks 1 older image (${sizes(app)} bytes) of "${app}".`,
      hint: expect.stringContaining("backfill: true"),
    };
    expect(await findings(suite)).toEqual([expect.objectContaining(missing), lacking]);
    await backfills(suite, [replica]);
    await account().emulator.replicate();
    expect(await findings(suite)).toEqual([
      expect.objectContaining({ message: `${replica} lacks "${prefix}-empty".` }),
    ]);
  });

  test("compares the lifecycle policies of replicas with home's", async () => {
    const { prefix, suite: unbound, app, web } = await withImages();
    const { binding } = await provision(unbound, { replicationRegions: [replica] });
    const suite = await account().open(prefix, { binding, env: { ALIEN_DOOR: "provision" } });
    const work = await account().open(prefix, { binding });
    for (const name of ["app", "empty", "web"]) await work.ok("createRepository", { registry: "images", name });
    expect(await findings(suite)).toEqual([]);
    const [there, other] = [repository(replica, app), repository(replica, web)];
    if (!there?.lifecyclePolicy || !other) throw new Error("There is no replica.");
    // The same in other words.
    const rules = JSON.parse(there.lifecyclePolicy.text);
    there.lifecyclePolicy = { ...there.lifecyclePolicy, text: JSON.stringify(rules, null, 2) };
    expect(await findings(suite)).toEqual([]);
    other.lifecyclePolicy = undefined;
    there.lifecyclePolicy = { ...there.lifecyclePolicy, text: there.lifecyclePolicy.text.replace("9", "8") };
    const told = { message: `"${app}", "${web}" in ${replica} has another lifecycle policy than at home.` };
    expect(await findings(suite)).toEqual([expect.objectContaining(told)]);
  });
});

describe("the replica of the repository under the bare prefix", () => {
  test("is made with the binding's settings before the first image can come, and says whose it is", async () => {
    const prefix = account().fresh();
    const suite = await account().open(prefix, {
      binding: { repositoryDefaults: { ...repositoryDefaults, tags: { a: "b" } } },
    });
    await provision(suite, { replicationRegions: [replica] });
    expect(repository(replica, prefix)).toMatchObject({ tagMutability: "IMMUTABLE", scanOnPush: true });
    expect(repository(replica, prefix)?.lifecyclePolicy).toBe(repository(home, prefix)?.lifecyclePolicy);
    const tags = { "alien:artifact-registry": prefix, "alien:artifact-registry:replica-of": home, a: "b" };
    expect(account().tags(prefix, replica)).toEqual(tags);
    await account().push(prefix);
    await account().emulator.replicate();
    expect(repository(replica, prefix)?.images.size).toBe(1);
    // It is made again where somebody deleted it, left alone where it is there, and goes with the registry.
    const calls = await callsOf(account().emulator, () => provision(suite, { replicationRegions: [replica] }));
    expect(calls.filter(({ action }) => action === "CreateRepository")).toEqual([]);
    account().emulator.world.registry(account().stack.account, replica).repositories.delete(prefix);
    await provision(suite, { replicationRegions: [replica] });
    expect(account().tags(prefix, replica)).toEqual(tags);
    await suite.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
    expect(repository(replica, prefix)).toBeUndefined();
  });

  test("makes no registry of its region: nobody takes it over, and the region may leave and come back", async () => {
    const stackPrefix = account().fresh();
    const prefix = `${stackPrefix}-images`;
    const suite = await account().open(prefix);
    await provision(suite, { replicationRegions: [replica] });
    await provision(suite, { replicationRegions: [] });
    await provision(suite, { replicationRegions: [replica] });
    const there = await account().open(prefix, { env: { AWS_REGION: replica } });
    const { body } = await there.refused("provisionRegistry", { registry: "images" });
    expect(body).toMatchObject({
      code: "RESOURCE_CONFLICT",
      message: expect.stringContaining(`is a replica of the one in ${home}`),
      hint: expect.stringContaining("replica-of"),
    });
    const third = await account().open(prefix, { env: { AWS_REGION: further } });
    const refused = await third.refused("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    expect(refused.body).toMatchObject({ code: "RESOURCE_CONFLICT", message: expect.stringContaining(home) });
    const derived = await account().openDerived({
      AWS_REGION: replica,
      ALIEN_STACK_PREFIX: stackPrefix,
      ALIEN_LEASE_TABLE: account().stack.leaseTable,
    });
    expect((await derived.refused("getRepository", { registry: "images", repoId: "app" })).body.code).toBe(
      "BINDING_NOT_CONFIGURED",
    );
  });

  test("does not fail the call where its region cannot be reached", async () => {
    const suite = await account().open(account().fresh());
    await provision(suite, { replicationRegions: [replica] });
    account().emulator.faults.add({ fault: { kind: "reset" }, region: replica, times: Number.POSITIVE_INFINITY });
    await provision(suite, { replicationRegions: [replica] });
  });
});
