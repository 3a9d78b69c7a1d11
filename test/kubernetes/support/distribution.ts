import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../e2e/ports.ts";
import type { Login } from "./files.ts";
import { htpasswd } from "./htpasswd.ts";
import type { TokenServer } from "./token-server.ts";

export interface DistributionOptions {
  /** The program: Debian's `docker-registry`, or the `registry` of version 3. */
  readonly binary: string;
  readonly auth: { readonly tokens: TokenServer } | { readonly users: readonly Login[] } | "none";
  /** Default true. */
  readonly deletion?: boolean;
}

export interface RunningDistribution {
  readonly url: string;
  readonly host: string;
  stop(): Promise<void>;
}

const readyMs = 300_000;

/** The distribution project's registry on a free loopback port, with its data in a folder that goes with it. */
export async function startDistribution({
  binary,
  auth,
  deletion = true,
}: DistributionOptions): Promise<RunningDistribution> {
  const folder = await mkdtemp(join(tmpdir(), "external-distribution-"));
  const [port = 0] = await freePorts(1);
  const host = `127.0.0.1:${port}`;
  await writeFile(
    join(folder, "config.yml"),
    JSON.stringify({
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: deletion } },
      http: { addr: host, secret: "of this test only" },
      ...(auth !== "none" && { auth: await authOf(auth, folder) }),
    }),
  );
  const child = spawn(binary, ["serve", join(folder, "config.yml")], {
    stdio: "ignore",
    // Version 3 would look for a collector of traces.
    env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
  });
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answering(`http://${host}/v2/`, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://${host}`, host, stop };
}

async function authOf(auth: Exclude<DistributionOptions["auth"], "none">, folder: string): Promise<object> {
  if ("users" in auth) {
    await writeFile(join(folder, "htpasswd"), htpasswd(auth.users));
    return { htpasswd: { realm: "registry", path: join(folder, "htpasswd") } };
  }
  const { realm, service, issuer, certificate } = auth.tokens;
  await writeFile(join(folder, "tokens.pem"), certificate);
  return { token: { realm, service, issuer, rootcertbundle: join(folder, "tokens.pem") } };
}

/** Waits until something answers there. */
export async function answering(url: string, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + readyMs; Date.now() < until; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode} before it answered`);
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
  }
  throw new Error(`${url} did not answer in ${readyMs} ms`);
}
