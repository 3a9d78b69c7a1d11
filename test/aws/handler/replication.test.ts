import { ECRClient, GetRepositoryPolicyCommand } from "@aws-sdk/client-ecr";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AwsStack, startStack } from "../support/stack.ts";
import { contextOf } from "./context.ts";
import { eventOf } from "./events.ts";
import { functionEnv, startFunction } from "./functions.ts";

const replica = "eu-west-1";
let stack: AwsStack;
let queueUrl: string;
beforeAll(async () => {
  stack = await startStack({
    accounts: ["444455556666"],
    replicaRegions: [replica],
    functionPolicies: [{ Effect: "Allow", Action: ["ecr:*", "dynamodb:*", "sqs:SendMessage"], Resource: "*" }],
  });
  stack.useInThisProcess();
  queueUrl = stack.emulator.queue(stack.account, stack.region, "dead-letters");
  const setup = {
    operation: "setupRepository",
    name: "my-app",
    access: [{ type: "aws", accountIds: ["444455556666"], regions: [], roleArns: [], allowedServiceTypes: [] }],
  };
  await startFunction(env("invoke")).invoke({ registry: "images", ...setup });
});
afterAll(() => stack.stop());

const env = (door: string) =>
  functionEnv(stack, door, {
    ALIEN_DEAD_LETTER_QUEUE_URL: queueUrl,
    ALIEN_IMAGES_BINDING: stack.binding("images", { replicationRegions: [replica] }),
    // Named in the rules, and bound without replicas: it is passed by.
    ALIEN_BUILDS_BINDING: stack.binding("builds"),
  });
const client = (region: string) =>
  new ECRClient({ endpoint: stack.emulator.url, region, credentials: stack.emulator.admin() });
const policyIn = async (region: string) => {
  const { policyText } = await client(region).send(new GetRepositoryPolicyCommand({ repositoryName: "images-my-app" }));
  return policyText;
};

describe("a replica that has come into being", () => {
  beforeEach(async () => {
    const { CreateRepositoryCommand } = await import("@aws-sdk/client-ecr");
    await client(replica)
      .send(new CreateRepositoryCommand({ repositoryName: "images-my-app" }))
      .catch(() => undefined);
    stack.emulator.calls.length = 0;
  });

  test("gets the grants of home", async () => {
    const fn = startFunction(env("events"));
    expect(await fn.invoke(eventOf("replication"))).toBeUndefined();
    expect(JSON.parse((await policyIn(replica)) ?? "")).toEqual(JSON.parse((await policyIn(stack.region)) ?? ""));
    const caller = { issuer: "door", subject: "events" };
    const line = { operation: "replicateAccess", registry: "images", repoId: "images-my-app", outcome: "OK", caller };
    expect(fn.audit).toMatchObject([line]);
  });

  test("gets them also through a queue", async () => {
    const [record] = eventOf("sqs-batch").Records as object[];
    const batch = { Records: [{ ...record, body: JSON.stringify(eventOf("replication")) }] };
    expect(await startFunction(env("events")).invoke(batch)).toEqual({ batchItemFailures: [] });
  });

  test.each([
    ["that failed", { detail: { result: "FAILED" } }],
    ["from another account", { detail: { "source-account": "444455556666" } }],
    ["to another account", { account: "444455556666" }],
    ["from another region", { detail: { "source-region": "us-west-2" } }],
    ["of a repository that is not ours", { detail: { "repository-name": "other-app" } }],
    ["of a name that only begins like ours", { detail: { "repository-name": "imagesque" } }],
  ])("a replication %s is nothing to us", async (_, changes) => {
    const fn = startFunction(env("events"));
    expect(await fn.invoke(eventOf("replication", changes))).toBeUndefined();
    expect(stack.emulator.calls).toEqual([]);
    expect([fn.audit, fn.events]).toEqual([[], []]);
  });

  test("in a region that is not the registry's gets nothing", async () => {
    await startFunction(env("events")).invoke(eventOf("replication", { region: "ap-south-1" }));
    // Only which regions it has is asked.
    expect(stack.emulator.calls.map(({ action }) => action)).toEqual(["GetItem"]);
  });

  test("of a repository that is gone is done, as often as it comes late", async () => {
    const fn = startFunction(env("events"));
    const gone = { detail: { "repository-name": "images-gone" } };
    for (let turn = 1; turn <= 2; turn++) expect(await fn.invoke(eventOf("replication", gone))).toBeUndefined();
    expect([fn.audit.map(({ outcome }) => outcome), fn.events]).toEqual([["OK", "OK"], []]);
  });

  test("in another account's function gets nothing", async () => {
    const context = contextOf({ account: "444455556666" });
    await startFunction(env("events")).invoke(eventOf("replication"), context);
    expect(stack.emulator.calls).toEqual([]);
  });

  test.each([["whose detail cannot be read", { detail: { "repository-name": 1 } }, "INVALID_INPUT"]])(
    "an event %s goes to the dead letters",
    async (_, changes, code) => {
      const fn = startFunction(env("events"));
      expect(await fn.invoke(eventOf("replication", changes))).toBeUndefined();
      expect(fn.events).toMatchObject([{ event: "dead-letter", outcome: code }]);
    },
  );

  test("comes again when ECR is busy", async () => {
    const fault = { kind: "throttle", retryAfterSeconds: 30 } as const;
    const done = stack.emulator.faults.add({ action: "GetRepositoryPolicy", region: replica, fault });
    await expect(startFunction(env("events")).invoke(eventOf("replication"))).rejects.toMatchObject({
      name: "RATE_LIMIT_EXCEEDED",
    });
    done();
  });
});
