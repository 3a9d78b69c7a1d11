import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { servicePaths } from "../../contract/service.ts";
import { type AwsStack, startStack } from "../support/stack.ts";
import { answerOf } from "./answer.ts";
import { type EventName, eventNames, eventOf, httpEventOf } from "./events.ts";
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

const issuers = JSON.stringify([{ issuer: "http://127.0.0.1:9", audience: "registry" }]);
const open = (door: string) => startFunction(functionEnv(stack, door, { ALIEN_OIDC_ISSUERS: issuers }));

describe.each(["platform", "oidc"] as const)("at the %s door nothing is thrown", (door) => {
  const others = eventNames.filter((name) => !name.startsWith("function-url") && name !== "http-api");

  test.each<EventName>(others)("%s is refused", async (name) => {
    const answer = await answerOf(open(door), eventOf(name));
    expect(answer).toMatchObject({ statusCode: 400, json: { code: "INVALID_INPUT", retryable: false } });
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(stack.emulator.calls).toEqual([]);
  });

  test.each([[null], ["text"], [42], [[]], [{}], [{ version: "1.0", path: "/v1/x", httpMethod: "POST" }]])(
    "%j is refused",
    async (event) => {
      expect(await answerOf(open(door), event)).toMatchObject({ statusCode: 400, json: { code: "INVALID_INPUT" } });
    },
  );

  test.each([
    ["a method that may not be", { requestContext: { http: { method: "NO METHOD" } } }],
    ["a header that is none", { headers: { "no header": "1" } }],
    ["a header's value that is none", { headers: { name: "a\nb" } }],
  ])("%s is refused", async (_, changes) => {
    expect(await answerOf(open(door), eventOf("function-url-iam", changes))).toMatchObject({ statusCode: 400 });
  });
});

describe("HTTP", () => {
  test.each([
    "//evil.example/v1/createRepository",
    "/v1/../v1/x/createRepository",
    "/@evil",
    "/",
    "//",
    "///",
    "/\\\\",
    "/%",
    "/%zz",
    "/%00",
    "/\u0000",
    "/http://[",
    "/?#",
  ])("a path is a path, whatever it looks like: %j", async (rawPath) => {
    const answer = await answerOf(open("platform"), eventOf("function-url-iam", { rawPath }));
    expect(answer).toMatchObject({ statusCode: 404, json: { code: "RESOURCE_NOT_FOUND" } });
  });

  test.each([
    ["a host that is none", { headers: { host: "[" } }],
    ["a query that cannot be decoded", { rawQueryString: "%zz&=&%" }],
    ["a query with a fragment", { rawQueryString: "a#b?c" }],
  ])("%s changes nothing", async (_, changes) => {
    const event = eventOf("function-url-public", {
      ...changes,
      rawPath: "/healthz",
      requestContext: { http: { method: "GET" } },
      body: undefined,
    });
    expect(await answerOf(open("platform"), event)).toMatchObject({ statusCode: 200, json: { status: "ok" } });
  });

  test("the paths that tell of the function itself need nobody", async () => {
    const get = (rawPath: string) =>
      eventOf("function-url-public", { rawPath, requestContext: { http: { method: "GET" } }, body: undefined });
    for (const [path, json] of servicePaths) {
      expect(await answerOf(open("platform"), get(path))).toMatchObject({ statusCode: 200, json });
    }
    expect((await answerOf(open("platform"), get("/openapi.json"))).json.openapi).toMatch(/^3\.1/);
  });

  test("a body that is too large is refused", async () => {
    const body = JSON.stringify({ registry: "images", name: "x".repeat(70_000) });
    expect(await answerOf(open("platform"), eventOf("function-url-iam", { body }))).toMatchObject({ statusCode: 413 });
  });

  test("what ECR asks callers to wait is handed on", async () => {
    stack.emulator.faults.add({ action: "CreateRepository", fault: { kind: "throttle", retryAfterSeconds: 17 } });
    const event = httpEventOf("function-url-iam", "createRepository", { name: "throttled" });
    const answer = await answerOf(open("platform"), event);
    expect(answer).toMatchObject({ statusCode: 429, json: { code: "RATE_LIMIT_EXCEEDED", retryable: true } });
    expect(answer.headers["retry-after"]).toBe("17");
  });

  test("an operation that runs out of time is answered before Lambda ends it", async () => {
    // The registry says nothing until the function has answered, half a second before Lambda's own end.
    const answered = Promise.withResolvers<void>();
    const until = () => answered.promise;
    stack.emulator.faults.add({ action: "CreateRepository", fault: { kind: "slow", until } });
    const event = httpEventOf("function-url-iam", "createRepository", { name: "slow" });
    expect(await answerOf(open("platform"), event, 900)).toMatchObject({ statusCode: 408, json: { retryable: true } });
    answered.resolve();
  });
});
