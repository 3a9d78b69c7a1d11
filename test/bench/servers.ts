import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createClient } from "../../oci/client/index.ts";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { freePorts } from "../e2e/ports.ts";
import { tool } from "../tools/tools.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const READY_MS = 20_000;

/** A registry in a process and a folder of its own. */
export type Running = {
  readonly host: string;
  readonly port: number;
  /** The value of an `Authorization` header for these repositories, or none where nothing is asked. */
  authorization(repositories: readonly string[]): Promise<string | undefined>;
  /** Resident memory in MiB: now, and at its highest since the last `resetPeak`. */
  memory(): Promise<{ now: number; peak: number }>;
  resetPeak(): Promise<void>;
  stop(): Promise<void>;
};

export type Contender = { readonly name: string; start(folder: string): Promise<Running> };

/** Ours first, then distribution, then zot; those that are not installed are left out and named. */
export function contenders(): { present: Contender[]; absent: string[] } {
  const present: Contender[] = [ours];
  const absent: string[] = [];
  for (const [name, binary, start] of others) {
    try {
      const file = tool(binary);
      present.push({ name, start: (folder) => start(file, folder) });
    } catch {
      absent.push(name);
    }
  }
  return { present, absent };
}

/** Our registry asks for a token at every request, and verifies it; the others are run without authentication. */
export const ours = {
  name: "ours",
  async start(parent: string): Promise<Running & { password(repositories: readonly string[]): string }> {
    const dataDir = await mkdtemp(join(parent, "ours-"));
    const [port = 0] = await freePorts(1);
    const env = { ...process.env, REGISTRY_PORT: `${port}`, HOST: "127.0.0.1", DATA_DIR: dataDir };
    const child = spawn(process.execPath, ["oci/registry/serve.ts"], {
      cwd: root,
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const key = await loadTokenKey(join(dataDir, "token.key"));
    /** The password of the user `token` for these repositories. */
    const password = (repositories: readonly string[]): string => {
      const access = repositories.map((name) => ({ type: "repository" as const, name, actions: ["pull", "push"] }));
      const expiresAt = new Date(Date.now() + 3_600_000);
      return mintToken(key, { subject: "bench", access, audience: "registry", expiresAt });
    };
    const server = await running(child, port, dataDir, async (repositories) => {
      return `Bearer ${await exchange(port, password(repositories), repositories)}`;
    });
    return { ...server, password };
  },
} satisfies Contender;

const others: readonly (readonly [string, string, (binary: string, folder: string) => Promise<Running>])[] = [
  ["distribution", "docker-registry", startDistribution],
  ["zot", "zot", startZot],
];

async function startDistribution(binary: string, parent: string): Promise<Running> {
  const folder = await mkdtemp(join(parent, "distribution-"));
  const [port = 0] = await freePorts(1);
  const config = join(folder, "config.yml");
  await writeFile(
    config,
    `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${join(folder, "data")}}, cache: {blobdescriptor: inmemory}}
http: {addr: "127.0.0.1:${port}"}
`,
  );
  const child = spawn(binary, ["serve", config], { stdio: "ignore" });
  return running(child, port, folder, async () => undefined);
}

async function startZot(binary: string, parent: string): Promise<Running> {
  const folder = await mkdtemp(join(parent, "zot-"));
  const [port = 0] = await freePorts(1);
  const config = join(folder, "config.json");
  await writeFile(
    config,
    JSON.stringify({
      distSpecVersion: "1.1.0",
      storage: { rootDirectory: join(folder, "data"), gc: false },
      http: { address: "127.0.0.1", port: `${port}` },
      log: { level: "error" },
    }),
  );
  const child = spawn(binary, ["serve", config], { stdio: "ignore" });
  return running(child, port, folder, async () => undefined);
}

async function running(
  child: ChildProcess,
  port: number,
  folder: string,
  authorization: Running["authorization"],
): Promise<Running> {
  const exited = once(child, "exit");
  await answering(port, child);
  const proc = `/proc/${child.pid}`;
  const mebibytes = (status: string, key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return {
    host: "127.0.0.1",
    port,
    authorization,
    async memory() {
      const status = await readFile(`${proc}/status`, "utf8");
      return { now: mebibytes(status, "VmRSS"), peak: mebibytes(status, "VmHWM") };
    },
    resetPeak: () => writeFile(`${proc}/clear_refs`, "5"),
    async stop() {
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + READY_MS; Date.now() < until; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`a registry ended with ${child.exitCode} before it answered`);
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200 || answer?.status === 401) return;
  }
  throw new Error(`a registry did not answer in ${READY_MS} ms`);
}

/** One token for all that a benchmark does, so that the exchange is not part of what is measured. */
async function exchange(port: number, password: string, repositories: readonly string[]): Promise<string> {
  const [challenge] = await createClient({ url: `http://127.0.0.1:${port}` }).challenges();
  const realm = new URL(challenge?.params.realm ?? "");
  realm.searchParams.set("service", challenge?.params.service ?? "");
  for (const name of repositories) realm.searchParams.append("scope", `repository:${name}:pull,push`);
  const authorization = `Basic ${Buffer.from(`token:${password}`).toString("base64")}`;
  const answer = (await (await fetch(realm, { headers: { authorization } })).json()) as { token: string };
  return answer.token;
}
