import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { type AwsStack, startStack } from "../support/stack.ts";
import { answerOf, type Result } from "./answer.ts";
import { contextOf } from "./context.ts";
import { eventOf, httpEventOf } from "./events.ts";
import { functionEnv, rules, startFunction } from "./functions.ts";

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

describe("the platform door", () => {
  test("answers a Function URL behind IAM; the session of a role is the role", async () => {
    const fn = platform();
    const context = contextOf();
    const answer = (await fn.invoke(eventOf("function-url-iam"), context)) as Result;
    expect(JSON.parse(answer.body)).toMatchObject({ name: "images-my-app" });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({ "x-request-id": context.awsRequestId, "cache-control": "no-store" });
    const caller = { issuer: "aws", subject: "111122223333:role/pipeline" };
    const source = { address: "203.0.113.7" };
    expect(fn.audit).toMatchObject([
      { door: "platform", caller, source, operation: "createRepository", outcome: "OK" },
    ]);
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
    expect(await answerOf(fn, event)).toMatchObject({ statusCode: 200, json: { name: "images-by-user" } });
    expect(fn.audit[0]?.caller).toEqual({ issuer: "aws", subject: "111122223333:user/ci/deployer" });
  });

  test.each([
    ["nobody", undefined],
    ["a federated user", "arn:aws:sts::111122223333:federated-user/bob"],
    ["what is no ARN", "111122223333:role/pipeline"],
  ])("knows nobody in %s", async (_, userArn) => {
    const event = eventOf("function-url-iam", { requestContext: { authorizer: { iam: { userArn } } } });
    expect(await answerOf(platform(), event)).toMatchObject({
      statusCode: 401,
      json: { code: "AUTHENTICATION_ERROR" },
    });
    expect(stack.emulator.calls).toEqual([]);
  });

  test("takes no token for a caller", async () => {
    const event = eventOf("function-url-public", { headers: { authorization: `Bearer ${await token()}` } });
    expect(await answerOf(platform(), event)).toMatchObject({ statusCode: 401 });
  });

  test("lets a role of another account do nothing", async () => {
    const userArn = "arn:aws:sts::444455556666:assumed-role/pipeline/build-42";
    const event = eventOf("function-url-iam", { requestContext: { authorizer: { iam: { userArn } } } });
    expect(await answerOf(platform(), event)).toMatchObject({ statusCode: 403, json: { code: "ACCESS_DENIED" } });
  });
});

describe("the oidc door", () => {
  test("answers a public Function URL by the token alone", async () => {
    const fn = oidc();
    const authorization = `Bearer ${await token()}`;
    const event = eventOf("function-url-public", { headers: { authorization } });
    expect(await answerOf(fn, event)).toMatchObject({
      statusCode: 200,
      json: { username: "AWS", scope: "repository" },
    });
    expect(fn.audit[0]?.caller).toEqual(worker());
  });

  test("answers an HTTP API below its stage", async () => {
    await answerOf(platform(), eventOf("function-url-iam"));
    const event = eventOf("http-api", { headers: { authorization: `Bearer ${await token()}` } });
    expect(await answerOf(oidc(), event)).toMatchObject({ statusCode: 200, json: { name: "images-my-app" } });
  });

  test("gives nothing for what IAM is said to have said", async () => {
    const fn = oidc();
    expect(await answerOf(fn, eventOf("function-url-iam"))).toMatchObject({ statusCode: 401 });
    const { requestContext } = eventOf("function-url-iam");
    const event = eventOf("function-url-public", {
      requestContext,
      headers: { authorization: `Bearer ${await token()}` },
    });
    expect(await answerOf(fn, event)).toMatchObject({ statusCode: 200 });
    expect(fn.audit[1]?.caller).toEqual(worker());
  });
});
