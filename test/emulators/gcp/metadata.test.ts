import { GoogleAuth, Impersonated, OAuth2Client } from "google-auth-library";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterEach, expect, test, vi } from "vitest";
import { HOME, PROJECTS, useEmulator } from "./support.ts";

const gcp = useEmulator();
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const get = async (email: string, path: string, headers: Record<string, string> = { "Metadata-Flavor": "Google" }) => {
  const answer = await fetch(`http://${await gcp().metadata(email)}/computeMetadata/v1/${path}`, { headers });
  return { status: answer.status, text: await answer.text(), flavor: answer.headers.get("metadata-flavor") };
};
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

test("tells whoever asks by the rules who the code runs as", async () => {
  const email = gcp().serviceAccount("function");
  const own = "instance/service-accounts/default";
  expect(await get(email, `${own}/email`)).toEqual({ status: 200, text: email, flavor: "Google" });
  expect((await get(email, "project/project-id")).text).toBe(HOME);
  expect((await get(email, "project/numeric-project-id")).text).toBe(PROJECTS[HOME]);
  expect((await get(email, "instance/region")).text).toBe(`projects/${PROJECTS[HOME]}/regions/europe-west1`);
  expect((await get(email, `${own}/email`, {})).status).toBe(403);
  expect((await get(email, "instance/service-accounts/other@example.com/token")).status).toBe(404);
  expect((await get(email, "instance/attributes/secret")).status).toBe(404);
  expect((await get(email, `${own}/identity`)).status).toBe(400);
});

test("gives the same token again until little is left of it", async () => {
  const start = Date.now();
  // Until the clock is put forward it stands still.
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  const email = gcp().serviceAccount("function");
  const token = async () => JSON.parse((await get(email, "instance/service-accounts/default/token")).text);
  const first = await token();
  expect(first).toMatchObject({ token_type: "Bearer", expires_in: expect.closeTo(3600, -1) });
  gcp().advance(7_200_000);
  expect(await token()).toMatchObject({ access_token: first.access_token });
  expect(gcp().world.tokens.check(first.access_token, "test").email).toBe(email);
  vi.setSystemTime(start + 1_800_000);
  expect(await token()).toMatchObject({ access_token: first.access_token, expires_in: expect.closeTo(1800, -1) });
  vi.setSystemTime(start + 3_400_000);
  expect((await token()).access_token).not.toBe(first.access_token);
  vi.setSystemTime(start + 3_600_000);
  expect(() => gcp().world.tokens.check(first.access_token, "test")).toThrow("invalid authentication credentials");
});

test("is what google-auth-library takes its tokens from, and impersonates with", async () => {
  const target = gcp().serviceAccount("target");
  const email = gcp().serviceAccount("caller", { roles: { [target]: ["roles/iam.serviceAccountTokenCreator"] } });
  for (const [name, value] of Object.entries(await gcp().environment(email))) vi.stubEnv(name, value);
  const auth = new GoogleAuth({ scopes: [SCOPE] });
  const token = String(await auth.getAccessToken());
  expect(gcp().world.tokens.check(token, "test").email).toBe(email);
  expect((await auth.getCredentials()).client_email).toBe(email);
  expect(await auth.getProjectId()).toBe(HOME);
  const impersonate = (targetPrincipal: string) =>
    new Impersonated({
      sourceClient: new OAuth2Client({ credentials: { access_token: token, expiry_date: Date.now() + 600_000 } }),
      targetPrincipal,
      targetScopes: [SCOPE],
      lifetime: 900,
      delegates: [],
      endpoint: gcp().url,
    });
  const { token: impersonated } = await impersonate(target).getAccessToken();
  expect(gcp().world.tokens.check(String(impersonated), "test").email).toBe(target);
  await expect(impersonate(email).getAccessToken()).rejects.toThrow(/iam.serviceAccounts.getAccessToken/);
  const client = await auth.getIdTokenClient("https://function.example");
  const header = (await client.getRequestHeaders()).get("authorization") ?? "";
  const keys = createRemoteJWKSet(new URL(`${gcp().url}/oauth2/v3/certs`));
  const { payload } = await jwtVerify(header.replace("Bearer ", ""), keys, { audience: "https://function.example" });
  expect(payload).toMatchObject({ email, email_verified: true });
});
