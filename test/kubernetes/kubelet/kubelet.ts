import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { parse } from "yaml";
import { buildKubeletProvider, providerName } from "../../../scripts/bundle/kubelet.ts";
import { blocksOf } from "../../docs/blocks.ts";
import { type Account, subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { serve } from "../../support/front.ts";
import { answerJson, type Issuer } from "../../support/issuer.ts";
import { tool } from "../../tools/tools.ts";

/** What the kubelet would offer the container runtime for an image. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly serviceAccount?: string;
}

/** The kubelet of one node, as far as it asks credential providers: a process with the kubelet's own code. */
export interface Kubelet {
  /** The credentials with which a pod of this account would pull, in the order in which the kubelet tries them. */
  pull(account: Account, image: string, pod?: Pod): Promise<Login[]>;
  /** What the kubelet has logged. */
  readonly log: () => string;
  /** The requests for tokens that it sent to the API server. */
  readonly tokenRequests: TokenRequest[];
}

export interface Pod {
  readonly name: string;
  readonly uid: string;
}

export interface TokenRequest {
  readonly spec: {
    readonly audiences: string[];
    readonly boundObjectRef: { readonly kind: string; readonly name: string; readonly uid: string };
  };
}

export interface RealApiServer {
  readonly apiServer: string;
  readonly caFile: string;
  readonly tokenFile: string;
}

export interface Node {
  /** The provider's program, as it was built. */
  readonly provider: string;
  /** The provider's own configuration. */
  readonly config: object;
  /** The provider's entry in the kubelet's configuration, but for `matchImages`; without it, the documented one. */
  readonly provided?: object;
  /** Who signs the cluster's tokens, before an API server that stands in; or a real one, and who the node is to it. */
  readonly issuer: Issuer | RealApiServer;
  /** Writes down what goes into the provider and comes out of it, in `request` and `response` of this folder. */
  readonly recordIn?: string;
  /** Files beside the provider's configuration, by their names. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What docs/kubelet.md says: a provider's entry in the kubelet's configuration, an entry of its own, and the recorded exchange. */
export const documented = readPage(readFileSync("docs/kubelet.md", "utf8"));

function readPage(text: string) {
  const [kubelet, own, recorded] = blocksOf("docs/kubelet.md", text).filter(
    ({ mark }) => mark?.kind === "tested-by" && mark.path === "test/kubernetes/kubelet/exchange.e2e.ts",
  );
  const [provided] = parse(kubelet?.text ?? "").providers;
  const [entry] = JSON.parse(own?.text ?? "").registries;
  const audience: string = provided.tokenAttributes.serviceAccountTokenAudience;
  return { text, provided, entry, audience, recorded: recorded?.text ?? "" };
}

/** Builds the provider. @returns the program for this machine */
export async function buildProvider(folder: string): Promise<string> {
  await buildKubeletProvider(folder);
  return join(folder, process.arch === "arm64" ? "arm64" : "amd64", providerName);
}

/** Sets up a node and starts its kubelet. All of it goes at the end of the test. */
export async function startKubelet(node: Node): Promise<Kubelet> {
  const folder = await mkdtemp(join(tmpdir(), "node-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const plugins = join(folder, "plugins");
  await mkdir(plugins);
  await installProvider(plugins, node);
  const provided = { ...(node.provided ?? documented.provided), matchImages: matchImages(node.config) };
  const config = { apiVersion: "kubelet.config.k8s.io/v1", kind: "CredentialProviderConfig", providers: [provided] };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));

  const tokenRequests: TokenRequest[] = [];
  const own = ["-config", join(folder, "config.json"), "-bin-dir", plugins];
  const child = spawn(tool("kubelet-program"), [...own, ...(await apiServerOf(node.issuer, tokenRequests))], {
    env: { PATH: "/nowhere" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { ...speakWith(child), tokenRequests };
}

async function installProvider(plugins: string, { provider, config, recordIn, files = {} }: Node): Promise<void> {
  const own = join(plugins, providerName);
  for (const [name, text] of Object.entries(files)) await writeFile(join(plugins, name), text);
  await writeFile(`${own}.conf`, JSON.stringify(config));
  if (recordIn === undefined) return copyFile(provider, own);
  await copyFile(provider, `${own}.real`);
  const record = (side: string) => `/usr/bin/tee '${join(recordIn, side)}'`;
  await writeFile(
    own,
    `#!/bin/sh\n${record("request")} | '${own}.real' -config '${own}.conf' | ${record("response")}\n`,
  );
  await chmod(own, 0o755);
}

/** The kubelet's patterns have the form of the provider's own beginnings. */
function matchImages(config: object): string[] {
  const { registries } = config as { registries: { images: string }[] };
  return registries.map(({ images }) => images);
}

async function apiServerOf(issuer: Node["issuer"], tokenRequests: TokenRequest[]): Promise<string[]> {
  if ("apiServer" in issuer) {
    return ["-api-server", issuer.apiServer, "-ca-file", issuer.caFile, "-token-file", issuer.tokenFile];
  }
  const standIn = await serve(serviceAccountsOf(issuer, tokenRequests));
  onTestFinished(() => standIn.stop());
  return ["-api-server", standIn.url];
}

/** ServiceAccounts of a cluster in which every one exists, and its TokenRequests, which the issuer signs. */
function serviceAccountsOf(issuer: Issuer, tokenRequests: TokenRequest[]) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    const [, namespace = "", name = "", token] =
      /^\/api\/v1\/namespaces\/([^/]+)\/serviceaccounts\/([^/]+)(\/token)?$/.exec(request.url ?? "") ?? [];
    const metadata = { namespace, name, uid: `uid-of-${namespace}-${name}` };
    if (token === undefined) return answerJson(response, { apiVersion: "v1", kind: "ServiceAccount", metadata });
    const asked = (await json(request)) as TokenRequest;
    tokenRequests.push(asked);
    const { audiences, boundObjectRef } = asked.spec;
    const { name: pod, uid } = boundObjectRef;
    const signed = await issuer.sign({
      sub: subjectOf({ namespace, name }),
      aud: audiences,
      "kubernetes.io": { namespace, pod: { name: pod, uid }, serviceaccount: { name, uid: metadata.uid } },
    });
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, "");
    answerJson(response, { ...asked, status: { token: signed, expirationTimestamp } }, 201);
  };
}

/** One line of JSON for each pull, and one for its answer. */
function speakWith(child: ChildProcess): Pick<Kubelet, "pull" | "log"> {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("The kubelet has no pipes.");
  let logged = "";
  stderr.on("data", (chunk: Buffer) => {
    logged += chunk;
  });
  const waiting: { resolve(logins: Login[]): void; reject(error: Error): void }[] = [];
  createInterface({ input: stdout }).on("line", (line) => waiting.shift()?.resolve(JSON.parse(line)));
  child.on("close", (code) => {
    for (const each of waiting) each.reject(new Error(`The kubelet ended with ${code}: ${logged}`));
  });
  let pods = 0;
  return {
    log: () => logged,
    pull({ namespace, name: serviceAccount }, image, pod) {
      pods += 1;
      const { name, uid } = pod ?? { name: `pod-${pods}`, uid: `uid-${pods}` };
      const asked = { namespace, serviceAccount, pod: name, podUid: uid, image };
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        stdin.write(`${JSON.stringify(asked)}\n`);
      });
    },
  };
}
