import { ClientAssertionCredential, ClientSecretCredential } from "@azure/identity";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { createKey, type Issuer, startIssuer } from "../../support/issuer.ts";
import { clientPrincipalHeaders } from "./index.ts";
import { ask, exchange, useAzure } from "./support.ts";

const azure = useAzure();
const ACR = "https://containerregistry.azure.net/.default";
const options = () => ({ authorityHost: azure().authorityHost, disableInstanceDiscovery: true });
const post = (form: Record<string, string>, tenant = azure().tenantId) =>
  ask(`${azure().authorityHost}/${tenant}/oauth2/v2.0/token`, { method: "POST", body: new URLSearchParams(form) });
const codeOf = async (answer: ReturnType<typeof post>) => {
  const { status, body } = await answer;
  return [status, body.error, body.error_codes[0]];
};

describe("Entra ID", () => {
  test("gives Azure's own client a token for an application with its secret", async () => {
    await azure().registry("images");
    const app = azure().servicePrincipal("pipeline", { roles: { [azure().registryId("images")]: ["AcrPull"] } });
    const credential = new ClientSecretCredential(azure().tenantId, app.clientId, app.secret, options());
    const { token } = await credential.getToken(ACR);
    expect((await exchange(azure(), "images", app, { access_token: token })).status).toBe(200);
    const wrong = new ClientSecretCredential(azure().tenantId, app.clientId, "guessed", options());
    await expect(wrong.getToken(ACR)).rejects.toThrow("AADSTS7000215");
  });

  test("refuses other tenants, applications, grants, scopes and secrets", async () => {
    const { clientId: client_id, secret: client_secret } = azure().servicePrincipal("refused");
    const good = { grant_type: "client_credentials", client_id, client_secret, scope: ACR };
    expect((await post(good)).body).toMatchObject({ token_type: "Bearer", expires_in: 3600 });
    expect(await codeOf(post(good, "other"))).toEqual([400, "invalid_request", 90002]);
    expect(await codeOf(post({ ...good, client_id: "other" }))).toEqual([400, "unauthorized_client", 700016]);
    expect(await codeOf(post({ ...good, grant_type: "password" }))).toEqual([400, "unsupported_grant_type", 70003]);
    expect(await codeOf(post({ ...good, scope: "openid" }))).toEqual([400, "invalid_scope", 1002012]);
    expect(await codeOf(post({ ...good, scope: "https://nowhere.example/.default" }))).toEqual([
      400,
      "invalid_resource",
      500011,
    ]);
    const { clientId } = azure().identity("managed");
    expect(await codeOf(post({ ...good, client_id: clientId }))).toEqual([400, "unauthorized_client", 700016]);
  });

  test("signs tokens for an application that anybody can verify, with the roles that it gives", async () => {
    const caller = azure().identity("worker");
    const { identifierUri, clientId } = azure().application("api://artifact-registry", [[caller, ["Pull"]]]);
    const discovery = await ask(`${azure().authorityHost}/${azure().tenantId}/v2.0/.well-known/openid-configuration`);
    const { issuer, jwks_uri } = discovery.body;
    const keys = createRemoteJWKSet(new URL(jwks_uri));
    const token = await azure().entraToken(caller, identifierUri);
    const { payload } = await jwtVerify(token, keys, { issuer, audience: clientId });
    expect(payload).toMatchObject({ roles: ["Pull"], oid: caller.principalId, tid: azure().tenantId, ver: "2.0" });
    const stranger = await azure().entraToken(azure().identity("stranger"), identifierUri);
    expect((await jwtVerify(stranger, keys, { issuer, audience: clientId })).payload.roles).toBeUndefined();
    const headers = clientPrincipalHeaders(token);
    const shown = JSON.parse(Buffer.from(headers["x-ms-client-principal"] ?? "", "base64").toString());
    const oid = "http://schemas.microsoft.com/identity/claims/objectidentifier";
    expect(shown.claims).toEqual(
      expect.arrayContaining([
        { typ: "roles", val: "Pull" },
        { typ: oid, val: caller.principalId },
      ]),
    );
  });
});

describe("a token of another issuer", () => {
  const withIssuer = async (run: (issuer: Issuer, clientId: string) => Promise<void>) => {
    const issuer = await startIssuer("api://AzureADTokenExchange");
    const federated = { issuer: issuer.url, subject: "system:worker", audience: "api://AzureADTokenExchange" };
    try {
      await run(issuer, azure().servicePrincipal("federated", { federated }).clientId);
    } finally {
      await issuer.stop();
    }
  };
  const ofIssuer = (clientId: string, assertion: () => Promise<string>) =>
    new ClientAssertionCredential(azure().tenantId, clientId, assertion, options()).getToken(ACR);

  test("stands for an application, if it is exactly the one that was agreed", () =>
    withIssuer(async (issuer, clientId) => {
      expect(await ofIssuer(clientId, () => issuer.sign({ sub: "system:worker" }))).toMatchObject({
        tokenType: "Bearer",
      });
      const refused = (claims: object, key?: Parameters<Issuer["sign"]>[1]) =>
        ofIssuer(clientId, () => issuer.sign({ sub: "system:worker", ...claims }, key)).catch(
          (error: Error) => error.message,
        );
      expect(await refused({ sub: "system:other" })).toContain("AADSTS700213");
      expect(await refused({ aud: "other" })).toContain("AADSTS700212");
      expect(await refused({ iss: "https://other.example" })).toContain("AADSTS700211");
      expect(await refused({ exp: 1 })).toContain("AADSTS700024");
      expect(await refused({}, { key: await createKey() })).toContain("AADSTS5002738");
    }));
});
