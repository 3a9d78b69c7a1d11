import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { AwsAccess } from "../../../core/schemas.ts";
import { type HeldTimeLimits, holdTimeLimits, nextWait } from "../../support/time-limits.ts";
import { openApplication } from "./support/application.ts";
import { A, B, makeConsumers, roleOf, whoMay } from "./support/consumers.ts";
import { access, addReplica, useRegistry } from "./support/registry.ts";

const replica = "eu-west-1";
const registry = useRegistry({ replicaRegions: [replica] });
beforeAll(() => makeConsumers(registry().emulator));

const refusedAdd = (repoId: string, parts: Partial<AwsAccess>) =>
  registry().suite.refused("addCrossAccountAccess", { registry: "images", repoId, access: access(parts) });
const callsOf = async (work: () => Promise<unknown>) => {
  const { calls } = registry().emulator;
  const before = calls.length;
  await work();
  return calls.slice(before).filter(({ service }) => service !== "registry");
};

describe("a role that AWS does not know", () => {
  const deadlineMs = 50_000;
  const open = (now = () => new Date()) => openApplication(registry().stack, { operationTimeoutMs: deadlineMs, now });
  const add = (name: string, role: string, { ask } = open()) =>
    ask("addCrossAccountAccess", { repoId: name, access: access({ roleArns: [role] }) });

  /** Asks to grant access to a role, until the operation's time is over in a wait for it. */
  async function addInVain(limits: HeldTimeLimits, ...asked: Parameters<typeof add>) {
    const [waits, adding] = [nextWait(1_000), add(...asked)];
    await waits;
    limits.end();
    return adding;
  }

  test("is waited for, then refused by its name and for now, and the roles of others are not told", async () => {
    const name = await registry().repository();
    const [known, unknown] = [roleOf(registry().emulator, B, "ci"), `arn:aws:iam::${A}:role/no-such-role`];
    await registry().add(name, { roleArns: [known] });
    const { status, headers, body } = await addInVain(holdTimeLimits(deadlineMs), name, unknown);
    expect([status, headers]).toEqual([409, expect.stringMatching(/"retry-after",?:?"10"/)]);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true, context: { field: "access" } });
    expect(body.hint).toContain("IAM's propagation");
    expect(body.message).toContain(unknown);
    expect(JSON.stringify(body)).not.toContain(B);
    expect(await whoMay(registry(), name)).toEqual(["B/ci"]);
  });

  test("is told at last when it has been refused for a minute, and waited for again after a pause as long", async () => {
    const name = await registry().repository();
    const unknown = `arn:aws:iam::${A}:role/never-there`;
    let ahead = 0;
    const suite = open(() => new Date(Date.now() + ahead));
    const limits = holdTimeLimits(deadlineMs);
    for (ahead of [0, 40_000]) expect((await addInVain(limits, name, unknown, suite)).body.retryable).toBe(true);
    ahead = 80_000;
    const { body } = await add(name, unknown, suite);
    expect(body).toMatchObject({ code: "INVALID_INPUT", retryable: false, message: expect.stringContaining(unknown) });
    ahead = 200_000;
    expect((await addInVain(limits, name, unknown, suite)).body.retryable).toBe(true);
  });

  test("is told at once where its account is not known either", async () => {
    const name = await registry().repository();
    const unknown = "arn:aws:iam::000011112222:role/ci";
    const { body } = await refusedAdd(name, { roleArns: [unknown] });
    expect(body).toMatchObject({ code: "INVALID_INPUT", retryable: false, message: expect.stringContaining(unknown) });
  });

  test("keeps nobody's access from being taken away while it is waited for, and is itself revoked at once", async () => {
    const name = await registry().repository();
    const unknown = `arn:aws:iam::${A}:role/no-such-role`;
    await registry().add(name, { accountIds: [B] });
    const limits = holdTimeLimits(deadlineMs);
    const [waits, adding] = [nextWait(1_000), add(name, unknown)];
    await waits;
    // The lease is free: these do not wait for the end of that operation, which the test holds.
    await registry().remove(name, { accountIds: [B] });
    await registry().remove(name, { roleArns: [unknown] });
    expect(await whoMay(registry(), name)).toEqual([]);
    limits.end();
    expect((await adding).body.retryable).toBe(true);
    expect(await whoMay(registry(), name)).toEqual([]);
  });

  test("tells of propagation too where the time is over in the midst of a later try", async () => {
    const name = await registry().repository();
    const limits = holdTimeLimits(deadlineMs);
    let tries = 0;
    registry().emulator.faults.after = async ({ action, input }) => {
      if (action === "SetRepositoryPolicy" && input.repositoryName === name && ++tries === 2) limits.end();
    };
    onTestFinished(() => {
      registry().emulator.faults.after = undefined;
    });
    const { body } = await add(name, `arn:aws:iam::${A}:role/no-such-role`);
    expect(body).toMatchObject({ retryable: true, hint: expect.stringContaining("IAM's propagation") });
  });

  test("an account that does not exist is refused by its number", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [B] });
    const { body } = await refusedAdd(name, { accountIds: ["000011112222"] });
    expect(body).toMatchObject({ code: "INVALID_INPUT", retryable: false });
    expect(body.message).toBe(`AWS does not know this principal in ${replica}: 000011112222.`);
    expect(JSON.stringify(body)).not.toContain(B);
  });

  test("one that becomes known meanwhile is granted", async () => {
    const name = await registry().repository();
    const arn = `arn:aws:iam::${A}:role/new-role`;
    const { faults } = registry().emulator;
    faults.after = ({ action, outcome }) => {
      if (action === "SetRepositoryPolicy" && outcome !== "ok") registry().emulator.role(A, "new-role");
    };
    onTestFinished(() => {
      faults.after = undefined;
    });
    await registry().add(name, { roleArns: [arn] });
    expect(JSON.stringify(await registry().statements(name))).toContain(arn);
  });

  test("one of another partition is refused before any call", async () => {
    const name = await registry().repository();
    const calls = await callsOf(async () => {
      const { body } = await refusedAdd(name, { roleArns: [`arn:aws-cn:iam::${A}:role/ci`] });
      expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "access.roleArns.0" } });
    });
    expect(calls).toEqual([]);
  });
});

describe("more than a policy holds", () => {
  const big = (count: number) => ({
    Sid: "Big",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${B}:root` },
    Action: "ecr:DescribeImages",
    Condition: {
      StringEquals: { "aws:PrincipalTag/team": Array.from({ length: count }, (_, i) => `team-${i + 1_000}`) },
    },
  });

  test.each([
    ["home", 800, 1],
    ["a replica", 1, 800],
  ])("at %s is refused before anything is written anywhere", async (_where, atHome, atReplica) => {
    const name = await registry().repository();
    await registry().setPolicy(name, [big(atHome)]);
    await registry().setPolicy(name, [big(atReplica)], replica);
    const accountIds = Array.from({ length: 12 }, (_, i) => `55550000${1_000 + i}`);
    for (const id of accountIds) registry().emulator.account(id);
    const calls = await callsOf(async () => {
      const { body } = await refusedAdd(name, { accountIds });
      expect(body).toMatchObject({
        code: "QUOTA_EXCEEDED",
        retryable: false,
        context: { limit: 10_240, accounts: 12 },
      });
      expect(body.message).toMatch(/1\d,?\d{3} characters/);
      expect(JSON.stringify(body)).not.toMatch(/team-|5555000/);
    });
    expect(calls.map(({ action }) => action)).not.toContain("SetRepositoryPolicy");
    await registry().add(name, { accountIds: accountIds.slice(0, 1) });
  });
});

describe("what is not there, or not to be touched", () => {
  test.each(["addCrossAccountAccess", "removeCrossAccountAccess", "getCrossAccountAccess"] as const)(
    "%s of an unknown repository is not found",
    async (operation) => {
      const more = operation === "getCrossAccountAccess" ? {} : { access: access({ accountIds: [A] }) };
      const { body } = await registry().suite.refused(operation, {
        registry: "images",
        repoId: "images-none",
        ...more,
      });
      expect(body).toMatchObject({ code: "RESOURCE_NOT_FOUND", retryable: false });
    },
  );

  test("a replica alone is no repository, and is not granted", async () => {
    await addReplica(registry(), "images-orphan", replica);
    expect((await refusedAdd("images-orphan", { accountIds: [A] })).body.code).toBe("RESOURCE_NOT_FOUND");
    expect(await registry().statements("images-orphan", replica)).toBeUndefined();
  });

  test("the registry's own repository is not deleted by itself", async () => {
    const calls = await callsOf(async () => {
      const { body } = await registry().suite.refused("deleteRepository", { registry: "images", repoId: "images" });
      expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "repoId" } });
    });
    expect(calls).toEqual([]);
  });

  test("access in Google Cloud is refused before any call", async () => {
    const gcp = { type: "gcp", projectNumbers: ["123456789012"], serviceAccountEmails: [], allowedServiceTypes: [] };
    for (const operation of ["addCrossAccountAccess", "removeCrossAccountAccess"]) {
      const calls = await callsOf(async () => {
        const { body } = await registry().suite.refused(operation, { registry: "images", repoId: "x", access: gcp });
        expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "access.type" } });
      });
      expect(calls).toEqual([]);
    }
  });

  test("one region cannot be taken from any, and nothing changes", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A], allowedServiceTypes: ["worker"] });
    const before = await registry().statements(name);
    const { body } = await registry().suite.refused("removeCrossAccountAccess", {
      registry: "images",
      repoId: name,
      access: access({ accountIds: [A], regions: ["us-east-1"], allowedServiceTypes: ["worker"] }),
    });
    expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "access.regions" } });
    expect(await registry().statements(name)).toEqual(before);
  });
});

describe("on Lambda, without a lease table", () => {
  const env = { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" };

  test("edits of access are refused before any call, and everything else works", async () => {
    const { ask } = openApplication(registry().stack, { binding: { leaseTable: undefined }, env });
    const { body: made } = await ask("createRepository", { name: "without-a-table" });
    const repoId = made.name;
    const calls = await callsOf(async () => {
      for (const operation of ["addCrossAccountAccess", "removeCrossAccountAccess"]) {
        const { body } = await ask(operation, { repoId, access: access({ accountIds: [A] }) });
        expect(body).toMatchObject({
          code: "BINDING_CONFIG_INVALID",
          retryable: false,
          context: { field: "leaseTable" },
          hint: expect.any(String),
        });
      }
    });
    expect(calls).toEqual([]);
    expect((await ask("getRepository", { repoId })).body).toEqual(made);
    expect((await ask("generateCredentials", { repoId, permissions: "pull" })).status).toBe(200);
    expect((await ask("getCrossAccountAccess", { repoId })).body.grants).toEqual([]);
    expect((await ask("deleteRepository", { repoId })).body).toEqual({});
    expect((await ask("getRepository", { repoId })).status).toBe(404);
  });

  test("off Lambda, one process edits without one", async () => {
    const { ask } = openApplication(registry().stack, { binding: { leaseTable: undefined } });
    const name = await registry().repository();
    const { status } = await ask("addCrossAccountAccess", { repoId: name, access: access({ accountIds: [A] }) });
    expect([status, await whoMay(registry(), name)]).toEqual([200, ["A/app", "A/ci"]]);
  });
});
