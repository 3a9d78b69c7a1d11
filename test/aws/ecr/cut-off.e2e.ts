import { ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { account, role, worker } from "../../../functions/aws/grants/grant.ts";
import { policyOf } from "../../emulators/aws/ecr/authorize.ts";
import { evaluate } from "../../emulators/aws/identity/oracle.ts";
import { clients } from "../../emulators/aws/support.ts";
import { Watchers } from "../../support/processes.ts";
import { type AwsStack, startStack } from "../support/stack.ts";
import { A, B, makeConsumers, roleOf } from "./support/consumers.ts";
import { startWorker } from "./support/processes.ts";
import { east, home, seed, west } from "./support/replicated.ts";

const regions = [home, west, east];
const binding = { replicationRegions: [west, east] };
const watchers = new Watchers();
let stack: AwsStack;

beforeAll(async () => {
  stack = await startStack({ replicaRegions: [west, east], behaviour: { trusting: true } });
  makeConsumers(stack.emulator);
  stack.emulator.faults.after = (call) => watchers.seen(call);
});
afterAll(() => stack.stop());

const letIn = (index: number) => `images-app-${String(index).padStart(4, "0")}`;
const requests = [{ operation: "removeGranteeAccess", input: { grantee: `aws:${A}` } }];
let processes = 0;
const start = () => startWorker(stack, binding, { caller: `cut-off-${++processes}`, requests });

/** Lets the leases of processes that were killed be as old as they may become. */
async function age(): Promise<number> {
  const { dynamodb } = clients(stack.emulator, stack.emulator.admin());
  const TableName = stack.leaseTable;
  const held = { TableName, FilterExpression: "attribute_exists(holder)" };
  const { Items = [] } = await dynamodb.send(new ScanCommand(held));
  for (const { repository } of Items) {
    if (repository === undefined) continue;
    const ExpressionAttributeValues = { ":all": { N: "61200" } };
    const UpdateExpression = "SET seenMs = :all";
    await dynamodb.send(
      new UpdateItemCommand({ TableName, Key: { repository }, UpdateExpression, ExpressionAttributeValues }),
    );
  }
  return Items.length;
}

/** How many of all repositories, at home and at every replica, IAM's evaluation lets these roles pull from. */
async function pulls(roleArn: string): Promise<number> {
  const { world } = stack.emulator;
  const identityPolicies = [{ Effect: "Allow", Action: "ecr:*", Resource: "*" }].map((statement) =>
    JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
  );
  const arn = roleArn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/").concat("/session");
  let count = 0;
  for (const region of regions) {
    for (const repository of world.registry(stack.account, region).repositories.values()) {
      const resourcePolicy = policyOf(world, repository);
      const ask = { action: "ecr:BatchGetImage", resource: repository.arn, resourceAccount: stack.account };
      const verdict = await evaluate({ arn, identityPolicies }, { ...ask, context: {}, resourcePolicy });
      if (verdict === "Allowed") count++;
    }
  }
  return count;
}

async function lambdaPulls(consumer: string): Promise<number> {
  const functionArn = `arn:aws:lambda:${home}:${consumer}:function:worker`;
  let count = 0;
  for (const repository of stack.emulator.world.registry(stack.account, home).repositories.keys()) {
    const refused = await stack.emulator.lambda.refusal(functionArn, { account: stack.account, repository });
    if (refused === undefined) count++;
  }
  return count;
}

test("an account with grants in 1,000 repositories is out of all of them, although its end was killed twice", async () => {
  const { emulator } = stack;
  const [ofA, ofB] = [roleOf(emulator, A, "ci"), roleOf(emulator, B, "ci")];
  for (let index = 0; index < 1_000; index++) {
    const theirs = [account(A), worker(A, "any"), role(ofA)];
    seed(stack, regions, letIn(index), [...theirs, account(B), worker(B, home)]);
  }
  for (let index = 1_000; index < 1_050; index++) seed(stack, regions, letIn(index), [account(B)]);
  expect([await pulls(ofA), await pulls(ofB)]).toEqual([3_000, 3_150]);
  expect([await lambdaPulls(A), await lambdaPulls(B)]).toEqual([1_000, 1_000]);

  for (const nth of [4_000, 6_000]) {
    await watchers.killedAfter(start(), nth);
    expect(await age()).toBeGreaterThan(0);
  }
  const left = await pulls(ofA);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(3_000);
  const last = start();
  expect(await last.ended).toMatchObject({ code: 0, errors: "" });

  expect([await pulls(ofA), await lambdaPulls(A)]).toEqual([0, 0]);
  expect([await pulls(ofB), await lambdaPulls(B)]).toEqual([3_150, 1_000]);
  expect(await age()).toBe(0);

  // A full pass that finds nothing costs four requests a repository: its lease, and its policy at home and at both replicas.
  const before = emulator.calls.length;
  const again = start();
  expect(await again.ended).toMatchObject({ code: 0, errors: "" });
  const made = emulator.calls.slice(before);
  const counts = Object.groupBy(made, ({ action }) => action);
  expect(counts.GetRepositoryPolicy).toHaveLength(3 * 1_051);
  // Whatever lists, and the registry's record, at each page.
  expect(made.length - 3 * 1_051).toBeLessThan(1_051 + 80);
  expect([counts.SetRepositoryPolicy, counts.DeleteRepositoryPolicy]).toEqual([undefined, undefined]);
});
