import { AttachRolePolicyCommand } from "@aws-sdk/client-iam";
import { beforeEach, describe, expect, test } from "vitest";
import { probeName } from "../../../functions/aws/ecr/refused.ts";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { consumer, home, replica, rule, useAccount } from "./support/account.ts";
import { callsOf, isRead, stateOf } from "./support/state.ts";

const account = useAccount({ accounts: [consumer] });
const access = (id: string) => ({
  type: "aws",
  accountIds: [id],
  regions: [],
  roleArns: [],
  allowedServiceTypes: [],
});

async function registry(prefix = account().fresh()) {
  const binding = { replicationRegions: [replica] };
  const suite = await account().open(prefix, { binding });
  await suite.ok("provisionRegistry", { registry: "images" });
  const create = async (name: string) => (await suite.ok("createRepository", { registry: "images", name })).name;
  return { prefix, suite, create };
}

const deleting = { registry: "images", deleteRepositories: true };
const of = (prefix: string) => (name: string) => name.startsWith(prefix);

beforeEach(async () => {
  account().emulator.faults.clear();
  await account().setRules([]);
});

describe("refuses, and changes nothing,", () => {
  test("while repositories exist, with their number", async () => {
    const { suite, create } = await registry();
    for (const name of ["a", "b", "c"]) await create(name);
    const before = stateOf(account());
    const calls = await callsOf(account().emulator, async () => {
      const { body } = await suite.refused("deprovisionRegistry", { registry: "images" });
      expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { repositories: 3 } });
      expect(body.hint).toContain("deleteRepositories");
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(account())).toEqual(before);
  });

  test("while the registry's own repository holds images", async () => {
    const { prefix, suite } = await registry();
    await account().push(prefix);
    const before = stateOf(account());
    const { body } = await suite.refused("deprovisionRegistry", { registry: "images" });
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { repositories: 1 } });
    expect(stateOf(account())).toEqual(before);
  });

  test("an image that is pushed while it looks away is not deleted", async () => {
    const { prefix, suite } = await registry();
    account().emulator.faults.before = async ({ action, region }) => {
      if (action !== "DeleteRepository" || region !== home) return;
      account().emulator.faults.clear();
      await account().push(prefix);
    };
    const { body } = await suite.refused("deprovisionRegistry", { registry: "images" });
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(account().repositories()).toContain(prefix);
    await suite.ok("deprovisionRegistry", deleting);
    expect(account().repositories()).not.toContain(prefix);
  });
});

describe("removes", () => {
  test("everything of an empty registry, and nothing of another", async () => {
    const other = await registry();
    await other.create("kept");
    const mine = account().fresh();
    const before = stateOf(account());
    const { suite } = await registry(mine);
    await suite.ok("deprovisionRegistry", { registry: "images" });
    expect(stateOf(account())).toEqual(before);
    expect(account().rules()).toEqual([rule(other.prefix, replica)]);
  });

  test("repositories, images and replicas, when told", async () => {
    const prefix = account().fresh();
    const before = stateOf(account(), of(prefix));
    const { suite, create } = await registry(prefix);
    for (const name of [prefix, await create("a"), await create("team/b")]) await account().push(name);
    await account().emulator.replicate();
    expect(account().repositories(replica)).toEqual(
      expect.arrayContaining([prefix, `${prefix}-a`, `${prefix}-team/b`]),
    );
    await suite.ok("deprovisionRegistry", deleting);
    expect(stateOf(account(), of(prefix))).toEqual(before);
  });

  test("only what carries our tag: somebody's repository, role, policy and rule stay", async () => {
    const { prefix, suite, create } = await registry();
    await create("ours");
    await account().repository(`${prefix}-theirs`);
    await account().repository(`${prefix}-other`, { [ownershipTagKey]: "other" });
    account().emulator.role(account().stack.account, `${prefix}-push`);
    await account().setRules([
      { to: [replica], filters: [`${prefix}-theirs`] },
      { to: [replica], filters: [prefix] },
    ]);
    await suite.ok("deprovisionRegistry", deleting);
    const left = account().repositories().filter(of(prefix));
    expect(left.sort()).toEqual([`${prefix}-other`, `${prefix}-theirs`]);
    expect(account().role(`${prefix}-pull`)).toBeUndefined();
    expect(account().role(`${prefix}-push`)).toBeDefined();
    expect(account().rules()).toEqual([rule(`${prefix}-theirs`, replica)]);
  });

  test("nothing of a registry that never was, not even a rule for its prefix", async () => {
    const prefix = account().fresh();
    await account().repository(prefix);
    await account().setRules([{ to: [replica], filters: [prefix] }]);
    const before = stateOf(account());
    const suite = await account().open(prefix);
    await suite.ok("deprovisionRegistry", deleting);
    expect(stateOf(account())).toEqual(before);
    expect(account().rules()).toEqual([rule(prefix, replica)]);
  });

  test("again, and nothing happens", async () => {
    const { suite } = await registry();
    await suite.ok("deprovisionRegistry", deleting);
    const calls = await callsOf(account().emulator, () => suite.ok("deprovisionRegistry", deleting));
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
  });

  test("grants too: a registry that is made again gives nobody what its predecessor gave", async () => {
    const { prefix, suite, create } = await registry();
    const app = await create("app");
    for (const repoId of [prefix, app]) {
      await suite.ok("addCrossAccountAccess", { registry: "images", repoId, access: access(consumer) });
    }
    await suite.ok("deprovisionRegistry", deleting);
    await suite.ok("provisionRegistry", { registry: "images" });
    await create("app");
    for (const repoId of [prefix, app]) {
      await suite.ok("addCrossAccountAccess", { registry: "images", repoId, access: access("111122223333") });
      expect(account().policy(repoId)).toContain("111122223333");
      expect(account().policy(repoId)).not.toContain(consumer);
    }
  });

  test("and the repositories on which it found out whom AWS refuses, which count as nothing that is kept", async () => {
    const { prefix, suite, create } = await registry();
    const { emulator, stack } = account();
    const [app, gone] = [await create("app"), "777700008888"];
    emulator.account(gone);
    for (const id of [consumer, gone]) {
      await suite.ok("addCrossAccountAccess", { registry: "images", repoId: app, access: access(id) });
    }
    emulator.world.closeAccount(gone);
    const answer = await suite.ok("removeCrossAccountAccess", {
      registry: "images",
      repoId: app,
      access: access(consumer),
    });
    const everywhere = [home, replica].map((region) => ({ principal: gone, region }));
    expect(answer).toEqual({ leftOut: everywhere });
    const probe = () => emulator.world.registry(stack.account, home).repositories.has(probeName(prefix));
    expect(probe()).toBe(true);
    await suite.ok("deleteRepository", { registry: "images", repoId: app });
    await suite.ok("deprovisionRegistry", { registry: "images" });
    expect(probe()).toBe(false);
    await suite.ok("provisionRegistry", { registry: "images" });
    const { health } = await suite.ok("describeRegistry", { registry: "images" });
    expect(JSON.stringify(health)).not.toContain(gone);
  });

  test("the grants of a replica whose home was deleted before", async () => {
    const { suite, create } = await registry();
    const app = await create("app");
    await account().push(app);
    await account().emulator.replicate();
    await suite.ok("addCrossAccountAccess", { registry: "images", repoId: app, access: access(consumer) });
    expect(account().policy(app, replica)).toContain(consumer);
    account().emulator.world.registry(account().stack.account, home).repositories.delete(app);
    await suite.ok("deprovisionRegistry", deleting);
    expect(account().policy(app, replica)).toBeUndefined();
  });

  test("not a role to which somebody attached a policy, and says so", async () => {
    const { prefix, suite } = await registry();
    const PolicyArn = account().boundary;
    await account().admin.iam.send(new AttachRolePolicyCommand({ RoleName: `${prefix}-pull`, PolicyArn }));
    const { body } = await suite.refused("deprovisionRegistry", deleting);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(body.hint).toContain("Detach");
    account().role(`${prefix}-pull`)?.attached.clear();
    await suite.ok("deprovisionRegistry", deleting);
    expect(account().role(`${prefix}-pull`)).toBeUndefined();
  });
});
