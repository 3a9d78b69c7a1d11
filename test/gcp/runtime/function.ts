import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { vi } from "vitest";
import { type Answer, send } from "../handler/functions.ts";
import type { Golden } from "../handler/golden.ts";
import type { Deployment } from "./deploy.ts";

/** The bundle under the framework's own command. */
export interface RunningFunction {
  readonly address: { readonly socketPath: string };
  send(golden: Golden): Promise<Answer>;
  /** Everything that it has logged. */
  readonly log: () => string;
  stop(): Promise<void>;
}

let serial = 0;

/**
 * Starts a function as the platform does. The framework listens on all interfaces of a machine; a port that is a path is
 * a socket in the file system, which no network reaches.
 */
export async function startRunningFunction(
  { folder }: Deployment,
  target: "artifactRegistry" | "artifactRegistryEvents",
  env: Readonly<Record<string, string>>,
): Promise<RunningFunction> {
  const socketPath = join(folder, `${++serial}.sock`);
  // Nothing of this machine's environment but what finds programs: on Cloud Run there is no more either.
  const child = spawn(join(folder, "node_modules/.bin/functions-framework"), [`--port=${socketPath}`], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", ...env, FUNCTION_TARGET: target, K_SERVICE: "artifact-registry" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
    rmSync(socketPath, { force: true });
  };
  try {
    const isUp = async () => child.exitCode !== null || (await listens(socketPath));
    await vi.waitUntil(isUp, { timeout: 300_000 });
    if (child.exitCode !== null) throw new Error(`The framework has ended.\n${log}`);
  } catch (error) {
    await stop();
    throw error;
  }
  const address = { socketPath };
  return { address, send: (golden) => send(address, golden), log: () => log, stop };
}

function listens(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
