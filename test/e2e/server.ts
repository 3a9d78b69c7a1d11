import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../support/bundle.ts";
import { freePorts } from "./ports.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const READY_MS = 300_000;

export type Credentials = { username: string; password: string; expiresAt: string };

/** The suite as its users start it: the built server, in a process and a data folder of its own. */
export type Suite = {
  readonly url: string;
  /** `host:port`, as image references name it. */
  readonly registry: string;
  readonly callerToken: string;
  readonly dataDir: string;
  call(operation: string, input: object): Promise<{ status: number; body: Record<string, string> }>;
  /** Creates a repository of the registry `images` and answers its id. */
  create(name: string): Promise<string>;
  mint(repoId: string, permissions: "pull" | "push-pull", ttlSeconds?: number): Promise<Credentials>;
  /** What it has printed, until that was 64 KiB. */
  log(): string;
  stop(): Promise<void>;
};

export async function startSuite(): Promise<Suite> {
  buildBundle("local");
  const dataDir = await mkdtemp(join(tmpdir(), "suite-e2e-"));
  const [port, registryPort] = await freePorts(2);
  const url = `http://127.0.0.1:${port}`;
  const callerToken = "the-caller-of-the-end-to-end-tests";
  const env = { ...process.env, PORT: `${port}`, REGISTRY_PORT: `${registryPort}`, DATA_DIR: dataDir };
  const server = spawn(process.execPath, ["dist/local/server.js"], {
    cwd: root,
    // The fuzzer's failures all come from one address.
    env: { ...env, ALIEN_CALLER_TOKEN: callerToken, ALIEN_FAILED_LOGINS_PER_SECOND: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(server, "exit");
  const log = await ready(server.stdout, exited);

  const call: Suite["call"] = async (operation, input) => {
    const answer = await fetch(`${url}/v1/${operation}`, {
      method: "POST",
      headers: { authorization: `Bearer ${callerToken}`, "content-type": "application/json" },
      body: JSON.stringify(input),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  const expectOk = async <T>(operation: string, input: object): Promise<T> => {
    const { status, body } = await call(operation, { registry: "images", ...input });
    if (status !== 200) throw new Error(`${operation}: ${status} ${body.code}: ${body.message}`);
    return body as T;
  };
  return {
    url,
    registry: `127.0.0.1:${registryPort}`,
    callerToken,
    dataDir,
    call,
    create: async (name) => (await expectOk<{ name: string }>("createRepository", { name })).name,
    mint: (repoId, permissions, ttlSeconds = 600) =>
      expectOk<Credentials>("generateCredentials", { repoId, permissions, ttlSeconds }),
    log,
    async stop() {
      server.kill("SIGTERM");
      const [code] = await exited;
      await rm(dataDir, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the server stopped with ${code}`);
    },
  };
}

/** Waits for the ready line, and goes on reading so that the pipe never fills. @returns what was read */
function ready(output: NodeJS.ReadableStream, exited: Promise<unknown>): Promise<() => string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => reject(new Error(`not ready in ${READY_MS} ms`)), READY_MS);
    output.on("data", (chunk) => {
      if (said.length > 65_536) return;
      said += chunk;
      if (!/^ready$/m.test(said)) return;
      clearTimeout(late);
      resolve(() => said);
    });
    void exited.then((code) => reject(new Error(`the server ended before it was ready: ${code}`)));
  });
}
