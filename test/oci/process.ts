import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

const SERVE = join(import.meta.dirname, "../../oci/registry/serve.ts");

export interface RegistryProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Sends a signal and waits for the end; the exit code, or null after a kill. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs `node oci/registry/serve.ts` where it must refuse to start. Returns its exit code and what it said. */
export async function refusedRegistry(
  dataDir: string,
  { under = [], port = "0" }: { under?: readonly string[]; port?: string } = {},
): Promise<{ code: number | null; stderr: string }> {
  const [command = process.execPath, ...args] = [...under, process.execPath, SERVE];
  const child = spawn(command, args, {
    env: { ...process.env, REGISTRY_PORT: port, HOST: "127.0.0.1", DATA_DIR: dataDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  // One that starts after all would never end by itself.
  child.stdout.once("data", () => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}

/** Starts `node oci/registry/serve.ts`, or a script like it, perhaps under another program, and waits until it listens. */
export async function spawnRegistry(
  dataDir: string,
  under: readonly string[] = [],
  script = SERVE,
): Promise<RegistryProcess> {
  const [command = process.execPath, ...args] = [...under, process.execPath, script];
  const child = spawn(command, args, {
    env: { ...process.env, REGISTRY_PORT: "0", HOST: "127.0.0.1", DATA_DIR: dataDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const [code] = await ended;
    return code as number | null;
  };
  onTestFinished(async () => {
    await stop("SIGKILL");
    // Whatever else may have inherited the pipe must not keep the test's process waiting for its end.
    child.stdout.destroy();
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /listens on (http:\S+)\.$/.exec(line) ?? [];
    if (url === undefined) continue;
    // Its access log would fill the pipe, and then it would wait.
    child.stdout.resume();
    return { url, child, stop };
  }
  throw new Error("The registry ended before it listened.");
}
