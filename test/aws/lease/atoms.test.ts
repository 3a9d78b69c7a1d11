import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AwsAccess } from "../../../core/schemas.ts";
import { addAccess } from "../../../functions/aws/grants/add.ts";
import { type GrantSet, noGrants } from "../../../functions/aws/grants/grant.ts";
import { removeAccess } from "../../../functions/aws/grants/remove.ts";
import { intentsOf } from "../../../functions/aws/lease/hold.ts";
import { atomsOf, fromAtoms, grantPacking, planToAdd, planToRemove } from "../../../functions/aws/lease/index.ts";
import { settle } from "../../../functions/aws/lease/settle.ts";

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

test("atoms are grants one by one, and items hold an account's workers in one line", () => {
  const set = addAccess(noGrants, {
    type: "aws",
    accountIds: ["111111111111"],
    regions,
    roleArns: roles.slice(0, 1),
    allowedServiceTypes: ["worker"],
  });
  const atoms = atomsOf(set);
  expect(atoms).toEqual([
    "account:111111111111",
    "role:arn:aws:iam::111111111111:role/one",
    "worker:111111111111:eu-west-1",
    "worker:111111111111:us-east-1",
  ]);
  expect(fromAtoms(atoms)).toEqual(set);
  const lines = grantPacking.pack(atoms);
  expect(lines).toHaveLength(3);
  expect(grantPacking.unpack(lines)).toEqual(atoms);
});

describe("an edit that crashed is settled as the document stands", () => {
  const settled = (before: GrantSet, plan: Parameters<typeof intentsOf>[0], document: GrantSet) =>
    fromAtoms(settle(atomsOf(before), intentsOf(plan), new Set(atomsOf(document))).grants);

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
