import { ManagedIdentityCredential } from "@azure/identity";
import { decodeJwt } from "jose";
import { afterEach, describe, expect, test } from "vitest";
import type { Principal } from "./index.ts";
import { ask, useAzure } from "./support.ts";

const azure = useAzure();
const before = { ...process.env };
const ACR = "https://containerregistry.azure.net";

afterEach(() => {
  process.env = { ...before };
  azure().faults.clear();
});

/** Asks the endpoint as an app with these identities would. */
function asApp(...identities: readonly Principal[]) {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header = "" } = azure().environment(...identities);
  return (query: Record<string, string>, secret = header) => {
    const asked = new URLSearchParams({ "api-version": "2019-08-01", resource: ACR, ...query });
    return ask(`${endpoint}?${asked}`, { headers: { "x-identity-header": secret } });
  };
}

describe("the managed-identity endpoint", () => {
  test("gives Azure's own client a token for the identity that it names", async () => {
    const identity = azure().identity("function");
    Object.assign(process.env, azure().environment(identity));
    const credential = new ManagedIdentityCredential({ clientId: identity.clientId });
    const { token, expiresOnTimestamp } = await credential.getToken(`${ACR}/.default`);
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      aud: ACR,
      oid: identity.principalId,
      sub: identity.principalId,
      appid: identity.clientId,
      tid: azure().tenantId,
      iss: `https://sts.windows.net/${azure().tenantId}/`,
      xms_mirid: identity.resourceId,
    });
    // The library turns the end into seconds that are left and back, and a second may begin in between.
    expect(Math.abs(expiresOnTimestamp - (claims.exp ?? 0) * 1000)).toBeLessThanOrEqual(1000);
    await credential.getToken(`${ACR}/.default`);
    const asked = azure().calls.filter(({ principal }) => principal === identity.principalId);
    expect(asked).toMatchObject([{ service: "identity", action: "getToken", outcome: "ok", input: { resource: ACR } }]);
  });

  test("knows an app by its secret", async () => {
    const identity = azure().identity("secretive");
    const get = asApp(identity);
    expect((await get({ client_id: identity.clientId })).status).toBe(200);
    const { status, body } = await get({ client_id: identity.clientId }, "guessed");
    expect([status, body.statusCode]).toEqual([401, 401]);
  });

  test("gives each app its own identities only", async () => {
    const [system, user, other] = [
      azure().identity("app", { managed: "system" }),
      azure().identity("b"),
      azure().identity("c"),
    ];
    const get = asApp(system, user);
    expect((await get({})).body).toMatchObject({ client_id: system.clientId, resource: ACR, token_type: "Bearer" });
    expect((await get({ client_id: user.clientId })).body.client_id).toBe(user.clientId);
    expect((await get({ mi_res_id: user.resourceId ?? "" })).body.client_id).toBe(user.clientId);
    expect((await get({ principal_id: user.principalId })).body.client_id).toBe(user.clientId);
    const { status, body } = await get({ client_id: other.clientId });
    expect([status, body.message]).toEqual([
      400,
      expect.stringContaining("No User Assigned or Delegated Managed Identity"),
    ]);
    const none = await asApp(user)({});
    expect([none.status, none.body.message]).toEqual([400, "Unable to load the proper Managed Identity."]);
  });

  test("refuses other versions, no resource, and resources that are not there", async () => {
    const identity = azure().identity("strict");
    const get = asApp(identity);
    const named = { client_id: identity.clientId };
    expect((await get({ ...named, "api-version": "2017-09-01" })).status).toBe(400);
    expect((await get({ ...named, resource: "" })).status).toBe(400);
    const { status, body } = await get({ ...named, resource: "https://nowhere.example" });
    expect([status, body.message]).toEqual([400, expect.stringContaining("AADSTS500011")]);
    azure().deletePrincipal(identity);
    expect((await get(named)).status).toBe(400);
  });

  test("fails as it is told to", async () => {
    const identity = azure().identity("faulty");
    const get = asApp(identity);
    const named = { client_id: identity.clientId };
    azure().faults.add({ fault: { kind: "throttle", retryAfterSeconds: 7 }, service: "identity" });
    const throttled = await get(named);
    expect([throttled.status, throttled.headers.get("retry-after")]).toEqual([429, "7"]);
    azure().faults.add({ fault: { kind: "failure", status: 503 }, service: "identity" });
    expect((await get(named)).status).toBe(503);
    azure().faults.add({ fault: { kind: "lost" }, service: "identity" });
    await expect(get(named)).rejects.toThrow("fetch failed");
    expect((await get(named)).status).toBe(200);
  });
});
