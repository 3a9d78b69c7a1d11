import { type Json, ourAccounts, ourWorkers, pull, root } from "./statements.ts";

const at = (key: string, ...values: string[]) => ({ [key]: values });
const arnLike = (pattern: string) => ({ Condition: { ArnLike: at("aws:SourceArn", pattern) } });

/** What people make of our statements, by name: each says something else than we write. */
export const edited: readonly (readonly [string, Json])[] = [
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
  ["for a role of another partition", { ...ourAccounts, Principal: { AWS: ["arn:aws-cn:iam::111111111111:role/r"] } }],
  ["workers: an account too", { ...ourWorkers, Principal: { Service: "lambda.amazonaws.com", AWS: root } }],
  [
    "workers: regions with a wildcard",
    {
      ...ourWorkers,
      Condition: {
        ...(ourWorkers.Condition as Json),
        StringLike: at("aws:SourceArn", "arn:aws:lambda:us-east-1:*", "arn:aws:lambda:us-*:*"),
      },
    },
  ],
  [
    "workers: one operator twice",
    {
      ...ourWorkers,
      Condition: {
        arnlike: at("aws:SourceArn", "arn:aws:lambda:*:*:function:*"),
        ArnLike: at("aws:SourceArn", "arn:aws:lambda:*:111111111111:function:*"),
      },
    },
  ],
  ["with a number of another's", { ...ourAccounts, Sid: "ArtifactRegistryAccounts1" }],
  ["with another ending", { ...ourAccounts, Sid: "ArtifactRegistryAccountsOld" }],
];
