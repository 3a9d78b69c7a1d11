import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownershipTagKey, regionsTagKey } from "../../../functions/aws/names.ts";
import { trustPolicy } from "../../../functions/aws/policy/roles.ts";
import { regionsInTag, regionsTagValue } from "../../../functions/aws/provisioning/own-repository.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { further, home, replica, rule, useAccount } from "./support/account.ts";
import { callsOf, isRead, stateOf } from "./support/state.ts";

const account = useAccount({ accounts: ["444455556666"] });
const arn = (name: string) => `arn:aws:iam::111122223333:role/${name}`;

/** AWS's regions in November 2026, but for home. */
const everyRegion = [
  ...["us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1"],
  ...["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"],
  ...["il-central-1", "me-south-1", "me-central-1", "af-south-1", "ap-east-1", "ap-east-2", "ap-south-1", "ap-south-2"],
  ...["ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"],
  ...["ap-southeast-7", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
];

describe("the tag of the regions", () => {
  test("holds any of AWS's, or all of them, in 256 characters, and is read as it was written", () => {
    fc.assert(
      fc.property(fc.subarray(everyRegion), fc.constantFrom(...everyRegion), (regions, home) => {
        const value = regionsTagValue(home, regions);
        expect(value.length).toBeLessThanOrEqual(256);
        expect(value).toMatch(/^[a-z0-9 +/-]+$/);
        expect(new Set(regionsInTag(value))).toEqual(new Set([home, ...regions]));
      }),
      { examples: [[everyRegion, home]] },
    );
  });

  test("and a registry in 25 regions is provisioned, known by its tags, and drops them again", async () => {
    const stackPrefix = account().fresh();
    const prefix = `${stackPrefix}-images`;
    const env = { ALIEN_STACK_PREFIX: stackPrefix, ALIEN_LEASE_TABLE: account().stack.leaseTable };
    const suite = await account().openDerived(env);
    const regions = everyRegion.slice(0, 25);
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: regions });
    expect(regionsInTag(account().tags(prefix)[regionsTagKey] ?? "").sort()).toEqual([home, ...regions].sort());
    const again = await account().openDerived(env);
    const { binding } = await again.ok("provisionRegistry", { registry: "images" });
    expect(binding.replicationRegions).toEqual([...regions].sort());
    await again.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    expect(account().tags(prefix)[regionsTagKey]).toBe(home);
    await again.ok("deprovisionRegistry", { registry: "images" });
  });
});

describe("from nothing", () => {
  test("the binding, two roles and the registry's own repository", async () => {
    const prefix = account().fresh();
    const suite = await account().open(prefix);
    const { binding } = await suite.ok("provisionRegistry", {
      registry: "images",
      replicationRegions: [replica, home],
    });
    expect(binding).toEqual({
      service: "ecr",
      repositoryPrefix: prefix,
      pullRoleArn: arn(`${prefix}-pull`),
      pushRoleArn: arn(`${prefix}-push`),
      replicationRegions: [replica],
      leaseTable: account().stack.leaseTable,
    });
    const { functionRole, account: id } = account().stack;
    const trust = JSON.parse(trustPolicy({ partition: "aws", account: id, functionRoleArns: [functionRole] }));
    for (const [kind, upload] of [
      ["pull", false],
      ["push", true],
    ] as const) {
      const role = account().role(`${prefix}-${kind}`);
      expect(role).toMatchObject({ boundary: account().boundary, maxSessionDuration: 43_200 });
      expect(role?.trust.document).toEqual(trust);
      expect(Object.fromEntries(role?.tags ?? [])).toEqual({ [ownershipTagKey]: prefix });
      expect([...(role?.policies.keys() ?? [])]).toEqual(["artifact-registry"]);
      const policy = role?.policies.get("artifact-registry") ?? "";
      expect(policy.includes("ecr:PutImage")).toBe(upload);
      for (const region of [home, replica]) expect(policy).toContain(`:ecr:${region}:${id}:repository/${prefix}-*`);
    }
    expect(account().tags(prefix)).toMatchObject({ [ownershipTagKey]: prefix });
    expect(account().rules()).toContainEqual(rule(prefix, replica));
  });

  test("the binding is usable at once: its credentials push and pull a real image", async () => {
    const prefix = account().fresh();
    const { binding } = await (await account().open(prefix)).ok("provisionRegistry", { registry: "images" });
    const suite = await account().open(prefix, { binding });
    const { name } = await suite.ok("createRepository", { registry: "images", name: "app" });
    const client = async (permissions: string) => {
      const minted = await suite.ok("generateCredentials", { registry: "images", repoId: name, permissions });
      const { username, password } = minted;
      return createClient({ url: account().emulator.registryUrl(home), credentials: { username, password } });
    };
    const image = buildImage({ seed: prefix });
    await pushImage(await client("push-pull"), name, "1.0", image);
    expect(await pullImage(await client("pull"), name, "1.0")).toEqual(image);
  });

  test("a prefix with / and one that is too long for a role's name", async () => {
    for (const prefix of [`${account().fresh()}/images`, account().fresh("long".repeat(15)), account().fresh("a--b")]) {
      const suite = await account().open(prefix);
      const { binding } = await suite.ok("provisionRegistry", { registry: "images" });
      const [pull = "", push = ""] = [binding.pullRoleArn, binding.pushRoleArn].map((each) => `${each}`.split("/")[1]);
      expect([pull, push].map((name) => name.length).every((length) => length <= 64)).toBe(true);
      if (prefix.length > 58 || prefix.includes("/")) expect(pull).toMatch(/-[0-9a-f]{20}-pull$/);
      expect([account().role(pull), account().role(push)]).not.toContain(undefined);
    }
  });

  test("two letters before a separator, which are no repository's name alone", async () => {
    const suite = await account().open(`x-${account().fresh()}`);
    await suite.ok("provisionRegistry", { registry: "images" });
  });

  test("the repository has the binding's defaults, as every other", async () => {
    const prefix = account().fresh();
    const repositoryDefaults = { imageTagMutability: "IMMUTABLE", scanOnPush: true, tags: { team: "a" } };
    const suite = await account().open(prefix, { binding: { repositoryDefaults } });
    await suite.ok("provisionRegistry", { registry: "images" });
    const registry = account().emulator.world.registry(account().stack.account, home);
    expect(registry.repositories.get(prefix)).toMatchObject({ tagMutability: "IMMUTABLE", scanOnPush: true });
    expect(account().tags(prefix)).toMatchObject({ team: "a" });
  });
});

describe("again", () => {
  test.each([{}, { replicationRegions: [replica, further] }, { replicationRegions: [] }])(
    "with %j nothing is written",
    async (input) => {
      const prefix = account().fresh();
      const suite = await account().open(prefix);
      const first = await suite.ok("provisionRegistry", { registry: "images", ...input });
      const before = stateOf(account());
      const calls = await callsOf(account().emulator, async () => {
        expect(await suite.ok("provisionRegistry", { registry: "images", ...input })).toEqual(first);
      });
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.filter((call) => !isRead(call))).toEqual([]);
      expect(stateOf(account())).toEqual(before);
    },
  );

  test("what the registry holds does not make it slower", async () => {
    const prefix = account().fresh();
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images" });
    const again = () => suite.ok("provisionRegistry", { registry: "images" });
    const few = (await callsOf(account().emulator, again)).length;
    for (let n = 0; n < 5; n++) await suite.ok("createRepository", { registry: "images", name: `app-${n}` });
    expect((await callsOf(account().emulator, again)).length).toBe(few);
  });

  test("a registry that was derived keeps its regions where none are named", async () => {
    const stack = account().fresh();
    const suite = await account().openDerived({ ALIEN_STACK_PREFIX: stack });
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    const { binding } = await suite.ok("provisionRegistry", { registry: "images" });
    expect(binding.replicationRegions).toEqual([replica]);
    expect(account().rules()).toContainEqual(rule(`${stack}-images`, replica));
  });
});

describe("what exists", () => {
  test("roles and a repository with our tag are adopted", async () => {
    const prefix = account().fresh();
    const { emulator, stack } = account();
    emulator.role(stack.account, `${prefix}-pull`, { tags: { [ownershipTagKey]: prefix } });
    await account().repository(prefix, { [ownershipTagKey]: prefix, cost: "mine" });
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images" });
    expect(account().tags(prefix)).toMatchObject({ cost: "mine" });
    const [pull, push] = [account().role(`${prefix}-pull`), account().role(`${prefix}-push`)];
    expect(pull?.trust.document).toEqual(push?.trust.document);
    expect(pull).toMatchObject({ maxSessionDuration: 43_200, boundary: account().boundary });
    expect(pull?.policies.has("artifact-registry")).toBe(true);
  });

  test.each([
    ["trust", (role: Role) => ({ ...role.trust, document: { Version: "2012-10-17", Statement: [] } }), "trust"],
    ["boundary", () => undefined, "boundary"],
    ["session", () => 3_600, "maxSessionDuration"],
  ] as const)("a changed %s is repaired", async (_what, change, field) => {
    const prefix = account().fresh();
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images" });
    const before = stateOf(account());
    const role = account().role(`${prefix}-push`);
    if (!role) throw new Error("There is no role.");
    Object.assign(role, { [field]: change(role) });
    expect(stateOf(account())).not.toEqual(before);
    await suite.ok("provisionRegistry", { registry: "images" });
    expect(stateOf(account())).toEqual(before);
  });

  test.each(["changed", "gone"])("a policy that is %s is repaired", async (how) => {
    const prefix = account().fresh();
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images" });
    const before = stateOf(account());
    const policies = account().role(`${prefix}-pull`)?.policies;
    if (how === "gone") policies?.delete("artifact-registry");
    else policies?.set("artifact-registry", `{"Version":"2012-10-17","Statement":[]}`);
    await suite.ok("provisionRegistry", { registry: "images" });
    expect(stateOf(account())).toEqual(before);
  });

  test("other replication rules stay as they are, and in their order", async () => {
    const others = [
      { to: [replica, [further, "444455556666"] as const], filters: ["theirs", "also-theirs"] },
      { to: [further], filters: [] },
    ];
    await account().setRules(others);
    const before = account().rules();
    const [one, two] = [account().fresh("aa"), account().fresh("bb")];
    const [first, second] = [await account().open(one), await account().open(two)];
    await first.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    await second.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    await first.ok("provisionRegistry", { registry: "images", replicationRegions: [further, replica] });
    expect(account().rules()).toEqual([...before, rule(one, further, replica), rule(two, replica)]);
    await first.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    expect(account().rules()).toEqual([...before, rule(two, replica)]);
    await account().setRules([]);
  });

  test("two registries that are provisioned at once both get their rule", async () => {
    const prefixes = [account().fresh("cc"), account().fresh("dd"), account().fresh("ee")];
    const suites = await Promise.all(prefixes.map((prefix) => account().open(prefix)));
    const input = { registry: "images", replicationRegions: [replica] };
    await Promise.all(suites.map((suite) => suite.ok("provisionRegistry", input)));
    for (const prefix of prefixes) expect(account().rules()).toContainEqual(rule(prefix, replica));
    await account().setRules([]);
  });

  test("the regions that may hold replicas are written down", async () => {
    const prefix = account().fresh();
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica, further] });
    expect(account().tags(prefix)[regionsTagKey]).toContain(`${further} ${replica}`);
    await account().setRules([]);
  });
});

type Role = NonNullable<ReturnType<ReturnType<typeof account>["role"]>>;
