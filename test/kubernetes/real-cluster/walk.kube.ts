import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fakePassword } from "../../support/fake-registry.ts";
import { chart, envOf, everyOption, type Manifest, podOf, render } from "../chart/helm.ts";
import { call, serve } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { authsOf } from "../support/refresh.ts";
import { type RealCluster, startRealCluster } from "./cluster.ts";
import { asNode, runPod } from "./node.ts";

/** The last commit whose chart rendered the Secrets themselves, and had no hook. */
const lastVersion = "8370277";

const secret = {
  create: true,
  registry: "images",
  repositories: ["a", "gone"],
  host: "registry.example",
  ttlSeconds: 3_600,
  intervalMinutes: 20,
};
const issuer = "https://kubernetes.default.svc.cluster.local";
const values = {
  image: { repository: "registry.example/functions" },
  replicaCount: 6,
  bindings: { images: { service: "external", registryUrl: "https://registry.example", staticCredentials: true } },
  accessRules: [
    {
      callers: [{ issuer, subject: "system:serviceaccount:apps:deployer" }],
      operations: ["*"],
      registries: ["images"],
      repositories: ["*"],
    },
  ],
  pullSecrets: [{ ...secret, name: "one-place", namespace: "apps" }],
};
const [onePlace] = values.pullSecrets;
const withAccount = { ...values, pullSecrets: [{ ...onePlace, serviceAccounts: ["default"] }] };
const everywhere = { ...secret, name: "everywhere", namespaceSelector: "example.com/pull=images" };

let cluster: RealCluster;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "walk-"));
  cluster = await startRealCluster();
  for (const [name, ...labels] of [
    ["registry", "pod-security.kubernetes.io/enforce=restricted"],
    ["templated", "pod-security.kubernetes.io/enforce=restricted"],
    ["apps", "example.com/pull=none"],
    ["team-a", "example.com/pull=images"],
    ["team-b", "example.com/pull=images"],
  ] as const) {
    await cluster.kubectl(["create", "namespace", name]);
    await cluster.kubectl(["label", "namespace", name, ...labels]);
  }
  // The controllers are at work.
  await cluster.kubectl(["-n", "apps", "wait", "--for=create", "serviceaccount/default", "--timeout=5m"]);
});
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

const read: RealCluster["read"] = (...args) => cluster.read(...args);
const list: RealCluster["list"] = (...args) => cluster.list(...args);
const images = async (name: string, namespace: string) =>
  Object.keys(authsOf((await read("secret", name, namespace)).data)).sort();
const both = ["registry.example/images/a", "registry.example/images/gone"];

const install = async (from: string, content: object) =>
  cluster.helm([
    "upgrade",
    "--install",
    "acme",
    from,
    "--namespace",
    "registry",
    "--values",
    await cluster.file(JSON.stringify(content)),
  ]);
const template = async (content: object, ...args: readonly string[]) => {
  const given = [
    "--namespace",
    "templated",
    "--values",
    await cluster.file(JSON.stringify(content)),
    "--kube-version",
    "1.34.0",
    ...args,
  ];
  return cluster.helm(["template", "acme", chart, ...given]);
};
/** One run by hand, as the chart's notes tell. */
async function refreshNow(secretName: string, lacking?: readonly string[]) {
  const jobs = await list("cronjobs", "-n", "registry");
  const specs = jobs.map((job) => job.spec.jobTemplate.spec.template.spec);
  const spec = specs.find((each) => envOf(each.containers[0]).PULL_SECRET_NAME === secretName);
  return runPod(cluster, { ...jobs[0], spec } as Manifest, lacking);
}

describe("helm upgrade from the last version", () => {
  test("keeps the Secret that was filled, and its hook fills it before the release is done", async () => {
    const archive = execFileSync("git", ["archive", lastVersion, "infra/kubernetes"], { cwd: join(chart, "../..") });
    execFileSync("tar", ["-x", "-C", folder], { input: archive });
    await install(join(folder, "infra/kubernetes"), values);
    expect((await refreshNow("one-place")).code).toBe(0);
    const before = await read("secret", "one-place", "apps");
    expect(await images("one-place", "apps")).toEqual(both);

    const { ran } = await asNode(cluster, install(chart, withAccount));
    expect(ran).toEqual([expect.stringMatching(/^acme-artifact-registry-[0-9a-f]{8}-[0-9a-f]{8}$/)]);
    const after = await read("secret", "one-place", "apps");
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(await images("one-place", "apps")).toEqual(both);
    expect((await read("serviceaccount", "default", "apps")).imagePullSecrets).toEqual([{ name: "one-place" }]);
    // Helm takes it away when it has succeeded.
    expect(await list("jobs", "-n", "registry")).toEqual([]);
  });

  test("keeps the number of pods when the autoscaler is turned on, and at the next upgrade too", async () => {
    const replicas = async () => (await read("deployment", "acme-artifact-registry", "registry")).spec.replicas;
    expect(await replicas()).toBe(6);
    const scaled = { ...withAccount, autoscaling: { enabled: true, minReplicas: 2, maxReplicas: 9 } };
    await asNode(cluster, install(chart, scaled));
    expect(await replicas()).toBe(6);
    // As the autoscaler does.
    await cluster.kubectl(["-n", "registry", "scale", "deployment/acme-artifact-registry", "--replicas=7"]);
    await asNode(cluster, install(chart, { ...scaled, podLabels: { team: "a" } }));
    expect(await replicas()).toBe(7);
  });
});

describe("helm template | kubectl apply", () => {
  const apply = async (text: string) => cluster.kubectl(["apply", "-f", "-"], { input: text });
  const filled = { ...values, replicaCount: 1, pullSecrets: [{ ...secret, name: "applied" }] };

  test("fills the Secret by its Job, and a second apply keeps what is filled", async () => {
    await apply(await template(filled));
    await asNode(cluster, expect.poll(() => images("applied", "templated").catch(() => [])).toEqual(both));
    const before = await read("secret", "applied", "templated");
    expect(await apply(await template(filled))).toMatch(/^job\.batch\/\S+ unchanged$/m);
    expect(await read("secret", "applied", "templated")).toEqual(before);
  });

  test("of another image makes another Job, and leaves the first as it is", async () => {
    const text = await template(filled, "--set", "image.tag=other");
    expect(await apply(text)).toMatch(/^job\.batch\/\S+ created$/m);
    const jobs = () => list("jobs", "-n", "templated");
    const done = async () => (await jobs()).filter(({ status }) => status.succeeded === 1).length;
    await asNode(cluster, expect.poll(done).toBe(2));
    expect(await images("applied", "templated")).toEqual(both);
  });
});

describe("helm template | kubectl apply, with the autoscaler", () => {
  test("keeps the number of pods once kubectl has forgotten that a template named it", async () => {
    const numbered = { ...values, replicaCount: 4, pullSecrets: [], fullnameOverride: "scaled" };
    await cluster.kubectl(["apply", "-f", "-"], { input: await template(numbered) });
    const remembered = "kubectl.kubernetes.io/last-applied-configuration";
    await cluster.kubectl(["-n", "templated", "annotate", "deployment/scaled", `${remembered}-`]);
    const scaled = { ...numbered, autoscaling: { enabled: true } };
    for (let applied = 0; applied < 2; applied++) {
      await cluster.kubectl(["apply", "-f", "-"], { input: await template(scaled) });
      expect((await read("deployment", "scaled", "templated")).spec.replicas).toBe(4);
    }
  });
});

describe("the refresher, with the rights of the chart and no others", () => {
  test("makes its Secret by server-side apply, and fills it", async () => {
    await cluster.kubectl(["-n", "apps", "delete", "secret", "one-place"]);
    const { code, log } = await refreshNow("one-place");
    expect([code, await images("one-place", "apps")]).toEqual([0, both]);
    expect((await read("secret", "one-place", "apps")).type).toBe("kubernetes.io/dockerconfigjson");
    expect(log).not.toContain(fakePassword);
  });

  test("keeps the entry of what cannot be refreshed, and an Event at the Secret says so", async () => {
    const { code } = await refreshNow("one-place", ["gone"]);
    expect([code, await images("one-place", "apps")]).toEqual([2, both]);
    const events = await list("events", "-n", "apps", "--field-selector", "reason=PullSecretNotRefreshed");
    expect(events).toMatchObject([
      {
        type: "Warning",
        involvedObject: { kind: "Secret", name: "one-place" },
        message: expect.stringContaining("gone: RESOURCE_NOT_FOUND"),
      },
    ]);
  });

  test("makes no other Secret, by no kind of request, and reads none", async () => {
    const { token } = await refreshNow("one-place");
    const other = (name: string) =>
      JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "apps" } });
    const refused = (args: readonly string[], input?: string) =>
      expect(cluster.kubectl(args, { token, ...(input && { input }) })).rejects.toThrow(/forbidden/i);
    await refused(["create", "-f", "-"], other("other"));
    await refused(["apply", "--server-side", "-f", "-"], other("other"));
    await refused(["-n", "apps", "get", "secrets"]);
    await refused(["-n", "registry", "get", "secret", "one-place"]);
    await refused(["-n", "apps", "delete", "secret", "one-place"]);
    await refused(["-n", "apps", "create", "token", "default"]);
    // A POST names nothing, so that not even its own name is allowed there.
    await cluster.kubectl(["-n", "apps", "delete", "secret", "one-place"]);
    await refused(["create", "-f", "-"], other("one-place"));
    expect((await refreshNow("one-place")).code).toBe(0);
  });

  test("of many namespaces fills the Secret of every one with the labels, and no other", async () => {
    await asNode(cluster, install(chart, { ...withAccount, pullSecrets: [...withAccount.pullSecrets, everywhere] }));
    for (const namespace of ["team-a", "team-b"]) expect(await images("everywhere", namespace)).toEqual(both);
    await expect(read("secret", "everywhere", "apps")).rejects.toThrow(/not found/i);
  });
});

describe("the servers", () => {
  test("are admitted, as all pods of the chart, where only `restricted` ones are", async () => {
    const pods = () => list("pods", "-n", "registry", "-l", "app.kubernetes.io/component=server");
    await expect.poll(async () => (await pods()).length).toBeGreaterThanOrEqual(6);
    const refused = await list("events", "-A", "--field-selector", "reason=FailedCreate");
    expect(refused.map(({ message }) => message)).toEqual([]);
    // The control: one field less, and there is no pod.
    const [pod] = await pods();
    const { spec } = pod as Manifest;
    const root = { apiVersion: "v1", kind: "Pod", metadata: { name: "root", namespace: "registry" }, spec };
    const input = JSON.stringify({ ...root, spec: { ...spec, securityContext: {} } });
    await expect(cluster.kubectl(["create", "--dry-run=server", "-f", "-"], { input })).rejects.toThrow(/PodSecurity/);
  });

  test("are admitted with users that the platform chooses, and with every option", async () => {
    const workloads = ["Deployment", "CronJob", "Job"];
    for (const options of ["openshift.yaml", "every-option.yaml"]) {
      const rendered = await render(["--values", join(chart, "ci", options), "--set", "priorityClassName="]);
      for (const workload of workloads.flatMap((kind) => rendered.all(kind))) {
        const metadata = { name: workload.metadata.name, namespace: "templated" };
        const spec = { ...podOf(workload), serviceAccountName: "default", restartPolicy: "Always" };
        const input = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec });
        expect(await cluster.kubectl(["create", "--dry-run=server", "-f", "-"], { input })).toContain("created");
      }
    }
  });

  test("are taken with every option, and all that belongs to them", async () => {
    const { manifests } = await render([...everyOption, "--set", "priorityClassName="]);
    // Kinds that others define.
    const items = manifests.filter(({ kind }) => kind !== "ServiceMonitor" && kind !== "HTTPRoute");
    const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    const said = await cluster.kubectl(["apply", "--server-side", "--dry-run=server", "-f", "-"], { input });
    expect(said.trim().split("\n")).toHaveLength(items.length);
  });

  test("have no right in the cluster", async () => {
    const { spec } = await read("deployment", "acme-artifact-registry", "registry");
    const account = `system:serviceaccount:registry:${spec.template.spec.serviceAccountName}`;
    for (const what of ["get secrets", "list pods", "create serviceaccounts/token", "get configmaps"]) {
      const asked = ["-n", "registry", "auth", "can-i", ...what.split(" "), "--as", account];
      await expect(cluster.kubectl(asked)).rejects.toMatchObject({ stdout: "no\n" });
    }
  });

  test("take the tokens of the cluster's service accounts, with the keys that their own token opens", async () => {
    const config = async (name: string) => (await read("configmap", name, "registry")).data;
    const [bindings, settings] = [
      await config("acme-artifact-registry"),
      await config("acme-artifact-registry-server"),
    ];
    const token = async (account: string, ...args: readonly string[]) =>
      (await cluster.kubectl(["create", "token", account, ...args])).trim();
    await cluster.kubectl(["-n", "apps", "create", "serviceaccount", "deployer"]);
    const [issuerEntry] = JSON.parse(settings.ALIEN_OIDC_ISSUERS);
    const served = await serve(
      {
        ...bindings,
        ALIEN_IMAGES_BINDING: '{"service":"local"}',
        ALIEN_ACCESS_RULES: (await config("acme-artifact-registry-rules"))["access-rules.json"],
        ALIEN_OIDC_ISSUERS: JSON.stringify([
          {
            ...issuerEntry,
            jwksUri: `https://127.0.0.1:${cluster.port}/openid/v1/jwks`,
            caFile: cluster.caFile,
            tokenFile: await cluster.file(await token("acme-artifact-registry", "-n", "registry")),
          },
        ]),
      },
      fakePlatform(),
    );
    const ask = async (...args: readonly [string, ...string[]]) =>
      (await call(served.url, await token(...args), "createRepository", { name: "my-app" })).status;
    const audience = ["--audience", "artifact-registry"];
    expect(await ask("deployer", "-n", "apps", ...audience)).toBe(200);
    expect(await ask("default", "-n", "apps", ...audience)).toBe(403);
    expect(await ask("deployer", "-n", "apps")).toBe(401);
  });
});
