import { type ChildProcess, execFile, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePorts } from "../../e2e/ports.ts";
import { tool } from "../../tools/tools.ts";

/** A real API server of Kubernetes over a real etcd, with RBAC and the admission of its defaults. It has no controllers and no nodes. */
export interface RealCluster {
  readonly port: number;
  readonly caFile: string;
  /** Runs kubectl as the administrator, or with another token. @throws with what it said */
  kubectl(args: readonly string[], options?: { readonly input?: string; readonly token?: string }): Promise<string>;
  stop(): Promise<void>;
}

const adminToken = "administrator-of-a-test";

function named(variable: "KUBE_APISERVER" | "ETCD"): string {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} must name a binary.`);
  return path;
}

/** Starts the binaries that `KUBE_APISERVER` and `ETCD` name, on free loopback ports, with their data in a folder that goes with them. */
export async function startRealCluster(): Promise<RealCluster> {
  const folder = await mkdtemp(join(tmpdir(), "real-cluster-"));
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const file = (name: string) => join(folder, name);
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(file("accounts.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(file("accounts.pub"), publicKey.export({ type: "spki", format: "pem" }));
  await writeFile(file("tokens.csv"), `${adminToken},admin,admin,"system:masters"\n`);
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const children: ChildProcess[] = [];
  const start = (binary: string, args: readonly string[]) => {
    const child = spawn(binary, args, { stdio: "ignore" });
    children.push(child);
    return child;
  };
  start(named("ETCD"), [
    `--data-dir=${file("etcd")}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ]);
  const server = start(named("KUBE_APISERVER"), [
    `--etcd-servers=${etcdUrl}`,
    `--secure-port=${port}`,
    "--bind-address=127.0.0.1",
    `--cert-dir=${file("certificates")}`,
    "--authorization-mode=RBAC",
    `--token-auth-file=${file("tokens.csv")}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${file("accounts.pub")}`,
    `--service-account-signing-key-file=${file("accounts.key")}`,
    "--service-cluster-ip-range=10.0.0.0/24",
  ]);
  const stop = async () => {
    for (const child of children.reverse()) {
      if (child.exitCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  };
  const caFile = join(file("certificates"), "apiserver.crt");
  try {
    await ready(port, caFile, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    caFile,
    async kubectl(args, { input, token = adminToken } = {}) {
      const access = [`--server=https://127.0.0.1:${port}`, `--certificate-authority=${caFile}`, `--token=${token}`];
      const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: "/dev/null" };
      const run = promisify(execFile)(tool("kubectl"), [...access, ...args], { env, maxBuffer: 16 * 1024 * 1024 });
      run.child.stdin?.end(input);
      return (await run).stdout;
    },
    stop,
  };
}

async function ready(port: number, caFile: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The API server ended with ${child.exitCode}.`);
    const ca = await readFile(caFile).catch(() => undefined);
    if (ca !== undefined && (await isReady(port, ca))) return;
    await sleep(200);
  }
}

function isReady(port: number, ca: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${adminToken}` };
    request({ host: "127.0.0.1", port, path: "/readyz", ca, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    })
      .on("error", () => resolve(false))
      .end();
  });
}
