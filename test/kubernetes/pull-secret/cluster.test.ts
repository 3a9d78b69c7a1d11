import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../emulators/azure/http/certificates.ts";
import { fakePassword } from "../../support/fake-registry.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import {
  authsOf,
  type Cluster,
  grant,
  ourLabel,
  refresh,
  refresher,
  secretName,
  secretRequests,
  useCluster,
} from "../support/refresh.ts";

const { cluster, env } = useCluster();

const path = `/api/v1/namespaces/apps/secrets/${secretName}`;
const read = () => cluster.api.secrets.get("apps", secretName);
const write = (part: Parameters<Cluster["api"]["secrets"]["write"]>[2]) =>
  cluster.api.secrets.write("apps", secretName, part);

describe("the Secret", () => {
  test("gets new credentials under the repository's own key, and keeps what others wrote beside them", async () => {
    const labels = { ...ourLabel, team: "a" };
    write({
      metadata: { labels, annotations: { note: "kept" } },
      data: { ".dockerconfigjson": btoa("{}"), x: "eA==" },
    });
    const before = Date.now();
    const run = await refresh(fakePlatform(), { ...env, PULL_SECRET_REPOSITORIES: '["my-app","images/other"]' });
    expect(run.code).toBe(0);
    expect(cluster.api.requests).toEqual([`GET ${path} 200`, `PUT ${path} 200`]);
    const { data, metadata, type } = read();
    const auth = btoa(`token:${fakePassword}`);
    const entry = { username: "token", password: fakePassword, auth };
    expect(authsOf(data)).toEqual({
      "registry.example/images/my-app": entry,
      "registry.example/images/other": entry,
    });
    expect([type, data.x, metadata.labels, metadata.annotations?.note]).toEqual([
      "kubernetes.io/dockerconfigjson",
      "eA==",
      labels,
      "kept",
    ]);
    const end = Date.parse(metadata.annotations?.["artifact-registry.alien.dev/expires-at"] ?? "");
    expect(end).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(run.last).toMatchObject({ level: "info", namespace: "apps", name: secretName });
  });

  test("of another client's change in between is read again, and that change stays", async () => {
    let once = true;
    cluster.api.before = (request) => {
      if (request.method === "PUT" && once) {
        once = false;
        write({ metadata: { labels: ourLabel, annotations: { note: "in between" } } });
      }
      return undefined;
    };
    expect((await refresh(fakePlatform(), env)).code).toBe(0);
    expect(cluster.api.requests.map((line) => line.replace(path, ""))).toEqual([
      "GET  200",
      "PUT  409",
      "GET  200",
      "PUT  200",
    ]);
    expect(read().metadata.annotations?.note).toBe("in between");
    expect(Object.keys(authsOf(read().data))).toEqual(["registry.example/images/my-app"]);
  });

  test("that is changed again and again is given up", async () => {
    cluster.api.before = (request) => {
      if (request.method === "PUT") write({ metadata: { labels: ourLabel } });
      return undefined;
    };
    const run = await refresh(fakePlatform(), env);
    expect([run.code, authsOf(read().data)]).toEqual([1, {}]);
    expect(cluster.api.requests.filter((line) => line.endsWith("409"))).toHaveLength(5);
  });

  test.each<[string, Parameters<typeof write>[0]]>([
    ["that somebody made by hand", {}],
    ["of another type", { type: "Opaque", metadata: { labels: ourLabel }, data: { x: "eA==" } }],
  ])("%s is left alone", async (_title, part) => {
    write(part);
    const before = read();
    const run = await refresh(fakePlatform(), env);
    expect(run.code).toBe(1);
    expect(run.last.message).toMatch(/is not one of ours\. It must be of type kubernetes\.io\/dockerconfigjson/);
    expect(read()).toEqual(before);
  });

  test("that is not there is not made", async () => {
    const name = "another-name";
    cluster.api.grants = [{ ...grant, resourceName: name }];
    const run = await refresh(fakePlatform(), { ...env, PULL_SECRET_NAME: name });
    expect([run.code, secretRequests(cluster).length]).toEqual([1, 1]);
    expect(run.last.message).toMatch(/answered 404 .* Create it first/);
  });
});

describe("the cluster's refusals", () => {
  test.each(["get", "update"] as const)("without the right to %s nothing is written", async (verb) => {
    cluster.api.grants = [{ ...grant, verbs: grant.verbs.filter((each) => each !== verb) }];
    const before = read();
    const run = await refresh(fakePlatform(), env);
    expect(run.code).toBe(1);
    expect(run.last.message).toBe(
      `The cluster's API answered 403 to ${verb} of the Secret apps/${secretName}. Its Role must allow get and update on exactly this Secret.`,
    );
    expect(read()).toEqual(before);
  });

  test("a Role for one name opens no other, in no other namespace", async () => {
    cluster.api.secrets.write("apps", "others", { metadata: { labels: ourLabel } });
    cluster.api.secrets.write("kube-system", secretName, { metadata: { labels: ourLabel } });
    expect((await refresh(fakePlatform(), { ...env, PULL_SECRET_NAME: "others" })).code).toBe(1);
    expect((await refresh(fakePlatform(), { ...env, PULL_SECRET_NAMESPACE: "kube-system" })).code).toBe(1);
    expect(secretRequests(cluster).map((line) => line.slice(-3))).toEqual(["403", "403"]);
  });

  test("a token that has ended, or is meant for somebody else, is none", async () => {
    for (const options of [{ expiresInSeconds: -60 }, { audience: "artifact-registry" }]) {
      await writeFile(env.KUBERNETES_TOKEN_FILE ?? "", await cluster.accounts.token(refresher, options));
      const run = await refresh(fakePlatform(), env);
      expect([run.code, run.last.message]).toEqual([1, expect.stringMatching(/answered 401/)]);
    }
  });

  test("a server under another CA is not told the token", async () => {
    await writeFile(env.KUBERNETES_CA_FILE ?? "", (await createAuthority()).ca);
    const run = await refresh(fakePlatform(), env);
    expect([run.code, cluster.api.requests]).toEqual([1, []]);
    expect(run.last.message).toMatch(/^The cluster's API cannot be reached\./);
  });

  test.each([429, 500, 503])("%i is tried again", async (status) => {
    let first = true;
    cluster.api.before = (_request, response) => {
      if (!first) return false;
      first = false;
      response.writeHead(status, { "retry-after": "0" }).end();
      return true;
    };
    expect((await refresh(fakePlatform(), env)).code).toBe(0);
    expect(cluster.api.requests.map((line) => line.slice(-3))).toEqual([`${status}`, "200", "200"]);
  });

  test("an answer that is no Secret changes nothing", async () => {
    cluster.api.before = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"kind":"Pod"}');
      return true;
    };
    const run = await refresh(fakePlatform(), env);
    expect([run.code, run.last.message]).toEqual([1, "The cluster's API answered with no Secret."]);
  });
});
