import { describe, expect, test } from "vitest";
import { regionsTagKey } from "../../../functions/aws/names.ts";
import type { Suite } from "../../contract/harness.ts";
import type { CallRecord } from "../../emulators/aws/call.ts";
import { consumer, home, replica, rule } from "./support/account.ts";
import { add, other, remove, useConsumers } from "./support/pulls.ts";

const { account, whoPulls, replicated } = useConsumers();

describe("a region that was dropped, in functions whose binding still names it", () => {
  test("gets no grants any more, and a revocation after the binding was changed leaves nothing", async () => {
    const { name, bound, unbound } = await replicated();
    await add(bound, name, consumer);
    expect(await whoPulls(name)).toEqual([consumer]);
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    expect(await whoPulls(name)).toEqual([]);
    await add(bound, name, other);
    expect(await whoPulls(name)).toEqual([]);
    expect(await whoPulls(name, home)).toEqual([consumer, other]);
    await remove(unbound, name, consumer);
    await remove(unbound, name, other);
    expect(await whoPulls(name)).toEqual([]);
    expect(await whoPulls(name, home)).toEqual([]);
  });

  test("is cleared by a revocation, whoever had access there", async () => {
    const { name, bound } = await replicated();
    await add(bound, name, consumer);
    const granted = account().emulator.world.registry(account().stack.account, replica).repositories.get(name)?.policy;
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    // As a function of an earlier version left it.
    const repository = account().emulator.world.registry(account().stack.account, replica).repositories.get(name);
    if (repository) repository.policy = granted;
    expect(await whoPulls(name)).toEqual([consumer]);
    await remove(bound, name, other);
    expect(await whoPulls(name)).toEqual([]);
    expect(await whoPulls(name, home)).toEqual([consumer]);
  });

  test("is deleted with its repository", async () => {
    const { name, bound } = await replicated();
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    await bound.ok("deleteRepository", { registry: "images", repoId: name });
    expect(account().repositories(replica)).not.toContain(name);
  });
});

/** Where an edit stands still while the region leaves. */
const moments = {
  "before they have the lease": ({ action, region }: CallRecord) => action === "UpdateItem" && region === home,
  "under the lease": ({ action, region }: CallRecord) => action === "GetRepositoryPolicy" && region === home,
} as const;

describe("a region that leaves while repositories are edited", () => {
  const kinds = ["bound", "derived"] as const;
  const cases = kinds.flatMap((kind) =>
    Object.keys(moments).map((moment) => [kind, moment as keyof typeof moments] as const),
  );
  test.each(cases)("(%s, %s) keeps no grants", async (kind, moment) => {
    const stack = account().fresh();
    const env = { ALIEN_STACK_PREFIX: stack, ALIEN_LEASE_TABLE: account().stack.leaseTable };
    const open = () =>
      kind === "derived"
        ? account().openDerived(env)
        : account().open(stack, { binding: { replicationRegions: [replica] } });
    const [runtime, provision] = [await open(), await open()];
    await provision.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    const names: string[] = [];
    for (let n = 0; n < 6; n++) {
      names.push((await runtime.ok("createRepository", { registry: "images", name: `app-${n}` })).name);
    }
    for (const name of names) await account().push(name);
    await account().emulator.replicate();
    for (const name of names) await add(runtime, name, consumer);

    const left = Promise.withResolvers<void>();
    const all = Promise.withResolvers<void>();
    const waiting = new Set<string>();
    const { faults } = account().emulator;
    faults.before = async (call) => {
      const name = names.find((each) => JSON.stringify(call.input).includes(`${each}"`));
      if (name === undefined || waiting.has(name) || !moments[moment](call)) return;
      waiting.add(name);
      if (waiting.size === names.length) all.resolve();
      await left.promise;
    };
    const edits = names.map((name) => add(runtime, name, other));
    await all.promise;
    const leaving = provision.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    // An edit that has the lease is waited for; one that has not is overtaken.
    if (moment === "under the lease") await expect.poll(() => account().rules()).toEqual([]);
    else await leaving;
    left.resolve();
    await Promise.all([leaving, ...edits]);
    faults.before = undefined;
    for (const name of names) expect([name, await whoPulls(name)]).toEqual([name, []]);
    for (const name of names) expect([name, await whoPulls(name, home)]).toEqual([name, [consumer, other]]);
  });
});

describe("a region that was dropped from the binding alone", () => {
  test("is reached by revocations, although nothing was ever provisioned", async () => {
    const prefix = account().fresh();
    const open = (...replicationRegions: string[]) => account().open(prefix, { binding: { replicationRegions } });
    const [bound, unbound] = [await open(replica), await open()];
    await account().setRules([{ to: [replica], filters: [prefix] }]);
    const { name } = await bound.ok("createRepository", { registry: "images", name: "app" });
    await account().push(name);
    await account().emulator.replicate();
    await add(bound, name, consumer, other);
    expect(await whoPulls(name)).toEqual([consumer, other]);
    await remove(unbound, name, consumer);
    expect(await whoPulls(name)).toEqual([]);
    expect(await whoPulls(name, home)).toEqual([other]);
    await unbound.ok("deleteRepository", { registry: "images", repoId: name });
    expect(account().repositories(replica)).not.toContain(name);
  });
});

describe("a region that returns", () => {
  test("has the grants of home on every replica that it kept", async () => {
    const { prefix, names, bound } = await replicated(3);
    for (const name of names) await add(bound, name, consumer);
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    for (const name of names) expect(await whoPulls(name)).toEqual([]);
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    for (const name of names) expect(await whoPulls(name)).toEqual([consumer]);
    expect(account().rules()).toEqual([rule(prefix, replica)]);
  });

  test("after an interruption has them too, by the next provisioning", async () => {
    const { names, bound } = await replicated(3);
    for (const name of names) await add(bound, name, consumer);
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    account().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      region: replica,
      matches: ({ action, input }) => action === "SetRepositoryPolicy" && input.repositoryName === names[1],
      times: Number.POSITIVE_INFINITY,
    });
    const again = { registry: "images", replicationRegions: [replica] };
    expect((await bound.refused("provisionRegistry", again)).body).toMatchObject({ code: "ACCESS_DENIED" });
    account().emulator.faults.clear();
    await bound.ok("provisionRegistry", { registry: "images" });
    for (const name of names) expect([name, await whoPulls(name)]).toEqual([name, [consumer]]);
  });
});

describe("provisioning that takes a region away", () => {
  const policyOf = (name: string) =>
    account().emulator.world.registry(account().stack.account, replica).repositories.get(name);

  test("looks again: what came back behind its back is cleared before the region is forgotten", async () => {
    const { names, bound } = await replicated(3);
    for (const name of names) await add(bound, name, consumer);
    const granted = new Map(names.map((name) => [name, policyOf(name)?.policy]));
    // As by a function that was overtaken by its lease: twice for one repository, once for another.
    const back = [names[1], names[1], names[2]];
    account().emulator.faults.after = ({ action, region, input }) => {
      const { repositoryName: name = "" } = input as { repositoryName?: string };
      if (action !== "DeleteRepositoryPolicy" || region !== replica || !back.includes(name)) return;
      back.splice(back.indexOf(name), 1);
      const repository = policyOf(name);
      if (repository) repository.policy = granted.get(name);
    };
    await bound.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    account().emulator.faults.after = undefined;
    expect(back).toEqual([]);
    for (const name of names) expect([name, await whoPulls(name)]).toEqual([name, []]);
  });

  test("does not forget a region in which grants keep coming back", async () => {
    const { prefix, name, bound } = await replicated();
    await add(bound, name, consumer);
    const granted = policyOf(name)?.policy;
    account().emulator.faults.after = ({ action, region }) => {
      const repository = policyOf(name);
      if (action === "DeleteRepositoryPolicy" && region === replica && repository) repository.policy = granted;
    };
    const input = { registry: "images", replicationRegions: [] };
    const { body } = await bound.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    expect(body.message).toContain(replica);
    account().emulator.faults.after = undefined;
    expect(account().tags(prefix)[regionsTagKey]).toContain(replica);
    await bound.ok("provisionRegistry", input);
    expect(await whoPulls(name)).toEqual([]);
    expect(account().tags(prefix)[regionsTagKey]).toBe(home);
  });

  test.each(["PutReplicationConfiguration", "DeleteRepositoryPolicy"])(
    "and ends at %s is finished by the next, which a derived binding need not tell the regions",
    async (action) => {
      const env = { ALIEN_STACK_PREFIX: account().fresh(), ALIEN_LEASE_TABLE: account().stack.leaseTable };
      const suite = await account().openDerived(env);
      await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
      const { name } = await suite.ok("createRepository", { registry: "images", name: "app" });
      await account().push(name);
      await account().emulator.replicate();
      await add(suite, name, consumer);
      account().emulator.faults.add({
        fault: { kind: "error", code: "AccessDeniedException" },
        action,
        times: Number.POSITIVE_INFINITY,
      });
      const input = { registry: "images", replicationRegions: [] };
      expect((await suite.refused("provisionRegistry", input)).body).toMatchObject({ code: "ACCESS_DENIED" });
      // The region is leaving already: it gets no more grants.
      await add(suite, name, other);
      expect(await whoPulls(name)).toEqual([consumer]);
      account().emulator.faults.clear();
      const { binding } = await suite.ok("provisionRegistry", { registry: "images" });
      expect(binding.replicationRegions).toBeUndefined();
      expect(account().rules()).toEqual([]);
      expect(await whoPulls(name)).toEqual([]);
    },
  );

  test("goes on with the other repositories where one cannot be cleared", async () => {
    const { names, bound } = await replicated(4);
    for (const name of names) await add(bound, name, consumer);
    account().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      region: replica,
      matches: ({ action, input }) => action === "DeleteRepositoryPolicy" && input.repositoryName === names[0],
      times: Number.POSITIVE_INFINITY,
    });
    await bound.refused("provisionRegistry", { registry: "images", replicationRegions: [] });
    for (const name of names) expect([name, await whoPulls(name)]).toEqual([name, name === names[0] ? [consumer] : []]);
  });

  test("while another brings it back: rule, record and grants agree in the end", async () => {
    const { prefix, names, bound } = await replicated(3);
    for (const name of names) await add(bound, name, consumer);
    const another = await account().open(prefix);
    const ask = (suite: Suite, ...replicationRegions: string[]) =>
      suite.ok("provisionRegistry", { registry: "images", replicationRegions });
    await Promise.all([ask(bound), ask(another, replica), ask(bound), ask(another, replica)]);
    // A binding that names no region: what it reaches is what the record says.
    const unbound = await account().open(prefix);
    const isHere = account().rules().length > 0;
    await add(unbound, names[0] ?? "", other);
    for (const name of names) {
      const atHome = await whoPulls(name, home);
      expect([name, await whoPulls(name)]).toEqual([name, isHere ? atHome : []]);
    }
    for (const name of names) await remove(unbound, name, consumer, other);
    for (const name of names) expect([name, await whoPulls(name)]).toEqual([name, []]);
  });
});
