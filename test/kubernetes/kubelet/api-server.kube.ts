import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalSuite, serveLocal } from "../../../functions/local/serve.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { buildImage } from "../../oci/client/images.ts";
import { render } from "../chart/helm.ts";
import { type RealCluster, startRealCluster } from "../real-cluster/cluster.ts";
import { call } from "../support/container.ts";
import { buildProvider, documented, type Kubelet, type Pod, startKubelet } from "./kubelet.ts";

const { audience } = documented;
const web = { namespace: "apps", name: "web" };
const other = { namespace: "elsewhere", name: "web" };
const issuer = "https://kubernetes.default.svc.cluster.local";
const image = buildImage({ seed: "kubelet", layers: [1_000] });

let folder: string;
let provider: string;
let cluster: RealCluster;
let suite: LocalSuite;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubelet-"));
  provider = await buildProvider(join(folder, "built"));
  cluster = await startRealCluster();
  for (const { namespace, name } of [web, other]) {
    await cluster.kubectl(["create", "namespace", namespace]);
    await cluster.kubectl(["-n", namespace, "create", "serviceaccount", name]);
  }
  for (const name of ["node-1", "node-2"]) {
    await cluster.kubectl(["apply", "-f", "-"], {
      input: JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name } }),
    });
  }
  // The function trusts the cluster as the chart has it: the keys of the API server, which it asks for with a token of its own.
  const own = await cluster.kubectl(["-n", "apps", "create", "token", "web"]);
  const keys = { jwksUri: `https://127.0.0.1:${cluster.port}/openid/v1/jwks`, caFile: cluster.caFile };
  const rule = (subject: string, operations: string[], permissions: string[]) => ({
    callers: [{ issuer, subject }],
    operations,
    registries: ["images"],
    repositories: ["images/web"],
    permissions,
  });
  suite = await serveLocal(
    {
      PORT: "0",
      REGISTRY_PORT: "0",
      DATA_DIR: join(folder, "data"),
      ALIEN_DOOR: "oidc",
      ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer, audience, ...keys, tokenFile: await cluster.file(own.trim()) }]),
      ALIEN_ACCESS_RULES: JSON.stringify([
        rule(subjectOf(web), ["generateCredentials"], ["pull"]),
        rule(
          subjectOf({ namespace: "apps", name: "default" }),
          ["createRepository", "generateCredentials"],
          ["push-pull"],
        ),
      ]),
    },
    { audit: () => {} },
  );
  const token = await cluster.kubectl(["-n", "apps", "create", "token", "default", "--audience", audience]);
  await call(suite.url, token.trim(), "createRepository", { name: "web" });
  const input = { repoId: "web", permissions: "push-pull" };
  const minted = await call(suite.url, token.trim(), "generateCredentials", input);
  await pushImage(registry(minted.body), "images/web", "1.0", image);
});
afterAll(async () => {
  await suite?.close();
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

function registry({ username = "", password = "" }: { username?: unknown; password?: unknown } = {}) {
  return createClient({ url: suite.registryUrl, credentials: { username: `${username}`, password: `${password}` } });
}

/** A pod of an account that is bound to a node. */
async function podOn(node: string, { namespace, name: account }: typeof web): Promise<Pod> {
  const name = `${account}-on-${node}`;
  const containers = [{ name: "web", image: "registry.example/images/web" }];
  const spec = { nodeName: node, serviceAccountName: account, containers };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec };
  await cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify(pod) });
  const uid = await cluster.kubectl(["-n", namespace, "get", "pod", name, "-o", "jsonpath={.metadata.uid}"]);
  return { name, uid };
}

const host = () => new URL(suite.registryUrl).host;

async function kubeletOf(node: string): Promise<Kubelet> {
  const tokenFile = await cluster.file(cluster.nodeToken(node));
  const entry = { ...documented.entry, images: `${host()}/images`, function: suite.url };
  const server = { apiServer: `https://127.0.0.1:${cluster.port}`, caFile: cluster.caFile, tokenFile };
  return startKubelet({ provider, issuer: server, config: { registries: [entry] } });
}

test("a node gets the token that the chart's rights allow, for its own pods, and pulls with what the function gives for it", async () => {
  const kubelet = await kubeletOf("node-1");
  const pull = (account: typeof web, pod: Pod) => kubelet.pull(account, `${host()}/images/web`, pod);
  const [here, there, elsewhere] = [
    await podOn("node-1", web),
    await podOn("node-2", web),
    await podOn("node-1", other),
  ];
  // Without the chart: NodeRestriction.
  expect(await pull(web, here)).toEqual([]);
  await expect.poll(kubelet.log).toContain("is not authorized to request tokens");
  const before = kubelet.log().length;

  const provided = {
    enabled: true,
    image: { repository: "registry.example/provider" },
    audience,
    namespaces: ["apps"],
  };
  const registries = [{ images: "registry.example", function: "https://f.example", registry: "images" }];
  const chart = await render(["--set-json", `kubeletProvider=${JSON.stringify({ ...provided, registries })}`]);
  const rights = chart.manifests.filter(({ metadata }) => metadata.name.endsWith("-kubelet-audience"));
  expect(rights.map(({ kind }) => kind)).toEqual(["ClusterRole", "RoleBinding"]);
  for (const each of rights) await cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify(each) });

  // Rights reach the server's cache a moment later.
  await expect.poll(async () => (await pull(web, here)).length).toBe(1);
  const [login] = await pull(web, here);
  expect(login?.serviceAccount).toBe("apps/web");
  expect(await pullImage(registry(login), "images/web", "1.0")).toEqual(image);
  // The kubelet asks for a token before it looks into its cache: for the pod of another node, in vain.
  expect(await pull(web, there)).toEqual([]);
  await expect.poll(() => kubelet.log().slice(before)).toContain("pod scheduled on a different node");
  // The rights end at the namespace.
  expect(await pull(other, elsewhere)).toEqual([]);
  const refusal = /namespaces\/elsewhere\/serviceaccounts\/web\/token.*is not authorized to request tokens/;
  await expect.poll(() => kubelet.log().slice(before)).toMatch(refusal);
});

test("the DaemonSet is admitted where a namespace allows it, and nowhere else", async () => {
  const chart = await render(["--values", "infra/kubernetes/ci/kubelet.yaml"]);
  const { spec } = chart.one("DaemonSet");
  for (const [level, admitted] of [
    ["privileged", true],
    ["baseline", false],
  ] as const) {
    const namespace = `level-${level}`;
    const labels = { "pod-security.kubernetes.io/enforce": level };
    const of = (kind: string, metadata: object, more: object = {}) =>
      cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind, metadata, ...more }) });
    await of("Namespace", { name: namespace, labels });
    await of("ServiceAccount", { name: spec.template.spec.serviceAccountName, namespace });
    const { priorityClassName: _, ...pod } = spec.template.spec;
    const made = of("Pod", { name: "one-of-the-set", namespace }, { spec: pod });
    if (admitted) await made;
    else await expect(made).rejects.toThrow(/hostPath/);
  }
});
