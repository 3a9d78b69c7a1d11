import { beforeEach, describe, expect, test } from "vitest";
import { openTable } from "../../../functions/aws/lease/dynamo.ts";
import { createRegistryRecords, type RegionState } from "../../../functions/aws/lease/registry.ts";
import { ownershipTagKey, regionsTagKey } from "../../../functions/aws/names.ts";
import { call } from "../least-privilege/support/function.ts";
import { type Account, further, home, replica, useAccount } from "./support/account.ts";
import { callsOf, isRead, stateOf } from "./support/state.ts";

const account = useAccount();
const provisionDoor = { ALIEN_DOOR: "provision" };

beforeEach(() => account().setRules([]));

async function provisioned(env: Record<string, string> = provisionDoor) {
  const prefix = account().fresh();
  const { binding } = await (await account().open(prefix, { env })).ok("provisionRegistry", {
    registry: "images",
    replicationRegions: [replica],
  });
  return { prefix, suite: await account().open(prefix, { binding, env }) };
}

interface Case {
  readonly change: (prefix: string, account: Account) => unknown;
  readonly says: string;
}

const role = (kind: string) => (prefix: string, account: Account) => {
  const found = account.role(`${prefix}-${kind}`);
  if (!found) throw new Error("There is no role.");
  return found;
};

const cases: Readonly<Record<string, Case>> = {
  "a role that is gone": {
    change: (prefix, { emulator, stack }) =>
      emulator.world.directory.account(stack.account).roles.delete(`${prefix}-pull`),
    says: "does not exist",
  },
  "a role that is not ours": {
    change: (prefix, account) => role("push")(prefix, account).tags.clear(),
    says: "is not this registry's",
  },
  "a trust that is not ours": {
    change: (prefix, account) => {
      const found = role("pull")(prefix, account);
      found.trust = { ...found.trust, document: { Version: "2012-10-17", Statement: [] } };
    },
    says: "trusts others",
  },
  "shorter sessions": {
    change: (prefix, account) => {
      role("pull")(prefix, account).maxSessionDuration = 3_600;
    },
    says: "length of sessions",
  },
  "no boundary": {
    change: (prefix, account) => {
      role("push")(prefix, account).boundary = undefined;
    },
    says: "permissions boundary",
  },
  "a wider policy": {
    change: (prefix, account) =>
      role("pull")(prefix, account).policies.set(
        "artifact-registry",
        JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ecr:*", Resource: "*" }] }),
      ),
    says: "different policy",
  },
  "no replication rule": {
    change: (_, account) => account.setRules([]),
    says: "replicates to no region",
  },
  "another replication rule": {
    change: (prefix, account) => account.setRules([{ to: [further], filters: [prefix] }]),
    says: `replicates to ${further}; its binding names ${replica}`,
  },
  "a region that has not quite left": {
    change: (prefix, { emulator, stack }) =>
      emulator.world
        .registry(stack.account, home)
        .repositories.get(prefix)
        ?.tags.set(regionsTagKey, `${home} ${further} ${replica}`),
    says: `${further} may still hold grants`,
  },
  "a region that an interrupted change left without grants": {
    change: (prefix, account) => setState(account, prefix, { [replica]: "filling" }),
    says: `${replica} may lack grants`,
  },
  "a region whose grants an interrupted change left": {
    change: (prefix, account) => setState(account, prefix, { [replica]: "here", [further]: "leaving" }),
    says: `${further} may still hold grants`,
  },
  "a binding with a region that the registry does not have": {
    change: async (prefix, account) => {
      await account.repository(prefix, {}, further);
      await setState(account, prefix, { [replica]: "here", [further]: "here" });
    },
    says: `gives grants in ${further}, ${replica}; its binding names ${replica}`,
  },
  "a repository that is gone": {
    change: (prefix, { emulator, stack }) => emulator.world.registry(stack.account, home).repositories.delete(prefix),
    says: "not provisioned",
  },
  "a repository without our tag": {
    change: (prefix, { emulator, stack }) =>
      emulator.world.registry(stack.account, home).repositories.get(prefix)?.tags.delete(ownershipTagKey),
    says: "not provisioned",
  },
};

/** Writes into the registry's record how each region stands to it. */
function setState({ stack }: Account, prefix: string, states: Readonly<Record<string, RegionState>>) {
  const table = openTable({ tableName: stack.leaseTable });
  const records = createRegistryRecords(table, `${home}/${prefix}:registry`);
  return records.change(call(), () => ({ provisioned: true, states }));
}

describe("describeRegistry at the provision door", () => {
  test("finds nothing in a registry that is as it was made", async () => {
    const { suite } = await provisioned();
    const { health } = await suite.ok("describeRegistry", { registry: "images" });
    expect(health).toEqual({ status: "healthy", findings: [] });
  });

  test.each(Object.entries(cases))("finds %s, and writes nothing", async (_title, { change, says }) => {
    const { prefix, suite } = await provisioned();
    await change(prefix, account());
    const before = stateOf(account());
    const calls = await callsOf(account().emulator, async () => {
      const { health } = await suite.ok("describeRegistry", { registry: "images" });
      expect(health.status).toBe("degraded");
      expect(health.findings).toEqual([expect.objectContaining({ message: expect.stringContaining(says) })]);
      expect(health.findings).toEqual([
        expect.objectContaining({ hint: expect.stringContaining("provisionRegistry") }),
      ]);
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(account())).toEqual(before);
  });

  test("finds nothing in a derived registry either, with the regions that it has", async () => {
    const stack = account().fresh();
    const suite = await account().openDerived({ ...provisionDoor, ALIEN_STACK_PREFIX: stack });
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    const { health } = await suite.ok("describeRegistry", { registry: "images" });
    expect(health).toEqual({ status: "healthy", findings: [] });
  });
});

describe("describeRegistry at another door", () => {
  test.each(["platform", "oidc", "invoke", "events"])("%s does not look at IAM", async (door) => {
    const { prefix, suite } = await provisioned({ ALIEN_DOOR: door });
    account().emulator.world.directory.account(account().stack.account).roles.delete(`${prefix}-pull`);
    const calls = await callsOf(account().emulator, () => suite.ok("describeRegistry", { registry: "images" }));
    const made = calls.map(({ service, action }) => `${service}:${action}`).sort();
    expect(made).toEqual(["dynamodb:GetItem", "ecr:DescribeRepositories"]);
  });

  test("says what the binding has not, and what does not exist", async () => {
    const suite = await account().open(account().fresh(), { env: { ALIEN_DOOR: "platform" } });
    const { health } = await suite.ok("describeRegistry", { registry: "images" });
    expect(health.status).toBe("degraded");
    expect(health.findings.map(({ message }) => message)).toEqual([
      "The binding has no pullRoleArn.",
      "The binding has no pushRoleArn.",
      expect.stringContaining("does not exist"),
    ]);
  });
});
