import { describe, expect, test } from "vitest";
import { readPolicy } from "../../../functions/aws/policy/read.ts";
import { writePolicy } from "../../../functions/aws/policy/write.ts";
import { access, aws, granted, refusal, workerIn } from "./support/access.ts";
import { modelOf } from "./support/model.ts";

type Json = Record<string, unknown>;
const policy = (...statements: Json[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"];
const root = "arn:aws:iam::111111111111:root";

const ourAccounts: Json = {
  Sid: "ArtifactRegistryAccounts",
  Effect: "Allow",
  Principal: { AWS: [root] },
  Action: pull,
};
const ourWorkers: Json = {
  Sid: "ArtifactRegistryWorkers",
  Effect: "Allow",
  Principal: { Service: ["lambda.amazonaws.com"] },
  Action: pull.slice(0, 2),
  Condition: {
    ArnLike: { "aws:SourceArn": ["arn:aws:lambda:*:111111111111:function:*"] },
    StringLike: { "aws:SourceArn": ["arn:aws:lambda:us-east-1:*"] },
  },
};

const legacyRole: Json = {
  Sid: "CrossAccountRolePermission",
  Effect: "Allow",
  Principal: { AWS: ["arn:aws:iam::222222222222:role/r", root] },
  Action: [...pull, "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"],
};
const legacyLambda: Json = {
  Sid: "LambdaECRImageCrossAccountRetrievalPolicy",
  Effect: "Allow",
  Principal: { Service: "lambda.amazonaws.com" },
  Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:SetRepositoryPolicy"],
  Condition: {
    StringLike: {
      "aws:sourceArn": ["arn:aws:lambda:us-east-1:111111111111:function:*", "arn:aws:lambda:*:222222222222:function:*"],
    },
  },
};

describe("our statements", () => {
  test("are read in every form that means the same", () => {
    const forms: Json[] = [
      ourAccounts,
      { ...ourAccounts, Principal: { AWS: "111111111111" } },
      { ...ourAccounts, Principal: { AWS: [root, "AROAEXAMPLEEXAMPLE123"] } },
      { ...ourAccounts, Sid: "ArtifactRegistryAccounts7", Action: pull.map((name) => name.toUpperCase()).reverse() },
    ];
    for (const form of forms) {
      const { grants, foreign } = readPolicy(policy(form), aws);
      expect([...modelOf(grants)]).toEqual(["account 111111111111"]);
      expect(foreign).toEqual([]);
    }
    const condition = {
      stringlike: { "AWS:SOURCEARN": "arn:aws:lambda:us-east-1:*" },
      arnLike: { "aws:sourcearn": "arn:aws:lambda:*:111111111111:function:*" },
    };
    for (const form of [ourWorkers, { ...ourWorkers, Condition: condition }]) {
      expect([...modelOf(readPolicy(policy(form), aws).grants)]).toEqual(["worker 111111111111 us-east-1"]);
    }
    // One statement needs no list around it.
    const single = JSON.stringify({ Version: "2008-10-17", Statement: ourAccounts });
    expect([...modelOf(readPolicy(single, aws).grants)]).toEqual(["account 111111111111"]);
  });

  const at = (key: string, ...values: string[]) => ({ [key]: values });
  const arnLike = (pattern: string) => ({ Condition: { ArnLike: at("aws:SourceArn", pattern) } });
  test.each<[string, Json]>([
    ["denied", { ...ourAccounts, Effect: "Deny" }],
    ["with an action more", { ...ourAccounts, Action: [...pull, "ecr:PutImage"] }],
    ["with SetRepositoryPolicy", { ...ourAccounts, Action: [...pull, "ecr:SetRepositoryPolicy"] }],
    ["with an action less", { ...ourAccounts, Action: pull.slice(1) }],
    ["with one action as text", { ...ourAccounts, Action: "ecr:BatchGetImage" }],
    ["with a wildcard", { ...ourAccounts, Action: ["ecr:*"] }],
    ["with NotAction", { Sid: ourAccounts.Sid, Effect: "Allow", Principal: { AWS: [root] }, NotAction: pull }],
    ["with a resource", { ...ourAccounts, Resource: "*" }],
    ["with a condition", { ...ourAccounts, Condition: { Bool: { "aws:SecureTransport": "true" } } }],
    ["with an empty condition", { ...ourAccounts, Condition: {} }],
    ["for everybody", { ...ourAccounts, Principal: "*" }],
    ["for everybody, in a list", { ...ourAccounts, Principal: { AWS: [root, "*"] } }],
    ["for nobody", { ...ourAccounts, Principal: { AWS: [] } }],
    ["for a user", { ...ourAccounts, Principal: { AWS: [root, "arn:aws:iam::111111111111:user/u"] } }],
    ["for a session", { ...ourAccounts, Principal: { AWS: ["arn:aws:sts::111111111111:assumed-role/r/s"] } }],
    ["for another partition", { ...ourAccounts, Principal: { AWS: ["arn:aws-cn:iam::111111111111:root"] } }],
    ["for a service too", { ...ourAccounts, Principal: { AWS: [root], Service: "lambda.amazonaws.com" } }],
    ["with NotPrincipal", { Sid: ourAccounts.Sid, Effect: "Allow", NotPrincipal: { AWS: [root] }, Action: pull }],
    ["workers: without a condition", { ...ourWorkers, Condition: undefined }],
    [
      "workers: another service",
      { ...ourWorkers, Principal: { Service: ["lambda.amazonaws.com", "ecs.amazonaws.com"] } },
    ],
    ["workers: an action more", { ...ourWorkers, Action: pull }],
    ["workers: any account", { ...ourWorkers, ...arnLike("arn:aws:lambda:*:*:function:*") }],
    ["workers: some regions", { ...ourWorkers, ...arnLike("arn:aws:lambda:us-*:111111111111:function:*") }],
    ["workers: one function", { ...ourWorkers, ...arnLike("arn:aws:lambda:*:111111111111:function:f") }],
    ["workers: layers", { ...ourWorkers, ...arnLike("arn:aws:lambda:*:111111111111:*") }],
    ["workers: another partition", { ...ourWorkers, ...arnLike("arn:aws-cn:lambda:*:111111111111:function:*") }],
    [
      "workers: only a region",
      { ...ourWorkers, Condition: { StringLike: at("aws:SourceArn", "arn:aws:lambda:us-east-1:*") } },
    ],
    [
      "workers: a second key",
      {
        ...ourWorkers,
        Condition: {
          ArnLike: {
            ...at("aws:SourceArn", "arn:aws:lambda:*:111111111111:function:*"),
            ...at("aws:SourceAccount", "1"),
          },
        },
      },
    ],
    [
      "workers: another key",
      { ...ourWorkers, Condition: { ArnLike: at("aws:PrincipalArn", "arn:aws:lambda:*:111111111111:function:*") } },
    ],
    [
      "workers: a third operator",
      {
        ...ourWorkers,
        Condition: {
          ...(ourWorkers.Condition as Json),
          StringEquals: at("aws:SourceArn", "arn:aws:lambda:us-east-1:*"),
        },
      },
    ],
    [
      "workers: if it exists",
      {
        ...ourWorkers,
        Condition: { ArnLikeIfExists: at("aws:SourceArn", "arn:aws:lambda:*:111111111111:function:*") },
      },
    ],
    [
      "workers: negated",
      { ...ourWorkers, Condition: { ArnNotLike: at("aws:SourceArn", "arn:aws:lambda:*:111111111111:function:*") } },
    ],
    ["workers: no list of values", { ...ourWorkers, Condition: { ArnLike: { "aws:SourceArn": [] } } }],
    ["workers: a number", { ...ourWorkers, Condition: { ArnLike: { "aws:SourceArn": 1 } } }],
    ["workers: operators no object", { ...ourWorkers, Condition: { ArnLike: ["aws:SourceArn"] } }],
    [
      "workers: both operators with regions",
      {
        ...ourWorkers,
        Condition: {
          ArnLike: at("aws:SourceArn", "arn:aws:lambda:us-east-1:111111111111:function:*"),
          StringLike: at("aws:SourceArn", "arn:aws:lambda:us-east-1:*"),
        },
      },
    ],
    ["with a number of another's", { ...ourAccounts, Sid: "ArtifactRegistryAccounts1" }],
    ["with another ending", { ...ourAccounts, Sid: "ArtifactRegistryAccountsOld" }],
  ])("%s: no longer ours; kept, named, and ours gets another Sid", (_name, edited) => {
    const text = policy(edited);
    const { grants, foreign, unmanaged } = readPolicy(text, aws);
    expect(modelOf(grants).size).toBe(0);
    expect(foreign).toEqual([JSON.parse(JSON.stringify(edited))]);
    expect(unmanaged).toEqual([edited.Sid]);

    const set = granted(workerIn(["333333333333"], ["us-west-2"]));
    const written = JSON.parse(writePolicy(text, set, aws) ?? "");
    expect(written.Statement[0]).toEqual(foreign[0]);
    expect(new Set(written.Statement.map(({ Sid }: Json) => Sid)).size).toBe(3);
    expect(readPolicy(JSON.stringify(written), aws).grants).toEqual(set);
  });
});

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
    expect(unmanaged).toEqual([statement.Sid]);
  });

  test("a worker without its account stays so: an edit of others does not widen it", () => {
    const text = policy(legacyLambda);
    const { grants } = readPolicy(text, aws);
    expect(grants.accounts).toEqual([]);
    expect(readPolicy(writePolicy(text, grants, aws), aws).grants).toEqual(grants);
  });
});

describe("what is not a policy", () => {
  test.each([
    "",
    " ",
    "null",
    "[]",
    '"text"',
    "{}",
    '{"Version":"2012-10-17"}',
    '{"Statement":null}',
    '{"Statement":"x"}',
    '{"Statement":[null]}',
    '{"Statement":[[]]}',
    '{"Statement":12345678901234567890}',
    '{"Statement":[{"Sid":"a"}',
    "12345678901234567890",
    "<html>",
  ])("%j is an error, never empty", (text) => {
    for (const run of [() => readPolicy(text, aws), () => writePolicy(text, granted(access()), aws)]) {
      const error = refusal(run);
      expect(error).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
      expect(JSON.stringify(error.toWire("r"))).not.toContain("html");
    }
  });

  test("no policy, and one without statements, hold no grants", () => {
    for (const text of [undefined, '{"Version":"2012-10-17","Statement":[]}']) {
      expect(modelOf(readPolicy(text, aws).grants).size).toBe(0);
      expect(writePolicy(text, granted(), aws)).toBeUndefined();
    }
  });
});
