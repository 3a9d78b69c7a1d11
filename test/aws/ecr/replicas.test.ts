import { afterEach, describe, expect, test } from "vitest";
import { openTable } from "../../../functions/aws/lease/dynamo.ts";
import { createRegistryRecords, type RegionState } from "../../../functions/aws/lease/registry.ts";
import { call } from "../least-privilege/support/function.ts";
import { A, B, lambdaPulls, pulls, roleOf, whoMay } from "./support/consumers.ts";
import { access } from "./support/registry.ts";
import { east, home, useReplicatedRegistry, west, worker } from "./support/replicated.ts";

const { registry, application } = useReplicatedRegistry();

const everywhere = async (name: string) =>
  Promise.all([home, west, east].map((region) => registry().statements(name, region)));
/** Without replicas: their regions could not be reached, or the repository is older than them. */
const created = async (logical: string) => {
  const { name } = await registry().suite.ok("createRepository", { registry: "images", name: logical });
  for (const region of [west, east]) registry().lose(name, region);
  return name;
};
const broken = (region: string, action: string) =>
  registry().emulator.faults.add({
    fault: { kind: "failure", status: 503 },
    region,
    action,
    times: Number.POSITIVE_INFINITY,
  });
const failing = async (operation: string, input: object) => {
  const { status, body } = await application().ask(operation, input);
  expect(status).toBeGreaterThanOrEqual(400);
  return body as { code: string; message: string; retryable: boolean; hint?: string };
};
const revoke = (repoId: string, account: string) =>
  failing("removeCrossAccountAccess", { repoId, access: access({ accountIds: [account] }) });

describe("grants and replicas", () => {
  test("a grant reaches every replica, and the same may pull there", async () => {
    const name = await registry().repository();
    await registry().add(name, worker(A, west));
    const [atHome, inWest, inEast] = await everywhere(name);
    expect(inWest).toEqual(atHome);
    expect(inEast).toEqual(atHome);
    const app = registry().emulator.credentialsFor(roleOf(registry().emulator, A, "app"));
    expect(await pulls(registry(), app, name, west)).toBe(true);
    expect(await lambdaPulls(registry(), A, west, name)).toBe(true);
    expect(await lambdaPulls(registry(), A, east, name)).toBe(false);
    await registry().remove(name, { accountIds: [A] });
    expect(await pulls(registry(), app, name, west)).toBe(false);
    expect(await lambdaPulls(registry(), A, west, name)).toBe(false);
    expect(await everywhere(name)).toEqual([undefined, undefined, undefined]);
  });

  test("a revocation tells what others wrote into a replica's policy, and where", async () => {
    const name = await registry().repository();
    const theirs = { Effect: "Allow", Principal: "*", Action: "ecr:BatchGetImage" };
    await registry().setPolicy(name, [theirs], west);
    await registry().add(name, worker(A));
    const listed = { principals: ["*"], actions: ["ecr:BatchGetImage"], conditional: false };
    const unmanaged = [{ statement: "statement 1", ...listed, region: west }];
    expect(await registry().remove(name, { accountIds: [A] })).toEqual({ unmanaged });
  });

  test("a replica that does not exist yet gets the grants by its event", async () => {
    const name = await created("late");
    await registry().add(name, worker(A, west));
    expect(
      await pulls(registry(), registry().emulator.credentialsFor(roleOf(registry().emulator, A, "app")), name, west),
    ).toBe(false);
    await registry().push(name);
    const events = await registry().emulator.replicate();
    expect(events.map(({ region }) => region).sort()).toEqual([east, west]);
    expect(await lambdaPulls(registry(), A, west, name)).toBe(false);
    for (const { region } of events) expect(await application().replicated(name, region)).toBeUndefined();
    expect(await lambdaPulls(registry(), A, west, name)).toBe(true);
    const [atHome, ...replicas] = await everywhere(name);
    expect(replicas).toEqual([atHome, atHome]);
  });

  test("its event is taken as often as it comes, and after a revocation it brings nothing back", async () => {
    const name = await registry().repository();
    await registry().add(name, worker(A, west));
    await registry().remove(name, { accountIds: [A] });
    for (const region of [west, west, east]) expect(await application().replicated(name, region)).toBeUndefined();
    expect(await everywhere(name)).toEqual([undefined, undefined, undefined]);
  });

  test("its event waits for an edit that is going on, and looks whether that has done it", async () => {
    const name = await registry().repository();
    const { faults, calls } = registry().emulator;
    const order: string[] = [];
    const start = Promise.withResolvers<void>();
    const from = calls.length;
    const isHeldUp = () => calls.slice(from).some(({ outcome }) => outcome === "ConditionalCheckFailedException");
    faults.before = async ({ action, region, input }) => {
      if (JSON.stringify(input).includes(name) && action.endsWith("RepositoryPolicy"))
        order.push(`${action} ${region}`);
      if (action === "SetRepositoryPolicy" && region === home) {
        start.resolve();
        // Goes on when the event has found the lease taken.
        await expect.poll(isHeldUp).toBe(true);
      }
    };
    const adding = registry().add(name, { accountIds: [A] });
    await start.promise;
    expect(await application().replicated(name, west)).toBeUndefined();
    await adding;
    const get = (region: string) => `GetRepositoryPolicy ${region}`;
    expect(order.slice(0, 3).sort()).toEqual([get(east), get(west), get(home)]);
    expect(order.slice(6)).toEqual([get(west)]);
    expect(await registry().statements(name, west)).toEqual(await registry().statements(name));
  });

  test("a region that is none of the registry's gets nothing", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A] });
    const { calls } = registry().emulator;
    const from = calls.length;
    expect(await application().replicated(name, "eu-central-1")).toBeUndefined();
    expect(calls.slice(from).map(({ action }) => action)).toEqual(["GetItem"]);
  });
});

describe("a region that is leaving", () => {
  const records = () => {
    const { leaseTable } = registry().stack;
    return createRegistryRecords(openTable({ tableName: leaseTable }), `${home}/images:registry`);
  };
  const stand = (states: Readonly<Record<string, RegionState>>, provisioned = true) =>
    records().change(call(), () => ({ provisioned, states }));
  afterEach(() => stand({}, false));

  test("gets nothing by an event of replication, and loses what it has of ours", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A] });
    await stand({ [west]: "leaving", [east]: "here" });
    expect(await application().replicated(name, west)).toBeUndefined();
    expect(await application().replicated(name, east)).toBeUndefined();
    const [atHome, inWest, inEast] = await everywhere(name);
    expect([inWest, inEast]).toEqual([undefined, atHome]);
  });

  test("keeps statements of others, and is reached by a revocation also where it fails", async () => {
    const name = await registry().repository();
    const theirs = {
      Sid: "Theirs",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${B}:root` },
      Action: "ecr:ListImages",
    };
    await registry().setPolicy(name, [theirs], west);
    await registry().add(name, { accountIds: [A, B] });
    await stand({ [west]: "leaving", [east]: "here" });
    const healed = broken(west, "SetRepositoryPolicy");
    const error = await revoke(name, A);
    expect(error).toMatchObject({ code: "CLOUD_PLATFORM_ERROR", retryable: true });
    expect(error.message).toContain(`may not be in ${west}`);
    healed();
    await registry().remove(name, { accountIds: [A] });
    expect(await registry().statements(name, west)).toEqual([theirs]);
    expect(await whoMay(registry(), name)).toEqual(["B/app", "B/ci"]);
  });

  test("does not keep a grant from being given elsewhere", async () => {
    const name = await registry().repository();
    await stand({ [west]: "leaving", [east]: "filling" });
    broken(west, "GetRepositoryPolicy");
    await registry().add(name, { accountIds: [A] });
    const [atHome, inEast] = [await registry().statements(name), await registry().statements(name, east)];
    expect([atHome?.length, inEast]).toEqual([1, atHome]);
  });
});

describe("a replica that fell behind", () => {
  test.each([
    ["lost its policy", []],
    ["kept what was revoked", [A, B]],
  ])("and %s is brought up by an edit that changes nothing at home", async (_what, stale) => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [B] });
    const right = await registry().statements(name);
    if (stale.length > 0) {
      const statements = [{ ...right?.[0], Principal: { AWS: stale.map((id) => `arn:aws:iam::${id}:root`) } }];
      await registry().setPolicy(name, statements, west);
    } else {
      const repository = registry().emulator.world.registry(registry().stack.account, west).repositories.get(name);
      if (repository) repository.policy = undefined;
    }
    expect(await registry().statements(name, west)).not.toEqual(right);
    await registry().add(name, { accountIds: [B] });
    expect(await everywhere(name)).toEqual([right, right, right]);
  });

  test("keeps its own foreign statements", async () => {
    const name = await registry().repository();
    const theirs = {
      Sid: "OfThisRegion",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${B}:root` },
      Action: "ecr:DescribeImages",
    };
    await registry().setPolicy(name, [theirs], west);
    await registry().add(name, { accountIds: [A] });
    expect((await registry().statements(name, west))?.[0]).toEqual(theirs);
    expect(JSON.stringify(await registry().statements(name, home))).not.toContain("OfThisRegion");
    await registry().remove(name, { accountIds: [A] });
    expect(await registry().statements(name, west)).toEqual([theirs]);
  });
});

describe("with one region out of order", () => {
  test.each(["GetRepositoryPolicy", "DeleteRepositoryPolicy"])(
    "(%s) a revocation reaches the others, says so, and the same call finishes it",
    async (action) => {
      const name = await registry().repository();
      await registry().add(name, { accountIds: [A] });
      const healed = broken(west, action);
      const error = await revoke(name, A);
      expect(error).toMatchObject({ code: "CLOUD_PLATFORM_ERROR", retryable: true });
      expect(error.message).toContain(`${home}, ${east}`);
      expect(error.message).toContain(`may not be in ${west}`);
      expect(error.hint).toContain("The same call again finishes it.");
      healed();
      const inWest = await registry().statements(name, west);
      expect(inWest).toHaveLength(1);
      expect(await everywhere(name)).toEqual([undefined, inWest, undefined]);
      expect(await whoMay(registry(), name)).toEqual([]);
      await registry().remove(name, { accountIds: [A] });
      expect(await everywhere(name)).toEqual([undefined, undefined, undefined]);
    },
  );

  test("a grant is not begun where a replica cannot be read", async () => {
    const name = await registry().repository();
    const healed = broken(west, "GetRepositoryPolicy");
    const error = await failing("addCrossAccountAccess", { repoId: name, access: access({ accountIds: [A] }) });
    healed();
    expect(error).toMatchObject({ code: "CLOUD_PLATFORM_ERROR", retryable: true });
    expect(await everywhere(name)).toEqual([undefined, undefined, undefined]);
  });

  test("a grant that is half written is finished by the same call, and undone by a removal", async () => {
    for (const next of ["add", "remove"] as const) {
      const name = await registry().repository();
      const healed = broken(west, "SetRepositoryPolicy");
      const error = await failing("addCrossAccountAccess", { repoId: name, access: access({ accountIds: [A] }) });
      healed();
      expect(error).toMatchObject({ retryable: true });
      expect(error.message).toContain(`may not be in ${west}`);
      await registry()[next](name, { accountIds: [A] });
      const [atHome, ...replicas] = await everywhere(name);
      expect(replicas).toEqual([atHome, atHome]);
      expect(await whoMay(registry(), name)).toEqual(next === "add" ? ["A/app", "A/ci"] : []);
    }
  });

  test("what nobody retries away is told as such, also when another region would recover", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A] });
    broken(west, "DeleteRepositoryPolicy");
    registry().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      region: east,
      action: "DeleteRepositoryPolicy",
      times: Number.POSITIVE_INFINITY,
    });
    expect(await revoke(name, A)).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
  });
});
