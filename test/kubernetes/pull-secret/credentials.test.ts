import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dockerConfigJson } from "../../../core/pull-secret.ts";
import { Secret } from "../../../core/secret.ts";
import { freshness } from "../../../functions/kubernetes/pull-secret/fetch.ts";
import { subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { fakePassword } from "../../support/fake-registry.ts";
import { serve, temporaryFolder } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { everythingFor } from "../support/grants.ts";
import { authsOf, ourLabel, refresh, refresher, secretName, useCluster } from "../support/refresh.ts";

const audience = "artifact-registry";
const { cluster, env } = useCluster();

/** The function of this cluster, and what the refresher needs to call it. */
async function withFunction(subject = subjectOf(refresher)) {
  const tokenFile = join(await temporaryFolder(), "token");
  await writeFile(tokenFile, await cluster.accounts.token(refresher, { audience }));
  const [caFile, ownToken] = [env.KUBERNETES_CA_FILE, env.KUBERNETES_TOKEN_FILE];
  const jwksUri = `${cluster.api.url}/openid/v1/jwks`;
  const served = await serve(
    {
      ALIEN_OIDC_ISSUERS: JSON.stringify([
        { issuer: cluster.accounts.issuer, audience, jwksUri, caFile, tokenFile: ownToken },
      ]),
      ALIEN_ACCESS_RULES: everythingFor(cluster.accounts.issuer, subject),
    },
    fakePlatform(),
  );
  return { served, env: { ...env, FUNCTION_URL: served.url, FUNCTION_TOKEN_FILE: tokenFile } };
}
const nobody = fakePlatform({
  upstream: () => {
    throw new Error("the function was to be asked");
  },
});
const kept = () => authsOf(cluster.api.secrets.get("apps", secretName).data);

describe("the function", () => {
  test("is asked as any caller is: by the pod's token for its audience", async () => {
    const { served, env } = await withFunction();
    const run = await refresh(nobody, { ...env, PULL_SECRET_TTL_SECONDS: "1800", PULL_SECRET_INTERVAL_SECONDS: "900" });
    expect(run.code).toBe(0);
    expect(served.audit.map(({ operation, caller, outcome }) => [operation, caller?.subject, outcome])).toEqual([
      ["getRepository", "system:serviceaccount:registry:pull-secret-refresher", "OK"],
      ["generateCredentials", "system:serviceaccount:registry:pull-secret-refresher", "OK"],
    ]);
    expect(Object.keys(kept())).toEqual(["registry.example/images/my-app"]);
    expect(run.log).not.toContain(fakePassword);
  });

  test("that refuses leaves the Secret as it is, and is quoted", async () => {
    const { env } = await withFunction("system:serviceaccount:somebody:else");
    const run = await refresh(nobody, env);
    expect([run.code, kept(), cluster.api.requests.includes("PUT")]).toEqual([1, {}, false]);
    expect(run.last.message).toMatch(/^No access rule allows the caller getRepository here\. .*ALIEN_ACCESS_RULES/);
  });

  test.each<[string, string]>([
    ["that is away", "http://127.0.0.1:9"],
    ["behind which something else listens", "metrics"],
  ])("%s leaves the Secret as it is", async (_title, url) => {
    const { served, env } = await withFunction();
    const run = await refresh(nobody, { ...env, FUNCTION_URL: url === "metrics" ? served.metricsUrl : url });
    expect([run.code, kept()]).toEqual([1, {}]);
    expect(run.last.message).toMatch(/FUNCTION_URL/);
  });
});

describe("credentials that are no use", () => {
  test("for another host than the images' are not even minted", async () => {
    const { served, env } = await withFunction();
    const run = await refresh(nobody, { ...env, PULL_SECRET_HOST: "registry.example.com" });
    expect([run.code, kept()]).toEqual([1, {}]);
    expect(run.last.message).toMatch(/is at registry\.example, not at registry\.example\.com, which the images name/);
    expect(served.audit.map(({ operation }) => operation)).toEqual(["getRepository"]);
    expect((await refresh(nobody, { ...env, PULL_SECRET_HOST: "registry.example" })).code).toBe(0);
  });

  test("because a node cannot present them are refused", async () => {
    const { env } = await withFunction();
    const bearer = { authMethod: "bearer", username: "", password: fakePassword, scope: "repository" };
    const { createServer } = await import("node:http");
    const { listen, urlOf } = await import("../../../oci/http/listening.ts");
    const server = createServer((request, response) => {
      const repository = { name: "images/my-app", uri: "registry.example/images/my-app" };
      response.end(JSON.stringify(request.url?.endsWith("getRepository") ? repository : bearer));
    });
    await listen(server, { host: "127.0.0.1", port: 0 });
    const run = await refresh(nobody, { ...env, FUNCTION_URL: urlOf(server, "127.0.0.1") });
    server.close();
    expect([run.code, kept()]).toEqual([1, {}]);
    expect(run.last.message).toMatch(/^This registry's credentials are tokens for its API\./);
    expect(run.log).not.toContain(fakePassword);
  });

  test("because they end before the next run are written all the same, and the run fails", async () => {
    const gap = await refresh(fakePlatform(), {
      ...env,
      PULL_SECRET_TTL_SECONDS: "600",
      PULL_SECRET_INTERVAL_SECONDS: "600",
    });
    expect([gap.code, gap.last.message]).toEqual([1, expect.stringMatching(/expire before the next run/)]);
    expect(Object.keys(kept())).toEqual(["registry.example/images/my-app"]);
  });
});

test("freshness is two intervals of lifetime, with a minute for the run", () => {
  const now = new Date("2026-05-06T07:08:09Z");
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 86_400 }), fc.integer({ min: 1, max: 200_000 }), (interval, lifetime) => {
      const expiresAt = new Date(now.getTime() + lifetime * 1_000);
      const state = freshness(expiresAt, interval, now);
      expect(state).toBe(lifetime <= interval ? "gap" : lifetime < 2 * interval - 60 ? "short" : "fresh");
    }),
  );
  expect(freshness(undefined, 60, now)).toBe("fresh");
});

test("a pull secret says what was put into it, whatever that is", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(fc.webAuthority(), text, text, (uri, username, password) => {
      fc.pre(username.isWellFormed() && password.isWellFormed() && !username.includes(":"));
      const json = Buffer.from(
        dockerConfigJson([{ uri, username, password: new Secret(password) }]).reveal(),
        "base64",
      );
      const { auths } = JSON.parse(json.toString());
      expect(auths[uri]).toMatchObject({ username, password });
      expect(Buffer.from(auths[uri].auth, "base64").toString()).toBe(`${username}:${password}`);
    }),
  );
});

test("print writes the manifest and nothing else, and touches no cluster", async () => {
  const run = await refresh(fakePlatform(), env, ["print"]);
  expect([run.code, cluster.api.requests]).toEqual([0, []]);
  const { kind, type, metadata, data } = JSON.parse(run.out);
  expect([kind, type]).toEqual(["Secret", "kubernetes.io/dockerconfigjson"]);
  expect(metadata).toMatchObject({ name: secretName, namespace: "apps", labels: ourLabel });
  expect(authsOf(data)["registry.example/images/my-app"]?.password).toBe(fakePassword);
  expect(run.log).not.toContain(fakePassword);
});

describe("refuses to run with", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ["no name", { PULL_SECRET_NAME: "" }, /^PULL_SECRET_NAME is missing/],
    [
      "a name that is a path",
      { PULL_SECRET_NAME: "../configmaps/x" },
      /^PULL_SECRET_NAME must be the name of a Secret/,
    ],
    ["a namespace that is a path", { PULL_SECRET_NAMESPACE: "a/b" }, /^PULL_SECRET_NAMESPACE must be the name/],
    ["repositories that are no list", { PULL_SECRET_REPOSITORIES: "my-app" }, /^PULL_SECRET_REPOSITORIES .* not JSON/],
    ["no repository", { PULL_SECRET_REPOSITORIES: "[]" }, /must name a repository/],
    ["an interval", { PULL_SECRET_INTERVAL_SECONDS: "1h" }, /^PULL_SECRET_INTERVAL_SECONDS must be a whole number/],
    ["a function in the clear", { FUNCTION_URL: "http://registry.svc" }, /^FUNCTION_URL must be an https URL: .*PLAIN/],
    ["no cluster", { KUBERNETES_SERVICE_HOST: "" }, /^KUBERNETES_SERVICE_HOST is missing/],
    ["no binding", { ALIEN_IMAGES_BINDING: "{}" }, /^ALIEN_IMAGES_BINDING/],
  ])("%s", async (_title, part, message) => {
    const run = await refresh(fakePlatform(), { ...env, ...part });
    expect([run.code, run.last.message]).toEqual([1, expect.stringMatching(message)]);
    expect(cluster.api.requests).toEqual([]);
  });
});
