import { beforeEach, describe, expect, test } from "vitest";
import { servicePaths } from "../../contract/service.ts";
import { startIssuer } from "../../support/issuer.ts";
import { useStack } from "../support/registry.ts";
import { functionEnv, rulesFor, startApp } from "./functions.ts";
import { appId, type ClientPrincipal, objectId, principalHeaders, tenant, withRole } from "./golden.ts";

const stack = useStack();
beforeEach(() => {
  stack().azure.calls.length = 0;
});

const body = { registry: "images", repoId: "my-app", permissions: "pull" };
const mint = { path: "/v1/generateCredentials", body };
const own = { issuer: "azure", subject: `${tenant}/${objectId}` };
const caller = { ALIEN_ACCESS_RULES: rulesFor(own.issuer, own.subject) };
const claims = (change: (claims: ClientPrincipal["claims"]) => unknown) =>
  principalHeaders((golden) => ({ ...golden, claims: change(golden.claims) }));
const without = (pattern: RegExp) => (all: ClientPrincipal["claims"]) => all.filter(({ typ }) => !pattern.test(typ));
const otherTenant = "22222222-2222-4333-8444-555555555555";
const tid = "http://schemas.microsoft.com/identity/claims/tenantid";

describe("the platform door", () => {
  const open = (more: Record<string, string> = {}) =>
    startApp(functionEnv(stack(), "platform", { ...caller, ...more }));

  test("whom App Service authentication verified is tenant and object id", async () => {
    const app = open({ ALIEN_TRUSTED_PROXIES: "1" });
    // The front end adds the address, with its port, to whatever the sender wrote.
    const forwarded = { "x-forwarded-for": "6.6.6.6, 203.0.113.7:50123" };
    const answer = await app.send({ ...mint, headers: { ...principalHeaders(), ...forwarded } });
    expect(answer).toMatchObject({ status: 200, json: { authMethod: "bearer", scope: "repository" } });
    expect(answer.headers).toMatchObject({ "cache-control": "no-store", "x-request-id": app.audit[0]?.requestId });
    expect(app.audit).toMatchObject([
      { door: "platform", caller: own, operation: "generateCredentials", outcome: "OK" },
    ]);
    expect(app.audit[0]?.source).toMatchObject({ address: "203.0.113.7" });
  });

  test.each([
    [
      "by Entra's own names",
      claims((all) => [
        ...without(/tenantid|objectid/)(all),
        { typ: "tid", val: tenant },
        { typ: "oid", val: objectId },
      ]),
    ],
    [
      "in capital letters",
      claims((all) => all.map(({ typ, val }) => ({ typ, val: typ === tid ? val.toUpperCase() : val }))),
    ],
    ["by both names", claims((all) => [...all, { typ: "tid", val: tenant }])],
    [
      "where the role is told by its longer name",
      claims((all) => [
        ...without(/^roles$/)(all),
        { typ: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", val: "ArtifactRegistry.Caller" },
      ]),
    ],
  ])("told %s, too", async (_, headers) => {
    const app = open();
    expect((await app.send({ ...mint, headers })).status).toBe(200);
    expect(app.audit[0]?.caller).toEqual(own);
  });

  test("an application without an object in the tenant is its app id; one with an object is not", async () => {
    const rules = { ALIEN_ACCESS_RULES: rulesFor("azure", `${tenant}/${appId}`) };
    const app = open(rules);
    const headers = claims(without(/objectidentifier/));
    expect((await app.send({ ...mint, headers })).status).toBe(200);
    expect(app.audit[0]?.caller).toEqual({ issuer: "azure", subject: `${tenant}/${appId}` });
    expect((await app.send({ ...mint, headers: principalHeaders() })).json).toMatchObject({ code: "ACCESS_DENIED" });
  });

  test.each<[string, Record<string, string>]>([
    ["without the header", {}],
    ["with a token alone, which nobody verified", { authorization: "Bearer eyJhbGciOiJub25lIn0.e30." }],
    [
      "with only the headers that say who in clear",
      { "x-ms-client-principal-id": objectId, "x-ms-client-principal-idp": "aad" },
    ],
    ["whose header is no base64", { "x-ms-client-principal": "{}" }],
    ["whose header is no JSON", { "x-ms-client-principal": Buffer.from("{").toString("base64") }],
    [
      "whose header came twice",
      {
        "x-ms-client-principal": Object.values(principalHeaders()).concat(Object.values(principalHeaders())).join(", "),
      },
    ],
    ["of another identity provider", principalHeaders((golden) => ({ ...golden, auth_typ: "github" }))],
    ["of an identity provider that is not named", principalHeaders(({ claims: all }) => ({ claims: all }))],
    ["without claims", principalHeaders(({ auth_typ }) => ({ auth_typ }))],
    ["whose claims are none", claims(() => ["roles"])],
    ["of another tenant", claims((all) => all.map(({ typ, val }) => ({ typ, val: typ === tid ? otherTenant : val })))],
    ["of two tenants", claims((all) => [...all, { typ: "tid", val: otherTenant }])],
    ["of no tenant", claims(without(/tenantid/))],
    ["with two object ids", claims((all) => [...all, { typ: "oid", val: appId }])],
    ["with an object id that is none", claims((all) => [...without(/objectid/)(all), { typ: "oid", val: "*" }])],
    ["that is nobody", claims(without(/objectid|azp/))],
    ["of a browser's session", { ...principalHeaders(), cookie: "a=b; AppServiceAuthSession=x" }],
  ])("a caller %s is nobody, and is not read further", async (_, headers) => {
    const app = open();
    const answer = await app.send({ path: mint.path, body: "{", headers });
    expect(answer).toMatchObject({ status: 401, json: { code: "AUTHENTICATION_ERROR", retryable: false } });
    expect(answer.headers["x-request-id"]).toBe(answer.json.requestId);
    expect(app.audit).toMatchObject([{ door: "platform", outcome: "AUTHENTICATION_ERROR" }]);
    expect(stack().azure.calls).toEqual([]);
  });

  test.each([
    ["without a role", claims(without(/^roles$/))],
    ["with another role", withRole("ArtifactRegistry.Provisioner")],
    ["with a role that only begins like it", withRole("ArtifactRegistry.CallerX")],
    [
      "whose role is a scope",
      claims((all) => [...without(/^roles$/)(all), { typ: "scp", val: "ArtifactRegistry.Caller" }]),
    ],
    [
      "whose role is named by its role_typ",
      principalHeaders((golden) => ({
        ...golden,
        role_typ: "scp",
        claims: [...without(/^roles$/)(golden.claims), { typ: "scp", val: "ArtifactRegistry.Caller" }],
      })),
    ],
  ])("a caller %s is told which it lacks", async (_, headers) => {
    const app = open();
    const answer = await app.send({ ...mint, headers });
    expect(answer).toMatchObject({ status: 403, json: { code: "ACCESS_DENIED", retryable: false } });
    expect(answer.json.hint).toContain("ArtifactRegistry.Caller");
    expect(app.audit).toMatchObject([{ outcome: "ACCESS_DENIED" }]);
    expect(stack().azure.calls).toEqual([]);
  });

  test("the role can be another; several tenants can be named", async () => {
    const app = open({
      ALIEN_PLATFORM_ROLE: "Deploy",
      ALIEN_PLATFORM_TENANTS: `${otherTenant}, ${tenant.toUpperCase()}`,
    });
    expect((await app.send({ ...mint, headers: withRole("Deploy") })).status).toBe(200);
    expect((await app.send({ ...mint, headers: principalHeaders() })).status).toBe(403);
  });

  test("who has the role and is in no rule is denied", async () => {
    const app = startApp(
      functionEnv(stack(), "platform", { ALIEN_ACCESS_RULES: rulesFor("azure", `${otherTenant}/${objectId}`) }),
    );
    expect((await app.send({ ...mint, headers: principalHeaders() })).json).toMatchObject({ code: "ACCESS_DENIED" });
    expect(app.audit).toMatchObject([{ caller: own, outcome: "ACCESS_DENIED" }]);
  });

  test("anybody may ask whether it is there, and what it can do; provisioning does not pass", async () => {
    const app = open();
    for (const [path, json] of servicePaths) {
      expect(await app.send({ method: "GET", path })).toMatchObject({ status: 200, json });
    }
    expect((await app.send({ method: "GET", path: "/openapi.json" })).json.openapi).toMatch(/^3\.1/);
    expect((await app.send({ method: "GET", path: "/v1/generateCredentials" })).status).toBe(405);
    const answer = await app.send({
      path: "/v1/provisionRegistry",
      body: { registry: "images" },
      headers: principalHeaders(),
    });
    expect(answer.json).toMatchObject({ code: "ACCESS_DENIED" });
  });

  test.each([
    ["{", 400, "INVALID_INPUT"],
    ["[]", 400, "INVALID_INPUT"],
    [JSON.stringify({ ...body, extra: 1 }), 400, "INVALID_INPUT"],
    [JSON.stringify({ name: "x".repeat(70_000) }), 413, "PAYLOAD_TOO_LARGE"],
  ])("a body that cannot be is refused: %.20s", async (text, status, code) => {
    const answer = await open().send({ path: mint.path, body: text, headers: principalHeaders() });
    expect(answer).toMatchObject({ status, json: { code } });
  });
});

test.each(["//", "///", "/\\\\", "/%", "/%zz", "/%00", "/http://[", "/?#"])(
  "a path is a path, whatever it looks like: %j",
  async (path) => {
    const app = startApp(functionEnv(stack(), "platform", caller));
    const answer = await app.send({ path, headers: principalHeaders() });
    expect(answer).toMatchObject({ status: 404, json: { code: "RESOURCE_NOT_FOUND" } });
  },
);

describe("the oidc door", () => {
  test("what the platform is said to have said counts for nothing; a token that was verified does", async () => {
    const issuer = await startIssuer();
    const app = startApp(
      functionEnv(stack(), "oidc", {
        ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "registry" }]),
        ALIEN_ACCESS_RULES: JSON.stringify([
          ...JSON.parse(caller.ALIEN_ACCESS_RULES),
          ...JSON.parse(rulesFor(issuer.url, "worker-1")),
        ]),
      }),
    );
    const as = (token: string, more: Record<string, string> = {}) =>
      app.send({ ...mint, headers: { authorization: `Bearer ${token}`, ...more } });
    expect(await app.send({ ...mint, headers: principalHeaders() })).toMatchObject({ status: 401 });
    expect(await as("eyJhbGciOiJub25lIn0.e30.", principalHeaders())).toMatchObject({ status: 401 });
    expect(await as(await issuer.sign({ sub: "worker-1", aud: "another" }), principalHeaders())).toMatchObject({
      status: 401,
    });
    expect(await as(await issuer.sign({ sub: "worker-1", aud: "registry" }), principalHeaders())).toMatchObject({
      status: 200,
    });
    expect(app.audit.map(({ caller: who }) => who?.subject)).toEqual([undefined, undefined, undefined, "worker-1"]);
    await issuer.stop();
  });
});

describe("the provision door", () => {
  const open = (more: Record<string, string> = {}) => startApp(functionEnv(stack(), "provision", more));
  const payload = { operation: "describeRegistry", registry: "images" };

  test("who has its role is the door", async () => {
    const app = open();
    const answer = await app.send({ path: "/", body: payload, headers: withRole("ArtifactRegistry.Provisioner") });
    expect(answer).toMatchObject({ status: 200, json: { service: "acr" } });
    expect(app.audit).toMatchObject([
      { door: "provision", caller: { issuer: "door", subject: "provision" }, outcome: "OK" },
    ]);
  });

  test.each([
    ["without the header", {}, 401],
    ["with the role of callers", principalHeaders(), 403],
    [
      "of another tenant",
      claims((all) => all.map(({ typ, val }) => ({ typ, val: typ === tid ? otherTenant : val }))),
      401,
    ],
  ])("a caller %s is not let in", async (_, headers, status) => {
    const app = open();
    for (const path of ["/", "/v1/describeRegistry"]) {
      expect(await app.send({ path, body: payload, headers })).toMatchObject({ status });
    }
    expect(app.audit.map(({ caller: who }) => who)).toEqual([undefined, undefined]);
    expect(stack().azure.calls).toEqual([]);
  });

  test("operations on repositories do not pass, nor does the HTTP API", async () => {
    const headers = withRole("ArtifactRegistry.Provisioner");
    const answer = await open().send({ path: "/", body: { operation: "generateCredentials", ...body }, headers });
    expect(answer.json).toMatchObject({ code: "ACCESS_DENIED" });
    expect(await open().send({ ...mint, headers })).toMatchObject({ status: 401 });
  });
});
