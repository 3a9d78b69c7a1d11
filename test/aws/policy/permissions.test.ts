import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseGrants, serialiseGrants, toPermissions } from "../../../functions/aws/grants/forms.ts";
import { noGrants } from "../../../functions/aws/grants/grant.ts";
import { access, accounts, anyGrants, granted, refusal, roles, workerIn } from "./support/access.ts";
import { modelOf } from "./support/model.ts";

const [a, b] = accounts;

describe("what is granted is said exactly", () => {
  test("the values, added one by one to nothing, give the set", () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        const { grants: values, access: union } = toPermissions(grants);
        expect(granted(...values)).toEqual(grants);
        const model = modelOf(grants);
        const unionModel = modelOf(granted(union));
        for (const atom of model) {
          const [kind, account] = atom.split(" ");
          expect(unionModel.has(atom) || (kind === "worker" && unionModel.has(`worker ${account} any`))).toBe(true);
        }
        // No more values than there are different sets of regions, with and without, and one for roles.
        const sets = new Set(grants.workers.map(({ regions }) => String(regions)));
        expect(values.length).toBeLessThanOrEqual(sets.size + 2);
      }),
    );
  });

  test("what one call added comes back as that one value", () => {
    const value = access({
      accountIds: [a, b],
      regions: ["us-east-1"],
      roleArns: [roles[1]],
      allowedServiceTypes: ["worker"],
    });
    expect(toPermissions(granted(value))).toEqual({ access: value, grants: [value] });
    expect(toPermissions(granted(access({ roleArns: [roles[1]] }))).grants).toEqual([access({ roleArns: [roles[1]] })]);
    expect(toPermissions(noGrants)).toEqual({ access: access(), grants: [] });
  });

  test("accounts with the same regions share a value, and any stays any", () => {
    const grants = granted(workerIn([a], ["us-west-2"]), workerIn([b], ["us-west-2"]), workerIn(["333333333333"]));
    expect(toPermissions(grants)).toEqual({
      access: workerIn(accounts),
      grants: [workerIn(["333333333333"]), workerIn([a, b], ["us-west-2"])],
    });
  });
});

describe("a set in a database item", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        expect(parseGrants(serialiseGrants(grants))).toEqual(grants);
      }),
    );
  });
  test("is readable", () => {
    expect(
      serialiseGrants(
        granted(workerIn([a], ["us-west-2", "us-east-1"]), workerIn([b]), access({ roleArns: [roles[1]] })),
      ),
    ).toEqual([
      "account:111111111111",
      "account:222222222222",
      "role:arn:aws:iam::444444444444:role/puller",
      "worker:111111111111:us-east-1,us-west-2",
      "worker:222222222222:any",
    ]);
  });
  test.each([
    "",
    "account",
    "account:1",
    "role:arn:aws:iam::1:root",
    "worker:111111111111",
    "worker:111111111111:",
    "worker:111111111111:us-east-1:x",
    "worker:111111111111:*",
    "user:x",
    ":111111111111",
  ])("refuses %j instead of losing it", (line) =>
    expect(refusal(() => parseGrants([line])).code).toBe("UNEXPECTED_RESPONSE_FORMAT"),
  );
});
