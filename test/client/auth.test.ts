import { readdir, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ArtifactRegistryError, type AuthOptions, connect, type FunctionBinding } from "../../client/index.ts";
import { BareError } from "../../core/errors.ts";
import { readSigned, signatureProblem } from "../emulators/aws/wire/signature.ts";
import { useAzure } from "../emulators/azure/support.ts";
import { useEmulator } from "../emulators/gcp/support.ts";
import { temporaryFolder } from "../oci/support.ts";
import { type FakeFunction, startFake } from "./support/server.ts";

afterEach(() => vi.unstubAllEnvs());

/** Calls a function by this binding, and says what it saw. */
async function seen(binding: Partial<FunctionBinding>, env: Record<string, string> = {}, fake?: FakeFunction) {
  const target = fake ?? (await startFake());
  const { call } = await connect("images", { env, url: target.url, ...binding });
  await call("getRepository", { repoId: "a" });
  const last = target.seen.at(-1);
  if (!last) throw new Error("Nothing came.");
  return last;
}

const refusal = (binding: Partial<FunctionBinding>, env: Record<string, string> = {}) =>
  seen(binding, env).then(
    () => undefined,
    (error: unknown) => error,
  );
const bearerOf = ({ headers }: { headers: { authorization?: string | undefined } }) =>
  headers.authorization?.replace(/^Bearer /, "") ?? "";
const stub = (env: Readonly<Record<string, string>>) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
};

describe("aws", () => {
  const auth: AuthOptions = { type: "aws", region: "eu-west-1" };
  const keys = {
    AWS_ACCESS_KEY_ID: "TESTKEY",
    AWS_SECRET_ACCESS_KEY: "test-secret",
    AWS_SESSION_TOKEN: "test-session",
  };

  it("signs the request for Lambda, session and body included", async () => {
    stub(keys);
    const { method, path, headers, body } = await seen({ platform: "aws", auth });
    const signed = readSigned(headers.authorization);
    expect(signed).toMatchObject({ keyId: "TESTKEY", region: "eu-west-1", service: "lambda" });
    expect(headers["x-amz-security-token"]).toBe("test-session");
    const request = { method, url: path, headers } as IncomingMessage;
    const problem = (text: string, secret = keys.AWS_SECRET_ACCESS_KEY) =>
      signed && signatureProblem(request, Buffer.from(text), signed, secret);
    expect(problem(body)).toBeUndefined();
    expect(problem(`${body} `)).toBeDefined();
    expect(problem(body, "another")).toBeDefined();
  });

  it("signs again at each try, for the region of the function's URL", async () => {
    stub(keys);
    const sent: [string, Record<string, string>][] = [];
    const answers = [new Response("", { status: 502 }), Response.json({})];
    const fetch = async (url: string, init: { headers: Record<string, string> }) => {
      sent.push([url, init.headers]);
      return answers[sent.length - 1];
    };
    const url = "https://abc.lambda-url.eu-central-1.on.aws/";
    const { call } = await connect("images", { env: {}, url, platform: "aws", fetch: fetch as never });
    await call("getRepository", { repoId: "a" });
    expect(sent.map(([to]) => to)).toEqual(Array(2).fill(`${url}v1/getRepository`));
    expect(sent.map(([, headers]) => readSigned(headers.authorization)?.region)).toEqual([
      "eu-central-1",
      "eu-central-1",
    ]);
  });

  it("signs for API Gateway where an HTTP API stands before the function", async () => {
    stub(keys);
    const sent: (string | undefined)[] = [];
    const fetch = async (_url: string, init: { headers: Record<string, string> }) => {
      sent.push(init.headers.authorization);
      return Response.json({});
    };
    const url = "https://abc.execute-api.eu-central-1.amazonaws.com/prod";
    const { call } = await connect("images", { env: {}, url, platform: "aws", fetch: fetch as never });
    await call("getRepository", { repoId: "a" });
    expect(readSigned(sent[0])).toMatchObject({ service: "execute-api", region: "eu-central-1" });
  });

  it("invokes the function behind the provision door over Lambda's own API", async () => {
    stub(keys);
    let asked = "";
    const fetch = async (url: string, init: { headers: Record<string, string> }) => {
      asked = url;
      expect(readSigned(init.headers.authorization)).toMatchObject({ region: "us-east-2", service: "lambda" });
      return Response.json({ binding: {} });
    };
    const provision = "arn:aws:lambda:us-east-2:111122223333:function:provision";
    const options = { env: {}, url: "https://abc.lambda-url.us-east-2.on.aws", platform: "aws" as const, provision };
    const { call } = await connect("images", { ...options, fetch: fetch as never });
    await call("provisionRegistry", {});
    expect(asked).toBe(
      `https://lambda.us-east-2.amazonaws.com/2015-03-31/functions/${encodeURIComponent(provision)}/invocations`,
    );
  });

  it.each([
    [
      "its own error",
      { errorMessage: new BareError(new ArtifactRegistryError("ACCESS_DENIED", "No.").toWire("r-1")).message },
      "ACCESS_DENIED",
    ],
    [
      "what the runtime says of its end",
      { errorType: "Sandbox.Timedout", errorMessage: "Task timed out" },
      "SERVICE_UNAVAILABLE",
    ],
  ])("takes a function that threw for no success: %s", async (_title, payload, code) => {
    stub(keys);
    // Lambda answers 200 for it (API reference, Invoke).
    const fetch = async () => Response.json(payload, { headers: { "x-amz-function-error": "Unhandled" } });
    const provision = "arn:aws:lambda:us-east-2:111122223333:function:provision";
    const options = { env: {}, url: "https://abc.lambda-url.us-east-2.on.aws", platform: "aws" as const, provision };
    const { call } = await connect("images", { ...options, fetch: fetch as never });
    await expect(call("deprovisionRegistry", {})).rejects.toMatchObject({ code });
  });

  it("says so where nobody is logged in, or no region is told", async () => {
    stub({
      AWS_EC2_METADATA_DISABLED: "true",
      HOME: await temporaryFolder(),
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
    });
    expect(await refusal({ platform: "aws", auth })).toMatchObject({ code: "AUTHENTICATION_ERROR" });
    stub(keys);
    expect(await refusal({ platform: "aws" })).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      hint: expect.stringContaining("AWS_REGION"),
    });
  });
});

describe("gcp", () => {
  const gcp = useEmulator();

  it("sends an ID token of the account that it runs as, for the function's URL", async () => {
    const account = gcp().serviceAccount("worker");
    stub(await gcp().environment(account));
    const fake = await startFake();
    const token = bearerOf(await seen({ platform: "gcp" }, {}, fake));
    const keys = createRemoteJWKSet(new URL(`${gcp().url}/oauth2/v3/certs`));
    const { payload } = await jwtVerify(token, keys, { audience: fake.url });
    expect(payload.email).toBe(account);
  });

  it("or for the audience of the binding", async () => {
    stub(await gcp().environment(gcp().serviceAccount("other")));
    const token = bearerOf(await seen({ platform: "gcp", auth: { type: "gcp", audience: "https://alias.example" } }));
    expect(decodeJwt(token).aud).toBe("https://alias.example");
  });

  it("asks for the token alone, and starts no gcloud to find a project", async () => {
    const { GCE_METADATA_HOST = "" } = await gcp().environment(gcp().serviceAccount("lean"));
    const folder = await temporaryFolder();
    const gcloud = join(folder, "gcloud");
    await writeFile(gcloud, `#!/bin/sh\ntouch "${folder}/started"\nexit 1\n`, { mode: 0o755 });
    stub({ GCE_METADATA_HOST, METADATA_SERVER_DETECTION: "assume-present", PATH: `${folder}:${process.env.PATH}` });
    for (const name of ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"]) vi.stubEnv(name, undefined);
    gcp().calls.length = 0;
    await seen({ platform: "gcp" });
    expect(gcp().calls.map(({ action }) => action)).toEqual([
      "GET /computeMetadata/v1/instance/service-accounts/default/identity",
    ]);
    expect(await readdir(folder)).toEqual(["gcloud"]);
  });

  it("finds later what was not there at first", async () => {
    stub({ ...(await gcp().environment(gcp().serviceAccount("late"))), GOOGLE_APPLICATION_CREDENTIALS: "/nowhere" });
    const { call } = await connect("images", { env: {}, url: (await startFake()).url, platform: "gcp" });
    const ask = () => call("getRepository", { repoId: "a" });
    await expect(ask()).rejects.toMatchObject({ code: "AUTHENTICATION_ERROR", retryable: false });
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", undefined);
    await ask();
  });
});

describe("azure", () => {
  const azure = useAzure();

  it("sends an Entra token of the managed identity, for the function's application", async () => {
    const identity = azure().identity("worker");
    stub(azure().environment(identity));
    const audience = azure().application("api://functions").identifierUri;
    const token = bearerOf(await seen({ platform: "azure", auth: { type: "azure", audience } }));
    expect(decodeJwt(token)).toMatchObject({ aud: expect.any(String), oid: identity.principalId });
  });

  it("wants to know the application", async () => {
    expect(await refusal({ platform: "azure" })).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      hint: expect.stringContaining("application ID URI"),
    });
  });
});

describe("github", () => {
  const auth: AuthOptions = { type: "github", audience: "api://functions" };

  it("sends the workflow's token for the audience", async () => {
    const github = await startFake({ body: { value: "workflow-token" } });
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runner" };
    expect(bearerOf(await seen({ platform: "aws", auth }, env))).toBe("workflow-token");
    expect(github.seen[0]).toMatchObject({
      path: "/token?v=1&audience=api%3A%2F%2Ffunctions",
      headers: { authorization: "Bearer runner" },
    });
  });

  it("says so outside a job, and when GitHub refuses", async () => {
    expect(await refusal({ auth })).toMatchObject({
      code: "AUTHENTICATION_ERROR",
      hint: expect.stringContaining("id-token: write"),
    });
    const github = await startFake({ status: 403 });
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runner" };
    expect(await refusal({ auth }, env)).toMatchObject({ code: "AUTHENTICATION_ERROR", retryable: false });
  });

  it.each<[string, object]>([
    ["is not JSON", { body: "<html>" }],
    ["has no token", { body: { count: 0 } }],
    ["is nothing", { body: "null" }],
  ])("sends nothing where GitHub's answer %s", async (_title, reply) => {
    const github = await startFake(reply);
    const fake = await startFake();
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runner" };
    const { call } = await connect("images", { env, url: fake.url, auth });
    await expect(call("getRepository", { repoId: "a" })).rejects.toMatchObject({ code: "AUTHENTICATION_ERROR" });
    expect(fake.seen).toHaveLength(0);
  });

  it("asks GitHub again where it cannot be reached", async () => {
    const github = await startFake("reset", { body: { value: "workflow-token" } });
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runner" };
    expect(bearerOf(await seen({ auth }, env))).toBe("workflow-token");
  });
});

describe("a token", () => {
  it("from a file is read anew for each request: mounted tokens rotate", async () => {
    const file = join(await temporaryFolder(), "token");
    await writeFile(file, "first\n");
    const fake = await startFake();
    const { call } = await connect("images", {
      env: { ALIEN_TOKEN_FILE: file },
      url: fake.url,
      platform: "kubernetes",
    });
    await call("getRepository", { repoId: "a" });
    await writeFile(file, "second\n");
    await call("getRepository", { repoId: "a" });
    expect(fake.seen.map(bearerOf)).toEqual(["first", "second"]);
  });

  it("from a variable", async () => {
    const auth: AuthOptions = { type: "token", variable: "CI_TOKEN" };
    expect(bearerOf(await seen({ platform: "gcp", auth }, { CI_TOKEN: "gitlab" }))).toBe("gitlab");
    expect(bearerOf(await seen({ platform: "local" }, { ALIEN_CALLER_TOKEN: "local" }))).toBe("local");
  });

  it("that is not there is told before anything is sent", async () => {
    expect(await refusal({ auth: { type: "token", file: "/nowhere" } })).toMatchObject({
      code: "AUTHENTICATION_ERROR",
      message: expect.stringContaining("/nowhere"),
    });
    expect(await refusal({ platform: "local" })).toMatchObject({
      message: expect.stringContaining("ALIEN_CALLER_TOKEN"),
    });
  });
});
