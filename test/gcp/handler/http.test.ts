import { type OutgoingHttpHeaders, request } from "node:http";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { shieldFromFramework } from "../../../functions/gcp/doors/http.ts";
import { malformed } from "../../bytes/malformed.ts";
import { answersIn, sendBytes } from "../../bytes/wire.ts";
import { servicePaths } from "../../contract/service.ts";
import { holdTimeLimits } from "../../support/time-limits.ts";
import { useStack } from "../support/registry.ts";
import { type Answer, functionEnv, startFunction } from "./functions.ts";
import { type Changes, goldenOf, verifiedToken } from "./golden.ts";

const stack = useStack();
// As the handler does in a process of its own.
shieldFromFramework();
beforeEach(() => {
  stack().gcp.faults.clear();
  stack().gcp.calls.length = 0;
});

const open = (more: Record<string, string> = {}) => startFunction(functionEnv(stack(), "platform", more));
const credentials = (changes: Changes = {}) =>
  goldenOf("public", { ...changes, headers: { authorization: `Bearer ${verifiedToken()}`, ...changes.headers } });

/** An error is answered in our form, whatever was wrong. */
function expectError(answer: Answer, status: number, code: string): void {
  expect(answer.headers["content-type"]).toBe("application/json");
  expect(answer).toMatchObject({ status, json: { code, httpStatusCode: status } });
  expect(answer.json.requestId).toBe(answer.headers["x-request-id"]);
}

describe("a body", () => {
  test.each([
    ["that is no JSON", "{", 400, "INVALID_INPUT"],
    ["that is no object", "[]", 400, "INVALID_INPUT"],
    ["that is empty", "", 400, "INVALID_INPUT"],
    ["that is not UTF-8", Buffer.from([0x22, 0xff, 0x22]), 400, "INVALID_INPUT"],
    ["that is too large", JSON.stringify({ name: "x".repeat(70_000) }), 413, "PAYLOAD_TOO_LARGE"],
  ])("%s is refused by the function, not by the framework", async (_, body, status, code) => {
    const fn = await open();
    expectError(await fn.send(goldenOf("platform", { body })), status, code);
    expect(stack().gcp.calls).toEqual([]);
  });

  test("is not unpacked: a small one cannot become a large one", async () => {
    const body = gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20));
    const fn = await open();
    const answer = await fn.send(goldenOf("platform", { body, headers: { "content-encoding": "gzip" } }));
    expectError(answer, 400, "INVALID_INPUT");
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "x", undefined])(
    "is JSON, whatever its type is said to be: %s",
    async (type) => {
      const fn = await open();
      expect(await fn.send(goldenOf("platform", { headers: { "content-type": type } }))).toMatchObject({ status: 200 });
    },
  );

  test("of a stranger is never read", async () => {
    const fn = await open();
    expectError(await fn.send(goldenOf("public", { body: "{" })), 401, "AUTHENTICATION_ERROR");
  });
});

describe("whatever comes is answered", () => {
  test("the paths that tell of the function itself need nobody", async () => {
    const fn = await open();
    const get = (path: string) => fn.send({ method: "GET", path, headers: { host: "x" }, body: undefined });
    for (const [path, json] of servicePaths) expect(await get(path)).toMatchObject({ status: 200, json });
    expect((await get("/openapi.json")).json.openapi).toMatch(/^3\.1/);
  });

  test.each([
    "//evil.example/v1/createRepository",
    "/v1/../v1/x/createRepository",
    "/@evil",
    "/v1/createRepository/x",
    "/v1/%ff",
  ])("a path is a path: %s", async (path) => {
    expectError(await (await open()).send(goldenOf("platform", { path })), 404, "RESOURCE_NOT_FOUND");
  });

  test("a host that is none", async () => {
    const fn = await open();
    expectError(await fn.send(goldenOf("platform", { headers: { host: "a/b" } })), 400, "INVALID_INPUT");
  });

  test.each(["GET", "PUT", "DELETE", "OPTIONS", "TRACE"])("%s is not allowed", async (method) => {
    const answer = await (await open()).send(goldenOf("platform", { method, body: undefined }));
    expect(answer).toMatchObject({ status: 405, headers: { allow: "POST" }, json: { code: "INVALID_INPUT" } });
  });
});

test("no bytes end the function, and no answer to them is the framework's own", async () => {
  const { port } = await open();
  const address = { host: "127.0.0.1", port };
  const well = `GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n`;
  const post = "/v1/getRepository";
  const row = { address, form: "suite", path: "/healthz", status: 200, authorization: "Bearer x.y.z", post } as const;
  for (const { title, pieces, ending, statuses } of malformed(row)) {
    const received = await sendBytes(address, pieces, ending);
    const answers = statuses === undefined ? [] : answersIn(received);
    for (const { status, body } of answers) {
      expect(status, title).toBeLessThan(500);
      // Node answers what it cannot parse without a body: the server is the framework's.
      expect(body === "" || JSON.parse(body), title).toBeTruthy();
    }
    expect(answersIn(await sendBytes(address, [well], "read")), title).toMatchObject([{ status: 200 }]);
  }
});

describe("what Google answers", () => {
  test("that callers must wait is handed on", async () => {
    const fault = { kind: "throttle", retryAfterSeconds: 17 } as const;
    stack().gcp.faults.add({ action: "generateAccessToken", fault, times: Number.POSITIVE_INFINITY });
    const answer = await (await open()).send(credentials());
    expectError(answer, 429, "RATE_LIMIT_EXCEEDED");
    expect(answer).toMatchObject({ json: { retryable: true }, headers: { "retry-after": "17" } });
  });

  test("of principals stays here", async () => {
    const fault = { kind: "error", status: "PERMISSION_DENIED", message: "canary@secret.example may not" } as const;
    stack().gcp.faults.add({ action: "generateAccessToken", fault });
    const answer = await (await open()).send(credentials());
    expectError(answer, 403, "ACCESS_DENIED");
    expect(answer.text).not.toContain("canary");
  });
});

describe("time", () => {
  test("an operation ends before the platform ends the request", async () => {
    const limits = holdTimeLimits();
    // Cloud Run's own end is half a second after this.
    const until = () => limits.end(500);
    stack().gcp.faults.add({ action: "generateAccessToken", fault: { kind: "slow", until } });
    const fn = await open({ CLOUD_RUN_TIMEOUT_SECONDS: "1" });
    expectError(await fn.send(credentials()), 408, "TIMEOUT");
    expect(fn.audit).toMatchObject([{ outcome: "TIMEOUT" }]);
  });

  test("an operation ends when its caller has gone", async () => {
    const fn = await open();
    const { method, path, headers, body } = credentials();
    const caller = request({ host: "127.0.0.1", port: fn.port, method, path, headers: headers as OutgoingHttpHeaders });
    const left = new Promise<void>((resolve) => caller.on("error", () => resolve()));
    // Goes away in the midst of the work: when Google has been asked, and thinks about it.
    stack().gcp.faults.before = async ({ action }) => {
      if (action !== "generateAccessToken") return;
      caller.destroy();
      await expect.poll(() => fn.audit.length).toBe(1);
    };
    onTestFinished(() => {
      stack().gcp.faults.before = undefined;
    });
    caller.end(JSON.stringify(body));
    await left;
    await expect.poll(() => fn.audit).toMatchObject([{ outcome: "TIMEOUT", upstreamCalls: 1 }]);
  });
});
