import { CreateRepositoryCommand, DeleteRepositoryCommand } from "@aws-sdk/client-ecr";
import { describe, expect, test } from "vitest";
import type { AwsAccess } from "../../../core/schemas.ts";
import { openApplication } from "./support/application.ts";
import { leaseItem } from "./support/bench.ts";
import { A, B, lambdaPulls, pullsAs, roleOf } from "./support/consumers.ts";
import { access } from "./support/registry.ts";
import { east, home, useReplicatedRegistry, west, worker } from "./support/replicated.ts";

/** Somebody deleted the repository at home by hand, and its replicas are still there. */
const { registry, application } = useReplicatedRegistry();

const deleteByHand = (name: string, region = home) =>
  registry()
    .ecr(region)
    .send(new DeleteRepositoryCommand({ repositoryName: name, force: true }));
const removed = (repoId: string, parts: Partial<AwsAccess>) =>
  application().ask("removeCrossAccountAccess", { repoId, access: access(parts) });
const added = (repoId: string, parts: Partial<AwsAccess>) =>
  application().ask("addCrossAccountAccess", { repoId, access: access(parts) });
const ok = { status: 200, body: {} };
const notFound = { status: 404, body: { code: "RESOURCE_NOT_FOUND", retryable: false } };

/** Everybody who gets the image from a replica, by pulling it: `A/app@eu-west-1`, and `A@eu-west-1` for Lambda. */
async function whoPullsFrom(name: string, regions: readonly string[] = [west, east]): Promise<string[]> {
  const { emulator } = registry();
  const tries = regions.flatMap((region) =>
    Object.entries({ A, B }).flatMap(([label, account]) => [
      ...["app", "ci"].map(async (role) => {
        const may = await pullsAs(registry(), roleOf(emulator, account, role), name, region);
        return may ? [`${label}/${role}@${region}`] : [];
      }),
      (async () => ((await lambdaPulls(registry(), account, region, name)) ? [`${label}@${region}`] : []))(),
    ]),
  );
  return (await Promise.all(tries)).flat();
}

/** A repository that granted this, and is gone at home. Its replicas are open. */
async function orphaned(...grants: readonly Partial<AwsAccess>[]): Promise<string> {
  const name = await registry().repository();
  for (const parts of grants) await registry().add(name, parts);
  await deleteByHand(name);
  expect(await whoPullsFrom(name)).not.toEqual([]);
  return name;
}

describe("a revocation when home is gone", () => {
  const ci = (account: string) => roleOf(registry().emulator, account, "ci");
  const cases: readonly [string, () => Partial<AwsAccess>, () => Partial<AwsAccess>][] = [
    ["an account", () => ({ accountIds: [A] }), () => ({ accountIds: [A] })],
    ["a role", () => ({ roleArns: [ci(A)] }), () => ({ roleArns: [ci(A)] })],
    ["an account with its functions", () => worker(A, west, east), () => ({ accountIds: [A] })],
    ["functions in some regions", () => worker(A, west, east), () => worker(A, west, east)],
    ["one region of any", () => worker(A), () => worker(A, west)],
    ["who was never granted anything", () => ({ accountIds: [A] }), () => ({ accountIds: [B] })],
  ];

  test.each(cases)("of %s closes every replica, and may be repeated", async (_what, granted, revoked) => {
    const name = await orphaned(granted());
    for (let time = 1; time <= 2; time++) {
      expect(await removed(name, revoked())).toMatchObject(ok);
      expect(await whoPullsFrom(name)).toEqual([]);
    }
  });

  test("closes them for everybody, as what is gone grants nothing, and leaves what others wrote", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A, B] });
    const theirs = {
      Sid: "OfThisRegion",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${B}:root` },
      Action: "ecr:DescribeImages",
    };
    const ours = (await registry().statements(name)) ?? [];
    await registry().setPolicy(name, [theirs, ...ours], west);
    await deleteByHand(name);
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    expect(await whoPullsFrom(name)).toEqual([]);
    expect(await registry().statements(name, west)).toEqual([theirs]);
  });

  test("also where a replica is gone too", async () => {
    const name = await orphaned({ accountIds: [A] });
    await deleteByHand(name, east);
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    expect(await whoPullsFrom(name, [west])).toEqual([]);
  });

  test("finds no repository where no region has one", async () => {
    const name = await orphaned({ accountIds: [A] });
    for (const region of [west, east]) await deleteByHand(name, region);
    expect(await removed(name, { accountIds: [A] })).toMatchObject(notFound);
  });

  test("also without a lease table, in one process", async () => {
    const binding = { replicationRegions: [west, east], leaseTable: undefined };
    const { ask } = openApplication(registry().stack, { binding });
    const name = await orphaned({ accountIds: [A] });
    const input = { repoId: name, access: access({ accountIds: [A] }) };
    expect(await ask("removeCrossAccountAccess", input)).toMatchObject(ok);
    expect(await whoPullsFrom(name)).toEqual([]);
  });

  test.each(["GetRepositoryPolicy", "DeleteRepositoryPolicy"])(
    "reaches the other replicas when one fails (%s), says so, and the same call finishes it",
    async (action) => {
      const name = await orphaned({ accountIds: [A] });
      const heal = registry().emulator.faults.add({
        fault: { kind: "error", code: "AccessDeniedException" },
        region: west,
        action,
        times: Number.POSITIVE_INFINITY,
      });
      const { body } = await removed(name, { accountIds: [A] });
      heal();
      expect(body).toMatchObject({ code: "ACCESS_DENIED" });
      expect(body.message).toContain(west);
      expect(await whoPullsFrom(name)).toEqual([`A/app@${west}`, `A/ci@${west}`]);
      expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
      expect(await whoPullsFrom(name)).toEqual([]);
    },
  );

  test("says so where the only replica that is left cannot be read", async () => {
    const name = await orphaned({ accountIds: [A] });
    await deleteByHand(name, east);
    const heal = registry().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      region: west,
      action: "GetRepositoryPolicy",
      times: Number.POSITIVE_INFINITY,
    });
    expect(await removed(name, { accountIds: [A] })).toMatchObject({ status: 403, body: { code: "ACCESS_DENIED" } });
    heal();
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    expect(await whoPullsFrom(name, [west])).toEqual([]);
  });

  test("closes what a deletion left behind", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A] });
    registry().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      region: west,
      action: "DeleteRepository",
      times: Number.POSITIVE_INFINITY,
    });
    const { body } = await application().ask("deleteRepository", { repoId: name });
    expect(body).toMatchObject({ code: "ACCESS_DENIED" });
    expect(await whoPullsFrom(name, [west])).toEqual([`A/app@${west}`, `A/ci@${west}`]);
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    expect(await whoPullsFrom(name, [west])).toEqual([]);
  });
});

describe("everything else when home is gone", () => {
  test("a grant is refused, and no replica is written", async () => {
    const name = await orphaned({ accountIds: [A] });
    const before = await registry().statements(name, west);
    const calls = registry().emulator.calls.length;
    const answer = await added(name, { accountIds: [B] });
    expect(answer).toMatchObject(notFound);
    expect(answer.body.hint).toMatch(/createRepository.*deleteRepository/);
    const made = registry()
      .emulator.calls.slice(calls)
      .map(({ action }) => action);
    expect(made.filter((action) => /RepositoryPolicy$/.test(action))).toEqual(Array(3).fill("GetRepositoryPolicy"));
    expect(await registry().statements(name, west)).toEqual(before);
    expect(await whoPullsFrom(name, [west])).toEqual([`A/app@${west}`, `A/ci@${west}`]);
  });

  test("what it grants is not told, and the hint says what closes its replicas", async () => {
    const name = await orphaned({ accountIds: [A] });
    const answer = await application().ask("getCrossAccountAccess", { repoId: name });
    expect(answer).toMatchObject(notFound);
    expect(answer.body.hint).toMatch(/createRepository.*deleteRepository/);
  });

  test("deletion takes the replicas, and nobody pulls any more", async () => {
    const name = await orphaned({ accountIds: [A] });
    expect(await application().ask("deleteRepository", { repoId: name })).toMatchObject(ok);
    for (const region of [west, east]) {
      await expect(registry().statements(name, region)).rejects.toThrow(/does not exist/);
    }
  });

  test("the event of a replica brings no grants", async () => {
    const name = await orphaned({ accountIds: [A] });
    await removed(name, { accountIds: [A] });
    expect(await application().replicated(name, west)).toBeUndefined();
    expect(await whoPullsFrom(name)).toEqual([]);
  });

  test("setting it up makes it again, and its replicas grant what the new one does", async () => {
    const name = await orphaned({ accountIds: [A] });
    const logical = name.slice("images-".length);
    const grants = [access({ accountIds: [B] })];
    expect(await application().ask("setupRepository", { name: logical, access: grants })).toMatchObject({
      status: 200,
    });
    await registry().push(name);
    await registry().emulator.replicate();
    expect(await whoPullsFrom(name, [west])).toEqual([`B/app@${west}`, `B/ci@${west}`]);
  });

  test("made again after a revocation, it grants nothing of what it did", async () => {
    const name = await orphaned({ accountIds: [A, B] });
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    const logical = name.slice("images-".length);
    expect(await application().ask("createRepository", { name: logical })).toMatchObject({ status: 200 });
    await registry().push(name);
    await registry().emulator.replicate();
    expect(await added(name, worker(B, west))).toMatchObject(ok);
    expect(await whoPullsFrom(name, [home, west])).toEqual([
      `B/app@${home}`,
      `B/ci@${home}`,
      `B/app@${west}`,
      `B/ci@${west}`,
      `B@${west}`,
    ]);
  });
});

describe("a repository that goes while access is revoked", () => {
  /** Deletes the repository in one region when the edit's first write is under way. */
  function deletedMidEdit(name: string, region: string): void {
    registry().emulator.faults.before = async ({ action, input, region: at }) => {
      const writes = action === "SetRepositoryPolicy" || action === "DeleteRepositoryPolicy";
      if (!writes || at !== region || input.repositoryName !== name) return;
      registry().emulator.faults.before = undefined;
      await deleteByHand(name, region);
    };
  }

  test.each([home, west])("in %s: the revocation holds everywhere else", async (region) => {
    for (const others of [[], [B]]) {
      const name = await registry().repository();
      await registry().add(name, { accountIds: [A, ...others] });
      deletedMidEdit(name, region);
      expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
      const left = others.length > 0 ? [`B/app@${east}`, `B/ci@${east}`] : [];
      expect(await whoPullsFrom(name, [east])).toEqual(left);
      expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    }
  });

  test("at home, made again by hand before: the revocation closes every replica", async () => {
    const name = await orphaned({ accountIds: [A] });
    await registry()
      .ecr()
      .send(new CreateRepositoryCommand({ repositoryName: name }));
    registry().emulator.faults.before = async ({ action }) => {
      if (action !== "DescribeRepositories") return;
      registry().emulator.faults.before = undefined;
      await deleteByHand(name);
    };
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    expect(await whoPullsFrom(name)).toEqual([]);
  });

  test("at home while access is granted: not found, and a revocation undoes what was done", async () => {
    const name = await registry().repository();
    deletedMidEdit(name, home);
    expect(await added(name, { accountIds: [A] })).toMatchObject(notFound);
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    expect(await whoPullsFrom(name)).toEqual([]);
  });

  test("at a replica while access is granted: a conflict, and the same call grants", async () => {
    const name = await registry().repository();
    deletedMidEdit(name, west);
    expect((await added(name, { accountIds: [A] })).body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    expect(await added(name, { accountIds: [A] })).toMatchObject(ok);
    expect(await whoPullsFrom(name, [home, east])).toHaveLength(4);
  });
});

describe("the lease item of a repository that is gone", () => {
  test("is a tombstone after the revocation: older events change nothing, and it expires", async () => {
    const name = await orphaned({ accountIds: [A] });
    const before = new Date();
    expect(await removed(name, { accountIds: [A] })).toMatchObject(ok);
    const item = await leaseItem(registry().stack, name);
    expect(item).toMatchObject({ grants: { L: [] }, deleted: { BOOL: true } });
    expect(Number(item?.expiresAt?.N)).toBeGreaterThan(before.getTime() / 1_000 + 7_000);
    expect(new Date(item?.lastRevoked?.S ?? 0).getTime()).toBeGreaterThanOrEqual(before.getTime());

    const data = { name: name.slice("images-".length), access: [access({ accountIds: [A] })] };
    const late = { outcome: "dead-letter", error: { code: "RESOURCE_CONFLICT" } };
    expect(await application().event(data, before)).toMatchObject(late);
    expect(await whoPullsFrom(name)).toEqual([]);
    expect(await application().event(data, new Date())).toMatchObject({ outcome: "done" });
    await registry().push(name);
    await registry().emulator.replicate();
    expect(await whoPullsFrom(name, [west])).toEqual([`A/app@${west}`, `A/ci@${west}`]);
    expect(await leaseItem(registry().stack, name)).not.toHaveProperty("expiresAt");
  });
});
