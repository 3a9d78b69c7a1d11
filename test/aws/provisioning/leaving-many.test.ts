import { describe, expect, test } from "vitest";
import type { Suite } from "../../contract/harness.ts";
import type { CallRecord } from "../../emulators/aws/call.ts";
import { addRepository } from "../../emulators/aws/ecr/state.ts";
import { consumer, home, replica, rule } from "./support/account.ts";
import { add, other, remove, useConsumers } from "./support/pulls.ts";
import { callsOf } from "./support/state.ts";

const { account, whoPulls, replicated } = useConsumers();

describe("two who provision, one of whom is overtaken", () => {
  /** Runs `meanwhile` once, right before the first of these requests. */
  function overtakenAt(isIt: (call: CallRecord) => boolean, meanwhile: () => Promise<unknown>) {
    let begun = false;
    account().emulator.faults.before = async (call) => {
      if (begun || !isIt(call)) return;
      begun = true;
      await meanwhile();
    };
  }
  const provision = (suite: Suite, ...replicationRegions: string[]) =>
    suite.ok("provisionRegistry", { registry: "images", replicationRegions });

  test("while it clears: a region that has come back keeps its grants", async () => {
    const { prefix, names, bound } = await replicated(3);
    for (const name of names) await add(bound, name, consumer);
    const another = await account().open(prefix);
    const isLease = ({ action, input }: CallRecord) =>
      action === "UpdateItem" && names.some((name) => JSON.stringify(input.Key).includes(`${name}"`));
    overtakenAt(isLease, () => provision(another, replica));
    await provision(bound);
    for (const name of names) expect([name, await whoPulls(name)]).toEqual([name, [consumer]]);
    expect(account().rules()).toEqual([rule(prefix, replica)]);
  });

  test("before it writes down what it wants: the rule is put, although it stood when it looked", async () => {
    const { prefix, bound } = await replicated();
    const another = await account().open(prefix);
    overtakenAt(
      ({ action }) => action === "GetRole",
      () => provision(another),
    );
    await provision(bound, replica);
    expect(account().rules()).toEqual([rule(prefix, replica)]);
  });
});

describe("without a lease table, in one process", () => {
  test.each(["bound", "derived"])("(%s) a region that was dropped gets no grants", async (kind) => {
    const prefix = account().fresh();
    const suite =
      kind === "derived"
        ? await account().openDerived({ ALIEN_STACK_PREFIX: prefix })
        : await account().open(prefix, { binding: { replicationRegions: [replica], leaseTable: undefined } });
    const provision = (...replicationRegions: string[]) =>
      suite.ok("provisionRegistry", { registry: "images", replicationRegions });
    await provision(replica);
    const { name } = await suite.ok("createRepository", { registry: "images", name: "app" });
    await account().push(name);
    await account().emulator.replicate();
    await add(suite, name, consumer);
    expect(await whoPulls(name)).toEqual([consumer]);
    await provision();
    await add(suite, name, other);
    expect(await whoPulls(name)).toEqual([]);
    await provision(replica);
    expect(await whoPulls(name)).toEqual([consumer, other]);
    await remove(suite, name, consumer, other);
    expect(await whoPulls(name)).toEqual([]);
  });
});

describe("many repositories", () => {
  /** More than are worked on before it is written down how far it came. */
  const many = 60;

  /** A registry with many repositories and replicas; the last one in order has an image, and a grant. */
  async function withMany() {
    const { prefix, bound, name } = await replicated();
    const { world } = account().emulator;
    for (let n = 0; n < many; n++) {
      for (const region of [home, replica]) {
        addRepository(world.registry(account().stack.account, region), `${prefix}-a-${100 + n}`, world.clock());
      }
    }
    await add(bound, name, consumer);
    return { prefix, bound, name };
  }
  const refuse = (action: string, name: string) =>
    account().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      region: replica,
      matches: (call) => call.action === action && call.input.repositoryName === name,
      times: Number.POSITIVE_INFINITY,
    });
  /** The repositories whose lease was taken, and those whose policy was read in the region. */
  const taken = (calls: readonly CallRecord[]) =>
    new Set(calls.filter(({ action }) => action === "UpdateItem").map(({ input }) => JSON.stringify(input.Key)));
  const read = (calls: readonly CallRecord[]) =>
    new Set(
      calls
        .filter(({ action, region }) => action === "GetRepositoryPolicy" && region === replica)
        .map(({ input }) => input.repositoryName),
    );

  test("are not gone through from the start when a region leaves, and when it returns", async () => {
    const { bound, name } = await withMany();
    const provision = (...replicationRegions: string[]) => ({ registry: "images", replicationRegions });
    for (const [action, regions, visited, left] of [
      ["DeleteRepositoryPolicy", [], taken, []],
      ["SetRepositoryPolicy", [replica], read, [consumer]],
    ] as const) {
      const healed = refuse(action, name);
      const first = await callsOf(account().emulator, () => bound.refused("provisionRegistry", provision(...regions)));
      healed();
      expect(visited(first).size).toBeGreaterThan(many);
      const second = await callsOf(account().emulator, () => bound.ok("provisionRegistry", provision(...regions)));
      // Eleven repositories after the fiftieth, the registry's own item, and perhaps its rule.
      expect(visited(second).size).toBeLessThanOrEqual(14);
      expect(await whoPulls(name)).toEqual(left);
    }
  });

  test("among which one cannot be filled: the next call fills it", async () => {
    const { prefix, bound, name } = await withMany();
    const early = `${prefix}-a-100`;
    await add(bound, early, other);
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    const healed = refuse("SetRepositoryPolicy", early);
    const input = { registry: "images", replicationRegions: [replica] };
    await bound.refused("provisionRegistry", input);
    healed();
    expect(account().policy(early, replica)).toBeUndefined();
    await bound.ok("provisionRegistry", input);
    expect(account().policy(early, replica)).toContain(other);
    expect(await whoPulls(name)).toEqual([consumer]);
  });

  test("without a replica there are leased too, so that no earlier function edits them", async () => {
    const { bound } = await replicated();
    const { name } = await bound.ok("createRepository", { registry: "images", name: "at-home-only" });
    const input = { registry: "images", replicationRegions: [] };
    const calls = await callsOf(account().emulator, () => bound.ok("provisionRegistry", input));
    expect([...taken(calls)].join()).toContain(`${name}"`);
  });

  test("are all read again before the region is forgotten, also those that an earlier call has done", async () => {
    const { prefix, bound, name } = await withMany();
    const early = `${prefix}-a-100`;
    await account().push(early);
    const { world } = account().emulator;
    const granted = world.registry(account().stack.account, replica).repositories.get(name)?.policy;
    const healed = refuse("DeleteRepositoryPolicy", name);
    const input = { registry: "images", replicationRegions: [] };
    await bound.refused("provisionRegistry", input);
    healed();
    const repository = world.registry(account().stack.account, replica).repositories.get(early);
    if (repository) repository.policy = granted;
    await bound.ok("provisionRegistry", input);
    expect(account().policy(early, replica)).toBeUndefined();
    expect(account().policy(name, replica)).toBeUndefined();
  });
});

test("a registry that is made again after it was removed knows nothing of its old regions", async () => {
  const { prefix, bound } = await replicated();
  await bound.ok("deprovisionRegistry", { registry: "images", deleteRepositories: true });
  const again = await account().open(prefix);
  await again.ok("provisionRegistry", { registry: "images" });
  const { name } = await again.ok("createRepository", { registry: "images", name: "app-0" });
  const calls = await callsOf(account().emulator, () => remove(again, name, consumer));
  expect(calls.map(({ region }) => region)).not.toContain(replica);
});
