import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { type AwsStack, startStack } from "../support/stack.ts";
import { contextOf } from "./context.ts";
import { type EventName, eventNames, eventOf, httpEventOf } from "./events.ts";
import { functionEnv, rules, startFunction } from "./functions.ts";

interface Result {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let stack: AwsStack;
let issuer: Issuer;
beforeAll(async () => {
  stack = await startStack();
  stack.useInThisProcess();
  issuer = await startIssuer();
});
afterAll(async () => {
  await stack.stop();
  await issuer.stop();
});
beforeEach(() => {
  stack.emulator.faults.clear();
  stack.emulator.calls.length = 0;
});

const platform = () => startFunction(functionEnv(stack, "platform"));
const oidc = () => {
  const callers = JSON.stringify([...JSON.parse(rules), { ...JSON.parse(rules)[0], callers: [worker()] }]);
  const issuers = JSON.stringify([{ issuer: issuer.url, audience: "registry" }]);
  return startFunction(functionEnv(stack, "oidc", { ALIEN_OIDC_ISSUERS: issuers, ALIEN_ACCESS_RULES: callers }));
};
const worker = () => ({ issuer: issuer.url, subject: "worker-1" });
const token = () => issuer.sign({ sub: "worker-1", aud: "registry" });
const at = async (fn: ReturnType<typeof startFunction>, event: unknown, remainingMs?: number) => {
  const answer = (await fn.invoke(event, contextOf(remainingMs === undefined ? {} : { remainingMs }))) as Result;
  return { ...answer, json: JSON.parse(answer.body) };
};

describe("the platform door", () => {
  test("answers a Function URL behind IAM; the session of a role is the role", async () => {
    const fn = platform();
    const context = contextOf();
    const answer = (await fn.invoke(eventOf("function-url-iam"), context)) as Result;
    expect(JSON.parse(answer.body)).toMatchObject({ name: "images-my-app" });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({ "x-request-id": context.awsRequestId, "cache-control": "no-store" });
    const caller = { issuer: "aws", subject: "111122223333:role/pipeline" };
    expect(fn.audit).toMatchObject([{ door: "platform", caller, operation: "createRepository", outcome: "OK" }]);
  });

  test("answers an HTTP API whose route asks IAM, a user of which is a user", async () => {
    const fn = platform();
    const iam = { userArn: "arn:aws:iam::111122223333:user/ci/deployer" };
    const event = httpEventOf(
      "http-api",
      "createRepository",
      { name: "by-user" },
      { requestContext: { authorizer: { iam } } },
    );
    expect(await at(fn, event)).toMatchObject({ statusCode: 200, json: { name: "images-by-user" } });
    expect(fn.audit[0]?.caller).toEqual({ issuer: "aws", subject: "111122223333:user/ci/deployer" });
  });

  test.each([
    ["nobody", undefined],
    ["a federated user", "arn:aws:sts::111122223333:federated-user/bob"],
    ["what is no ARN", "111122223333:role/pipeline"],
  ])("knows nobody in %s", async (_, userArn) => {
    const event = eventOf("function-url-iam", { requestContext: { authorizer: { iam: { userArn } } } });
    expect(await at(platform(), event)).toMatchObject({ statusCode: 401, json: { code: "AUTHENTICATION_ERROR" } });
    expect(stack.emulator.calls).toEqual([]);
  });

  test("takes no token for a caller", async () => {
    const event = eventOf("function-url-public", { headers: { authorization: `Bearer ${await token()}` } });
    expect(await at(platform(), event)).toMatchObject({ statusCode: 401 });
  });

  test("lets a role of another account do nothing", async () => {
    const userArn = "arn:aws:sts::444455556666:assumed-role/pipeline/build-42";
    const event = eventOf("function-url-iam", { requestContext: { authorizer: { iam: { userArn } } } });
    expect(await at(platform(), event)).toMatchObject({ statusCode: 403, json: { code: "ACCESS_DENIED" } });
  });
});

describe("the oidc door", () => {
  test("answers a public Function URL by the token alone", async () => {
    const fn = oidc();
    const authorization = `Bearer ${await token()}`;
    const event = eventOf("function-url-public", { headers: { authorization } });
    expect(await at(fn, event)).toMatchObject({ statusCode: 200, json: { username: "AWS", scope: "repository" } });
    expect(fn.audit[0]?.caller).toEqual(worker());
  });

  test("answers an HTTP API below its stage", async () => {
    await at(platform(), eventOf("function-url-iam"));
    const event = eventOf("http-api", { headers: { authorization: `Bearer ${await token()}` } });
    expect(await at(oidc(), event)).toMatchObject({ statusCode: 200, json: { name: "images-my-app" } });
  });

  test("gives nothing for what IAM is said to have said", async () => {
    const fn = oidc();
    expect(await at(fn, eventOf("function-url-iam"))).toMatchObject({ statusCode: 401 });
    const { requestContext } = eventOf("function-url-iam");
    const event = eventOf("function-url-public", {
      requestContext,
      headers: { authorization: `Bearer ${await token()}` },
    });
    expect(await at(fn, event)).toMatchObject({ statusCode: 200 });
    expect(fn.audit[1]?.caller).toEqual(worker());
  });
});

describe.each(["platform", "oidc"] as const)("at the %s door nothing is thrown", (door) => {
  const open = () => (door === "platform" ? platform() : oidc());
  const others = eventNames.filter((name) => !name.startsWith("function-url") && name !== "http-api");

  test.each<EventName>(others)("%s is refused", async (name) => {
    const answer = await at(open(), eventOf(name));
    expect(answer).toMatchObject({ statusCode: 400, json: { code: "INVALID_INPUT", retryable: false } });
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(stack.emulator.calls).toEqual([]);
  });

  test.each([[null], ["text"], [42], [[]], [{}], [{ version: "1.0", path: "/v1/x", httpMethod: "POST" }]])(
    "%j is refused",
    async (event) => {
      expect(await at(open(), event)).toMatchObject({ statusCode: 400, json: { code: "INVALID_INPUT" } });
    },
  );

  test.each([
    ["a method that may not be", { requestContext: { http: { method: "TRACE" } } }],
    ["a header that is none", { headers: { "no header": "1" } }],
    ["a header's value that is none", { headers: { name: "a\nb" } }],
  ])("%s is refused", async (_, changes) => {
    expect(await at(open(), eventOf("function-url-iam", changes))).toMatchObject({ statusCode: 400 });
  });
});

describe("HTTP", () => {
  test("a path is a path, whatever it looks like", async () => {
    for (const rawPath of ["//evil.example/v1/createRepository", "/v1/../v1/x/createRepository", "/@evil", "/"]) {
      expect(await at(platform(), eventOf("function-url-iam", { rawPath }))).toMatchObject({ statusCode: 404 });
    }
  });

  test("GET /healthz and /openapi.json need nobody", async () => {
    const get = (rawPath: string) =>
      eventOf("function-url-public", { rawPath, requestContext: { http: { method: "GET" } }, body: undefined });
    expect(await at(platform(), get("/healthz"))).toMatchObject({ statusCode: 200, json: { status: "ok" } });
    expect((await at(platform(), get("/openapi.json"))).json.openapi).toMatch(/^3\.1/);
  });

  test("a body that is too large is refused", async () => {
    const body = JSON.stringify({ registry: "images", name: "x".repeat(70_000) });
    expect(await at(platform(), eventOf("function-url-iam", { body }))).toMatchObject({ statusCode: 413 });
  });

  test("what ECR asks callers to wait is handed on", async () => {
    stack.emulator.faults.add({ action: "CreateRepository", fault: { kind: "throttle", retryAfterSeconds: 17 } });
    const event = httpEventOf("function-url-iam", "createRepository", { name: "throttled" });
    const answer = await at(platform(), event);
    expect(answer).toMatchObject({ statusCode: 429, json: { code: "RATE_LIMIT_EXCEEDED", retryable: true } });
    expect(answer.headers["retry-after"]).toBe("17");
  });

  test("an operation that runs out of time is answered before Lambda ends it", async () => {
    stack.emulator.faults.add({ action: "CreateRepository", fault: { kind: "slow", ms: 3_000 } });
    const event = httpEventOf("function-url-iam", "createRepository", { name: "slow" });
    const started = performance.now();
    expect(await at(platform(), event, 900)).toMatchObject({ statusCode: 408, json: { retryable: true } });
    expect(performance.now() - started).toBeLessThan(900);
  });
});
