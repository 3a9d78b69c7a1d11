import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addAccess, refuseOtherPartitions, removeAccess } from "../../../functions/aws/grants/changes.ts";
import { toPermissions } from "../../../functions/aws/grants/forms.ts";
import { grantSet, grantsOf, noGrants } from "../../../functions/aws/grants/grant.ts";
import {
  access,
  accessOf,
  accounts,
  anyAccess,
  anyGrants,
  granted,
  refusal,
  roles,
  steps,
  workerIn,
} from "./support/access.ts";
import { type Model, modelApply, modelOf, nothing } from "./support/model.ts";

const [a, b] = accounts;

describe("sets of grants", () => {
  test("any order and any doubles give the same set", () => {
    fc.assert(
      fc.property(anyGrants, fc.infiniteStream(fc.nat()), (grants, numbers) => {
        const shuffled = [...grantsOf(grants), ...grantsOf(grants)]
          .map((grant) => ({ grant, at: numbers.next().value ?? 0 }))
          .sort((x, y) => x.at - y.at)
          .map(({ grant }) => grant);
        expect(grantSet(shuffled)).toEqual(grants);
      }),
    );
  });

  test("adds and removes do what the rules say, in any order", () => {
    fc.assert(
      fc.property(steps(), (all) => {
        let grants = noGrants;
        let model: Model = nothing;
        for (const step of all) {
          const next = modelApply(model, step);
          if (next === undefined) {
            expect(refusal(() => removeAccess(grants, step.access)).code).toBe("INVALID_INPUT");
            continue;
          }
          grants = (step.does === "add" ? addAccess : removeAccess)(grants, step.access);
          model = next;
          expect(modelOf(grants)).toEqual(model);
          expect(grantSet(grantsOf(grants))).toEqual(grants);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("adding commutes and is idempotent", () => {
    fc.assert(
      fc.property(anyGrants, anyAccess, anyAccess, (grants, first, second) => {
        const both = addAccess(addAccess(grants, first), second);
        expect(addAccess(addAccess(grants, second), first)).toEqual(both);
        expect(addAccess(both, first)).toEqual(both);
      }),
    );
  });

  test("removing what was added leaves nothing of it, and again changes nothing", () => {
    fc.assert(
      fc.property(anyAccess, (value) => {
        const left = removeAccess(granted(value), value);
        expect(left).toEqual(noGrants);
        expect(removeAccess(left, value)).toEqual(left);
      }),
    );
  });

  test("no call changes another consumer's access", () => {
    const mine = accessOf([a], [roles[0]]);
    const theirs = accessOf(accounts.slice(1), roles.slice(1));
    const isMine = (atom: string) => atom.includes(a);
    fc.assert(
      fc.property(steps(theirs), steps(mine), (others, own) => {
        const play = (all: readonly (typeof own)[number][], from = noGrants) =>
          all.reduce((grants, step) => {
            try {
              return (step.does === "add" ? addAccess : removeAccess)(grants, step.access);
            } catch {
              return grants;
            }
          }, from);
        const before = play(others);
        const after = play(own, before);
        expect([...modelOf(after)].filter((atom) => !isMine(atom))).toEqual([...modelOf(before)]);
        expect([...modelOf(after)].filter(isMine)).toEqual([...modelOf(play(own))]);
      }),
    );
  });

  test("nothing that is given is changed", () => {
    const value = workerIn([b, a], ["us-west-2", "us-east-1"]);
    const before = structuredClone(value);
    toPermissions(removeAccess(granted(value), value));
    expect(value).toEqual(before);
  });
});

describe("removing errs on the side of revoking", () => {
  const both = granted(workerIn([a, b], ["us-east-1", "us-west-2"]), access({ roleArns: [roles[0]] }));

  test("no service types: the account and all its workers, whatever the regions", () => {
    expect(grantsOf(removeAccess(both, access({ accountIds: [a], regions: ["eu-central-1"] })))).toEqual(
      grantsOf(granted(workerIn([b], ["us-east-1", "us-west-2"]), access({ roleArns: [roles[0]] }))),
    );
  });
  test("workers in one region: the account stays with its others, and goes with its last", () => {
    const left = removeAccess(both, workerIn([a], ["us-east-1"]));
    expect(modelOf(left)).toContain(`account ${a}`);
    expect(
      [...modelOf(removeAccess(left, workerIn([a], ["us-west-2"])))].filter((atom) => atom.includes(` ${a}`)),
    ).toEqual([]);
  });
  test("workers in a region, from an account without workers: the account goes", () => {
    expect(removeAccess(granted(access({ accountIds: [a] })), workerIn([a], ["us-east-1"]))).toEqual(noGrants);
  });
  test("a region cannot be taken from any: refused with the way to do it, and nothing changed", () => {
    const error = refusal(() => removeAccess(granted(workerIn([a])), workerIn([a], ["us-east-1"])));
    expect(error).toMatchObject({ code: "INVALID_INPUT", retryable: false, context: { field: "access.regions" } });
    expect(error.message).toContain(a);
    expect(error.hint).toContain("leave regions empty");
  });
  test("a role goes by its own name only", () => {
    expect(grantsOf(removeAccess(both, access({ accountIds: [a, b] })))).toEqual([{ kind: "role", roleArn: roles[0] }]);
    expect(removeAccess(both, access({ roleArns: [roles[0]] })).roles).toEqual([]);
  });
});

test("roles of another partition are refused by name", () => {
  expect(() => refuseOtherPartitions(roles, "aws")).not.toThrow();
  expect(refusal(() => refuseOtherPartitions(roles, "aws-cn"))).toMatchObject({
    code: "INVALID_INPUT",
    context: { field: "access.roleArns.0" },
  });
  expect(refusal(() => refuseOtherPartitions(["arn:aws-cn:iam::111111111111:role/x"], "aws")).message).toContain(
    "arn:aws-cn:iam::111111111111:role/x",
  );
});
