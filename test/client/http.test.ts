import { describe, expect, it } from "vitest";
import { ArtifactRegistryError, type ConnectOptions, connect } from "../../client/index.ts";
import { type Reply, startFake } from "./support/server.ts";

const repository = { name: "images/a" };
const busy = { code: "SERVICE_UNAVAILABLE", message: "Busy.", retryable: true, httpStatusCode: 503, requestId: "r-1" };

async function asked(replies: readonly (Reply | "reset" | "silence")[], options: ConnectOptions = {}) {
  const fake = await startFake(...replies);
  const { call } = await connect("images", { env: {}, url: fake.url, token: "t", ...options });
  const run = () => call("getRepository", { repoId: "a" });
  return {
    fake,
    call,
    run,
    error: () =>
      run().then(
        () => undefined,
        (error: unknown) => error as ArtifactRegistryError,
      ),
  };
}

describe("a call", () => {
  it("is one POST with the registry's name and the bearer token", async () => {
    const { fake, run } = await asked([{ body: repository }]);
    expect(await run()).toEqual(repository);
    expect(fake.seen).toHaveLength(1);
    expect(fake.seen[0]).toMatchObject({
      method: "POST",
      path: "/v1/getRepository",
      headers: { authorization: "Bearer t", "content-type": "application/json" },
    });
    expect(JSON.parse(fake.seen[0]?.body ?? "")).toEqual({ registry: "images", repoId: "a" });
  });

  it("keeps the path of the function's URL", async () => {
    const fake = await startFake({ body: repository });
    const { call } = await connect("images", { env: {}, url: `${fake.url}/base/`, token: "t" });
    await call("getRepository", { repoId: "a" });
    expect(fake.seen[0]?.path).toBe("/base/v1/getRepository");
  });

  it("leaves out what is undefined", async () => {
    const { fake, call } = await asked([{ body: {} }]);
    await call("generateCredentials", { repoId: "a", permissions: "pull", ttlSeconds: undefined });
    expect(JSON.parse(fake.seen[0]?.body ?? "")).toEqual({ registry: "images", repoId: "a", permissions: "pull" });
  });

  it("asks for the token at each try", async () => {
    let tokens = 0;
    const { fake, run } = await asked([{ status: 503, body: busy }, { body: repository }], {
      token: async () => `t${++tokens}`,
    });
    await run();
    expect(fake.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t2"]);
  });

  it("to provision goes to the function behind that door, as one payload", async () => {
    const fake = await startFake({ body: { binding: {} } });
    const provision = `${fake.url}/provision`;
    const { call } = await connect("images", { env: {}, url: "https://other.example", token: "t", provision });
    await call("provisionRegistry", { replicationRegions: [] });
    expect(fake.seen[0]?.path).toBe("/provision");
    expect(JSON.parse(fake.seen[0]?.body ?? "")).toEqual({
      operation: "provisionRegistry",
      registry: "images",
      replicationRegions: [],
    });
  });
});

describe("what is sent again", () => {
  it.each<[string, Reply | "reset"]>([
    ["what the function calls retryable", { status: 503, body: busy }],
    ["a connection that was cut", "reset"],
    ["throttling by the platform", { status: 429, body: "slow down", headers: { "retry-after": "0" } }],
    ["a gateway without the function", { status: 502, body: "<html>" }],
  ])("%s", async (_title, reply) => {
    const { fake, run } = await asked([reply, { body: repository }]);
    expect(await run()).toEqual(repository);
    expect(fake.seen).toHaveLength(2);
    expect(fake.seen[1]?.body).toBe(fake.seen[0]?.body);
  });

  it("ends after four tries with the last error", async () => {
    const { fake, error } = await asked([{ status: 503, body: busy }]);
    expect(await error()).toMatchObject({ code: "SERVICE_UNAVAILABLE", requestId: "r-1" });
    expect(fake.seen).toHaveLength(4);
  });

  it("is not what a person must mend", async () => {
    const { fake, error } = await asked([{ status: 503, body: { ...busy, retryable: false } }]);
    expect(await error()).toMatchObject({ retryable: false });
    expect(fake.seen).toHaveLength(1);
  });

  it("is not what the function wants later than one waits", async () => {
    const headers = { "retry-after": "120" };
    const { fake, error } = await asked([{ status: 503, body: busy, headers }]);
    expect(await error()).toMatchObject({ retryAfterSeconds: 120 });
    expect(fake.seen).toHaveLength(1);
  });
});

describe("an error", () => {
  it("survives the wire whole", async () => {
    const wire = {
      code: "QUOTA_EXCEEDED",
      message: "Full.",
      retryable: false,
      httpStatusCode: 429,
      context: { limit: 10 },
      hint: "Remove some.",
      requestId: "r-2",
    };
    const thrown = await (await asked([{ status: 429, body: wire }])).error();
    expect(thrown).toBeInstanceOf(ArtifactRegistryError);
    expect(thrown?.toWire(thrown.requestId ?? "")).toEqual(wire);
  });

  it.each<[string, number, Reply, object]>([
    ["IAM's refusal", 403, { body: { Message: "Forbidden" } }, { code: "ACCESS_DENIED", retryable: false }],
    ["no authentication", 401, { body: "<html>" }, { code: "AUTHENTICATION_ERROR" }],
    ["another site", 404, { body: "<html>" }, { code: "BINDING_CONFIG_INVALID" }],
    ["too large for the platform", 413, { body: "" }, { code: "PAYLOAD_TOO_LARGE" }],
    [
      "a redirect, which would take the token along",
      302,
      { headers: { location: "https://evil.example" } },
      { code: "UNEXPECTED_RESPONSE_FORMAT" },
    ],
    ["a success that is not JSON", 200, { body: "<html>welcome" }, { code: "UNEXPECTED_RESPONSE_FORMAT" }],
    ["a success that is no object", 200, { body: "null" }, { code: "UNEXPECTED_RESPONSE_FORMAT" }],
    ["a success that is a list", 200, { body: "[]" }, { code: "UNEXPECTED_RESPONSE_FORMAT" }],
    [
      "an error whose fields are of other types",
      400,
      { body: { code: "INVALID_INPUT", message: "x", hint: 5, context: "y", requestId: {} } },
      { code: "INVALID_INPUT", hint: undefined, context: undefined, requestId: undefined },
    ],
    [
      "a code that we do not know",
      400,
      { body: { code: "NEW", message: "x" } },
      { code: "UNEXPECTED_RESPONSE_FORMAT" },
    ],
    [
      "a code that every object has",
      400,
      { body: { code: "constructor", message: "x" } },
      { code: "UNEXPECTED_RESPONSE_FORMAT" },
    ],
  ])("of what stands before the function: %s", async (_title, status, reply, expected) => {
    const { fake, error } = await asked([{ status, ...reply }]);
    const thrown = await error();
    expect(thrown).toBeInstanceOf(ArtifactRegistryError);
    expect(thrown).toMatchObject(expected);
    expect(fake.seen).toHaveLength(1);
  });

  it.each(["", "two\nlines", "a b", "“quoted”"])(
    "of a token that no header carries is the caller's: %j",
    async (token) => {
      const { fake, error } = await asked([{}], { token });
      const thrown = await error();
      expect(thrown).toMatchObject({ code: "AUTHENTICATION_ERROR", retryable: false });
      if (token !== "") expect(String(thrown)).not.toContain(token);
      expect(fake.seen).toHaveLength(0);
    },
  );

  it("of a function that is not there names its host, and never the token", async () => {
    const { call } = await connect("images", { env: {}, url: "http://127.0.0.1:1", token: "hush" });
    const thrown = await call("getRepository", { repoId: "a" }).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
    expect(String(thrown)).toContain("127.0.0.1:1");
    expect(JSON.stringify(thrown)).not.toContain("hush");
  });
});

describe("time", () => {
  it("ends a call that is not answered", async () => {
    const { error } = await asked(["silence"], { timeoutMs: 50 });
    expect(await error()).toMatchObject({ code: "TIMEOUT", retryable: true });
  });

  it("ends a call whose token never comes", async () => {
    const { fake, error } = await asked([{}], { timeoutMs: 50, token: () => new Promise(() => {}) });
    expect(await error()).toMatchObject({ code: "TIMEOUT", retryable: true });
    expect(fake.seen).toHaveLength(0);
  });

  it("ends the wait between two tries", async () => {
    const { error } = await asked([{ status: 503, body: busy, headers: { "retry-after": "4" } }], { timeoutMs: 100 });
    expect(await error()).toMatchObject({ code: "TIMEOUT" });
  });

  it("is the caller's: an abort throws its own reason, and sends nothing more", async () => {
    const { fake, call } = await asked(["silence"]);
    const gone = new AbortController();
    const calling = call("getRepository", { repoId: "a" }, { signal: gone.signal });
    const caught = calling.catch((error: unknown) => error);
    await expect.poll(() => fake.seen.length).toBe(1);
    gone.abort(new Error("gone home"));
    expect(String(await caught)).toBe("Error: gone home");
    await expect(call("getRepository", { repoId: "a" }, { signal: gone.signal })).rejects.toThrow("gone home");
    expect(fake.seen).toHaveLength(1);
  });
});
