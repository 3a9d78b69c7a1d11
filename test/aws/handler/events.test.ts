import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AwsStack, startStack } from "../support/stack.ts";
import { eventOf } from "./events.ts";
import { functionEnv, startFunction } from "./functions.ts";

let stack: AwsStack;
let queueUrl: string;
beforeAll(async () => {
  stack = await startStack({
    accounts: ["444455556666"],
    functionPolicies: [{ Effect: "Allow", Action: ["ecr:*", "dynamodb:*", "sqs:SendMessage"], Resource: "*" }],
  });
  stack.useInThisProcess();
  queueUrl = stack.emulator.queue(stack.account, stack.region, "dead-letters");
});
afterAll(() => stack.stop());
beforeEach(async () => {
  stack.emulator.faults.clear();
  await letters();
});

const open = (now?: () => Date) =>
  startFunction(functionEnv(stack, "events", { ALIEN_DEAD_LETTER_QUEUE_URL: queueUrl }), now);
const direct = (event: object) => startFunction(functionEnv(stack, "invoke")).invoke({ registry: "images", ...event });

/** The dead letters that have come since the last look. */
async function letters() {
  const sqs = new SQSClient({
    endpoint: stack.emulator.url,
    region: stack.region,
    credentials: stack.emulator.admin(),
  });
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] }),
  );
  return Messages.map(({ Body = "", MessageAttributes = {} }) => ({
    body: Body,
    ...Object.fromEntries(Object.entries(MessageAttributes).map(([name, value]) => [name, value.StringValue])),
  }));
}

const setup = (name: string, changes = {}) =>
  eventOf("eventbridge-setup", { detail: { registry: "images", name }, ...changes });
const throttle = (matches: (name: unknown) => boolean = () => true) =>
  stack.emulator.faults.add({
    action: "CreateRepository",
    fault: { kind: "throttle", retryAfterSeconds: 30 },
    times: Number.POSITIVE_INFINITY,
    matches: ({ input }) => matches(input.repositoryName),
  });

describe("EventBridge", () => {
  test("sets a repository up, with its grants", async () => {
    const fn = open();
    expect(await fn.invoke(eventOf("eventbridge-setup"))).toBeUndefined();
    const access = await direct({ operation: "getCrossAccountAccess", repoId: "my-app" });
    expect(access).toMatchObject({ access: { accountIds: ["444455556666"], regions: ["us-east-1"] } });
    const source = { eventId: "17793124-05d4-b198-2fde-7ededc63b103", eventSource: "dev.alien.projects" };
    const grantees = ["aws:444455556666"];
    expect(fn.audit).toMatchObject([{ door: "events", source, operation: "setupRepository", grantees, outcome: "OK" }]);
    expect(fn.events).toEqual([]);
  });

  test("may carry a whole CloudEvent", async () => {
    await open().invoke(eventOf("eventbridge-cloudevent"));
    expect(await direct({ operation: "getRepository", repoId: "my-app" })).toMatchObject({ name: "images-my-app" });
  });

  test("delivers again what may succeed later", async () => {
    throttle();
    const fn = open();
    const error = await fn.invoke(setup("later")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "RATE_LIMIT_EXCEEDED" });
    expect(fn.events).toMatchObject([{ event: "retry", outcome: "RATE_LIMIT_EXCEEDED" }]);
    expect(await letters()).toEqual([]);
  });

  test.each([
    ["too old", { time: "2026-05-06T05:00:00Z" }, "RESOURCE_CONFLICT"],
    ["of another type", { "detail-type": "something.else" }, "INVALID_INPUT"],
    ["about a registry that is not bound", { detail: { registry: "builds", name: "x" } }, "BINDING_NOT_CONFIGURED"],
    ["with a field too many", { detail: { registry: "images", name: "x", extra: 1 } }, "INVALID_INPUT"],
  ])("an event that is %s goes to the dead letters with its reason", async (_, changes, code) => {
    const fn = open();
    const event = setup("x", changes);
    expect(await fn.invoke(event)).toBeUndefined();
    const [letter, ...more] = await letters();
    expect(letter).toMatchObject({ code, reason: expect.any(String), requestId: expect.any(String) });
    expect(JSON.parse(letter?.body ?? "")).toEqual(event);
    expect(more).toEqual([]);
    expect(fn.events).toMatchObject([{ event: "dead-letter", outcome: code }]);
  });

  test("an event whose dead letter is not taken is not dropped", async () => {
    stack.emulator.faults.add({ action: "SendMessage", fault: { kind: "failure" }, times: Number.POSITIVE_INFINITY });
    const fn = open();
    const old = setup("x", { time: "2026-05-06T05:00:00Z" });
    await expect(fn.invoke(old)).rejects.toMatchObject({ name: "CLOUD_PLATFORM_ERROR" });
    expect(fn.events).toMatchObject([{ event: "retry", outcome: "CLOUD_PLATFORM_ERROR" }]);
  });
});

describe("a batch of SQS", () => {
  test("takes CloudEvents and EventBridge's envelopes; what is neither goes to the dead letters", async () => {
    expect(await open().invoke(eventOf("sqs-batch"))).toEqual({ batchItemFailures: [] });
    for (const repoId of ["from-cloudevent", "from-eventbridge"]) {
      expect(await direct({ operation: "getRepository", repoId })).toMatchObject({ name: `images-${repoId}` });
    }
    expect(await letters()).toMatchObject([{ body: "this is not JSON", code: "INVALID_INPUT" }]);
  });

  test("names exactly the messages that shall come again", async () => {
    throttle((name) => name === "images-from-eventbridge");
    const fn = open();
    const failed = "00000000-0000-4000-8000-000000000002";
    expect(await fn.invoke(eventOf("sqs-batch"))).toEqual({ batchItemFailures: [{ itemIdentifier: failed }] });
    expect(fn.events.find(({ event }) => event === "retry")).toMatchObject({ messageId: failed });
    expect(await letters()).toHaveLength(1);
  });

  test("keeps a message whose dead letter is not taken", async () => {
    stack.emulator.faults.add({ action: "SendMessage", fault: { kind: "error", code: "QueueDoesNotExist" }, times: 9 });
    const { batchItemFailures } = (await open().invoke(eventOf("sqs-batch"))) as { batchItemFailures: unknown };
    expect(batchItemFailures).toEqual([{ itemIdentifier: "00000000-0000-4000-8000-000000000003" }]);
  });

  test("a letter may hold what SQS has no character for", async () => {
    const [record] = eventOf("sqs-batch").Records as object[];
    const body = "\u0000\uffff\ud800 text";
    expect(await open().invoke({ Records: [{ ...record, body }] })).toEqual({ batchItemFailures: [] });
    expect((await letters())[0]?.body).toBe("\ufffd\ufffd\ufffd text");
  });

  test("a message that came twice is handled twice, to the same end", async () => {
    const batch = eventOf("sqs-batch");
    const twice = { Records: [...(batch.Records as object[]).slice(0, 2), ...(batch.Records as object[]).slice(0, 2)] };
    expect(await open().invoke(twice)).toEqual({ batchItemFailures: [] });
  });
});

test.each(["direct", "function-url-iam", "http-api"] as const)("the events door refuses %s", async (name) => {
  await expect(open().invoke(eventOf(name))).rejects.toMatchObject({ name: "INVALID_INPUT" });
  expect(await letters()).toEqual([]);
});

test.each([[null], ["text"], [[]], [{ Records: [] }], [{ Records: [{ eventSource: "aws:s3" }] }]])(
  "the events door refuses %j",
  async (event) => {
    await expect(open().invoke(event)).rejects.toMatchObject({ name: "INVALID_INPUT" });
  },
);
