import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { access, accounts, anyGrants, aws, granted, regions, roles, workerIn, writePolicy } from "./support/access.ts";
import { modelOf } from "./support/model.ts";
import { parse } from "./support/oracle.ts";
import { sheetFor, type World, wrongAnswers } from "./support/sheet.ts";

const world: World = { partition: "aws", accounts, regions, roles };

const noBody = { Version: "2012-10-17", Statement: [] };

describe("an independent evaluator of IAM policies agrees with the rules", () => {
  test("every principal, every forbidden action, on a document with every kind of grant", async () => {
    const grants = granted(
      access({ accountIds: ["111111111111"] }),
      workerIn(["222222222222"], ["us-east-1", "eu-central-1"]),
      workerIn(["333333333333"]),
      access({ roleArns: ["arn:aws:iam::444444444444:role/puller"] }),
    );
    const sheet = sheetFor(modelOf(grants), world);
    expect(sheet.some(({ expected }) => expected)).toBe(true);
    expect(await wrongAnswers(sheet, parse(writePolicy(undefined, grants, aws)))).toEqual([]);
  });

  test.each([
    ["aws-cn", ["cn-north-1", "cn-northwest-1"]],
    ["aws-us-gov", ["us-gov-west-1", "us-gov-east-1"]],
  ])("in partition %s", async (partition, ofRegions) => {
    const ofRoles = [`arn:${partition}:iam::444444444444:role/puller`];
    const grants = granted(
      workerIn(["222222222222"], ofRegions.slice(0, 1)),
      workerIn(["333333333333"]),
      access({ roleArns: ofRoles }),
    );
    const sheet = sheetFor(modelOf(grants), { partition, accounts, regions: ofRegions, roles: ofRoles }, true);
    expect(await wrongAnswers(sheet, parse(writePolicy(undefined, grants, { partition })))).toEqual([]);
  });

  test("any set of grants", async () => {
    await fc.assert(
      fc.asyncProperty(anyGrants, async (grants) => {
        const text = writePolicy(undefined, grants, aws);
        const sheet = sheetFor(modelOf(grants), world, true);
        expect(await wrongAnswers(sheet, text === undefined ? noBody : parse(text))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("adding A in one region and B in another grants neither in the other's", async () => {
    const grants = granted(workerIn(["111111111111"], ["us-east-1"]), workerIn(["222222222222"], ["us-west-2"]));
    const sheet = sheetFor(
      new Set([
        "account 111111111111",
        "worker 111111111111 us-east-1",
        "account 222222222222",
        "worker 222222222222 us-west-2",
      ]),
      world,
      true,
    );
    expect(await wrongAnswers(sheet, parse(writePolicy(undefined, grants, aws)))).toEqual([]);
  });
});
