import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AwsAccess } from "../../../core/schemas.ts";
import { addAccess, planToAdd, planToRemove, reconcile, removeAccess } from "../../../functions/aws/grants/changes.ts";
import { parseGrants, serialiseGrants } from "../../../functions/aws/grants/forms.ts";
import { byName, type GrantSet, grantsOf, noGrants } from "../../../functions/aws/grants/grant.ts";
import { intentsOf } from "../../../functions/aws/lease/item.ts";

const accounts = ["111111111111", "222222222222"];
const regions = ["eu-west-1", "us-east-1"];
const roles = ["arn:aws:iam::111111111111:role/one", "arn:aws:iam::222222222222:role/two"];

const access: fc.Arbitrary<AwsAccess> = fc.record({
  type: fc.constant("aws" as const),
  accountIds: fc.subarray(accounts),
  regions: fc.subarray(regions),
  roleArns: fc.subarray(roles),
  allowedServiceTypes: fc.subarray(["worker" as const]),
});
const held: fc.Arbitrary<GrantSet> = fc.array(access, { maxLength: 4 }).map((all) => all.reduce(addAccess, noGrants));

test("names are those of grants one by one, and items hold an account's workers in one line", () => {
  const set = addAccess(noGrants, {
    type: "aws",
    accountIds: ["111111111111"],
    regions,
    roleArns: roles.slice(0, 1),
    allowedServiceTypes: ["worker"],
  });
  const names = [...byName(grantsOf(set)).keys()];
  expect(names).toEqual([
    "account:111111111111",
    "role:arn:aws:iam::111111111111:role/one",
    "worker:111111111111:eu-west-1",
    "worker:111111111111:us-east-1",
  ]);
  expect(parseGrants(names)).toEqual(set);
  const lines = serialiseGrants(set);
  expect(lines).toHaveLength(3);
  expect(parseGrants(lines)).toEqual(set);
});

describe("an edit that crashed is settled as the document stands", () => {
  const settled = (before: GrantSet, plan: Parameters<typeof intentsOf>[0], document: GrantSet) =>
    reconcile(before, intentsOf(plan), { own: grantsOf(document), adopted: [] }).grants;

  test("an addition", () => {
    fc.assert(
      fc.property(held, access, (before, added) => {
        const after = addAccess(before, added);
        expect(settled(before, planToAdd(added), after)).toEqual(after);
        expect(settled(before, planToAdd(added), before)).toEqual(before);
      }),
    );
  });

  test("a revocation", () => {
    fc.assert(
      fc.property(held, access, (before, removed) => {
        let after: GrantSet;
        try {
          after = removeAccess(before, removed);
        } catch {
          // A region out of `any`: refused before anything is written.
          after = before;
        }
        expect(settled(before, planToRemove(removed), after)).toEqual(after);
        expect(settled(before, planToRemove(removed), before)).toEqual(before);
      }),
    );
  });
});

test("a plan that would not fit into the item stands for everything", () => {
  const many = Array.from({ length: 101 }, (_, index) => `a${index}`);
  expect(intentsOf({ adds: many, removes: many })).toEqual(["+*", "-*"]);
  expect(intentsOf({ adds: many.slice(1) })).toHaveLength(100);
  const wide: AwsAccess = {
    type: "aws",
    accountIds: many.map((_, index) => String(100_000_000_000 + index)),
    regions,
    roleArns: [],
    allowedServiceTypes: ["worker"],
  };
  expect([planToAdd(wide), planToRemove(wide)]).toEqual([{ adds: ["*"] }, { removes: ["*"] }]);
});
