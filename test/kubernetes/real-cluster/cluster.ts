import { type ChildProcess, execFile, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { createHttpClient } from "../../../core/http-client.ts";
import { freePorts } from "../../e2e/ports.ts";
import { tool } from "../../tools/tools.ts";
import type { Manifest } from "../chart/helm.ts";

/** A real API server of Kubernetes over a real etcd, with RBAC, what it allows to nodes, the admission of its defaults, and its controllers. No node runs. */
export interface RealCluster {
  readonly port: number;
  readonly caFile: string;
  /** Runs kubectl as the administrator, or with another token. @throws with what it said */
  kubectl(args: readonly string[], options?: { readonly input?: string; readonly token?: string }): Promise<string>;
  /** One object as it is now. @throws with what kubectl said, where it is not there */
  read(kind: string, name: string, namespace: string): Promise<Manifest>;
  /** Objects, by kubectl's own options: `-n`, `-A`, `-l`. */
  list(kind: string, ...args: readonly string[]): Promise<Manifest[]>;
  /** Writes a file that goes with the cluster. @returns its path */
  file(content: string): Promise<string>;
  /** Whose holder is this node's kubelet before the API server: `node-1` or `node-2`. */
  nodeToken(node: string): string;
  /** Runs Helm as the administrator. @throws with what it said */
  helm(args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

const adminToken = "administrator-of-a-test";

const nodeToken = (node: string) => `${node}-of-a-test`;

/** The path of a program in the folder that `KUBERNETES_BIN` names. */
function program(name: string): string {
  const folder = process.env.KUBERNETES_BIN;
  const path = join(folder ?? "", name);
  if (!folder || !existsSync(path)) throw new Error(`KUBERNETES_BIN must name a folder with ${name}.`);
  return path;
}

/** Starts them on free loopback ports, with their data in a folder that goes with them. */
export async function startRealCluster(): Promise<RealCluster> {
  const folder = await mkdtemp(join(tmpdir(), "real-cluster-"));
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const file = (name: string) => join(folder, name);
  const caFile = join(file("certificates"), "apiserver.crt");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(file("accounts.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(file("accounts.pub"), publicKey.export({ type: "spki", format: "pem" }));
  const nodes = ["node-1", "node-2"].map((node) => `${nodeToken(node)},system:node:${node},${node},"system:nodes"\n`);
  const tokens = [`${adminToken},admin,admin,"system:masters"\n`, ...nodes].join("");
  await writeFile(file("tokens.csv"), tokens);
  await writeFile(file("config"), configOf(port, caFile));
  const children: ChildProcess[] = [];
  const start = (name: string, args: readonly string[]) => {
    const child = spawn(program(name), args, { stdio: "ignore" });
    children.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.pid === undefined) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };

  const etcd = `http://127.0.0.1:${etcdPort}`;
  const peers = `http://127.0.0.1:${peerPort}`;
  start("etcd", [
    `--data-dir=${file("etcd")}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
  ]);
  const server = start("kube-apiserver", [
    `--etcd-servers=${etcd}`,
    `--secure-port=${port}`,
    "--bind-address=127.0.0.1",
    `--cert-dir=${file("certificates")}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    `--token-auth-file=${file("tokens.csv")}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${file("accounts.pub")}`,
    `--service-account-signing-key-file=${file("accounts.key")}`,
    "--service-cluster-ip-range=10.0.0.0/24",
  ]);
  try {
    await ready(port, caFile, server);
  } catch (error) {
    await stop();
    throw error;
  }
  start("kube-controller-manager", [
    `--kubeconfig=${file("config")}`,
    "--leader-elect=false",
    "--secure-port=0",
    `--root-ca-file=${caFile}`,
    `--service-account-private-key-file=${file("accounts.key")}`,
  ]);

  const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: file("config") };
  const run = async (path: string, args: readonly string[], input?: string) => {
    const running = promisify(execFile)(path, args, { env, maxBuffer: 16 * 1024 * 1024 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  };
  const kubectl: RealCluster["kubectl"] = (args, { input, token } = {}) => {
    // The token of the configuration would be sent in the place of this one.
    const as = ["--kubeconfig=/dev/null", `--server=https://127.0.0.1:${port}`, `--certificate-authority=${caFile}`];
    return run(program("kubectl"), [...(token === undefined ? [] : [...as, `--token=${token}`]), ...args], input);
  };
  return {
    port,
    caFile,
    kubectl,
    read: async (kind, name, namespace) =>
      JSON.parse(await kubectl(["-n", namespace, "get", kind, name, "-o", "json"])),
    list: async (kind, ...args) => JSON.parse(await kubectl(["get", kind, ...args, "-o", "json"])).items,
    async file(content) {
      const path = join(await mkdtemp(file("file-")), "content");
      await writeFile(path, content);
      return path;
    },
    nodeToken,
    helm: (args) => run(tool("helm"), args),
    stop,
  };
}

const configOf = (port: number, caFile: string) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    clusters: [{ name: "test", cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority": caFile } }],
    users: [{ name: "admin", user: { token: adminToken } }],
  });

/** The server makes its certificate when it starts, and answers when its own roles are there. */
async function ready(port: number, caFile: string, child: ChildProcess): Promise<void> {
  const http = createHttpClient({ caFile });
  const headers = { authorization: `Bearer ${adminToken}` };
  for (;;) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error("The API server has ended.");
    const there = await readFile(caFile)
      .then(() => http.request(`https://127.0.0.1:${port}/readyz`, { headers }))
      .catch(() => undefined);
    if (there?.status === 200) return;
    await pause(200);
  }
}
