import { afterAll, beforeAll, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { call, serve } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { everythingFor } from "../support/grants.ts";

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.stop());

const environment = () => ({
  ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
  ALIEN_ACCESS_RULES: everythingFor(issuer.url),
});

test("metrics count operations, outcomes, upstream calls and what was minted", async () => {
  const platform = fakePlatform({
    upstream: (method) => {
      if (method === "deleteRepository") throw new ArtifactRegistryError("ACCESS_DENIED", "no");
    },
  });
  const served = await serve(environment(), platform);
  const token = await issuer.sign({ sub: "a-caller-canary" });
  const credentials = { repoId: "repo-canary", permissions: "pull" };
  await call(served.url, token, "generateCredentials", credentials);
  // From the cache: asked for twice, minted once.
  const again = await call(served.url, token, "generateCredentials", credentials);
  await call(served.url, token, "generateCredentials", { ...credentials, permissions: "push-pull" });
  await call(served.url, token, "deleteRepository", { repoId: "repo-canary" });
  await call(served.url, "not-a-token", "getRepository", { repoId: "repo-canary" });
  await call(served.url, token, "getRepository", { registry: "other-canary", repoId: "x" });
  await call(served.url, token, "dropTablesCanary", {});
  const text = await served.metrics();
  const value = (series: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${series} `))
        ?.split(" ")[1],
    );
  const requests = (operation: string, outcome: string) =>
    value(`artifact_registry_requests_total{operation="${operation}",outcome="${outcome}"}`);
  expect(requests("generateCredentials", "OK")).toBe(3);
  expect(requests("deleteRepository", "ACCESS_DENIED")).toBe(1);
  expect(requests("getRepository", "AUTHENTICATION_ERROR")).toBe(1);
  expect(requests("getRepository", "ACCESS_DENIED")).toBe(1);
  expect(requests("unknown", "INVALID_INPUT")).toBe(1);
  expect(value('artifact_registry_credentials_minted_total{permissions="pull"}')).toBe(1);
  expect(value('artifact_registry_credentials_minted_total{permissions="push-pull"}')).toBe(1);
  expect(value('artifact_registry_upstream_calls_total{operation="generateCredentials"}')).toBe(2);
  expect(value('artifact_registry_request_duration_seconds_count{operation="generateCredentials"}')).toBe(3);
  expect(value("artifact_registry_requests_in_flight")).toBe(0);
  // Neither secrets, nor what callers choose: names would be series without end.
  for (const secret of [token, String(again.body.password), issuer.url]) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/canary/i);
});

test("metrics are on their own port only, and nothing else is there", async () => {
  const served = await serve(environment(), fakePlatform());
  expect((await fetch(`${served.url}/metrics`)).status).toBe(404);
  expect((await fetch(`${served.metricsUrl}/v1/getRepository`, { method: "POST" })).status).toBe(404);
  expect((await fetch(`${served.metricsUrl}/metrics`, { method: "POST" })).status).toBe(404);
  const response = await fetch(`${served.metricsUrl}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toMatch(/^process_cpu_seconds_total /m);
});
