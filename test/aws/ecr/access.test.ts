import { describe, expect, test } from "vitest";
import type { AwsAccess } from "../../../core/schemas.ts";
import { leaseItem } from "./support/bench.ts";
import { A, B, roleOf, whoMay } from "./support/consumers.ts";
import { access } from "./support/registry.ts";
import { east, home, useReplicatedRegistry, west } from "./support/replicated.ts";

const regions = [home, west, east];
const { registry } = useReplicatedRegistry();
const worker = (accountIds: string[], ...inRegions: string[]): Partial<AwsAccess> => ({
  accountIds,
  regions: inRegions,
  allowedServiceTypes: ["worker"],
});
const ci = (account: string) => roleOf(registry().emulator, account, "ci");
const both = ["A/app", "A/ci"];
const bothOfB = ["B/app", "B/ci"];

type Step = readonly ["add" | "remove", () => Partial<AwsAccess>];

/** What was granted and revoked, one after another, and who may pull in the end. */
const cases: readonly { title: string; steps: readonly Step[]; may: readonly string[] }[] = [
  { title: "nothing granted lets nobody in", steps: [], may: [] },
  { title: "an account's principals, and not its functions", steps: [["add", () => ({ accountIds: [A] })]], may: both },
  { title: "one role, and not its account", steps: [["add", () => ({ roleArns: [ci(A)] })]], may: ["A/ci"] },
  {
    title: "regions without worker grant no function",
    steps: [["add", () => ({ accountIds: [A], regions: [home] })]],
    may: both,
  },
  {
    title: "functions in the named region only",
    steps: [["add", () => worker([A], home)]],
    may: [...both, `A@${home}`],
  },
  {
    title: "functions in any region",
    steps: [["add", () => worker([A])]],
    may: [...both, ...regions.map((region) => `A@${region}`)],
  },
  {
    title: "regions of one account do not leak to another",
    steps: [
      ["add", () => worker([A], home)],
      ["add", () => worker([B], west)],
    ],
    may: [...both, `A@${home}`, ...bothOfB, `B@${west}`],
  },
  {
    title: "one call spells out its accounts times its regions",
    steps: [["add", () => worker([A, B], home, west)]],
    may: [...both, `A@${home}`, `A@${west}`, ...bothOfB, `B@${home}`, `B@${west}`],
  },
  {
    title: "removing an account takes its functions, and leaves the others theirs",
    steps: [
      ["add", () => worker([A, B], home)],
      ["remove", () => ({ accountIds: [A] })],
    ],
    may: [...bothOfB, `B@${home}`],
  },
  {
    title: "removing functions in one region leaves those in others, and the account",
    steps: [
      ["add", () => worker([A], home, west)],
      ["remove", () => worker([A], west)],
    ],
    may: [...both, `A@${home}`],
  },
  {
    title: "the account goes with its last functions",
    steps: [
      ["add", () => worker([A], home)],
      ["remove", () => worker([A], home)],
    ],
    may: [],
  },
  {
    title: "functions without regions means all of them, and the account",
    steps: [
      ["add", () => worker([A, B], home, west)],
      ["remove", () => worker([A])],
    ],
    may: [...bothOfB, `B@${home}`, `B@${west}`],
  },
  {
    title: "a role survives the removal of its account",
    steps: [
      ["add", () => ({ accountIds: [A], roleArns: [ci(A)] })],
      ["remove", () => ({ accountIds: [A] })],
    ],
    may: ["A/ci"],
  },
  {
    title: "a role goes by its own name, and its account stays",
    steps: [
      ["add", () => ({ accountIds: [A], roleArns: [ci(A), ci(B)] })],
      ["remove", () => ({ roleArns: [ci(A), ci(B)] })],
    ],
    may: both,
  },
  {
    title: "twice is as once",
    steps: [
      ["add", () => worker([A], home)],
      ["add", () => worker([A], home)],
      ["remove", () => ({ accountIds: [B] })],
      ["remove", () => ({ accountIds: [B] })],
    ],
    may: [...both, `A@${home}`],
  },
];

describe("who may pull", () => {
  test.each(cases)("$title", async ({ steps, may }) => {
    const name = await registry().repository();
    for (const [step, parts] of steps) await registry()[step](name, parts());
    expect((await whoMay(registry(), name, regions)).sort()).toEqual([...may].sort());
  });

  test("the shared repository of the registry is granted as any other", async () => {
    await registry().push("images");
    await registry().emulator.replicate();
    await registry().add("images", { accountIds: [A] });
    expect(await whoMay(registry(), "images", regions)).toEqual(both);
    await registry().remove("images", { accountIds: [A] });
    expect(await whoMay(registry(), "images", regions)).toEqual([]);
  });

  test("what get answers, added one by one elsewhere, lets the same in", async () => {
    const [one, other] = [await registry().repository(), await registry().repository()];
    await registry().add(one, worker([A], home));
    await registry().add(one, worker([B], west));
    await registry().add(one, { roleArns: [ci(B)] });
    const { suite } = registry();
    const {
      grants,
      access: union,
      scope,
    } = (await suite.ok("getCrossAccountAccess", {
      registry: "images",
      repoId: one,
    })) as unknown as { grants: AwsAccess[]; access: AwsAccess; scope: string };
    expect(scope).toBe("repository");
    expect(union).toEqual(
      access({
        accountIds: [A, B],
        regions: [west, home],
        roleArns: [ci(B)],
        allowedServiceTypes: ["worker"],
      }),
    );
    for (const grant of grants) await registry().add(other, grant);
    expect(await whoMay(registry(), other, regions)).toEqual(await whoMay(registry(), one, regions));
    expect(await registry().statements(other)).toEqual(await registry().statements(one));
  });

  test("when access was last edited is told from the record, and of a repository that nobody edited nothing is", async () => {
    const name = await registry().repository();
    const lastUpdated = async () => {
      const answer = await registry().suite.ok("getCrossAccountAccess", { registry: "images", repoId: name });
      return (answer as { lastUpdated?: string }).lastUpdated;
    };
    const recorded = async () => (await leaseItem(registry().stack, name))?.lastUpdated?.S;
    expect(await lastUpdated()).toBeUndefined();
    await registry().add(name, worker([A]));
    const added = await lastUpdated();
    expect([added, added]).toEqual([expect.stringMatching(/^\d{4}-.*Z$/), await recorded()]);
    await registry().remove(name, worker([A]));
    expect(await lastUpdated()).toBe(await recorded());
    expect(await lastUpdated()).not.toBe(added);
    await registry().suite.ok("deleteRepository", { registry: "images", repoId: name });
    await registry().suite.ok("createRepository", { registry: "images", name: name.replace("images-", "") });
    expect(await lastUpdated()).toBeUndefined();
  });

  test("without any grant left there is no policy", async () => {
    const name = await registry().repository();
    await registry().add(name, worker([A]));
    await registry().remove(name, { accountIds: [A] });
    for (const region of regions) expect(await registry().statements(name, region)).toBeUndefined();
  });
});
