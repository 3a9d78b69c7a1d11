import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { operationNames } from "../../core/operations.ts";
import { createClient, pullImage, pushImage } from "../../oci/client/index.ts";
import { functionEnv, goldenTime } from "../gcp/handler/functions.ts";
import { eventNames, type Golden, goldenOf, messageNames, setupEvent, verifiedToken } from "../gcp/handler/golden.ts";
import { type Deployment, deploy } from "../gcp/runtime/deploy.ts";
import { startFront } from "../gcp/runtime/front.ts";
import { type RunningFunction, startRunningFunction } from "../gcp/runtime/function.ts";
import { type GcpStack, startStack } from "../gcp/support/stack.ts";
import { buildImage } from "../oci/client/images.ts";
import type { Front } from "../support/front.ts";
import { startIssuer } from "../support/issuer.ts";

/** The bundle as it is deployed, under the framework's own command, in every form in which it is called. */

let deployment: Deployment;
let stack: GcpStack;
let pipeline: string;
beforeAll(async () => {
  deployment = deploy();
  stack = await startStack({ projectRoles: ["roles/artifactregistry.admin", "roles/iam.serviceAccountAdmin"] });
  const topic = stack.gcp.topic("dead-letters");
  stack.gcp.serviceAccount("function", { roles: { [topic]: ["roles/pubsub.publisher"] } });
  pipeline = stack.gcp.serviceAccount("pipeline");
});
afterAll(async () => {
  await stack?.stop();
  deployment?.remove();
});

let running: RunningFunction | undefined;
let front: Front | undefined;
afterEach(async () => {
  await front?.stop();
  await running?.stop();
  front = running = undefined;
  stack.gcp.faults.clear();
});

async function start(door: string, more: Record<string, string> = {}): Promise<RunningFunction> {
  const target = door === "events" ? "artifactRegistryEvents" : "artifactRegistry";
  running = await startRunningFunction(deployment, target, functionEnv(stack, door, more));
  return running;
}

type Body = Record<string, unknown>;
/** What was answered, over all tests. */
const answered = new Set<string>();
const consumer = {
  type: "gcp",
  projectNumbers: ["444455556666"],
  serviceAccountEmails: [],
  allowedServiceTypes: ["worker"],
};
/** Nothing of where an error was thrown, and no token. */
const leaks = /\n\s+at |\.js:\d+|emulated\.|SIGNATURE_REMOVED/;

/** Calls an operation over HTTP as `fetch` does it. */
async function post(
  url: string,
  operation: string,
  input: object,
  headers: Record<string, string> = {},
): Promise<Body> {
  const direct = url.endsWith("/");
  const body = { ...(direct && { operation }), registry: "images", ...input };
  const response = await fetch(direct ? url : `${url}/v1/${operation}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Body;
  expect(response.status).toBe(answer.httpStatusCode ?? 200);
  expect(response.headers.get("x-request-id")).toBeTruthy();
  // One that Google has no like of is answered too: with the reason, and Google's own way.
  if (response.ok || answer.code === "OPERATION_NOT_SUPPORTED") answered.add(operation);
  return answer;
}

describe("behind the platform door", () => {
  async function open(invokers: "allUsers" | readonly string[] = [pipeline]) {
    const { address } = await start("platform");
    front = await startFront(stack.gcp, address, invokers);
    const { url } = front;
    const as = (email: string) => ({ authorization: `Bearer ${stack.gcp.idToken(email, url)}` });
    return { url, as, ask: (operation: string, input: object) => post(url, operation, input, as(pipeline)) };
  }

  test("a repository from its creation to its deletion, with real images", async () => {
    const { ask } = await open();
    const name = "team/app";
    const repoId = "vendor-project/images/team/app";
    expect(await ask("createRepository", { name })).toEqual({
      name: repoId,
      uri: `europe-west1-docker.pkg.dev/${repoId}`,
    });
    expect(await ask("getRepository", { repoId })).toMatchObject({ name: repoId });
    const mint = async (permissions: string) => {
      const answer = await ask("generateCredentials", { repoId, permissions, ttlSeconds: 900 });
      expect(answer).toMatchObject({ authMethod: "basic", username: "oauth2accesstoken", scope: "registry" });
      expect(running?.log()).not.toContain(answer.password);
      const credentials = { username: String(answer.username), password: String(answer.password) };
      return createClient({ url: stack.gcp.registryUrl(), credentials });
    };
    const [push, pull] = [await mint("push-pull"), await mint("pull")];
    await pushImage(push, repoId, "v1", buildImage({ seed: name }));
    await pullImage(pull, repoId, "v1");
    await expect(pushImage(pull, repoId, "v2", buildImage({ seed: "other" }))).rejects.toMatchObject({ status: 403 });

    expect(await ask("addCrossAccountAccess", { repoId, access: consumer })).toEqual({});
    expect(await ask("getCrossAccountAccess", { repoId })).toMatchObject({
      access: { projectNumbers: ["444455556666"] },
    });
    expect(await ask("removeCrossAccountAccess", { repoId, access: consumer })).toEqual({});
    expect(await ask("getCrossAccountAccess", { repoId })).toMatchObject({ access: { projectNumbers: [] } });
    expect(await ask("setupRepository", { name, access: [consumer] })).toMatchObject({ name: repoId });
    const grantee = "gcp:444455556666";
    expect(await ask("listGranteeAccess", { grantee })).toMatchObject({ repositories: [{ grants: [consumer] }] });
    expect(await ask("removeGranteeAccess", { grantee })).toMatchObject({ changed: [expect.any(String)] });
    expect(await ask("removeCrossAccountAccess", { repoId, access: consumer })).toEqual({});
    expect(await ask("listRepositories", {})).toMatchObject({ repositories: [{ name: repoId }] });
    expect(await ask("listImages", { repoId })).toMatchObject({ images: [{ tags: ["v1"] }] });
    expect(await ask("deleteImage", { repoId, reference: "v1" })).toEqual({});
    expect(await ask("describeRegistry", {})).toMatchObject({ service: "gar", health: { status: "healthy" } });
    expect(await ask("revokeCredentials", { repoId })).toMatchObject({ code: "OPERATION_NOT_SUPPORTED" });
    expect(await ask("deleteRepository", { repoId })).toEqual({});
    await expect(pullImage(pull, repoId, "v1")).rejects.toMatchObject({ status: 404 });

    const lines = logged().filter((line) => "outcome" in line);
    const failed = lines.filter(({ outcome }) => outcome !== "OK");
    expect(failed).toMatchObject([{ operation: "revokeCredentials", outcome: "OPERATION_NOT_SUPPORTED" }]);
    expect(lines).toHaveLength(18);
    expect(lines[0]).toMatchObject({ door: "platform", caller: { issuer: "gcp", subject: pipeline } });
    expect(running?.log()).not.toMatch(leaks);
  });

  test("who may not invoke it does not reach it; who may is who their token says", async () => {
    const other = stack.gcp.serviceAccount("another");
    const { url, as } = await open([pipeline, other]);
    const send = (headers: Record<string, string>) =>
      fetch(`${url}/v1/createRepository`, { method: "POST", headers, body: '{"registry":"images","name":"x"}' });
    expect((await send({})).status).toBe(403);
    expect((await send(as(stack.gcp.serviceAccount("stranger")))).status).toBe(403);
    expect(
      (await send({ authorization: `Bearer ${stack.gcp.idToken(pipeline, "https://elsewhere.example")}` })).status,
    ).toBe(401);
    expect((await send({ authorization: `Bearer ${verifiedToken()}` })).status).toBe(401);
    expect(logged()).toEqual([]);
    // One may invoke it, and no rule knows them; nor do they become another by the header that the platform skips.
    const { authorization: genuine } = as(other);
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const forged = `Bearer ${verifiedToken({ exp })}`;
    expect((await send({ authorization: genuine })).status).toBe(403);
    expect((await send({ "x-serverless-authorization": genuine, authorization: forged })).status).toBe(403);
    expect(logged().map(({ caller }) => (caller as Body).subject)).toEqual([other, other]);
    expect(
      (await send({ "x-serverless-authorization": as(pipeline).authorization, authorization: "Bearer x" })).status,
    ).toBe(200);
  });

  test("where IAM is off by mistake, no genuine token counts", async () => {
    const { ask } = await open("allUsers");
    expect(await ask("createRepository", { name: "x" })).toMatchObject({ code: "AUTHENTICATION_ERROR" });
  });

  test("whatever is sent, the answer is ours", async () => {
    const { url, as } = await open();
    const headers = { ...as(pipeline), "content-type": "application/json" };
    const bodies: [string, number, string][] = [
      ["{", 400, "INVALID_INPUT"],
      ["[]", 400, "INVALID_INPUT"],
      [JSON.stringify({ registry: "images", name: "x".repeat(70_000) }), 413, "PAYLOAD_TOO_LARGE"],
    ];
    for (const [body, status, code] of bodies) {
      const response = await fetch(`${url}/v1/createRepository`, { method: "POST", headers, body });
      const answer = (await response.json()) as Body;
      expect([response.status, answer.code, answer.requestId]).toEqual([
        status,
        code,
        response.headers.get("x-request-id"),
      ]);
    }
    expect(await post(url, "createRepository", { name: "x", extra: 1 }, headers)).toMatchObject({
      code: "INVALID_INPUT",
    });
    const throttle = { kind: "throttle", retryAfterSeconds: 30 } as const;
    stack.gcp.faults.add({ action: "generateAccessToken", fault: throttle });
    const input = { repoId: "my-app", permissions: "pull" };
    expect(await post(url, "generateCredentials", input, headers)).toMatchObject({
      code: "RATE_LIMIT_EXCEEDED",
      retryable: true,
    });
    expect((await fetch(`${url}/openapi.json`, { headers })).status).toBe(200);
    const nowhere = await fetch(`${url}/v1/%ff`, { method: "POST", headers, body: "{}" });
    expect(await nowhere.json()).toMatchObject({ code: "RESOURCE_NOT_FOUND" });
    expect(running?.log()).not.toMatch(leaks);
  });
});

describe("behind the provision door", () => {
  test("a registry from its making to its end", async () => {
    // Nothing binds it: its names are derived.
    const { address } = await start("provision", {
      ALIEN_STACK_PREFIX: "acme",
      GOOGLE_CLOUD_LOCATION: "europe-west1",
      ALIEN_ACCESS_RULES: rulesFor("fresh"),
    });
    front = await startFront(stack.gcp, address, [pipeline]);
    const { url } = front;
    const headers = { authorization: `Bearer ${stack.gcp.idToken(pipeline, url)}` };
    const ask = (operation: string) => post(`${url}/`, operation, { registry: "fresh" }, headers);
    expect(await ask("provisionRegistry")).toMatchObject({ binding: { service: "gar", repositoryName: "acme-fresh" } });
    expect(await ask("describeRegistry")).toMatchObject({ service: "gar", health: { status: "healthy" } });
    expect(await ask("deprovisionRegistry")).toEqual({});
    expect(running?.log()).not.toMatch(leaks);
  });

  test("a bad configuration is told, not crashed over", async () => {
    const { address } = await start("provision", { ALIEN_ACCESS_RULES: "no JSON" });
    front = await startFront(stack.gcp, address, "allUsers");
    for (const _ of [1, 2]) {
      expect(await post(`${front.url}/`, "describeRegistry", {})).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    }
  });
});

test("Google's front end keeps some paths to itself, and /livez and /readyz reach the function", async () => {
  const { address } = await start("oidc", {
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: (await startIssuer()).url, audience: "registry" }]),
  });
  front = await startFront(stack.gcp, address, "allUsers");
  const ask = async (path: string) => {
    const response = await fetch(`${front?.url}${path}`);
    return [response.status, await response.text()];
  };
  expect(await ask("/livez")).toEqual([200, '{"status":"ok"}']);
  expect(await ask("/readyz")).toEqual([200, '{"status":"ready"}']);
  for (const path of ["/healthz", "/eventlog", "/_ah/health"]) {
    expect(await ask(path)).toEqual([404, "<title>The platform refuses</title>"]);
  }
});

test("behind the oidc door the function verifies tokens itself", async () => {
  const issuer = await startIssuer();
  const { address } = await start("oidc", {
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "registry" }]),
    ALIEN_ACCESS_RULES: rulesFor("images", { issuer: issuer.url, subject: "worker-1" }),
  });
  front = await startFront(stack.gcp, address, "allUsers");
  const ask = (token: string) =>
    post(
      front?.url ?? "",
      "generateCredentials",
      { repoId: "my-app", permissions: "pull" },
      { authorization: `Bearer ${token}` },
    );
  expect(await ask(await issuer.sign({ sub: "worker-1", aud: "registry" }))).toMatchObject({ scope: "registry" });
  expect(await ask(await issuer.sign({ sub: "worker-1", aud: "another" }))).toMatchObject({
    code: "AUTHENTICATION_ERROR",
  });
  const exp = Math.floor(Date.now() / 1_000) + 600;
  expect(await ask(verifiedToken({ exp }))).toMatchObject({ code: "AUTHENTICATION_ERROR" });
  await issuer.stop();
});

describe("called by events", () => {
  /** The golden event, as if it had been sent just now. */
  const fresh = (golden: Golden): Golden => {
    const time = new Date().toISOString();
    const text = JSON.stringify(golden).replaceAll("2026-05-06T07:00:00Z", time);
    const message = JSON.parse(text) as Golden & { body: { message?: { data: string } } };
    if (message.body.message) {
      const data = Buffer.from(message.body.message.data, "base64").toString().replace("2026-05-06T07:00:00Z", time);
      message.body.message.data = Buffer.from(data).toString("base64");
    }
    return message;
  };
  const letters = () => stack.gcp.published;

  test.each([...eventNames, ...messageNames])("%s sets a repository up", async (name) => {
    const { send } = await start("events");
    expect(await send(fresh(goldenOf(name)))).toMatchObject({ status: 204, text: "" });
    expect(logged()).toMatchObject([{ door: "events", operation: "setupRepository", outcome: "OK" }]);
    expect(letters()).toEqual([]);
  });

  test("what may succeed later comes again, what never can goes to the dead letters", async () => {
    const { send, log } = await start("events");
    const fault = { kind: "throttle", retryAfterSeconds: 30 } as const;
    stack.gcp.faults.add({ action: "GetIamPolicy", fault, times: Number.POSITIVE_INFINITY });
    // Whatever the framework would show of an error: it is told that this is no place for it.
    expect(await send(fresh(goldenOf("pubsub-binary")))).toMatchObject({ status: 500, text: "Internal Server Error" });
    stack.gcp.faults.clear();
    expect(await send(fresh(goldenOf("pubsub-binary")))).toMatchObject({ status: 204 });
    expect(letters()).toEqual([]);

    const late = setupEvent({ time: goldenTime.toISOString().replace("2026", "2020") });
    expect(await send(goldenOf("event-structured", { body: late }))).toMatchObject({ status: 204 });
    expect(letters()).toMatchObject([{ attributes: { code: "RESOURCE_CONFLICT" } }]);
    expect(JSON.parse(letters()[0]?.data ?? "")).toMatchObject(late);

    stack.gcp.faults.add({ action: "Publish", fault: { kind: "error", status: "PERMISSION_DENIED" } });
    expect(await send(goldenOf("event-structured", { body: late }))).toMatchObject({ status: 500 });
    expect(letters()).toHaveLength(1);
    expect(log()).not.toMatch(leaks);
  });

  test("what is no event at all is refused, without a word of where", async () => {
    const { send, log } = await start("events");
    const malformed = { ...goldenOf("event-structured"), body: "{" };
    for (const golden of [goldenOf("direct"), malformed, { ...malformed, method: "GET", body: undefined }]) {
      const answer = await send(golden);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).not.toMatch(/ at |node_modules|JSON at position/);
    }
    // The framework tells its log where its own parser gave up; of ours there is nothing.
    for (const file of ["chunks/", "index.js"]) expect(log()).not.toContain(join(deployment.folder, file));
  });
});

test("every operation there is has been answered", () => {
  expect([...answered].sort()).toEqual([...operationNames].sort());
});

/** The lines of JSON that the function has logged. */
function logged(): Body[] {
  const lines = running?.log().split("\n") ?? [];
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

function rulesFor(registry: string, caller = { issuer: "door", subject: "*" }): string {
  const any = ["*"];
  const everything = { operations: any, repositories: any, permissions: ["pull", "push-pull"], grantees: any };
  return JSON.stringify([{ callers: [caller], registries: [registry], ...everything }]);
}
