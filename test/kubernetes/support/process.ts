import { spawn } from "node:child_process";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./container.ts";

/** An entry of the container in a process of its own. */
export interface EntryProcess {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

export async function startEntry(entry: string, env: Record<string, string>): Promise<EntryProcess> {
  const child = spawn(process.execPath, [entry], {
    // Nothing of what this machine may have set; and a folder of its own to work in.
    env: { PATH: process.env.PATH ?? "", ...env },
    cwd: await temporaryFolder(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test that fails before it stops the process must not leave it running.
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    said.stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.stderr += chunk;
  });
  return {
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    ended: new Promise((resolve) => child.once("close", resolve)),
    kill: (signal) => void child.kill(signal),
  };
}

export const serverEntry = join(import.meta.dirname, "entry.ts");
