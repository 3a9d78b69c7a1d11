import { describe, expect, test } from "vitest";
import { aws, readPolicy, writePolicy } from "./support/access.ts";
import { modelOf } from "./support/model.ts";
import { type Json, legacyLambda, legacyRole, ourAccounts, policy, pull } from "./support/statements.ts";

describe("statements of earlier tools", () => {
  test("are read as grants if they mean exactly those, and rewritten without SetRepositoryPolicy", () => {
    const text = policy(legacyRole, legacyLambda);
    const { grants, unmanaged } = readPolicy(text, aws);
    expect([...modelOf(grants)]).toEqual([
      "account 111111111111",
      "role arn:aws:iam::222222222222:role/r",
      "worker 111111111111 us-east-1",
      "worker 222222222222 any",
    ]);
    expect(unmanaged).toEqual([]);
    const written = writePolicy(text, grants, aws);
    expect(written).toBe(writePolicy(undefined, grants, aws));
    expect(written).not.toContain("SetRepositoryPolicy");
  });

  test.each<[string, Json]>([
    ["only what a pull needs", { ...legacyRole, Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] }],
    ["under the third Sid", { ...legacyLambda, Sid: "LambdaServiceAccess" }],
    [
      "by ArnLike",
      { ...legacyLambda, Condition: { ArnLike: { "aws:SourceArn": "arn:aws:lambda:*:111111111111:function:*" } } },
    ],
    [
      "by ArnEquals",
      { ...legacyLambda, Condition: { ArnEquals: { "aws:SourceArn": "arn:aws:lambda:*:111111111111:function:*" } } },
    ],
  ])("%s", (_name, statement) => {
    const { grants, foreign } = readPolicy(policy(statement), aws);
    expect(modelOf(grants).size).toBeGreaterThan(0);
    expect(foreign).toEqual([]);
  });

  test.each<[string, Json]>([
    ["push", { ...legacyRole, Action: [...pull, "ecr:PutImage"] }],
    ["less than a pull", { ...legacyRole, Action: ["ecr:BatchGetImage", "ecr:SetRepositoryPolicy"] }],
    ["DeleteRepositoryPolicy", { ...legacyLambda, Action: [...pull, "ecr:DeleteRepositoryPolicy"] }],
    ["everybody", { ...legacyRole, Principal: { AWS: "*" } }],
    [
      "every function",
      { ...legacyLambda, Condition: { StringLike: { "aws:sourceArn": "arn:aws:lambda:*:*:function:*" } } },
    ],
    ["no condition", { ...legacyLambda, Condition: undefined }],
    [
      "another operator",
      {
        ...legacyLambda,
        Condition: { StringEquals: { "aws:sourceArn": "arn:aws:lambda:us-east-1:111111111111:function:*" } },
      },
    ],
    [
      "one function",
      {
        ...legacyLambda,
        Condition: { StringLike: { "aws:sourceArn": "arn:aws:lambda:us-east-1:111111111111:function:f*" } },
      },
    ],
    ["by account", { ...legacyLambda, Condition: { StringEquals: { "aws:SourceAccount": "111111111111" } } }],
    ["denied", { ...legacyRole, Effect: "Deny" }],
  ])("with anything else they are foreign and named: %s", (_name, statement) => {
    const { grants, unmanaged } = readPolicy(policy(statement, ourAccounts), aws);
    expect([...modelOf(grants)]).toEqual(["account 111111111111"]);
    // A denial lets nobody in.
    expect(unmanaged).toEqual(statement.Effect === "Deny" ? [] : [statement.Sid]);
  });

  test("a worker without its account stays so: an edit of others does not widen it", () => {
    const text = policy(legacyLambda);
    const { grants } = readPolicy(text, aws);
    expect(grants.accounts).toEqual([]);
    expect(readPolicy(writePolicy(text, grants, aws), aws).grants).toEqual(grants);
  });
});
