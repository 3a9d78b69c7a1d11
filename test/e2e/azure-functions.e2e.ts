import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { operationNames } from "../../core/operations.ts";
import { createClient, pullImage, pushImage } from "../../oci/client/index.ts";
import { functionEnv, rulesFor } from "../azure/handler/functions.ts";
import { eventIn, principalHeaders } from "../azure/handler/golden.ts";
import { provisionPermissions } from "../azure/provisioning/support/group.ts";
import { type RunningApp, startRunningApp } from "../azure/runtime/app.ts";
import { type Deployment, deploy } from "../azure/runtime/deploy.ts";
import { startFront } from "../azure/runtime/front.ts";
import { containerRegistry } from "../azure/support/registry.ts";
import { type AzureStack, startStack } from "../azure/support/stack.ts";
import { servicePaths } from "../contract/service.ts";
import type { Application, Principal } from "../emulators/azure/index.ts";
import { buildImage } from "../oci/client/images.ts";
import type { Front } from "../support/front.ts";
import { startIssuer } from "../support/issuer.ts";

/** The bundle as it is deployed, under a host that does what the Functions host and its worker do with it. */

const audience = "api://artifact-registry";
let deployment: Deployment;
let stack: AzureStack;
let application: Application;
const principals = new Map<string, Principal>();
beforeAll(async () => {
  deployment = deploy();
  stack = await startStack();
  const { azure } = stack;
  const roles = {
    pipeline: ["ArtifactRegistry.Caller"],
    another: ["ArtifactRegistry.Caller"],
    operator: ["ArtifactRegistry.Provisioner"],
    eventgrid: ["AzureEventGridSecureWebhookSubscriber"],
    stranger: [],
  };
  for (const name of Object.keys(roles)) principals.set(name, azure.servicePrincipal(name));
  const held = Object.entries(roles).map(([name, its]) => [principal(name), its] as const);
  application = azure.application(audience, held);
  azure.assign(stack.identity, "Azure Service Bus Data Sender", azure.queue("letters").id);
});
afterAll(async () => {
  await stack?.stop();
  deployment?.remove();
});

let app: RunningApp | undefined;
let front: Front | undefined;
afterEach(async () => {
  await front?.stop();
  await app?.stop();
  front = app = undefined;
  stack.azure.faults.clear();
  stack.azure.sent.length = 0;
  containerRegistry(stack).scopeMaps.clear();
});

type Body = Record<string, unknown>;
/** What was answered, over all tests. */
const answered = new Set<string>();
/** Nothing of where an error was thrown, and no token. */
const leaks = /\n\s+at |\.js:\d+|eyJ[\w-]+\.eyJ/;

function principal(name: string): Principal {
  const found = principals.get(name);
  if (found === undefined) throw new Error(`There is no principal ${name}.`);
  return found;
}

async function start(door: string, more: Record<string, string> = {}, authenticated = true): Promise<string> {
  const subject = `${stack.azure.tenantId}/${principal("pipeline").principalId}`;
  const { WEBSITE_AUTH_ENABLED = "", ...env } = functionEnv(stack, door, {
    ALIEN_ACCESS_RULES: rulesFor("azure", subject),
    ALIEN_PLATFORM_TENANTS: stack.azure.tenantId,
    ALIEN_DEAD_LETTER_QUEUE_URL: stack.azure.queue("letters").url,
    ...more,
  });
  // The platform sets it where it authenticates. Where it does not, it may say so, or say nothing.
  const told: Record<string, string> = authenticated ? { WEBSITE_AUTH_ENABLED } : {};
  app = await startRunningApp(deployment, { ...env, ...told, ...more });
  front = await startFront(stack.azure, app.url, authenticated ? application : undefined);
  return front.url;
}

async function as(name: string, resource = audience): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await stack.azure.entraToken(principal(name), resource)}` };
}

/** Calls an operation over HTTP as `fetch` does it. */
async function post(url: string, operation: string, input: object, headers: Record<string, string>): Promise<Body> {
  const direct = url.endsWith("/");
  const response = await fetch(direct ? url : `${url}/v1/${operation}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ ...(direct && { operation }), registry: "images", ...input }),
  });
  const answer = (await response.json()) as Body;
  expect(response.status).toBe(answer.httpStatusCode ?? 200);
  expect(response.headers.get("x-request-id")).toBeTruthy();
  // One that Azure has no like of is answered too: with the reason, and Azure's own way.
  if (response.ok || answer.code === "OPERATION_NOT_SUPPORTED") answered.add(operation);
  return answer;
}

/** An input for `createRepository` that has this many bytes, with a name that is too long. */
function ofBytes(bytes: number): string {
  const [head, tail] = ['{"registry":"images","name":"', '"}'];
  return head + "x".repeat(bytes - head.length - tail.length) + tail;
}

/** The lines of JSON that the function has logged. */
function logged(): Body[] {
  const lines = app?.log().split("\n") ?? [];
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Body);
}

describe("behind the platform door", () => {
  test("a repository from its creation to its deletion, with real images", async () => {
    const url = await start("platform");
    const headers = await as("pipeline");
    const ask = (operation: string, input: object) => post(url, operation, input, headers);
    const repoId = "images/team/app";
    expect(await ask("createRepository", { name: "team/app" })).toMatchObject({
      name: repoId,
      uri: `${stack.loginServer}/${repoId}`,
    });
    expect(await ask("getRepository", { repoId })).toMatchObject({ name: repoId });
    const mint = async (permissions: string) => {
      const answer = await ask("generateCredentials", { repoId, permissions });
      expect(answer).toMatchObject({ authMethod: "bearer", username: "", scope: "repository" });
      expect(app?.log()).not.toContain(answer.password);
      return createClient({
        url: stack.azure.registryUrl(stack.registryName),
        credentials: { bearer: String(answer.password) },
      });
    };
    const [push, pull] = [await mint("push-pull"), await mint("pull")];
    const image = buildImage({ seed: "team/app" });
    await pushImage(push, repoId, "v1", image);
    expect(await pullImage(pull, repoId, "v1")).toEqual(image);
    await expect(pushImage(pull, repoId, "v2", buildImage({ seed: "other" }))).rejects.toMatchObject({ status: 401 });
    await expect(pullImage(pull, "images/another", "v1")).rejects.toMatchObject({ status: 401 });

    expect(await ask("listRepositories", {})).toMatchObject({ repositories: [{ name: repoId }] });
    const { digest } = image.manifest;
    expect(await ask("listImages", { repoId })).toMatchObject({ images: [{ digest, tags: ["v1"] }] });
    await pushImage(push, repoId, "v0", buildImage({ seed: "deleted" }));
    expect(await ask("deleteImage", { repoId, reference: "v0" })).toEqual({});
    for (const operation of ["listGranteeAccess", "removeGranteeAccess"]) {
      expect(await ask(operation, { grantee: "aws:111122223333" })).toMatchObject({ code: "OPERATION_NOT_SUPPORTED" });
    }
    expect(await ask("setupRepository", { name: "team/app" })).toMatchObject({ name: repoId });
    const access = { type: "aws", accountIds: ["111122223333"], allowedServiceTypes: [], regions: [], roleArns: [] };
    for (const operation of ["addCrossAccountAccess", "removeCrossAccountAccess"]) {
      expect(await ask(operation, { repoId, access })).toMatchObject({ code: "OPERATION_NOT_SUPPORTED" });
    }
    const { code, hint } = await ask("getCrossAccountAccess", { repoId });
    expect([code, hint]).toEqual(["OPERATION_NOT_SUPPORTED", expect.stringMatching(/role/)]);
    expect(await ask("describeRegistry", {})).toMatchObject({ service: "acr" });
    expect(await ask("revokeCredentials", { repoId })).toMatchObject({ code: "OPERATION_NOT_SUPPORTED" });
    expect(await ask("deleteRepository", { repoId })).toEqual({});
    await expect(pullImage(push, repoId, "v1")).rejects.toMatchObject({ status: 404 });
    expect(await ask("getRepository", { repoId })).toMatchObject({ code: "RESOURCE_NOT_FOUND" });

    const lines = logged();
    const subject = `${stack.azure.tenantId}/${principal("pipeline").principalId}`;
    expect(lines[0]).toMatchObject({ door: "platform", caller: { issuer: "azure", subject }, outcome: "OK" });
    expect(lines).toHaveLength(17);
    expect(app?.log()).not.toMatch(leaks);
  });

  test("who is not let in, and who is and may not", async () => {
    const url = await start("platform");
    const create = (headers: Record<string, string>) =>
      fetch(`${url}/v1/createRepository`, { method: "POST", headers, body: '{"registry":"images","name":"x"}' });
    // The platform: no token, one for something else. And a header that a caller writes is gone.
    expect((await create({})).status).toBe(401);
    expect((await create(principalHeaders())).status).toBe(401);
    expect((await create(await as("pipeline", "https://containerregistry.azure.net"))).status).toBe(401);
    expect(logged()).toEqual([]);
    // The function: no role, no rule; whatever else the caller says of itself.
    expect((await create({ ...(await as("stranger")), ...principalHeaders() })).status).toBe(403);
    expect((await create(await as("operator"))).status).toBe(403);
    expect((await create(await as("another"))).status).toBe(403);
    expect(logged().map(({ outcome }) => outcome)).toEqual(["ACCESS_DENIED", "ACCESS_DENIED", "ACCESS_DENIED"]);
    expect((await create(await as("pipeline"))).status).toBe(200);
  });

  test("another tenant's caller is nobody", async () => {
    const url = await start("platform", { ALIEN_PLATFORM_TENANTS: "22222222-2222-4333-8444-555555555555" });
    expect(await post(url, "createRepository", { name: "x" }, await as("pipeline"))).toMatchObject({
      code: "AUTHENTICATION_ERROR",
    });
  });

  test("whatever is sent, the answer is ours", async () => {
    const url = await start("platform");
    const headers = await as("pipeline");
    const bodies: [string, number, string][] = [
      ["", 400, "INVALID_INPUT"],
      ["{", 400, "INVALID_INPUT"],
      ["[]", 400, "INVALID_INPUT"],
      [JSON.stringify({ registry: "images", name: "x", extra: 1 }), 400, "INVALID_INPUT"],
      // Exactly the limit is no reason to refuse: only the name is too long.
      [ofBytes(64 * 1024), 400, "INVALID_INPUT"],
      [ofBytes(64 * 1024 + 1), 413, "PAYLOAD_TOO_LARGE"],
    ];
    for (const [body, status, code] of bodies) {
      const response = await fetch(`${url}/v1/createRepository`, { method: "POST", headers, body });
      const answer = (await response.json()) as Body;
      const requestId = response.headers.get("x-request-id");
      expect([response.status, answer.code, answer.requestId]).toEqual([status, code, requestId]);
    }
    stack.azure.faults.add({ action: "exchange", fault: { kind: "throttle", retryAfterSeconds: 30 }, times: 9 });
    const credentials = { repoId: "my-app", permissions: "pull" };
    expect(await post(url, "generateCredentials", credentials, headers)).toMatchObject({
      code: "RATE_LIMIT_EXCEEDED",
      retryable: true,
    });
    for (const path of ["/%ff", "/api/v1/createRepository", "/", "/v1/createRepository/x"]) {
      const response = await fetch(`${url}${path}`, { method: "POST", headers, body: "{}" });
      expect([response.status, ((await response.json()) as Body).code]).toEqual([404, "RESOURCE_NOT_FOUND"]);
    }
    expect((await fetch(`${url}/v1/createRepository`, { method: "PUT", headers, body: "{}" })).status).toBe(405);
    // These need nobody.
    for (const [path, body] of servicePaths) expect(await (await fetch(`${url}${path}`)).json()).toEqual(body);
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
    expect(app?.log()).not.toMatch(leaks);
  });
});

describe("bodies in chunks, without a length", () => {
  const chunked = async (url: string, chunks: Iterable<string> | AsyncIterable<string>, headers = {}) => {
    const body = Readable.from(chunks, { objectMode: false });
    const sending = request(url, { method: "POST", headers: { "content-type": "application/json", ...headers } });
    // Who is refused need not send the rest.
    body.on("error", () => {}).pipe(sending);
    const [answer] = (await once(sending, "response")) as [IncomingMessage];
    const said = (await json(answer)) as Body;
    sending.on("error", () => {}).destroy();
    return { status: answer.statusCode, said };
  };

  test("arrive", async () => {
    const url = await start("platform");
    const answer = await chunked(
      `${url}/v1/createRepository`,
      ['{"registry":"ima', 'ges","name":"x"}'],
      await as("pipeline"),
    );
    expect(answer).toMatchObject({ status: 200, said: { name: "images/x" } });
  });

  test("are refused over 64 KiB, although more is still to come", async () => {
    const url = await start("platform");
    const endless = async function* () {
      for (;;) yield "x".repeat(16 * 1024);
    };
    const headers = await as("pipeline");
    for (const _again of [1, 2]) {
      const answer = await chunked(`${url}/v1/createRepository`, endless(), headers);
      expect(answer).toMatchObject({ status: 413, said: { code: "PAYLOAD_TOO_LARGE" } });
    }
    const full = ofBytes(64 * 1024);
    expect(await chunked(`${url}/v1/createRepository`, [full], headers)).toMatchObject({
      said: { code: "INVALID_INPUT" },
    });
    expect(await chunked(`${url}/v1/createRepository`, [full, " "], headers)).toMatchObject({ status: 413 });
    expect(app?.log()).not.toMatch(/Failed|Exception/);
  });

  test("are refused from whom nobody knows, whether anybody has read them", async () => {
    const url = await start(
      "oidc",
      { ALIEN_OIDC_ISSUERS: '[{"issuer":"http://127.0.0.1:9","audience":"registry"}]' },
      false,
    );
    const endless = async function* () {
      for (;;) yield "x".repeat(16 * 1024);
    };
    const answer = await chunked(`${url}/v1/createRepository`, endless());
    expect(answer).toMatchObject({ status: 401, said: { code: "AUTHENTICATION_ERROR" } });
  });
});

describe("where App Service does not authenticate, a forged header opens nothing", () => {
  const forged = {
    platform: {
      path: "/v1/generateCredentials",
      headers: () => claiming("pipeline", "ArtifactRegistry.Caller"),
      body: { registry: "images", repoId: "my-app", permissions: "push-pull" },
      status: 400,
    },
    provision: {
      path: "/",
      headers: () => claiming("operator", "ArtifactRegistry.Provisioner"),
      body: { operation: "describeRegistry", registry: "images" },
      status: 400,
    },
    events: {
      path: "/events",
      headers: () => claiming("eventgrid", "AzureEventGridSecureWebhookSubscriber"),
      body: eventIn("cloud-event", { time: new Date().toISOString() }),
      status: 503,
    },
  } as const;
  const topics = { ALIEN_EVENT_GRID_TOPICS: String(eventIn("event-grid-event").topic) };
  const beside = {
    ...topics,
    // What an earlier version was told to believe.
    ALIEN_PLATFORM_AUTHENTICATION: "app-service",
    WEBSITE_AUTH_CLIENT_ID: "99999999-8888-4777-8666-555555555555",
    WEBSITE_AUTH_V2_CONFIG_JSON: '{"platform":{"enabled":true}}',
    WEBSITE_SITE_NAME: "acme-platform",
    WEBSITE_SKU: "FlexConsumption",
  };
  const environments: [string, Record<string, string>][] = [
    ["says nothing", topics],
    ["says nothing, whatever else is set", beside],
    ...["", "False", "false", "0", "1"].map((told): [string, Record<string, string>] => [
      `says "${told}"`,
      { ...beside, WEBSITE_AUTH_ENABLED: told },
    ]),
  ];
  const doors = ["platform", "provision", "events"] as const;
  const cases = doors.flatMap((door) => environments.map(([what, env]) => [door, what, env] as const));

  /** The header as App Service would write it, written by somebody else. */
  function claiming(name: string, role: string): Record<string, string> {
    const own = { tid: stack.azure.tenantId, oid: principal(name).principalId };
    const claims = [...Object.entries(own).map(([typ, val]) => ({ typ, val })), { typ: "roles", val: role }];
    return principalHeaders((golden) => ({ ...golden, claims }));
  }

  function send(url: string, door: keyof typeof forged): Promise<Response> {
    const { path, headers, body } = forged[door];
    return fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers() },
      body: JSON.stringify(body),
    });
  }

  // Else the others would be refused for what is in the header.
  test.each(doors)("the %s door would take this header for a genuine one", async (door) => {
    const url = await start(door, { ...beside, WEBSITE_AUTH_ENABLED: "True" }, false);
    expect((await send(url, door)).status).toBe(door === "events" ? 204 : 200);
  });

  test.each(cases)("the %s door, where the host %s", async (door, _, env) => {
    const { status } = forged[door];
    const url = await start(door, env, false);
    // The log says so at start, before anybody calls, and once.
    const reason = expect.stringMatching(/App Service authentication is off/);
    const hint = expect.stringMatching(/Turn App Service authentication on/);
    const line = { door, event: "shut", outcome: "BINDING_CONFIG_INVALID", reason, hint };
    await expect.poll(logged).toMatchObject([line]);
    stack.azure.calls.length = 0;
    for (const _again of [1, 2]) {
      const response = await send(url, door);
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: reason, hint });
    }
    expect(logged()).toHaveLength(1);
    expect(stack.azure.calls).toEqual([]);
  });
});

test("without App Service authentication, a door verifies callers' tokens itself where it is told an audience", async () => {
  const { azure } = stack;
  const more = { ALIEN_PLATFORM_AUDIENCE: application.clientId, AZURE_AUTHORITY_HOST: azure.authorityHost };
  const url = await start("platform", more, false);
  const ask = (headers: Record<string, string>) =>
    post(url, "generateCredentials", { repoId: "my-app", permissions: "pull" }, headers);
  const forged = principalHeaders();
  expect(await ask(await as("pipeline"))).toMatchObject({ scope: "repository" });
  expect(await ask(forged)).toMatchObject({ code: "AUTHENTICATION_ERROR" });
  expect(await ask({ ...forged, ...(await as("stranger")) })).toMatchObject({ code: "ACCESS_DENIED" });
  expect(await ask(await as("pipeline", "https://containerregistry.azure.net"))).toMatchObject({
    code: "AUTHENTICATION_ERROR",
  });
  expect(logged().every(({ event }) => event !== "shut")).toBe(true);
});

test("behind the oidc door the function verifies tokens itself, and believes no header", async () => {
  const issuer = await startIssuer();
  const more = {
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "registry" }]),
    ALIEN_ACCESS_RULES: rulesFor(issuer.url, "worker-1"),
  };
  const url = await start("oidc", more, false);
  const ask = (headers: Record<string, string>) =>
    post(url, "generateCredentials", { repoId: "my-app", permissions: "pull" }, headers);
  const bearer = async (claims: Body) => ({ authorization: `Bearer ${await issuer.sign(claims)}` });
  expect(await ask(await bearer({ sub: "worker-1", aud: "registry" }))).toMatchObject({ scope: "repository" });
  const refused = { code: "AUTHENTICATION_ERROR" };
  expect(await ask(await bearer({ sub: "worker-1", aud: "another" }))).toMatchObject(refused);
  expect(await ask(principalHeaders())).toMatchObject(refused);
  expect(await ask({ ...principalHeaders(), ...(await as("pipeline")) })).toMatchObject(refused);
  await issuer.stop();
});

test("behind the provision door a registry from its making to its end", async () => {
  const { azure } = stack;
  const scope = azure.resourceGroup(azure.resourceGroupName);
  const identity = azure.identity("provisions", {
    roles: { [scope]: [azure.role("Provisions registries", provisionPermissions).name] },
  });
  // Nothing binds it: its names are derived.
  const url = await start("provision", {
    ...azure.environment(identity),
    ALIEN_STACK_PREFIX: "acme",
    ALIEN_AZURE_RESOURCE_GROUP: azure.resourceGroupName,
    ALIEN_AZURE_LOCATION: "westeurope",
  });
  const headers = await as("operator");
  const ask = (operation: string, by = headers) => post(`${url}/`, operation, { registry: "fresh" }, by);
  const { binding } = (await ask("provisionRegistry")) as { binding: { registryName: string } };
  expect(binding).toMatchObject({ service: "acr", repositoryPrefix: "acme-fresh" });
  expect(azure.world.registries.get(binding.registryName)).toMatchObject({ adminUserEnabled: false });
  expect(await ask("provisionRegistry")).toMatchObject({ binding });
  expect(await ask("describeRegistry")).toMatchObject({ service: "acr" });
  expect(await ask("deprovisionRegistry", await as("pipeline"))).toMatchObject({ code: "ACCESS_DENIED" });
  expect(azure.world.registries.has(binding.registryName)).toBe(true);
  expect(await ask("deprovisionRegistry")).toEqual({});
  expect(azure.world.registries.has(binding.registryName)).toBe(false);
  expect(app?.log()).not.toMatch(leaks);
});

describe("called by events", () => {
  const typed = { "content-type": "application/json; charset=utf-8", "aeg-event-type": "Notification" };
  const schemas = {
    "CloudEvents 1.0": {
      headers: { ...typed, "content-type": "application/cloudevents+json; charset=utf-8" },
      fresh: (time = new Date().toISOString()): unknown => eventIn("cloud-event", { time }),
    },
    "Event Grid": {
      headers: typed,
      fresh: (time = new Date().toISOString()): unknown => [eventIn("event-grid-event", { eventTime: time })],
    },
  };
  const names = Object.keys(schemas) as (keyof typeof schemas)[];
  const topic = String(eventIn("event-grid-event").topic);
  const made = () => containerRegistry(stack).scopeMaps.size;
  const letters = () => stack.azure.sent;
  const withQueue = { ALIEN_EVENTS_QUEUE: "setup", ALIEN_EVENTS__fullyQualifiedNamespace: "x.servicebus.windows.net" };
  const busy = { kind: "throttle", retryAfterSeconds: 30 } as const;

  test("only its own triggers are there", async () => {
    const all = { ...withQueue, ALIEN_EVENT_GRID_TOPICS: topic };
    await start("events", all);
    expect(await app?.functions()).toEqual([
      "artifactRegistryEvents",
      "artifactRegistryQueue",
      "artifactRegistryWebhook",
    ]);
    await front?.stop();
    await app?.stop();
    await start("platform", all);
    expect(await app?.functions()).toEqual(["artifactRegistry"]);
  });

  test.each(names)("an event of Event Grid sets a repository up: %s", async (name) => {
    await start("events");
    const { headers, fresh } = schemas[name];
    const deliver = (event: unknown) => app?.fromEventGrid({ method: "POST", headers, body: JSON.stringify(event) });
    expect((await deliver(fresh()))?.status).toBe(202);
    expect(logged()).toMatchObject([{ door: "events", operation: "setupRepository", outcome: "OK" }]);
    expect([made(), letters()]).toEqual([1, []]);
    // What never can succeed goes to the dead letters; it has been dealt with.
    expect((await deliver(fresh("2020-01-01T00:00:00Z")))?.status).toBe(202);
    expect(letters()).toMatchObject([{ queue: "letters", properties: { code: "RESOURCE_CONFLICT" } }]);
    // What may succeed later, and what the dead letters do not take, comes again.
    stack.azure.faults.add({ service: "servicebus", fault: busy, times: 9 });
    expect((await deliver(fresh("2020-01-01T00:00:00Z")))?.status).toBe(500);
    stack.azure.faults.clear();
    stack.azure.faults.add({ service: "arm", fault: busy, times: 9 });
    expect((await deliver(fresh()))?.status).toBe(500);
    expect(letters()).toHaveLength(1);
    expect(app?.log()).not.toMatch(leaks);
  });

  test("a message of Service Bus sets a repository up", async () => {
    await start("events", withQueue);
    const time = new Date().toISOString();
    const { data, ...attributes } = eventIn("cloud-event", { time });
    const named = Object.entries(attributes).map(([name, value]) => [`cloudEvents:${name}`, value]);
    const messages = [
      { text: JSON.stringify(eventIn("cloud-event", { time })), contentType: "application/cloudevents+json" },
      { text: JSON.stringify(data), contentType: "application/json", properties: Object.fromEntries(named) },
      { text: JSON.stringify(eventIn("event-grid-event", { eventTime: time })) },
    ];
    for (const message of messages) {
      containerRegistry(stack).scopeMaps.clear();
      expect(await app?.fromServiceBus(message)).toBe("completed");
      expect(made()).toBe(1);
    }
    expect(letters()).toEqual([]);
    // Completed, since it lies with the dead letters with its reason.
    expect(await app?.fromServiceBus({ text: "this is no JSON" })).toBe("completed");
    expect(letters()).toMatchObject([{ properties: { code: "INVALID_INPUT" } }]);
    expect(letters()[0]?.body.toString()).toBe("this is no JSON");
    // Abandoned: the queue delivers it again.
    const [first] = messages;
    stack.azure.faults.add({ service: "arm", fault: busy, times: 9 });
    expect(first && (await app?.fromServiceBus(first))).toBe("abandoned");
    expect(logged().at(-1)).toMatchObject({ event: "retry", messageId: "1", outcome: "RATE_LIMIT_EXCEEDED" });
    expect(letters()).toHaveLength(1);
    expect(app?.log()).not.toMatch(leaks);
  });

  test("the webhook: both handshakes, both schemas, and only for who may subscribe", async () => {
    const url = await start("events", { ALIEN_EVENT_GRID_TOPICS: topic });
    const eventGrid = await as("eventgrid");
    const send = (method: string, headers: Record<string, string>, body?: unknown) =>
      fetch(`${url}/events`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const origin = { "webhook-request-origin": "eventgrid.azure.net" };
    const shaken = await send("OPTIONS", { ...eventGrid, ...origin });
    expect([shaken.status, shaken.headers.get("webhook-allowed-origin")]).toEqual([200, "eventgrid.azure.net"]);
    expect((await send("OPTIONS", origin)).status).toBe(401);
    expect((await send("OPTIONS", { ...(await as("stranger")), ...origin })).status).toBe(403);

    const eventType = "Microsoft.EventGrid.SubscriptionValidationEvent";
    const validation = (from: string) => [
      eventIn("event-grid-event", { eventType, topic: from, data: { validationCode: "the-code" } }),
    ];
    const validated = await send("POST", { ...eventGrid, ...typed }, validation(topic));
    expect(await validated.json()).toEqual({ validationResponse: "the-code" });
    expect((await send("POST", { ...eventGrid, ...typed }, validation(`${topic}2`))).status).toBe(403);

    for (const name of names) {
      const { headers, fresh } = schemas[name];
      containerRegistry(stack).scopeMaps.clear();
      expect((await send("POST", { ...(await as("pipeline")), ...headers }, fresh())).status).toBe(403);
      expect(made()).toBe(0);
      expect((await send("POST", { ...eventGrid, ...headers }, fresh())).status).toBe(204);
      expect(made()).toBe(1);
    }
    expect(app?.log()).not.toMatch(leaks);
  });
});

test("every operation there is has been answered", () => {
  expect([...answered].sort()).toEqual([...operationNames].sort());
});
