import { describe, expect, test } from "vitest";
import { localDoor, oidcDoor, platformDoor, trustedDoor } from "../../core/doors.ts";
import { ArtifactRegistryError, type ErrorCode, type ErrorOptions, statusOf } from "../../core/errors.ts";
import type { HttpContext } from "../../core/http.ts";
import { operationNames } from "../../core/operations.ts";
import { servicePaths } from "../contract/service.ts";
import { caller, createSuite, overFetch, post, type Suite, type SuiteOptions } from "../support/application.ts";
import { fakePassword } from "../support/fake-registry.ts";
import { allowAll, goodInputs } from "../support/inputs.ts";

const canary = "canary-secret-4711";
const context: HttpContext = { platformCaller: caller, requestId: "req-1" };
const get = (path: string, method = "GET") => new Request(`http://127.0.0.1${path}`, { method });

async function answerOf(response: Response) {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text === "" ? undefined : JSON.parse(text) };
}

async function send(suite: Suite, request: Request, given: HttpContext = context) {
  const answer = await answerOf(await suite.http(request, given));
  // Holds for every answer there is.
  expect(answer.headers.get("x-request-id")).toBeTruthy();
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("content-type")).toBe("application/json");
  if (answer.status >= 400) {
    expect(answer.body.requestId).toBe(answer.headers.get("x-request-id"));
    expect(answer.body.httpStatusCode).toBe(answer.status);
    expect(Object.keys(statusOf)).toContain(answer.body.code);
  }
  return answer;
}

/** A suite whose platform always fails so. */
const failing = (thrown: unknown): SuiteOptions => ({
  retry: { attempts: 1, baseMs: 1, capMs: 1 },
  fake: {
    upstream: () => {
      throw thrown;
    },
  },
});

describe("routes", () => {
  test.each(operationNames)("POST /v1/%s", async (name) => {
    const suite = createSuite({ door: localDoor("t") });
    const answer = await send(suite, post(`/v1/${name}`, goodInputs[name], { authorization: "Bearer t" }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-request-id")).toBe("req-1");
  });

  test.each(servicePaths)("GET %s asks for no caller", async (path, expected) => {
    for (const door of [platformDoor(), trustedDoor("invoke"), localDoor("t")]) {
      const answer = await send(createSuite({ door }), get(path), {});
      expect([answer.status, answer.body]).toEqual([200, expected]);
    }
  });

  test("GET /readyz says 503 until the door can tell callers apart, and 200 from then on", async () => {
    const issuer = { silent: true };
    const ready = async () => {
      if (issuer.silent) throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "No keys yet.", { retryable: true });
      return [];
    };
    const suite = createSuite({ door: { ...platformDoor(), ready } });
    const asked = async () => {
      const { status, body } = await answerOf(await suite.http(get("/readyz"), {}));
      return [status, body];
    };
    expect(await asked()).toEqual([503, { status: "starting" }]);
    expect((await send(suite, get("/livez"), {})).status).toBe(200);
    issuer.silent = false;
    expect(await asked()).toEqual([200, { status: "ready" }]);
    // An issuer that fails later fails for every instance: that shuts nobody out.
    issuer.silent = true;
    expect(await asked()).toEqual([200, { status: "ready" }]);
  });

  test("GET /readyz says that newer rules cannot be used, and nothing that stands in them: anybody may ask", async () => {
    const suite = createSuite();
    const problem = { message: "The access rules are not valid. Access rule 1 (callers: gcp alice@example.com) …" };
    const rules = { current: async () => ({ rules: [], problem }) };
    const http = overFetch({ ...suite.application, rules });
    const { status, body } = await answerOf(await http(get("/readyz"), {}));
    expect([status, body.status]).toEqual([200, "ready"]);
    expect(body.findings).toEqual([
      { message: expect.stringContaining("stay in force"), hint: expect.stringContaining("log") },
    ]);
    expect(JSON.stringify(body)).not.toContain("alice");
  });

  test("GET /openapi.json asks for no caller", async () => {
    const answer = await send(createSuite(), get("/openapi.json"), {});
    expect(answer.status).toBe(200);
    expect(answer.body.openapi).toBe("3.1.0");
  });

  test.each([...servicePaths.map(([path]) => path), "/openapi.json"])("HEAD %s", async (path) => {
    expect((await send(createSuite(), get(path, "HEAD"))).status).toBe(200);
  });

  test.each([
    "/",
    "/v1",
    "/v1/",
    "/v2/createRepository",
    "/v1/createRepository/",
    "/v1/createRepository/x",
    "//v1/createRepository",
    "/V1/createRepository",
    "/healthz/",
    "/readyz/",
    "/metrics",
    "/.env",
  ])("there is nothing at %s", async (path) => {
    const suite = createSuite();
    const answer = await send(suite, post(path, goodInputs.createRepository));
    expect(answer).toMatchObject({ status: 404, body: { code: "RESOURCE_NOT_FOUND" } });
    expect(suite.registry.recorded).toEqual([]);
  });

  test.each([
    "/v1/nothingLikeIt",
    "/v1/constructor",
    "/v1/__proto__",
    "/v1/create%52epository",
    "/v1/%2e%2e%2fhealthz",
  ])("POST %s is no operation", async (path) => {
    const answer = await send(createSuite(), post(path, {}));
    expect(answer).toMatchObject({ status: 400, body: { code: "INVALID_INPUT", context: { field: "operation" } } });
  });

  test("a query changes nothing", async () => {
    const answer = await send(
      createSuite(),
      post("/v1/createRepository?registry=other&name=x", goodInputs.createRepository),
    );
    expect(answer.body.name).toBe("images/my-app");
  });

  test.each([
    ["/livez", "POST", "GET, HEAD"],
    ["/readyz", "POST", "GET, HEAD"],
    ["/healthz", "POST", "GET, HEAD"],
    ["/openapi.json", "DELETE", "GET, HEAD"],
    ["/v1/createRepository", "GET", "POST"],
    ["/v1/createRepository", "PUT", "POST"],
    ["/v1/createRepository", "OPTIONS", "POST"],
    ["/v1/nothingLikeIt", "GET", "POST"],
  ])("%s does not know %s", async (path, method, allow) => {
    const suite = createSuite();
    const answer = await send(suite, get(path, method));
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(suite.audit).toEqual([]);
  });
});

describe("the body", () => {
  test.each<[string, string, number, string]>([
    ["nothing", "", 400, "INVALID_INPUT"],
    ["half an object", '{"registry":', 400, "INVALID_INPUT"],
    ["a list", "[]", 400, "INVALID_INPUT"],
    ["a string", '"images"', 400, "INVALID_INPUT"],
    ["null", "null", 400, "INVALID_INPUT"],
    ["too deep", "[".repeat(17) + "]".repeat(17), 400, "INVALID_INPUT"],
    ["an unknown field", '{"registry":"images","name":"a","x":1}', 400, "INVALID_INPUT"],
    ["__proto__", '{"registry":"images","name":"a","__proto__":{}}', 400, "INVALID_INPUT"],
    [
      "the operation of direct invocation",
      '{"operation":"createRepository","registry":"images","name":"a"}',
      400,
      "INVALID_INPUT",
    ],
    ["over 64 KiB", " ".repeat(65_537), 413, "PAYLOAD_TOO_LARGE"],
  ])("%s is refused", async (_title, text, status, code) => {
    const suite = createSuite();
    expect(await send(suite, post("/v1/createRepository", text))).toMatchObject({ status, body: { code } });
    expect(suite.registry.recorded).toEqual([]);
    // The next request is served as if nothing had happened.
    expect((await send(suite, post("/v1/createRepository", goodInputs.createRepository))).status).toBe(200);
  });

  test("no body at all is refused", async () => {
    expect((await send(createSuite(), get("/v1/createRepository", "POST"))).status).toBe(400);
  });

  test("of a stranger is not read", async () => {
    let pulled = 0;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array(10));
        },
      },
      { highWaterMark: 0 },
    );
    const request = new Request("http://127.0.0.1/v1/createRepository", {
      method: "POST",
      body: stream,
      duplex: "half",
    });
    expect((await send(createSuite(), request, {})).status).toBe(401);
    expect([pulled, request.bodyUsed]).toEqual([0, false]);
  });

  test("that is cut off in the middle is answered, not thrown", async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error(canary));
      },
    });
    const request = new Request("http://127.0.0.1/v1/createRepository", {
      method: "POST",
      body: stream,
      duplex: "half",
    });
    const answer = await send(createSuite(), request);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.text).not.toContain(canary);
  });
});

describe("the request id", () => {
  test("is the platform's, in header, body and audit", async () => {
    const suite = createSuite({ rules: [] });
    const answer = await send(suite, post("/v1/getRepository", goodInputs.getRepository));
    expect([answer.body.requestId, suite.audit[0]?.requestId]).toEqual(["req-1", "req-1"]);
  });

  test("is new for every request where the platform has none; the caller does not choose it", async () => {
    const suite = createSuite();
    const ids = new Set<string | null>();
    for (let i = 0; i < 3; i++) {
      const request = post("/v1/getRepository", goodInputs.getRepository, { "x-request-id": "mine" });
      ids.add((await send(suite, request, { platformCaller: caller })).headers.get("x-request-id"));
    }
    expect(ids.size).toBe(3);
    expect(ids).not.toContain("mine");
    expect(suite.audit.map((line) => line.requestId)).toEqual([...ids]);
  });
});

describe("errors", () => {
  test.each(Object.entries(statusOf))("%s answers with %i", async (code, status) => {
    const suite = createSuite(
      failing(new ArtifactRegistryError(code as ErrorCode, "message", { hint: "hint", context: { a: 1 } })),
    );
    expect(await send(suite, post("/v1/getRepository", goodInputs.getRepository))).toMatchObject({
      status,
      body: {
        code,
        message: "message",
        retryable: false,
        httpStatusCode: status,
        hint: "hint",
        context: { a: 1 },
        requestId: "req-1",
      },
    });
    expect(suite.audit[0]?.outcome).toBe(code);
  });

  test.each<[string, ErrorCode, ErrorOptions, string | null]>([
    [
      "what the upstream asked for, in whole seconds",
      "RATE_LIMIT_EXCEEDED",
      { retryable: true, retryAfterSeconds: 6.2 },
      "7",
    ],
    ["a second where nobody said", "RATE_LIMIT_EXCEEDED", { retryable: true }, "1"],
    ["a second on 503 as well", "SERVICE_UNAVAILABLE", { retryable: true }, "1"],
    ["what was asked for on 503", "SERVICE_UNAVAILABLE", { retryable: true, retryAfterSeconds: 30 }, "30"],
    ["nothing where waiting does not help", "QUOTA_EXCEEDED", {}, null],
    ["nothing on other statuses", "CLOUD_PLATFORM_ERROR", { retryable: true }, null],
    ["nothing for a Retry-After that is no number", "QUOTA_EXCEEDED", { retryAfterSeconds: Number.NaN }, null],
  ])("Retry-After: %s", async (_title, code, options, expected) => {
    const suite = createSuite(failing(new ArtifactRegistryError(code, "x", options)));
    const answer = await send(suite, post("/v1/getRepository", goodInputs.getRepository));
    expect(answer.headers.get("retry-after")).toBe(expected);
  });

  test("only 401 asks for a token", async () => {
    const refused = await send(createSuite(), post("/v1/getRepository", {}), {});
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    const denied = await send(createSuite({ rules: [] }), post("/v1/getRepository", goodInputs.getRepository));
    expect([denied.status, denied.headers.get("www-authenticate")]).toEqual([403, null]);
  });

  test("what nobody expected says nothing about itself", async () => {
    const thrown = Object.assign(new Error(`connect to https://user:${canary}@host failed`), { token: canary });
    const suite = createSuite(failing(thrown));
    const answer = await send(suite, post("/v1/getRepository", goodInputs.getRepository));
    expect(answer).toMatchObject({ status: 500, body: { code: "INTERNAL_ERROR", retryable: false } });
    const everything = `${answer.text} ${JSON.stringify([...answer.headers])} ${JSON.stringify(suite.audit)}`;
    for (const leak of [canary, ".ts", "at ", "connect to"]) expect(everything).not.toContain(leak);
  });

  test("even an application that throws is answered", async () => {
    const suite = createSuite();
    const run = () => Promise.reject(new Error(canary));
    const http = overFetch({ ...suite.application, run });
    const answer = await send({ ...suite, http }, post("/v1/getRepository", goodInputs.getRepository));
    expect(answer).toMatchObject({ status: 500, body: { code: "INTERNAL_ERROR", requestId: "req-1" } });
    expect(answer.text).not.toContain(canary);
  });

  test("the password is in the answer that was asked for, and nowhere else", async () => {
    const suite = createSuite();
    const answer = await send(suite, post("/v1/generateCredentials", goodInputs.generateCredentials));
    expect(answer.body.password).toBe(fakePassword);
    expect(JSON.stringify([...answer.headers, suite.audit])).not.toContain(fakePassword);
  });
});

describe("doors", () => {
  test.each([trustedDoor("invoke"), trustedDoor("events"), trustedDoor("provision")])(
    "the $name door is shut for HTTP",
    async (door) => {
      const suite = createSuite({ door });
      const answer = await send(suite, post("/v1/createRepository", goodInputs.createRepository));
      expect(answer).toMatchObject({ status: 401, body: { code: "AUTHENTICATION_ERROR" } });
      expect([suite.audit, suite.registry.recorded]).toEqual([[], []]);
    },
  );

  test("the platform door wants the platform's word; a bearer token is worth nothing", async () => {
    const request = () => post("/v1/getRepository", goodInputs.getRepository, { authorization: "Bearer good" });
    expect((await send(createSuite(), request(), {})).status).toBe(401);
    expect((await send(createSuite(), request())).status).toBe(200);
  });

  test("the oidc door wants the token; the platform's word is worth nothing", async () => {
    const door = oidcDoor(async () => ({ issuer: "https://issuer.example", subject: "x" }));
    const rules = [allowAll("https://issuer.example")];
    const plain = post("/v1/getRepository", goodInputs.getRepository);
    const withToken = post("/v1/getRepository", goodInputs.getRepository, { authorization: "Bearer t" });
    expect((await send(createSuite({ door, rules: [allowAll("aws")] }), plain)).status).toBe(401);
    expect((await send(createSuite({ door, rules: [allowAll("aws")] }), withToken.clone())).status).toBe(403);
    expect((await send(createSuite({ door, rules }), withToken)).status).toBe(200);
  });

  test("no header makes a caller", async () => {
    const headers = {
      "x-amzn-iam-identity": JSON.stringify(caller),
      "x-goog-authenticated-user-email": "x",
      "x-ms-client-principal": "x",
      "x-forwarded-user": "root",
    };
    expect((await send(createSuite(), post("/v1/getRepository", goodInputs.getRepository, headers), {})).status).toBe(
      401,
    );
  });
});

test("a caller that goes away ends the operation", async () => {
  const gone = new AbortController();
  const suite = createSuite({
    fake: {
      upstream: () => {
        gone.abort();
        return new Promise<void>(() => {});
      },
    },
  });
  const request = new Request(post("/v1/getRepository", goodInputs.getRepository), { signal: gone.signal });
  expect((await send(suite, request)).status).toBe(408);
});

test("a hundred requests at once do not mix", async () => {
  const suite = createSuite();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      send(suite, post("/v1/createRepository", { registry: "images", name: `app-${i}` }), {
        platformCaller: caller,
        requestId: `req-${i}`,
      }),
    ),
  );
  expect(answers.map(({ body, headers }) => [body.name, headers.get("x-request-id")])).toEqual(
    answers.map((_, i) => [`images/app-${i}`, `req-${i}`]),
  );
});

describe("direct invocation over HTTP", () => {
  const payload = { operation: "createRepository", registry: "images", name: "my-app" };

  test.each(["invoke", "provision"] as const)("the %s door takes the payload at /", async (name) => {
    const operation = name === "invoke" ? payload : { operation: "describeRegistry", registry: "images" };
    const suite = createSuite({ door: trustedDoor(name) });
    const answer = await send(suite, post("/", operation), { requestId: "req-1" });
    expect(answer.status).toBe(200);
    expect(suite.audit).toMatchObject([{ caller: { issuer: "door", subject: name }, requestId: "req-1" }]);
  });

  test("nothing counts there that a request says of its caller", async () => {
    const suite = createSuite({ door: trustedDoor("invoke") });
    await send(suite, post("/", payload, { authorization: "Bearer t" }));
    expect(suite.audit[0]?.caller).toEqual({ issuer: "door", subject: "invoke" });
  });

  test.each([
    ["no payload", "{}", 400],
    ["no JSON", "{", 400],
    ["too much", JSON.stringify({ ...payload, name: "x".repeat(70_000) }), 413],
    ["a field too many", JSON.stringify({ ...payload, extra: 1 }), 400],
  ])("%s is refused", async (_, body, status) => {
    const suite = createSuite({ door: trustedDoor("invoke") });
    expect(await send(suite, post("/", body))).toMatchObject({ status });
    expect(suite.opened).toEqual([]);
  });

  test("only POST", async () => {
    const answer = await send(createSuite({ door: trustedDoor("invoke") }), get("/"));
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test.each([platformDoor(), trustedDoor("events"), localDoor("t")])("not at the $name door", async (door) => {
    const answer = await send(createSuite({ door }), post("/", payload, { authorization: "Bearer t" }));
    expect(answer.status).toBe(404);
  });
});
