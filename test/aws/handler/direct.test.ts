import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { leaseItem } from "../ecr/support/bench.ts";
import { type AwsStack, startStack } from "../support/stack.ts";
import { contextOf } from "./context.ts";
import { eventOf } from "./events.ts";
import { functionEnv, startFunction } from "./functions.ts";

let stack: AwsStack;
beforeAll(async () => {
  stack = await startStack();
  stack.useInThisProcess();
});
afterAll(() => stack.stop());
beforeEach(() => {
  stack.emulator.faults.clear();
  stack.emulator.calls.length = 0;
});

const refused = async (door: string, event: unknown, context = contextOf()) => {
  const error = await startFunction(functionEnv(stack, door))
    .invoke(event, context)
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  if (!(error instanceof Error)) throw new Error("Nothing was thrown.");
  return { error, name: error.name, wire: JSON.parse(error.message) };
};

describe("the invoke door", () => {
  test("answers the operation's output", async () => {
    const fn = startFunction(functionEnv(stack, "invoke"));
    const answer = await fn.invoke(eventOf("direct"));
    expect(answer).toMatchObject({ name: "images-my-app" });
    expect(fn.audit).toMatchObject([{ caller: { issuer: "door", subject: "invoke" }, outcome: "OK" }]);
  });

  test("throws a refusal as its code and its JSON, and nothing more", async () => {
    const context = contextOf();
    const event = { operation: "getRepository", registry: "images", repoId: "never-made" };
    const { error, name, wire } = await refused("invoke", event, context);
    expect(name).toBe("RESOURCE_NOT_FOUND");
    expect(wire).toEqual({
      code: "RESOURCE_NOT_FOUND",
      message: expect.any(String),
      retryable: false,
      httpStatusCode: 404,
      hint: expect.any(String),
      requestId: context.awsRequestId,
    });
    // What Lambda would print beside: own fields, a stack, a cause.
    expect(error.stack).toBeUndefined();
    expect(error.cause).toBeUndefined();
    expect(Object.keys(error)).toEqual(["name"]);
  });

  test("keeps the answer of a platform that failed to itself", async () => {
    const message = "arn:aws:iam::111122223333:role/secret is not authorized";
    stack.emulator.faults.add({
      action: "DescribeRepositories",
      fault: { kind: "error", code: "AccessDeniedException", message },
    });
    const { error, name } = await refused("invoke", { operation: "getRepository", registry: "images", repoId: "x" });
    expect(name).toBe("ACCESS_DENIED");
    expect(error.message).not.toContain("secret");
  });

  test("gives nothing for a requestContext that its sender wrote", async () => {
    const { requestContext } = eventOf("function-url-iam");
    const event = { ...eventOf("direct"), requestContext };
    expect((await refused("invoke", event)).wire).toMatchObject({
      code: "INVALID_INPUT",
      context: { field: "requestContext" },
    });
    expect(stack.emulator.calls).toEqual([]);
  });

  test.each(["function-url-iam", "http-api", "eventbridge-setup", "sqs-batch", "replication"] as const)(
    "refuses the event %s",
    async (name) => {
      expect((await refused("invoke", eventOf(name))).name).toBe("INVALID_INPUT");
      expect(stack.emulator.calls).toEqual([]);
    },
  );

  test.each([[null], ["text"], [42], [[]], [{}]])("refuses %j", async (event) => {
    expect((await refused("invoke", event)).name).toBe("INVALID_INPUT");
  });

  test("does not provision", async () => {
    const { wire } = await refused("invoke", { operation: "provisionRegistry", registry: "images" });
    expect(wire).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining("ALIEN_DOOR=provision") });
  });

  test("answers before Lambda ends it", async () => {
    // The registry says nothing until the function has answered, half a second before Lambda's own end.
    const answered = Promise.withResolvers<void>();
    const until = () => answered.promise;
    stack.emulator.faults.add({ action: "CreateRepository", fault: { kind: "slow", until } });
    const event = { operation: "createRepository", registry: "images", name: "slow" };
    expect((await refused("invoke", event, contextOf({ remainingMs: 900 }))).name).toBe("TIMEOUT");
    answered.resolve();
  });

  test("an edit that runs out of time gives its lease back before it answers", async () => {
    const fn = startFunction(functionEnv(stack, "invoke"));
    await fn.invoke({ operation: "createRepository", registry: "images", name: "slow" });
    // The edit holds its lease by then, unless the machine is so slow that its time is over even before.
    const answered = Promise.withResolvers<void>();
    const until = () => answered.promise;
    stack.emulator.faults.add({ action: "GetRepositoryPolicy", fault: { kind: "slow", until } });
    const access = { type: "aws", accountIds: ["444455556666"], regions: [], roleArns: [], allowedServiceTypes: [] };
    const event = { operation: "addCrossAccountAccess", registry: "images", repoId: "slow", access };
    const answer = await fn.invoke(event, contextOf({ remainingMs: 2_500 })).catch((error: unknown) => error);
    expect(answer).toMatchObject({ name: "TIMEOUT" });
    expect((await leaseItem(stack, "images-slow"))?.holder).toBeUndefined();
    answered.resolve();
    expect(fn.audit.at(-1)).toMatchObject({ operation: "addCrossAccountAccess", outcome: "TIMEOUT" });
  });
});

describe("the provision door", () => {
  test("describes the registry", async () => {
    const fn = startFunction(functionEnv(stack, "provision"));
    expect(await fn.invoke({ operation: "describeRegistry", registry: "images" })).toMatchObject({ service: "ecr" });
    expect(fn.audit[0]?.caller).toEqual({ issuer: "door", subject: "provision" });
  });

  test("serves no repositories", async () => {
    expect((await refused("provision", eventOf("direct"))).name).toBe("ACCESS_DENIED");
  });
});
