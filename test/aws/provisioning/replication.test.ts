import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { type Account, further, replica, rule, useAccount } from "./support/account.ts";

const account = useAccount({ accounts: ["444455556666"], behaviour: { keepsNewMembers: true } });
const registryOf = ({ emulator, stack }: Account) => emulator.world.registry(stack.account, stack.region);

afterEach(() => {
  registryOf(account()).rules = [];
  registryOf(account()).newMembers = {};
});

describe("a rule that replicates deletions", () => {
  const deleteReplication = { enabled: true };

  test("keeps doing so, ours and theirs, when regions come and go", async () => {
    const prefix = account().fresh();
    const registry = registryOf(account());
    const theirs = { ...rule("theirs", replica), deleteReplication };
    registry.rules = [theirs];
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    expect(registry.rules).toEqual([theirs, rule(prefix, replica)]);
    registry.rules = registry.rules.map((each) => ({ ...each, deleteReplication }));
    const ours = (...regions: string[]) => ({ ...rule(prefix, ...regions), deleteReplication });
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica, further] });
    expect(registry.rules).toEqual([theirs, ours(further, replica)]);
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [further] });
    expect(registry.rules).toEqual([theirs, ours(further)]);
    await suite.ok("deprovisionRegistry", { registry: "images" });
    expect(registry.rules).toEqual([theirs]);
  });
});

describe("fields that nobody here knows", () => {
  /** As a newer AWS may have it beside what we know. */
  const value = fc.jsonValue({ maxDepth: 2 }).map((each) => JSON.parse(JSON.stringify(each)));
  const newer = fc.dictionary(fc.stringMatching(/^x[A-Z][a-z]{0,8}$/), value, { maxKeys: 3 });
  const beside = <T extends object>(known: T) => newer.map((more) => ({ ...more, ...known }));
  const destination = (region: string) => beside({ region, registryId: "111122223333" });
  const ruleFor = (filter: string, ...regions: string[]) =>
    fc
      .tuple(newer, fc.tuple(...regions.map(destination)), beside({ filter, filterType: "PREFIX_MATCH" }))
      .map(([more, destinations, each]) => ({ ...more, destinations, repositoryFilters: [each] }));

  test("stay in the configuration, in every rule, in destinations and filters", async () => {
    const prefix = account().fresh();
    const registry = registryOf(account());
    const suite = await account().open(prefix);
    const arbitrary = fc.tuple(newer, fc.array(ruleFor("theirs", replica), { maxLength: 3 }), ruleFor(prefix, replica));
    await fc.assert(
      fc.asyncProperty(arbitrary, async ([more, theirs, ours]) => {
        registry.newMembers = more;
        registry.rules = [...theirs, ours];
        await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
        expect(registry.rules).toEqual([...theirs, ours]);
        await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica, further] });
        const added = { region: further, registryId: "111122223333" };
        const destinations = [added, ...ours.destinations];
        expect(registry.rules).toEqual([...theirs, { ...ours, destinations }]);
        await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
        expect(registry.rules).toEqual([...theirs, ours]);
        await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
        expect(registry.rules).toEqual(theirs);
        expect(registry.newMembers).toEqual(more);
      }),
      { numRuns: 15 },
    );
  });
});

describe("many rules of others", () => {
  const theirs = (count: number) => Array.from({ length: count }, (_, n) => rule(`theirs-${n}`, replica));

  test.each([11, 24])("%i: the registry gets its own, and gives it back", async (count) => {
    const registry = registryOf(account());
    registry.rules = theirs(count);
    const suite = await account().open(account().fresh());
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    expect(registry.rules).toHaveLength(count + 1);
    await suite.ok("provisionRegistry", { registry: "images" });
    await suite.ok("deprovisionRegistry", { registry: "images" });
    expect(registry.rules).toEqual(theirs(count));
  });

  test("30, where AWS takes more than it did: a registry without replicas needs no room", async () => {
    const registry = registryOf(account());
    registry.rules = theirs(30);
    const suite = await account().open(account().fresh());
    await suite.ok("provisionRegistry", { registry: "images" });
    await suite.ok("deprovisionRegistry", { registry: "images" });
    expect(registry.rules).toEqual(theirs(30));
  });
});

test("describeRegistry names what came under our filter and is not ours", async () => {
  const prefix = account().fresh();
  const suite = await account().open(prefix, {
    binding: { replicationRegions: [replica] },
    env: { ALIEN_DOOR: "provision" },
  });
  await suite.ok("provisionRegistry", { registry: "images" });
  const { health: before } = await suite.ok("describeRegistry", { registry: "images" });
  expect(JSON.stringify(before)).not.toContain("also replicates");
  await account().repository(`${prefix}2-app`);
  const { health } = await suite.ok("describeRegistry", { registry: "images" });
  expect(health.status).not.toBe("ok");
  expect(JSON.stringify(health.findings)).toContain(`also replicates \\"${prefix}2-app\\"`);
});
