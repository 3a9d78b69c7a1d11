import { afterEach, describe, expect, test } from "vitest";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { type Account, further, home, type Rule, replica, useAccount } from "./support/account.ts";
import { callsOf, isRead, stateOf } from "./support/state.ts";

const account = useAccount({ accounts: ["444455556666"] });

interface Case {
  /** What stands in the way. */
  readonly arrange: (prefix: string, account: Account) => unknown;
  readonly regions?: readonly string[];
  /** What the prefix ends with. */
  readonly end?: string;
  readonly env?: Record<string, string>;
  readonly code?: string;
  readonly says: string | RegExp;
}

const owned = (prefix: string) => ({ [ownershipTagKey]: prefix });
const filled = (count: number, to: Rule["to"]): Rule[] =>
  Array.from({ length: count }, (_, n) => ({ to, filters: [`theirs-${n}`] }));
const roleArns = (count: number) =>
  Array.from({ length: count }, (_, n) => `arn:aws:iam::111122223333:role/a-function-${n}`);
const manyRegions = ["eu-north", "eu-south", "sa-east"].flatMap((area) =>
  Array.from({ length: 9 }, (_, n) => `${area}-${n + 1}`),
);

const cases: Readonly<Record<string, Case>> = {
  "a repository under the bare prefix that is not ours": {
    arrange: (prefix, account) => account.repository(prefix),
    says: "exists and is not this registry's",
  },
  "a pull role that is not ours": {
    arrange: (prefix, { emulator, stack }) => emulator.role(stack.account, `${prefix}-pull`),
    says: "-pull",
  },
  "a push role of another registry": {
    arrange: (prefix, { emulator, stack }) => emulator.role(stack.account, `${prefix}-push`, { tags: owned("other") }),
    says: "-push",
  },
  "25 rules already": {
    arrange: (_, account) => account.setRules(filled(25, [replica])),
    code: "QUOTA_EXCEEDED",
    says: "would have 26 rules and 1 destinations",
  },
  "25 destinations already": {
    arrange: (_, account) => account.setRules(filled(1, manyRegions.slice(0, 25))),
    code: "QUOTA_EXCEEDED",
    says: "26 destinations, and AWS takes 25 and 25",
  },
  "a repository that the filter would take too": {
    arrange: (prefix, account) => account.repository(`${prefix}2`),
    says: /would also replicate "[\w-]+2"/,
  },
  "six repositories that the filter would take too": {
    arrange: async (prefix, account) => {
      for (let n = 0; n < 6; n++) await account.repository(`${prefix}${n}`);
    },
    says: /would also replicate "[\w-]+0", .* and 1 more/,
  },
  "a registry whose rule would replicate ours": {
    arrange: async (prefix, account) => {
      const other = prefix.slice(0, -3);
      await account.repository(other, owned(other));
      await account.setRules([{ to: [replica], filters: [other] }]);
    },
    regions: [],
    says: /The registry "[\w]+" would also replicate/,
  },
  "a registry with a shorter prefix": {
    arrange: (prefix, account) => account.repository(prefix.slice(0, -2), owned(prefix.slice(0, -2))),
    says: "overlaps",
  },
  "a registry that extends ours by -": {
    arrange: (prefix, account) => account.repository(`${prefix}-dev`, owned(`${prefix}-dev`)),
    regions: [],
    says: "overlaps",
  },
  "a registry that extends ours by /": {
    arrange: (prefix, account) => account.repository(`${prefix}/dev`, owned(`${prefix}/dev`)),
    regions: [],
    says: "overlaps",
  },
  "a registry of the same prefix with its home in the region": {
    arrange: (prefix, account) => account.repository(prefix, owned(prefix), replica),
    says: replica,
  },
  "a rule for our prefix that somebody else made": {
    arrange: (prefix, account) => account.setRules([{ to: [further], filters: [prefix] }]),
    says: "replication rule",
  },
  "no functions to trust": {
    arrange: () => undefined,
    env: { ALIEN_FUNCTION_ROLE_ARNS: "" },
    code: "BINDING_CONFIG_INVALID",
    says: "ALIEN_FUNCTION_ROLE_ARNS",
  },
  "a function of another account to trust": {
    arrange: () => undefined,
    env: { ALIEN_FUNCTION_ROLE_ARNS: "arn:aws:iam::444455556666:role/function" },
    code: "BINDING_CONFIG_INVALID",
    says: "ALIEN_FUNCTION_ROLE_ARNS",
  },
  "more functions than a trust policy holds": {
    arrange: () => undefined,
    env: { ALIEN_FUNCTION_ROLE_ARNS: roleArns(40).join() },
    code: "BINDING_CONFIG_INVALID",
    says: /ALIEN_FUNCTION_ROLE_ARNS makes a trust policy of 2,?\d{3} characters, and AWS takes 2048/,
  },
  "regions that make a role's policy too long": {
    arrange: () => undefined,
    end: "x".repeat(116),
    regions: Array.from({ length: 25 }, (_, n) => `ap-southeast-${n}`),
    code: "QUOTA_EXCEEDED",
    says: /The policy of the role "[\w-]+" would have 1\d{4} characters, and AWS takes 10240/,
  },
  "regions that make a tag too long": {
    arrange: () => undefined,
    regions: Array.from({ length: 20 }, (_, n) => `a${String.fromCharCode(97 + n)}-southwest-1`),
    code: "QUOTA_EXCEEDED",
    says: /The names of 20 regions make a tag of 3\d{2} characters, and AWS takes 256/,
  },
  "a region that cannot be reached": {
    arrange: (_, { emulator }) =>
      emulator.faults.add({ fault: { kind: "reset" }, region: replica, times: Number.POSITIVE_INFINITY }),
    code: "SERVICE_UNAVAILABLE",
    says: replica,
  },
};

afterEach(async () => {
  account().emulator.faults.clear();
  await account().setRules([]);
});

describe("provisionRegistry refuses, and nothing was changed", () => {
  test.each(Object.entries(cases))(
    "%s",
    async (_title, { arrange, regions = [replica], env = {}, code, says, end = "" }) => {
      const prefix = `${account().fresh()}-x${end}`;
      await arrange(prefix, account());
      const suite = await account().open(prefix, { env });
      const before = stateOf(account());
      const calls = await callsOf(account().emulator, async () => {
        const { body } = await suite.refused("provisionRegistry", { registry: "images", replicationRegions: regions });
        expect(body).toMatchObject({ code: code ?? "RESOURCE_CONFLICT", retryable: code === "SERVICE_UNAVAILABLE" });
        expect(`${body.message} ${body.hint}`).toMatch(says);
      });
      expect(calls.filter((call) => !isRead(call))).toEqual([]);
      expect(stateOf(account())).toEqual(before);
    },
  );
});

describe("what is no refusal", () => {
  test("destinations that several rules share are counted once", async () => {
    await account().setRules(filled(9, [replica, further, "eu-west-2"]));
    const prefix = account().fresh();
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    expect(account().rules()).toHaveLength(10);
  });

  test("a rule for our prefix into another account is theirs, and stays", async () => {
    const prefix = account().fresh();
    await account().setRules([{ to: [[home, "444455556666"]], filters: [prefix] }]);
    const before = account().rules();
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    await suite.ok("provisionRegistry", { registry: "images", replicationRegions: [] });
    await suite.ok("deprovisionRegistry", { registry: "images" });
    expect(account().rules()).toEqual(before);
  });

  test("neighbours that only look alike, where nothing is replicated", async () => {
    const prefix = account().fresh();
    await account().repository(`${prefix}2`, owned(`${prefix}2`));
    await account().repository(`${prefix}-theirs`);
    const suite = await account().open(prefix);
    await suite.ok("provisionRegistry", { registry: "images" });
  });
});
