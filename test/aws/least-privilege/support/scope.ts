import type { ExecutionDoor, ExecutionScope } from "../../../infra/support/aws-roles.ts";

export const account = "111122223333";
export const consumer = "444455556666";
export const home = "us-east-1";
export const replica = "eu-west-1";
export const table = "leases";
export const boundaryName = "minting-boundary";
export const keyArn = `arn:aws:kms:${home}:${account}:key/images`;
export const replicaKeyArn = `arn:aws:kms:${replica}:${account}:key/images-copies`;
export const queueArn = `arn:aws:sqs:${home}:${account}:dead-letters`;

export const doors: readonly ExecutionDoor[] = ["platform", "oidc", "invoke", "events", "provision"];

/** One registry that is bound by name, `images`, and those that are derived from the stack `acme`. */
export const scope: ExecutionScope = {
  partition: "aws",
  account,
  region: home,
  registries: [{ prefix: "images", replicaRegions: [replica] }],
  derived: { stackPrefix: "acme", replicaRegions: [replica] },
  leaseTableArn: `arn:aws:dynamodb:${home}:${account}:table/${table}`,
  boundaryArn: `arn:aws:iam::${account}:policy/${boundaryName}`,
  deadLetterQueueArn: queueArn,
  keepsLast: true,
  keyArns: [keyArn, replicaKeyArn],
};
