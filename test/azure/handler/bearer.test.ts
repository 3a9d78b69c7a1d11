import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Application, Principal } from "../../emulators/azure/index.ts";
import { createKey, startIssuer } from "../../support/issuer.ts";
import { containerRegistry, useStack } from "../support/registry.ts";
import { functionEnv, rulesFor, type Sent, startApp, type TestApp } from "./functions.ts";
import { eventIn, goldenTopic, principalHeaders, withRole } from "./golden.ts";

/**
 * Doors that stand open without App Service authentication: where the environment names an audience, the function verifies the
 * callers' tokens itself, and believes no header.
 */
const stack = useStack();
const roles = {
  platform: "ArtifactRegistry.Caller",
  provision: "ArtifactRegistry.Provisioner",
  events: "AzureEventGridSecureWebhookSubscriber",
} as const;
const doorNames = ["platform", "provision", "events"] as const;
type DoorName = (typeof doorNames)[number];

let caller: Principal;
let another: Principal;
let application: Application;
beforeAll(() => {
  const { azure } = stack();
  [caller, another] = [azure.servicePrincipal("pipeline"), azure.servicePrincipal("another")];
  application = azure.application("api://artifact-registry", [
    [caller, Object.values(roles)],
    [another, ["Another.Role"]],
  ]);
});
beforeEach(() => {
  stack().azure.calls.length = 0;
  containerRegistry(stack()).scopeMaps.clear();
});

const requests: Record<DoorName, { readonly sent: Sent; readonly granted: number }> = {
  platform: {
    sent: {
      path: "/v1/generateCredentials",
      body: { registry: "images", repoId: "my-app", permissions: "push-pull" },
    },
    granted: 200,
  },
  provision: { sent: { path: "/", body: { operation: "describeRegistry", registry: "images" } }, granted: 200 },
  events: { sent: { path: "/events", body: eventIn("cloud-event") }, granted: 204 },
};

function open(door: DoorName, more: Record<string, string | undefined> = {}): TestApp {
  const { azure } = stack();
  const { WEBSITE_AUTH_ENABLED: _, ...env } = functionEnv(stack(), door, {
    ALIEN_ACCESS_RULES: rulesFor("azure", `${azure.tenantId}/${caller.principalId}`),
    ALIEN_PLATFORM_TENANTS: azure.tenantId,
    ALIEN_PLATFORM_AUDIENCE: application.clientId,
    AZURE_AUTHORITY_HOST: azure.authorityHost,
    ALIEN_DEAD_LETTER_QUEUE_URL: azure.queue("letters").url,
    ALIEN_EVENT_GRID_TOPICS: goldenTopic,
  });
  return startApp({ ...env, ...more });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const tokenOf = async (principal: Principal, resource = "api://artifact-registry", seconds = 3_600) =>
  bearer(await stack().azure.entraToken(principal, resource, seconds));

/** The claims of a genuine token, some of them changed, signed with the tenant's own key. */
async function signed(changes: Record<string, unknown>): Promise<Record<string, string>> {
  const { azure } = stack();
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: `${azure.authorityHost}/${azure.tenantId}/v2.0`,
    aud: application.clientId,
    iat: now,
    exp: now + 600,
    sub: caller.principalId,
    oid: caller.principalId,
    azp: caller.clientId,
    tid: azure.tenantId,
    roles: Object.values(roles),
    ...changes,
  };
  return bearer(await azure.world.entra.signer.sign(claims));
}

describe.each(doorNames)("the %s door", (door) => {
  const { sent, granted } = requests[door];

  test("lets a token of the tenant, for the application and with the role in, and nobody else", async () => {
    const otherTenant = "22222222-2222-4333-8444-555555555555";
    const app = open(door, { ALIEN_PLATFORM_TENANTS: `${stack().azure.tenantId}, ${otherTenant}` });
    expect((await app.send({ ...sent, headers: await tokenOf(caller) })).status).toBe(granted);
    expect((await app.send({ ...sent, headers: await signed({}) })).status).toBe(granted);
    // A managed identity's token lives for a day, and is dated back.
    expect((await app.send({ ...sent, headers: await tokenOf(caller, undefined, 24 * 3_600) })).status).toBe(granted);
    stack().azure.calls.length = 0;
    const withoutRole = await app.send({ ...sent, headers: await tokenOf(another) });
    expect(withoutRole).toMatchObject({ status: 403, json: { code: "ACCESS_DENIED" } });
    const other = await startIssuer();
    const theirs = await createKey("RS256");
    const refused: Record<string, Record<string, string>> = {
      "no token": {},
      "another resource's": await tokenOf(caller, "https://management.azure.com"),
      "one that has ended": await signed({ exp: Math.floor(Date.now() / 1_000) - 120 }),
      "another issuer's": bearer(await other.sign({ aud: application.clientId, sub: caller.principalId })),
      "the identifier as audience": await signed({ aud: "api://artifact-registry" }),
      "another tenant's claim": await signed({ tid: otherTenant }),
      "an ID token": await signed({ azp: undefined }),
      "a key that is not the tenant's": bearer(
        await other.sign({ iss: `${stack().azure.authorityHost}/${stack().azure.tenantId}/v2.0` }, { key: theirs }),
      ),
      "no caller's": await signed({ oid: "", azp: "" }),
    };
    await other.stop();
    for (const [what, headers] of Object.entries(refused)) {
      const answer = await app.send({ ...sent, headers });
      expect([what, answer.status, answer.json.code]).toEqual([what, 401, "AUTHENTICATION_ERROR"]);
      expect([what, answer.json.hint]).toEqual([what, expect.stringContaining("Authorization: Bearer")]);
    }
    expect(stack().azure.calls.filter(({ service }) => service !== "entra")).toEqual([]);
  });

  test.each([undefined, "True", "False", ""])("believes no header, where WEBSITE_AUTH_ENABLED is %s", async (told) => {
    const app = open(door, { WEBSITE_AUTH_ENABLED: told });
    for (const headers of [principalHeaders(), withRole(roles[door])]) {
      expect(await app.send({ ...sent, headers })).toMatchObject({
        status: 401,
        json: { code: "AUTHENTICATION_ERROR" },
      });
      // Nor does a header make the caller of a token another one, or give it a role.
      const both = { ...headers, ...(await tokenOf(another)) };
      expect(await app.send({ ...sent, headers: both })).toMatchObject({ status: 403 });
    }
    expect(app.started).toEqual([]);
  });

  test("is shut where the audience is no application's id", async () => {
    const app = open(door, { ALIEN_PLATFORM_AUDIENCE: "api://artifact-registry" });
    const answer = await app.send({ ...sent, headers: await tokenOf(caller) });
    expect(answer.json).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: /./ });
    expect(answer.json.message).toContain("ALIEN_PLATFORM_AUDIENCE");
  });
});

test("the audit log tells who was let in, and why who was not", async () => {
  const { tenantId } = stack().azure;
  const app = open("platform", { ALIEN_TRUSTED_PROXIES: "1" });
  const { sent } = requests.platform;
  await app.send({ ...sent, headers: await tokenOf(caller) });
  await app.send({ ...sent, headers: await signed({ aud: "another" }) });
  expect(app.audit).toMatchObject([
    { door: "platform", caller: { issuer: "azure", subject: `${tenantId}/${caller.principalId}` }, outcome: "OK" },
    { door: "platform", reason: "TOKEN_AUDIENCE", claimed: { subject: caller.principalId, audience: ["another"] } },
  ]);
  const provision = open("provision");
  await provision.send({ ...requests.provision.sent, headers: await signed({ aud: "another" }) });
  expect(provision.audit).toMatchObject([{ door: "provision", reason: "TOKEN_AUDIENCE", claimed: {} }]);
});

test("failed authentications from one address are bounded, and a valid token is let in all the same", async () => {
  const app = open("platform", { ALIEN_TRUSTED_PROXIES: "1", ALIEN_FAILED_LOGINS_PER_SECOND: "1" });
  const { sent } = requests.platform;
  const from = { "x-forwarded-for": "203.0.113.7" };
  const statuses = [];
  for (let tries = 0; tries < 40; tries++) statuses.push((await app.send({ ...sent, headers: from })).status);
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  expect((await app.send({ ...sent, headers: { ...from, ...(await tokenOf(caller)) } })).status).toBe(200);
});

test("while Entra does not answer, nobody is let in, and everybody is told to come again", async () => {
  const app = open("platform", { AZURE_AUTHORITY_HOST: "http://127.0.0.1:9" });
  const headers = await signed({ iss: `http://127.0.0.1:9/${stack().azure.tenantId}/v2.0` });
  expect(await app.send({ ...requests.platform.sent, headers })).toMatchObject({
    status: 503,
    json: { code: "SERVICE_UNAVAILABLE", retryable: true },
  });
});
