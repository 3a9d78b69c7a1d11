import { beforeEach, describe, expect, test } from "vitest";
import { regionsTagKey } from "../../../functions/aws/names.ts";
import type { Suite } from "../../contract/harness.ts";
import { consumer, further, home, replica, rule, useAccount } from "./support/account.ts";

const account = useAccount({ accounts: [consumer] });
const access = { type: "aws", accountIds: [consumer], regions: [], roleArns: [], allowedServiceTypes: [] };
const grantees = (name: string, region: string) => account().policy(name, region)?.includes(consumer) ?? false;

interface Registry {
  readonly prefix: string;
  readonly suite: Suite;
  readonly names: readonly string[];
}

/** A registry that replicates, with grants on everything at home and at the replicas. */
async function replicated(count = 2): Promise<Registry> {
  const prefix = account().fresh();
  const replicationRegions = [replica, further];
  const suite = await account().open(prefix, { binding: { replicationRegions } });
  await suite.ok("provisionRegistry", { registry: "images" });
  const names = [prefix];
  for (let n = 0; n < count; n++) {
    names.push((await suite.ok("createRepository", { registry: "images", name: `app-${n}` })).name);
  }
  for (const name of names) await account().push(name);
  await account().emulator.replicate();
  for (const repoId of names) await suite.ok("addCrossAccountAccess", { registry: "images", repoId, access });
  for (const region of [home, ...replicationRegions]) {
    for (const name of names) expect([region, name, grantees(name, region)]).toEqual([region, name, true]);
  }
  return { prefix, suite, names };
}

const grantsIn = ({ names }: Registry, region: string) => names.filter((name) => grantees(name, region));

beforeEach(async () => {
  account().emulator.faults.clear();
  await account().setRules([]);
});

describe("a region that is dropped", () => {
  test("leaves without grants; home, the other region and another registry keep theirs", async () => {
    const other = await replicated(1);
    const mine = await replicated();
    await mine.suite.ok("provisionRegistry", { registry: "images", replicationRegions: [further] });
    expect(grantsIn(mine, replica)).toEqual([]);
    for (const region of [home, further]) expect(grantsIn(mine, region)).toEqual(mine.names);
    expect(account().repositories(replica)).toEqual(expect.arrayContaining([...mine.names]));
    for (const region of [home, further, replica]) expect(grantsIn(other, region)).toEqual(other.names);
    expect(account().rules()).toEqual([rule(other.prefix, further, replica), rule(mine.prefix, further)]);
    expect(account().tags(mine.prefix)[regionsTagKey]).toBe(`${home} ${further}`);
    const policy = account().role(`${mine.prefix}-pull`)?.policies.get("artifact-registry");
    expect(policy?.includes(replica)).toBe(false);
  });

  test("of many repositories", async () => {
    const mine = await replicated(12);
    await mine.suite.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    for (const region of [further, replica]) expect(grantsIn(mine, region)).toEqual([]);
    expect(grantsIn(mine, home)).toEqual(mine.names);
  });

  test("is remembered until its grants are gone, also by a call that names no regions", async () => {
    const mine = await replicated();
    const [, app = ""] = mine.names;
    account().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      region: replica,
      matches: ({ action, input }) => action === "DeleteRepositoryPolicy" && input.repositoryName === app,
      times: Number.POSITIVE_INFINITY,
    });
    const input = { registry: "images", replicationRegions: [further] };
    const { body } = await mine.suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "ACCESS_DENIED" });
    expect(body.hint).toContain("ecr:DeleteRepositoryPolicy");
    expect(grantsIn(mine, replica)).toContain(app);
    expect(account().tags(mine.prefix)[regionsTagKey]).toContain(replica);
    expect(account().rules()).toEqual([rule(mine.prefix, further)]);

    account().emulator.faults.clear();
    const later = await account().open(mine.prefix, { binding: { replicationRegions: [further] } });
    await later.ok("provisionRegistry", { registry: "images" });
    expect(grantsIn(mine, replica)).toEqual([]);
    expect(account().tags(mine.prefix)[regionsTagKey]).toBe(`${home} ${further}`);
  });

  test("whose repository is gone at home loses the grants of what was left behind", async () => {
    const mine = await replicated();
    const [, app = ""] = mine.names;
    account().emulator.world.registry(account().stack.account, home).repositories.delete(app);
    await mine.suite.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    expect(grantsIn(mine, replica)).toEqual([]);
  });
});

describe("a region that is added", () => {
  test("is in the roles' policies, in the rule and in the binding; what is there stays", async () => {
    const mine = await replicated();
    const before = account().policy(mine.prefix);
    const regions = [further, replica, "eu-north-1"];
    const { binding } = await mine.suite.ok("provisionRegistry", { registry: "images", replicationRegions: regions });
    expect(binding.replicationRegions).toEqual([further, "eu-north-1", replica]);
    expect(account().rules()).toEqual([rule(mine.prefix, further, "eu-north-1", replica)]);
    for (const kind of ["pull", "push"]) {
      expect(account().role(`${mine.prefix}-${kind}`)?.policies.get("artifact-registry")).toContain("eu-north-1");
    }
    expect(account().policy(mine.prefix)).toBe(before);
  });
});
