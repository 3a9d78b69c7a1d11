import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { digestOf } from "../../oci/client/index.ts";
import { loadTokenKey, mintToken, parseScope } from "../../oci/token/index.ts";
import { everythingFor } from "../kubernetes/support/grants.ts";
import { seededBytes } from "../oci/client/images.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { type Address, answersIn, sendBytes } from "./wire.ts";

/** One port of a server that runs in a process of its own. */
export interface Port {
  readonly address: Address;
  /** Which form its errors have. */
  readonly form: "suite" | "registry";
  /** A path that everybody may GET, and the status that it answers then. */
  readonly path: string;
  readonly status: number;
  /** Who may do everything here, as the value of an `Authorization` header. */
  readonly authorization: string;
  /** A path that takes the body of a POST from the one above. */
  readonly post: string;
}

export interface Process {
  readonly ports: Readonly<Record<string, Port>>;
  readonly hasEnded: () => boolean;
  /** Fails unless every port answers a good request and the process has nothing to say. */
  expectWell(): Promise<void>;
  /** Fails unless nothing is left open, and the process ends in good order when it is told to. */
  stop(): Promise<void>;
  /** Ends it at once, if it is still there, and removes what it has left. */
  remove(): Promise<void>;
}

/** Each process with its ports, and the form of their errors. */
export const processes = {
  container: { ports: { api: "suite", metrics: "suite" }, start: startContainer },
  local: { ports: { api: "suite", registry: "registry" }, start: startLocal },
  "registry alone": { ports: { registry: "registry" }, start: startRegistry },
} as const;

/** A blob that every registry here holds, of more bytes than the buffers of a connection take. */
const layer = seededBytes("layer", 8_000_000);
export const layerDigest = digestOf(layer);

const root = join(import.meta.dirname, "../..");
const callerToken = "a-token-of-this-test";

async function startContainer(): Promise<Process> {
  const issuer: Issuer = await startIssuer();
  const authorization = `Bearer ${await issuer.sign({ exp: Math.floor(Date.now() / 1_000) + 3_600 })}`;
  const env = {
    METRICS_PORT: "0",
    DRAIN_SECONDS: "0",
    ALIEN_IMAGES_BINDING: '{"service":"local"}',
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
  };
  const child = await startChild("test/kubernetes/support/entry.ts", env, /listening on (\S+), metrics on (\S+)"/);
  const post = "/v1/generateCredentials";
  const shared = { form: "suite", status: 200, authorization } as const;
  return supervised(
    child,
    {
      api: { ...shared, address: addressOf(child.urls[0]), path: "/livez", post },
      metrics: { ...shared, address: addressOf(child.urls[1]), path: "/metrics", post: "/metrics" },
    },
    () => issuer.stop(),
  );
}

async function startLocal(): Promise<Process> {
  const env = { REGISTRY_PORT: "0", ALIEN_CALLER_TOKEN: callerToken };
  const child = await startChild(
    "functions/local/server.ts",
    env,
    /API +(\S+) .*\n +registry +(\S+)\n(?:.*\n)*ready$/m,
  );
  return supervised(child, {
    api: {
      address: addressOf(child.urls[0]),
      form: "suite",
      path: "/healthz",
      status: 200,
      authorization: `Bearer ${callerToken}`,
      post: "/v1/createRepository",
    },
    registry: await registryPort(child.urls[1], child.folder),
  });
}

async function startRegistry(): Promise<Process> {
  const child = await startChild("oci/registry/serve.ts", { REGISTRY_PORT: "0" }, /listens on (\S+)\.$/m);
  return supervised(child, { registry: await registryPort(child.urls[0], child.folder) });
}

async function registryPort(url: string | undefined, folder: string): Promise<Port> {
  const token = mintToken(await loadTokenKey(join(folder, "token.key")), {
    subject: "test",
    access: parseScope("repository:images/bytes:pull,push,delete registry:catalog:*"),
    audience: "registry",
    expiresAt: new Date(Date.now() + 3_600_000),
  });
  const authorization = `Bearer ${token}`;
  const pushed = await fetch(`${url}/v2/images/bytes/blobs/uploads/?digest=${layerDigest}`, {
    method: "POST",
    headers: { authorization },
    body: layer,
  });
  expect(pushed.status).toBe(201);
  const post = `/v2/images/bytes/blobs/uploads/?digest=sha256:${"0".repeat(64)}`;
  return { address: addressOf(url), form: "registry", path: "/v2/", status: 401, authorization, post };
}

interface Child {
  readonly process: ChildProcess;
  readonly folder: string;
  /** What the pattern found in what the process said when it was ready. */
  readonly urls: readonly string[];
  readonly stderr: () => string;
}

async function startChild(entry: string, env: Record<string, string>, ready: RegExp): Promise<Child> {
  const folder = await mkdtemp(join(tmpdir(), "bytes-"));
  const child = spawn(process.execPath, [join(root, entry)], {
    env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", DATA_DIR: folder, ...env },
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [said, stderr] = ["", ""];
  const urls = await new Promise<string[]>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said += chunk;
      const [, ...found] = ready.exec(said) ?? [];
      if (found.length === 0) return;
      // What comes later on the standard output is the audit log, for as long as a run takes.
      child.stdout.off("data", hear).resume();
      child.stderr.off("data", hear);
      resolve(found);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear).on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.once("exit", (code) => reject(new Error(`${entry} ended with ${code}: ${said}`)));
  });
  return { process: child, folder, urls, stderr: () => stderr };
}

async function supervised(
  child: Child,
  ports: Process["ports"],
  andThen: () => Promise<void> = async () => {},
): Promise<Process> {
  const { process, folder, stderr } = child;
  const ended = once(process, "exit");
  const atStart = stderr();
  const openAtStart = await openFiles(process);
  return {
    ports,
    hasEnded: () => process.exitCode !== null || process.signalCode !== null,
    async expectWell() {
      for (const port of Object.values(ports)) {
        const { address, path, authorization } = port;
        const request = `GET ${path} HTTP/1.1\r\nHost: good\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`;
        const answers = answersIn(await sendBytes(address, [request], "read"));
        expect(answers.map(({ status }) => status)).toEqual([200]);
      }
      expect([process.exitCode, process.signalCode]).toEqual([null, null]);
      // Neither a rejection, nor an exception, nor a warning of Node's: for whatever bytes came, nothing is wrong here.
      expect(stderr().slice(atStart.length)).toBe("");
    },
    async stop() {
      // What is left open some time keeps the next one out. A few belong to connections between servers.
      const isLittle = async () => expect((await openFiles(process)).length).toBeLessThan(openAtStart.length + 20);
      await vi.waitFor(isLittle, { timeout: 20_000 });
      process.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
    },
    async remove() {
      process.kill("SIGKILL");
      await ended;
      await andThen();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The descriptors of a process, where the system tells them. */
async function openFiles({ pid }: ChildProcess): Promise<string[]> {
  return readdir(`/proc/${pid}/fd`).catch(() => []);
}

function addressOf(url = ""): Address {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
