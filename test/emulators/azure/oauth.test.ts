import { decodeJwt } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { ask, exchange, token, useAzure } from "./support.ts";

const azure = useAzure();
const NULL_GUID = "00000000-0000-0000-0000-000000000000";
let count = 0;
let puller: ReturnType<ReturnType<typeof azure>["identity"]>;
beforeAll(async () => {
  for (const name of ["images", "builds"]) await azure().registry(name);
  puller = azure().identity("puller", {
    roles: { [azure().registryId("images")]: ["AcrPull"], [azure().registryId("builds")]: ["AcrPull"] },
  });
});
const refreshToken = async () => (await exchange(azure(), "images", puller)).body.refresh_token as string;
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});
const get = (query: Record<string, string>, headers: Record<string, string> = {}) =>
  ask(
    `${azure().registryUrl("images")}/oauth2/token?${new URLSearchParams({ service: "images.azurecr.io", ...query })}`,
    { headers },
  );

describe("the exchange", () => {
  test("gives a token for three hours that says whose and for which registry it is", async () => {
    const claims = decodeJwt(await refreshToken());
    expect(claims).toMatchObject({
      iss: "Azure Container Registry",
      aud: "images.azurecr.io",
      sub: puller.principalId,
      grant_type: "refresh_token",
      tenant: azure().tenantId,
      permissions: { actions: ["read"] },
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3 * 60 * 60);
  });

  test("refuses other grants, services, tenants, and whoever has no role", async () => {
    const asked = (more: Record<string, string>) => exchange(azure(), "images", puller, more);
    expect((await asked({ grant_type: "refresh_token" })).status).toBe(400);
    expect((await asked({ service: "builds.azurecr.io" })).status).toBe(400);
    expect((await asked({ tenant: "00000000-1111-2222-3333-444444444444" })).status).toBe(401);
    expect((await asked({ tenant: azure().tenantId })).status).toBe(200);
    expect((await asked({ access_token: "guessed" })).status).toBe(401);
    const stranger = await exchange(azure(), "images", azure().identity("stranger"));
    expect(stranger).toMatchObject({
      status: 401,
      body: {
        errors: [{ code: "UNAUTHORIZED", message: expect.stringContaining("https://aka.ms/acr/authorization") }],
      },
    });
    expect((await ask(`${azure().registryUrl("images")}/oauth2/exchange`)).status).toBe(404);
  });

  test("may give a token for nothing to whoever has no role", async () => {
    azure().behaviour.exchangeForAnybody = true;
    const { body } = await exchange(azure(), "images", azure().identity("nobody"));
    azure().behaviour.exchangeForAnybody = false;
    const answer = await token(azure(), "images", body.refresh_token, "repository:a:pull");
    expect(decodeJwt(answer.body.access_token).access).toEqual([]);
  });

  test("refuses tokens for Azure Resource Manager where that is switched off, and for others always", async () => {
    const asked = async (resource: string, seconds?: number) =>
      (await exchange(azure(), "images", puller, { access_token: await azure().entraToken(puller, resource, seconds) }))
        .status;
    const registry = azure().world.registries.get("images");
    if (registry === undefined) throw new Error("There is no registry.");
    expect(await asked("https://management.azure.com/")).toBe(200);
    registry.armAudience = false;
    expect(await asked("https://management.azure.com/")).toBe(401);
    expect(await asked("https://containerregistry.azure.net/")).toBe(200);
    registry.armAudience = true;
    expect(await asked("https://servicebus.azure.net")).toBe(401);
    expect(await asked("https://containerregistry.azure.net", -10)).toBe(401);
  });
});

describe("the token service", () => {
  test("gives access for 75 minutes, to refresh tokens of this registry that have not ended", async () => {
    const refresh = await refreshToken();
    const { body } = await token(azure(), "images", refresh, "repository:team/app:pull");
    const claims = decodeJwt(body.access_token);
    expect(claims).toMatchObject({ aud: "images.azurecr.io", grant_type: "access_token" });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(75 * 60);
    const other = await exchange(azure(), "builds", puller);
    for (const bad of [other.body.refresh_token, body.access_token, "guessed", ""]) {
      expect((await token(azure(), "images", bad, "repository:a:pull")).status).toBe(401);
    }
    azure().advance(3 * 60 * 60 * 1000 + 1000);
    expect((await token(azure(), "images", refresh, "repository:a:pull")).status).toBe(401);
  });

  test("knows what docker login sends: the null GUID with either token, an application, the admin", async () => {
    const scope = { scope: "repository:team/app:pull,push" };
    const accessOf = async (answer: ReturnType<typeof get>) => decodeJwt((await answer).body.access_token).access;
    const pull = [{ type: "repository", name: "team/app", actions: ["pull"] }];
    const refresh = await refreshToken();
    expect(await accessOf(get(scope, basic(NULL_GUID, refresh)))).toEqual(pull);
    const { body } = await token(azure(), "images", refresh, "repository:team/app:pull");
    expect(await accessOf(get(scope, basic(NULL_GUID, body.access_token)))).toEqual(pull);
    const other = { scope: "repository:other:pull" };
    expect(await accessOf(get(other, basic(NULL_GUID, body.access_token)))).toEqual([]);
    const app = azure().servicePrincipal("pipeline", { roles: { [azure().registryId("images")]: ["AcrPull"] } });
    expect(await accessOf(get(scope, basic(app.clientId, app.secret)))).toEqual(pull);
    for (const bad of [basic(NULL_GUID, "guessed"), basic(app.clientId, "guessed"), basic("images", "guessed"), {}]) {
      expect((await get(scope, bad)).status).toBe(401);
    }
  });

  test("lets the admin and everybody in only where that is switched on", async () => {
    const name = `open${++count}images`;
    const registry = await azure().registry(name, { sku: "Standard" });
    const url = `${azure().registryUrl(name)}/oauth2/token`;
    const scope = "repository:a:pull,push";
    const query = new URLSearchParams({ service: registry.loginServer, scope });
    const admin = () => ask(`${url}?${query}`, { headers: basic(name, registry.adminPassword) });
    const anybody = () =>
      ask(url, { method: "POST", body: new URLSearchParams([...query, ["grant_type", "password"]]) });
    expect([(await admin()).status, (await anybody()).status]).toEqual([401, 401]);
    registry.adminUserEnabled = true;
    registry.anonymousPullEnabled = true;
    expect(decodeJwt((await admin()).body.access_token).access).toMatchObject([{ actions: ["pull", "push"] }]);
    expect(decodeJwt((await anybody()).body.access_token).access).toMatchObject([{ actions: ["pull"] }]);
  });

  test("refuses the tokens of a registry that had the same name, and of a principal that is gone", async () => {
    const old = await azure().registry("shortlived");
    const id = azure().registryId("shortlived");
    const who = azure().identity("short", { roles: { [id]: ["AcrPull"] } });
    const { body } = await exchange(azure(), "shortlived", who);
    await azure().world.removeRegistry(old);
    await azure().registry("shortlived");
    expect((await token(azure(), "shortlived", body.refresh_token, "repository:a:pull")).status).toBe(401);
    const gone = azure().identity("gone", { roles: { [azure().registryId("images")]: ["AcrPull"] } });
    const refresh = await exchange(azure(), "images", gone);
    azure().deletePrincipal(gone);
    const refused = await token(azure(), "images", refresh.body.refresh_token, "repository:a:pull");
    expect([refused.status, refused.body.errors[0].message]).toEqual([401, "retrieving permissions failed"]);
  });

  test("is one port for all registries, told apart by the service", async () => {
    const service = "builds.azurecr.io";
    const form = { grant_type: "access_token", service, access_token: await azure().entraToken(puller) };
    const post = (body: Record<string, string>) =>
      ask(`${azure().acrUrl}/oauth2/exchange`, { method: "POST", body: new URLSearchParams(body) });
    expect(decodeJwt((await post(form)).body.refresh_token).aud).toBe(service);
    expect((await post({ ...form, service: "nothere.azurecr.io" })).status).toBe(404);
  });

  test("says how long to wait", async () => {
    azure().faults.add({ fault: { kind: "throttle", retryAfterSeconds: 3 }, service: "acr", action: "exchange" });
    const { status, headers, body } = await exchange(azure(), "images", puller);
    expect([status, headers.get("retry-after"), body.errors[0].code]).toEqual([429, "3", "TOOMANYREQUESTS"]);
  });
});
