import { expect, test } from "vitest";
import { emulatedOperations } from "./control-plane.ts";
import { memberProblem } from "./wire/members.ts";

const role = { RoleName: "reader", AssumeRolePolicyDocument: "{}" };
const rules = (...rules: object[]) => ({ replicationConfiguration: { rules } });
const destinations = [{ region: "eu-west-1", registryId: "111122223333" }];

/** What AWS's models refuse: each differs from a sound request in one member. */
test.each<[why: string, operation: string, input: object, at: string]>([
  ["nothing that is needed", "ecr:CreateRepository", {}, "repositoryName"],
  ["a tag without a value", "ecr:TagResource", { resourceArn: "arn", tags: [{ Key: "a" }] }, "tags/[]/Value"],
  [
    "no member of an enumeration",
    "ecr:CreateRepository",
    { repositoryName: "images", imageTagMutability: "OFTEN" },
    "imageTagMutability",
  ],
  [
    "an empty text",
    "ecr:CreateRepository",
    { repositoryName: "images", encryptionConfiguration: { encryptionType: "KMS", kmsKey: "" } },
    "kmsKey",
  ],
  [
    "an empty list",
    "ecr:PutReplicationConfiguration",
    rules({ destinations, repositoryFilters: [] }),
    "repositoryFilters",
  ],
  [
    "too long a list",
    "ecr:PutReplicationConfiguration",
    rules(...Array.from({ length: 26 }, () => ({ destinations }))),
    "rules",
  ],
  ["too long a text", "iam:CreateRole", { ...role, Description: "a".repeat(1_001) }, "Description"],
  ["another form", "iam:CreateRole", { ...role, Path: "no-path" }, "Path"],
  ["a text for a list", "iam:TagRole", { RoleName: "reader", Tags: "team" }, "Tags"],
  ["too small a number", "iam:CreateRole", { ...role, MaxSessionDuration: "60" }, "MaxSessionDuration"],
  [
    "a key of a tag that is too long",
    "iam:TagRole",
    { RoleName: "reader", Tags: [{ Key: "a".repeat(129), Value: "" }] },
    "Tags/[]/Key",
  ],
])("%s: %s", (_why, operation, input, at) => {
  expect(emulatedOperations).toContain(operation);
  expect(memberProblem(operation, { ...input })).toMatch(new RegExp(`'(?:.*/)?${at.replace("[]", "\\[\\]")}'`));
});

test("sound requests pass, and so do members that no model has", () => {
  expect(memberProblem("iam:CreateRole", { ...role, Path: "/registry/", Description: "Reads." })).toBeUndefined();
  expect(memberProblem("ecr:PutReplicationConfiguration", rules({ destinations, newer: true }))).toBeUndefined();
});
