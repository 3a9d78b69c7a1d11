import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventOf, httpEventOf } from "../aws/handler/events.ts";
import { functionEnv } from "../aws/handler/functions.ts";
import { type RunningFunction, startRunningFunction } from "../aws/runtime/function.ts";
import { type Ask, access, walk } from "../aws/runtime/walk.ts";
import { type AwsStack, startStack } from "../aws/support/stack.ts";
import { buildBundle } from "../support/bundle.ts";

/** The bundle as it is deployed, under Lambda's own runtime client, in every form in which it is called. */

let stack: AwsStack;
let queueUrl: string;
beforeAll(async () => {
  buildBundle("aws");
  stack = await startStack({
    accounts: ["444455556666"],
    functionPolicies: [
      { Effect: "Allow", Action: ["ecr:*", "dynamodb:*", "sts:AssumeRole", "sqs:SendMessage"], Resource: "*" },
    ],
  });
  queueUrl = stack.emulator.queue(stack.account, stack.region, "dead-letters");
});
afterAll(() => stack?.stop());

let running: RunningFunction | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(door: string, more: Record<string, string> = {}): Promise<RunningFunction> {
  running = await startRunningFunction(functionEnv(stack, door, { ALIEN_DEAD_LETTER_QUEUE_URL: queueUrl, ...more }));
  return running;
}

describe("called directly", () => {
  const directly: Ask = async (operation, input) => {
    const { failed, payload } = (await running?.invoke({ operation, registry: "images", ...input })) ?? {};
    const answer = payload as Record<string, string>;
    if (!failed) return answer;
    expect(Object.keys(answer)).toEqual(["errorType", "errorMessage", "trace"]);
    expect(answer.trace).toEqual([]);
    const error = JSON.parse(answer.errorMessage ?? "");
    expect(error.code).toBe(answer.errorType);
    return error;
  };

  test("create, credentials, add, get, remove, delete", async () => {
    const { log } = await start("invoke");
    await walk(directly, "direct", log);
    const lines = log()
      .split("\n")
      .filter((line) => line.startsWith("{"));
    expect(lines.map((line) => JSON.parse(line).outcome)).toEqual([...Array(7).fill("OK"), "RESOURCE_NOT_FOUND"]);
    // Of the refusal Lambda logs the code and our JSON: nothing of where it was thrown.
    expect(log()).not.toMatch(/ at .*\.js:\d+/);
  });

  test("a forged requestContext gains nothing", async () => {
    await start("invoke");
    const { requestContext } = eventOf("function-url-iam");
    expect(await directly("createRepository", { name: "forged", requestContext })).toMatchObject({
      code: "INVALID_INPUT",
    });
  });

  test("a bad configuration is told, not crashed over", async () => {
    await start("invoke", { ALIEN_ACCESS_RULES: "no JSON" });
    for (const _ of [1, 2]) {
      expect(await directly("createRepository", { name: "x" })).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    }
  });
});

describe("called over its URL", () => {
  const overUrl: Ask = async (operation, input) => {
    const { failed, payload } = (await running?.invoke(httpEventOf("function-url-iam", operation, input))) ?? {};
    const { statusCode, headers, body } = payload as {
      statusCode: number;
      headers: Record<string, string>;
      body: string;
    };
    const answer = JSON.parse(body);
    expect(failed).toBe(false);
    expect(statusCode).toBe(answer.httpStatusCode ?? 200);
    expect(headers).toMatchObject({ "content-type": "application/json", "x-request-id": expect.any(String) });
    return answer;
  };

  test("create, credentials, add, get, remove, delete", async () => {
    const { log } = await start("platform");
    await walk(overUrl, "url", log);
  });

  test("an event of another shape is answered with 400", async () => {
    await start("platform");
    for (const event of [eventOf("direct"), eventOf("sqs-batch"), eventOf("eventbridge-setup")]) {
      expect(await running?.invoke(event)).toMatchObject({ failed: false, payload: { statusCode: 400 } });
    }
  });

  test("tokens are verified behind the oidc door", async () => {
    const issuers = JSON.stringify([{ issuer: "http://127.0.0.1:9", audience: "registry" }]);
    await start("oidc", { ALIEN_OIDC_ISSUERS: issuers });
    expect(await overUrl("createRepository", { name: "x" })).toMatchObject({ code: "AUTHENTICATION_ERROR" });
  });
});

/** A golden event, as if it had been sent just now. */
const setup = (name: string, more = {}) => {
  const time = new Date().toISOString();
  return eventOf("eventbridge-setup", { time, detail: { registry: "images", name, access: [access] }, ...more });
};
const message = (id: string, body: string) => ({
  ...(eventOf("sqs-batch").Records as object[])[0],
  messageId: id,
  body,
});
const exists = async (repoId: string) => {
  const calls = stack.emulator.world.registry(stack.account, stack.region);
  return calls.repositories.has(repoId);
};

describe("called by events", () => {
  test("EventBridge: a set-up is done, a late one goes to the dead letters, and what may succeed later is thrown", async () => {
    await start("events");
    expect(await running?.invoke(setup("from-bus"))).toEqual({ failed: false, payload: null });
    expect(await exists("images-from-bus")).toBe(true);

    const late = setup("late", { time: "2020-01-01T00:00:00Z" });
    expect(await running?.invoke(late)).toEqual({ failed: false, payload: null });
    expect(await exists("images-late")).toBe(false);
    const sqs = new SQSClient({
      endpoint: stack.emulator.url,
      region: stack.region,
      credentials: stack.emulator.admin(),
    });
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
    expect(JSON.parse(Messages?.[0]?.Body ?? "")).toEqual(late);

    const fault = { kind: "throttle", retryAfterSeconds: 30 } as const;
    stack.emulator.faults.add({ action: "CreateRepository", fault });
    expect(await running?.invoke(setup("again"))).toMatchObject({
      failed: true,
      payload: { errorType: "RATE_LIMIT_EXCEEDED", trace: [] },
    });
    expect(await running?.invoke(setup("again"))).toEqual({ failed: false, payload: null });
  });

  test("SQS: exactly the messages that may succeed later come again", async () => {
    await start("events");
    const fault = { kind: "throttle", retryAfterSeconds: 30 } as const;
    stack.emulator.faults.add({
      action: "CreateRepository",
      fault,
      matches: ({ input }) => input.repositoryName === "images-busy",
    });
    const Records = [
      message("good", JSON.stringify(setup("from-queue"))),
      message("busy", JSON.stringify(setup("busy"))),
      message("hopeless", "no JSON"),
    ];
    const answer = { batchItemFailures: [{ itemIdentifier: "busy" }] };
    expect(await running?.invoke({ Records })).toEqual({ failed: false, payload: answer });
    expect(await exists("images-from-queue")).toBe(true);
    const [, again] = Records;
    expect(await running?.invoke({ Records: [again] })).toMatchObject({ payload: { batchItemFailures: [] } });
  });

  test("anything else is refused", async () => {
    await start("events");
    expect(await running?.invoke(eventOf("direct"))).toMatchObject({
      failed: true,
      payload: { errorType: "INVALID_INPUT" },
    });
  });
});
