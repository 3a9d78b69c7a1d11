import { DeleteRepositoryPolicyCommand } from "@aws-sdk/client-ecr";
import { beforeEach, describe, expect, test } from "vitest";
import type { AwsAccess, LeftOut } from "../../../core/schemas.ts";
import { holdTimeLimits, nextWait } from "../../support/time-limits.ts";
import { openApplication } from "./support/application.ts";
import { leaseItem } from "./support/bench.ts";
import { A, B, pullsAs, roleOf } from "./support/consumers.ts";
import { access } from "./support/registry.ts";
import { east, home, useReplicatedRegistry, west } from "./support/replicated.ts";

/** AWS refuses a document because of one whom it names; that must not keep another's access from being taken away. */
const { registry, application } = useReplicatedRegistry();
const C = "121212121212";

beforeEach(() => {
  const { world } = registry().emulator;
  for (const account of [A, B, C]) {
    registry().emulator.account(account);
    world.reopen(account);
  }
  world.reopen({ accountId: B, region: west });
  world.reopen({ principal: roleOfB(), region: west });
});

const root = (account: string) => ({ accountIds: [account] });
const ask = (operation: string, repoId: string, parts: Partial<AwsAccess>) =>
  application().ask(operation, { repoId, access: access(parts) });
const add = (repoId: string, parts: Partial<AwsAccess>) => ask("addCrossAccountAccess", repoId, parts);
const remove = (repoId: string, parts: Partial<AwsAccess>) => ask("removeCrossAccountAccess", repoId, parts);
const mayPull = (name: string, account: string, region: string) =>
  pullsAs(registry(), roleOf(registry().emulator, account, "app"), name, region);

const refuse = (unknown: Parameters<ReturnType<typeof registry>["emulator"]["world"]["refusePrincipal"]>[0]) =>
  registry().emulator.world.refusePrincipal(unknown);
const roleOfB = () => roleOf(registry().emulator, B, "ci");

/** Somebody of account B, the region that refuses them, and what happened. */
const refusals: readonly [string, string, () => Partial<AwsAccess>, () => void][] = [
  [
    "an account that has not enabled a replica region",
    west,
    () => root(B),
    () => refuse({ accountId: B, region: west }),
  ],
  ["a closed account", home, () => root(B), () => refuse({ accountId: B })],
  [
    "a role in a replica region",
    west,
    () => ({ roleArns: [roleOfB()] }),
    () => refuse({ principal: roleOfB(), region: west }),
  ],
  ["a role of a closed account", home, () => ({ roleArns: [roleOfB()] }), () => refuse({ accountId: B })],
];

const deadlineMs = 50_000;
const binding = { replicationRegions: [west, east] };

describe.each(refusals)("whom AWS refuses: %s", (what, region, partsOf, begin) => {
  const named = () => partsOf().accountIds?.[0] ?? partsOf().roleArns?.[0];
  test("is named when access is granted, and nobody is granted anything", async () => {
    const name = await registry().repository();
    await registry().add(name, root(A));
    begin();
    const parts = { ...partsOf(), accountIds: [...(partsOf().accountIds ?? []), C] };
    // A role whose account is known may be new, and is waited for until the time is over.
    const mayBeNew = what === "a role in a replica region";
    const limits = holdTimeLimits(deadlineMs);
    if (mayBeNew) nextWait(1_000).then(() => limits.end());
    const { ask } = openApplication(registry().stack, { operationTimeoutMs: deadlineMs, binding });
    const { status, body } = await ask("addCrossAccountAccess", { repoId: name, access: access(parts) });
    const refusal = mayBeNew ? [409, "RESOURCE_CONFLICT", true] : [400, "INVALID_INPUT", false];
    expect([status, body.code, body.retryable]).toEqual(refusal);
    expect(body.message).toContain(named());
    expect(body.message).not.toContain(C);
    registry().emulator.world.reopen(B);
    for (const each of [home, west]) {
      expect([await mayPull(name, A, each), await mayPull(name, B, each)]).toEqual([true, false]);
    }
    expect((await leaseItem(registry().stack, name))?.intents).toBeUndefined();
  });

  test("after having been granted access keeps nobody's from being taken away, and is named", async () => {
    const name = await registry().repository();
    for (const parts of [root(A), partsOf(), root(C)]) await registry().add(name, parts);
    begin();
    const { status, body } = await remove(name, root(A));
    expect([status, body.leftOut]).toEqual([200, expect.arrayContaining([{ principal: named(), region }])]);
    for (const each of [home, west]) {
      expect([await mayPull(name, A, each)]).toEqual([false]);
      expect(JSON.stringify(await registry().statements(name, each))).toContain(C);
    }
    expect(JSON.stringify(await registry().statements(name, region))).not.toContain(B);
  });

  test("after having been granted access is told from whoever is granted it now", async () => {
    const name = await registry().repository();
    await registry().add(name, partsOf());
    begin();
    const { status, body } = await add(name, root(C));
    expect([status, body.code, body.retryable]).toEqual([409, "RESOURCE_CONFLICT", false]);
    expect(body.message).toContain(named());
    expect(body.message).not.toContain(C);
    expect(await remove(name, partsOf())).toEqual(expect.objectContaining({ status: 200, body: {} }));
    expect((await add(name, root(C))).status).toBe(200);
  });
});

test("whom AWS refuses in a statement that others wrote keeps nobody's access from being taken away", async () => {
  const name = await registry().repository();
  const theirs = (account: string) => ({
    Sid: `Of${account}`,
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: "ecr:DescribeImages",
  });
  const regions = [home, west];
  for (const region of regions) await registry().setPolicy(name, [theirs(B), theirs(C)], region);
  await registry().add(name, root(A));
  refuse({ accountId: B, region: west });
  expect((await remove(name, root(A))).body).toEqual({ leftOut: [{ principal: B, region: west }] });
  for (const region of regions) expect(await mayPull(name, A, region)).toBe(false);
  expect(await registry().statements(name, home)).toEqual([theirs(B), theirs(C)]);
  expect(await registry().statements(name, west)).toEqual([theirs(C)]);
});

test("whoever was left out has lost what Lambda may do for them, too, and is not told as granted", async () => {
  const name = await registry().repository();
  await registry().add(name, { ...root(B), allowedServiceTypes: ["worker"], regions: [home] });
  await registry().add(name, root(A));
  refuse({ accountId: B });
  expect((await remove(name, root(A))).body.leftOut).toEqual(
    expect.arrayContaining([home, west].map((region) => ({ principal: B, region }))),
  );
  for (const region of [home, west]) expect(await registry().statements(name, region)).toBeUndefined();
  const { body } = await application().ask("getCrossAccountAccess", { repoId: name });
  expect(body.grants).toEqual([]);
});

test("a refused grant leaves to a replica that had fallen behind what the others were granted", async () => {
  const name = await registry().repository();
  await registry().add(name, root(A));
  await registry()
    .ecr(west)
    .send(new DeleteRepositoryPolicyCommand({ repositoryName: name }));
  const reopen = refuse({ accountId: B, region: home });
  expect((await add(name, root(B))).body.code).toBe("INVALID_INPUT");
  reopen();
  for (const region of [home, west]) expect(await mayPull(name, A, region)).toBe(true);
});

test("describeRegistry names whom AWS refuses, until their access is taken away or granted again", async () => {
  const [name, other] = [await registry().repository(), await registry().repository()];
  for (const repository of [name, other]) for (const account of [A, B]) await registry().add(repository, root(account));
  const findings = async () => {
    const { body } = await application().ask("describeRegistry", {});
    return JSON.stringify(body.health);
  };
  const reopen = refuse({ accountId: B, region: west });
  await remove(name, root(A));
  expect(await findings()).toContain(`AWS refused ${B} in ${west}`);
  await remove(name, root(B));
  expect(await findings()).not.toContain(B);
  await remove(other, root(A));
  expect(await findings()).toContain(`AWS refused ${B} in ${west}`);
  reopen();
  expect((await add(other, root(B))).status).toBe(200);
  expect(await findings()).not.toContain(B);
  expect(await mayPull(other, B, west)).toBe(true);
});

test("a policy that has become too long without it keeps nobody's access: the revoked one goes, and the error says why", async () => {
  const name = await registry().repository();
  const many = Array.from({ length: 90 }, (_, index) => `3333000000${10 + index}`);
  for (const account of many) registry().emulator.account(account);
  await registry().add(name, { accountIds: [A, ...many] });
  const ours = (await registry().statements(name, west)) ?? [];
  const teams = Array.from({ length: 900 }, (_, index) => `t${1_000 + index}`);
  const big = {
    Sid: "Big",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${C}:root` },
    Action: "ecr:DescribeImages",
    Condition: { StringEquals: { "aws:PrincipalTag/team": teams } },
  };
  // Somebody took most of ours out in one region, and put something long in.
  const [first] = ours;
  const left = { ...first, Principal: { AWS: [A, C].map((account) => `arn:aws:iam::${account}:root`) } };
  await registry().setPolicy(name, [big, left], west);
  const { body } = await remove(name, root(A));
  expect(body.code).toBe("QUOTA_EXCEEDED");
  for (const region of [home, west]) expect(await mayPull(name, A, region)).toBe(false);
});

test("a role of a closed account, beside sixty others: the revoked one goes, all others stay", async () => {
  const name = await registry().repository();
  const role = roleOf(registry().emulator, B, "ci");
  const others = Array.from({ length: 60 }, (_, index) => `3333000000${10 + index}`);
  for (const account of others) registry().emulator.account(account);
  await registry().add(name, { accountIds: [A, ...others], roleArns: [role] });
  registry().emulator.world.closeAccount(B);
  registry().emulator.world.closeAccount(others[17] ?? "");
  const { status, body } = await remove(name, root(A));
  expect(status).toBe(200);
  const named = (body.leftOut as LeftOut[]).map(({ principal }) => principal);
  expect(new Set(named)).toEqual(new Set([role, others[17]]));
  const left = JSON.stringify(await registry().statements(name));
  expect(others.filter((account) => left.includes(account))).toHaveLength(59);
  expect(await mayPull(name, A, home)).toBe(false);
});

describe("where the function may not make the repository on which it finds out whom AWS refuses", () => {
  const deny = () =>
    registry().emulator.faults.add({
      fault: { kind: "error", code: "AccessDeniedException" },
      action: "SetRepositoryPolicy",
      matches: ({ input }) => String(input.repositoryName).includes("--"),
      times: Number.POSITIVE_INFINITY,
    });

  test("the revoked one goes as soon as what stands allows it", async () => {
    const name = await registry().repository();
    for (const account of [A, C]) await registry().add(name, root(account));
    refuse({ accountId: B, region: west });
    deny();
    expect((await remove(name, root(A))).status).toBe(200);
    for (const each of [home, west]) expect(await mayPull(name, A, each)).toBe(false);
  });

  test("a new replica says that it has not got its grants, and gets them when they are all taken", async () => {
    const name = await registry().repository();
    registry().emulator.role(C, "app", { policies: { Effect: "Allow", Action: "ecr:*", Resource: "*" } });
    for (const account of [B, C]) await registry().add(name, root(account));
    await registry()
      .ecr(west)
      .send(new DeleteRepositoryPolicyCommand({ repositoryName: name }));
    const reopen = refuse({ accountId: B, region: west });
    const heal = deny();
    expect(await application().replicated(name, west)).toMatchObject({ code: "ACCESS_DENIED" });
    heal();
    expect(await application().replicated(name, west)).toBeUndefined();
    reopen();
    expect([await mayPull(name, C, west), await mayPull(name, B, west)]).toEqual([true, false]);
  });

  test("else all of ours go, and the answer says so", async () => {
    const name = await registry().repository();
    for (const account of [A, B, C]) await registry().add(name, root(account));
    registry().emulator.world.closeAccount(B);
    deny();
    const { status, body } = await remove(name, root(A));
    expect([status, body.code]).toEqual([409, "RESOURCE_CONFLICT"]);
    expect(body.message).toContain("All access that this suite granted was taken away");
    for (const each of [home, west]) expect(await mayPull(name, A, each)).toBe(false);
    expect((await add(name, root(C))).status).toBe(200);
  });
});
