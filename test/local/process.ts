import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** The server in a process of its own, as `npm start` runs it. */
export interface ServerProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** All that it has printed so far. */
  readonly output: () => string;
  readonly apiUrl: string;
  readonly registryUrl: string;
  /** Sends the signal and waits for the end. @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const entry = join(import.meta.dirname, "../../functions/local/server.ts");

/** Without what the machine may have set for a server of its own. */
const bare = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: "0", REGISTRY_PORT: "0" };

/** Starts the server and waits for its ready line. Ports are free ones unless the environment says otherwise. */
export async function startServer(env: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(process.execPath, [entry], { env: { ...bare, ...env } });
  // A test that fails before it stops the server must not leave it running.
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
      if (/^ready$/m.test(output)) resolve();
    });
    ended.then((code) => reject(new Error(`The server ended with ${code}: ${output}`)));
  });
  return {
    child,
    output: () => output,
    apiUrl: /API +(\S+)/.exec(output)?.[1] ?? "",
    registryUrl: /registry +(http\S+)/.exec(output)?.[1] ?? "",
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs the server where it must refuse to start; as another user where `uid` says so. */
export async function runServer(env: Record<string, string>, uid?: number): Promise<Ended> {
  const child = spawn(process.execPath, [entry], { env: { ...bare, ...env }, ...(uid !== undefined && { uid }) });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

/** A folder that is removed after use. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "local-server-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Calls an operation with the caller token. */
export async function call(
  apiUrl: string,
  token: string,
  operation: string,
  input: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${apiUrl}/v1/${operation}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
