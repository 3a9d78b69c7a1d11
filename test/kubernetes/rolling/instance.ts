import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../e2e/ports.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A pod's worth of the built server. */
export interface Instance {
  readonly url: string;
  readonly metricsUrl: string;
  /** All that it has written so far. */
  readonly log: () => string;
  /** @returns the exit code after the signal, SIGTERM if none is named */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  kill(): void;
}

/** Starts `dist/kubernetes/server.js`; it is ready when its probe says so. */
export async function startInstance(env: Readonly<Record<string, string>>): Promise<Instance> {
  const [port, metricsPort] = await freePorts(2);
  const child = spawn(process.execPath, [join(root, "dist/kubernetes/server.js")], {
    env: { HOST: "127.0.0.1", PORT: `${port}`, METRICS_PORT: `${metricsPort}`, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    log: () => log,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}
