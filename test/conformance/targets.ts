import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serveRegistry } from "../../oci/registry/index.ts";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { freePorts } from "../e2e/ports.ts";
import { repositoriesOf } from "./cases/index.ts";
import type { Target } from "./judge/registry.ts";

const READY_MS = 300_000;
const HOUR_MS = 3_600_000;

export type Started = { readonly target: Target; stop(): Promise<void> };

export function freshNamespace(): string {
  return `conformance-${randomBytes(4).toString("hex")}`;
}

/** Our registry with authentication on, and a minted credential for the judge's repositories and no others. */
export async function startOurs(): Promise<Started & { readonly password: (repositories: string[]) => string }> {
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  const key = await loadTokenKey(join(folder, "token.key"));
  const running = await serveRegistry({ dataDir: join(folder, "data"), key, host: "127.0.0.1", port: 0 });
  const password = (repositories: string[]) => {
    const actions = ["pull", "push", "delete"];
    const access = repositories.map((name) => ({ type: "repository" as const, name, actions }));
    const expiresAt = new Date(Date.now() + HOUR_MS);
    return mintToken(key, { subject: "conformance", access, audience: "registry", expiresAt });
  };
  const namespace = freshNamespace();
  const credentials = { username: "token", password: password(repositoriesOf(namespace)) };
  return {
    target: { url: running.url, namespace, auth: "token", credentials },
    password,
    async stop() {
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The distribution project's registry, as Debian has it, without authentication and with deletion enabled. */
export async function startDistribution(binary: string): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "distribution-"));
  const [port = 0] = await freePorts(1);
  const config = join(folder, "config.yml");
  await writeFile(
    config,
    `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${join(folder, "data")}}, delete: {enabled: true}}
http: {addr: "127.0.0.1:${port}"}
`,
  );
  const child = spawn(binary, ["serve", config], { stdio: "ignore" });
  const exited = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  await answering(url, child);
  return {
    target: { url, namespace: freshNamespace(), auth: "none" },
    async stop() {
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + READY_MS; Date.now() < until; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`the registry ended with ${child.exitCode} before it answered`);
    const answer = await fetch(`${url}/v2/`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
  }
  throw new Error(`the registry did not answer in ${READY_MS} ms`);
}
