import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { fakePassword } from "../../support/fake-registry.ts";
import { type Manifest, render } from "../chart/helm.ts";
import { temporaryFolder } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { type RealCluster, startRealCluster } from "../support/real-cluster.ts";
import { authsOf, refresh } from "../support/refresh.ts";

const secret = { create: true, registry: "images", repositories: ["a", "gone"], host: "registry.example" };
const often = { ttlSeconds: 3_600, intervalMinutes: 20 };
const values = {
  bindings: { images: { service: "external", registryUrl: "https://registry.example", staticCredentials: true } },
  pullSecrets: [
    { ...secret, ...often, name: "one-place", namespace: "apps", serviceAccounts: ["default"] },
    { ...secret, ...often, name: "everywhere", namespaceSelector: "example.com/pull=images" },
  ],
};

let cluster: RealCluster;
let template: string;
let jobs: readonly Manifest[];
beforeAll(async () => {
  cluster = await startRealCluster();
  const rendered = await render([], values);
  template = rendered.text;
  jobs = rendered.all("CronJob");
  for (const [name, label] of [
    ["registry", "none"],
    ["apps", "none"],
    ["team-a", "images"],
    ["team-b", "images"],
    ["strict", "images"],
  ] as const) {
    await cluster.kubectl(["create", "namespace", name]);
    await cluster.kubectl(["label", "namespace", name, `example.com/pull=${label}`]);
  }
  // There are no controllers that would make it.
  await cluster.kubectl(["-n", "apps", "create", "serviceaccount", "default"]);
  await cluster.kubectl(["label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted"]);
  await apply();
});
afterAll(() => cluster?.stop());

const apply = () => cluster.kubectl(["-n", "registry", "apply", "-f", "-"], { input: template });

/** Runs a refresher with the environment and the account that the chart gives to its pod. */
async function run(secretName: string, lacking: readonly string[] = []) {
  const pod = jobs.map((job) => job.spec.jobTemplate.spec.template.spec).find((each) => nameOf(each) === secretName);
  const token = (await cluster.kubectl(["-n", "registry", "create", "token", pod.serviceAccountName])).trim();
  const tokenFile = join(await temporaryFolder(), "token");
  await writeFile(tokenFile, token);
  const env = {
    ...environmentOf(pod),
    ALIEN_IMAGES_BINDING: '{"service":"local"}',
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(cluster.port),
    KUBERNETES_CA_FILE: cluster.caFile,
    KUBERNETES_TOKEN_FILE: tokenFile,
  };
  const platform = fakePlatform({
    upstream(_method, _signal, repository) {
      if (!lacking.some((name) => repository === `images/${name}`)) return;
      throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${repository}".`);
    },
  });
  return { ...(await refresh(platform, env)), token };
}

// biome-ignore lint/suspicious/noExplicitAny: a pod's form is checked against the API's schemas.
const environmentOf = (pod: any): Record<string, string> =>
  Object.fromEntries(
    pod.containers[0].env.map((each: { name: string; value?: string }) => [each.name, each.value ?? ""]),
  );
// biome-ignore lint/suspicious/noExplicitAny: as above.
const nameOf = (pod: any) => environmentOf(pod).PULL_SECRET_NAME;

const read = async (kind: string, name: string, namespace: string) =>
  JSON.parse(await cluster.kubectl(["-n", namespace, "get", kind, name, "-o", "json"]));
const images = async (name: string, namespace: string) =>
  Object.keys(authsOf((await read("secret", name, namespace)).data)).sort();
const both = ["registry.example/images/a", "registry.example/images/gone"];

describe("on a real API server, with the rights of the chart and no others", () => {
  test("the refresher makes its Secret and fills it, and its ServiceAccount names it", async () => {
    const { code, log } = await run("one-place");
    expect([code, await images("one-place", "apps")]).toEqual([0, both]);
    expect((await read("secret", "one-place", "apps")).type).toBe("kubernetes.io/dockerconfigjson");
    expect((await read("serviceaccount", "default", "apps")).imagePullSecrets).toEqual([{ name: "one-place" }]);
    expect(log).not.toContain(fakePassword);
  });

  test("an apply of the rendered chart keeps what is filled", async () => {
    const before = await read("secret", "one-place", "apps");
    await apply();
    expect(await read("secret", "one-place", "apps")).toEqual(before);
  });

  test("what cannot be refreshed keeps its entry, and an Event at the Secret says so", async () => {
    const { code } = await run("one-place", ["gone"]);
    expect([code, await images("one-place", "apps")]).toEqual([2, both]);
    const { items } = JSON.parse(await cluster.kubectl(["-n", "apps", "get", "events", "-o", "json"]));
    expect(items).toMatchObject([
      {
        reason: "PullSecretNotRefreshed",
        type: "Warning",
        involvedObject: { kind: "Secret", name: "one-place" },
        message: expect.stringContaining("gone: RESOURCE_NOT_FOUND"),
      },
    ]);
  });

  test("its account makes no other Secret, by no kind of request, and reads none", async () => {
    const { token } = await run("one-place");
    const other = (name: string) =>
      JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "apps" } });
    const denied = /forbidden/i;
    await expect(cluster.kubectl(["create", "-f", "-"], { input: other("other"), token })).rejects.toThrow(denied);
    await expect(
      cluster.kubectl(["apply", "--server-side", "-f", "-"], { input: other("other"), token }),
    ).rejects.toThrow(denied);
    // A POST names nothing, so that not even its own name is allowed there.
    await cluster.kubectl(["-n", "apps", "delete", "secret", "one-place"]);
    await expect(cluster.kubectl(["create", "-f", "-"], { input: other("one-place"), token })).rejects.toThrow(denied);
    await expect(cluster.kubectl(["-n", "apps", "get", "secrets"], { token })).rejects.toThrow(denied);
    expect((await run("one-place")).code).toBe(0);
  });

  test("one refresher fills the Secret of every namespace with the labels", async () => {
    expect((await run("everywhere")).code).toBe(0);
    for (const namespace of ["team-a", "team-b"]) expect(await images("everywhere", namespace)).toEqual(both);
    await expect(read("secret", "everywhere", "apps")).rejects.toThrow(/not found/i);
  });

  test("its pod is admitted under the pod security standard `restricted`", async () => {
    for (const job of jobs) {
      const { metadata, spec } = job.spec.jobTemplate.spec.template;
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "tried", namespace: "strict" } };
      const input = JSON.stringify({ ...pod, spec: { ...spec, serviceAccountName: "default" } });
      await cluster.kubectl(["-n", "strict", "create", "serviceaccount", "default"]).catch(() => undefined);
      expect(await cluster.kubectl(["create", "--dry-run=server", "-f", "-"], { input })).toContain("created");
    }
  });
});
