import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Authority, createAuthority } from "../../emulators/azure/http/certificates.ts";
import { type ApiServer, startApiServer } from "../../emulators/kubernetes/api-server.ts";
import { createServiceAccounts, type ServiceAccounts } from "../../emulators/kubernetes/service-accounts.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { call, serve, temporaryFolder } from "../support/container.ts";
import { everythingFor } from "../support/grants.ts";

const audience = "artifact-registry";
const deployer = { namespace: "apps", name: "deployer" };
const suite = { namespace: "registry", name: "artifact-registry" };

let authority: Authority;
let accounts: ServiceAccounts;
let api: ApiServer;
let external: Issuer;
beforeAll(async () => {
  authority = await createAuthority();
  accounts = await createServiceAccounts();
  api = await startApiServer(accounts, authority);
  external = await startIssuer(audience);
});
beforeEach(() => {
  api.requests.length = 0;
});
afterAll(() => Promise.all([api.stop(), external.stop()]));

/** What the chart mounts and sets for callers from the cluster. */
async function cluster(part: { ca?: string; token?: string; issuers?: object[] } = {}) {
  const folder = await temporaryFolder();
  const [caFile, tokenFile] = [join(folder, "ca.crt"), join(folder, "token")];
  await writeFile(caFile, part.ca ?? authority.ca);
  await writeFile(tokenFile, `${part.token ?? (await accounts.token(suite))}\n`);
  const own = { issuer: accounts.issuer, audience, jwksUri: `${api.url}/openid/v1/jwks`, caFile, tokenFile };
  return {
    caFile,
    tokenFile,
    env: {
      ALIEN_OIDC_ISSUERS: JSON.stringify([own, ...(part.issuers ?? [])]),
      ALIEN_ACCESS_RULES: everythingFor(accounts.issuer, "system:serviceaccount:apps:*"),
    },
  };
}
const credentials = { repoId: "my-app", permissions: "pull" };

describe("the cluster's own service accounts", () => {
  test("are callers: the keys are fetched with the cluster's CA and the pod's own token", async () => {
    const { url, audit } = await serve((await cluster()).env);
    const answer = await call(url, await accounts.token(deployer, { audience }), "generateCredentials", credentials);
    expect(answer).toMatchObject({ status: 200, body: { username: "token" } });
    expect(audit[0]?.caller).toEqual({ issuer: accounts.issuer, subject: "system:serviceaccount:apps:deployer" });
    expect(api.requests).toEqual(["GET /openid/v1/jwks 200"]);
  });

  test("count only for our audience, and only where a rule names them", async () => {
    const { url } = await serve((await cluster()).env);
    const status = async (token: string) => (await call(url, token, "generateCredentials", credentials)).status;
    expect(await status(await accounts.token(deployer))).toBe(401);
    expect(await status(await accounts.token({ namespace: "others", name: "deployer" }, { audience }))).toBe(403);
    // Another cluster signs under the same issuer's name.
    expect(await status(await (await createServiceAccounts()).token(deployer, { audience }))).toBe(401);
  });

  test("are told of an API server that is not who its CA says", async () => {
    const other = await createAuthority();
    const { url } = await serve((await cluster({ ca: other.ca })).env);
    const token = await accounts.token(deployer, { audience });
    expect(await call(url, token, "generateCredentials", credentials)).toMatchObject({
      status: 503,
      body: { code: "SERVICE_UNAVAILABLE", retryable: true },
    });
    // The pod's token never went to it.
    expect(api.requests).toEqual([]);
  });

  test("are let in once the mounted files have been replaced", async () => {
    const mounted = await cluster({ token: "stale", ca: authority.ca });
    const { url } = await serve(mounted.env);
    const token = await accounts.token(deployer, { audience });
    expect((await call(url, token, "generateCredentials", credentials)).status).toBe(503);
    await writeFile(mounted.tokenFile, await accounts.token(suite));
    await expect.poll(async () => (await call(url, token, "generateCredentials", credentials)).status).toBe(200);
    expect(api.requests[0]).toBe("GET /openid/v1/jwks 401");
    expect(api.requests.at(-1)).toBe("GET /openid/v1/jwks 200");
  });

  test("and callers of other issuers are told apart", async () => {
    const { env } = await cluster({ issuers: [{ issuer: external.url, audience }] });
    const { url } = await serve(env);
    const status = async (token: string) => (await call(url, token, "generateCredentials", credentials)).status;
    expect(await status(await accounts.token(deployer, { audience }))).toBe(200);
    // Verified, but the rule means the cluster's subject, not the same subject of another issuer.
    const claimed = { sub: "system:serviceaccount:apps:deployer" };
    expect(await status(await external.sign(claimed))).toBe(403);
    expect(await status(await external.sign({ ...claimed, iss: accounts.issuer }))).toBe(401);
  });
});

describe("readiness", () => {
  const ready = async (url: string) => {
    const response = await fetch(`${url}/readyz`);
    return [response.status, ((await response.json()) as { status: string }).status];
  };

  test("comes when an issuer's keys can be had, and stays", async () => {
    const mounted = await cluster({ token: "stale" });
    const served = await serve(mounted.env);
    expect(await ready(served.url)).toEqual([503, "starting"]);
    expect((await fetch(`${served.url}/livez`)).status).toBe(200);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
    expect(served.warnings).toEqual([`The issuer ${accounts.issuer} does not answer with its keys.`]);
    await writeFile(mounted.tokenFile, await accounts.token(suite));
    await expect.poll(() => ready(served.url)).toEqual([200, "ready"]);
    const asked = api.requests.length;
    await writeFile(mounted.tokenFile, "stale again");
    expect(await ready(served.url)).toEqual([200, "ready"]);
    expect(api.requests.length).toBe(asked);
    // What was fetched for the probe serves the first caller too.
    const token = await accounts.token(deployer, { audience });
    expect((await call(served.url, token, "generateCredentials", credentials)).status).toBe(200);
    expect(api.requests.length).toBe(asked);
  });

  test("comes although one of two issuers is away, with a warning", async () => {
    const { env } = await cluster({ issuers: [{ issuer: "http://127.0.0.1:9", audience }] });
    const served = await serve(env);
    expect(await ready(served.url)).toEqual([200, "ready"]);
    expect(served.warnings).toEqual(["The issuer http://127.0.0.1:9 does not answer with its keys."]);
  });
});
