import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";

/** A built server in a process of its own. */
export interface FloodedServer {
  /** The groups of the first match of `ready` in what it printed. */
  readonly said: readonly string[];
  /** Its memory since the last call, at its highest, in MiB. */
  peak(): Promise<number>;
  stop(): Promise<void>;
}

/** @param ready matches what the server prints when it listens */
export async function startServer(
  program: string,
  env: Readonly<Record<string, string>>,
  ready: RegExp,
): Promise<FloodedServer> {
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, ...env },
    cwd: "/",
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const said = await listening(child, ready);
  const proc = `/proc/${child.pid}`;
  return {
    said,
    async peak() {
      const status = await readFile(`${proc}/status`, "utf8");
      // From here on the highest is that of what comes.
      await writeFile(`${proc}/clear_refs`, "5");
      return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024;
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Waits for the words, and goes on reading what it prints, so that no full pipe holds it up. */
function listening(child: ChildProcess, ready: RegExp): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    let output = "";
    let found = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        if (found) return;
        output += chunk;
        const match = ready.exec(output);
        found = match !== null;
        if (match !== null) resolve(match.slice(1));
      });
    }
    child.once("exit", (code) => reject(new Error(`The server ended with ${code}: ${output}`)));
  });
}
