import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import { run } from "../../../../client/cli/program.ts";

export const entry = fileURLToPath(new URL("../../../../client/cli/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Env = Readonly<Record<string, string>>;

/** Without what the machine may have set for itself. */
const bare: Env = {
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  // There may be a server in the folder of the clone.
  DATA_DIR: "/nonexistent",
  NODE_NO_WARNINGS: "1",
};

/** The real command line in a process of its own, with nothing but pipes. */
export function alien(args: readonly string[], env: Env = {}, nodeOptions: readonly string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, [...nodeOptions, entry, ...args], { env: { ...bare, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin.end();
  return ended(child);
}

/** The same without a process of its own, for what needs none. */
export async function alienHere(args: readonly string[], env: Env = {}): Promise<Ended> {
  for (const variable of Object.keys(process.env)) if (variable.startsWith("ALIEN_")) vi.stubEnv(variable, undefined);
  vi.stubEnv("FORCE_COLOR", undefined);
  vi.stubEnv("NO_COLOR", "1");
  vi.stubEnv("DATA_DIR", "/nonexistent");
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += text;
      return true;
    });
  }
  try {
    return { code: await run(args), ...written };
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
}

/** One that goes on until it is told to end. */
export function start(args: readonly string[], env: Env = {}) {
  const child = spawn(process.execPath, [entry, ...args], { env: { ...bare, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, ended: ended(child) };
}

/**
 * The command line on a pseudo-terminal: `script` of util-linux.
 *
 * @param answers what is typed, or done with the process, when a text has appeared, one after the other
 * @returns all that the terminal has shown
 */
export async function onTerminal(
  args: readonly string[],
  env: Env,
  answers: readonly (readonly [shown: string, typed: string | ((pid: number) => void)])[] = [],
): Promise<{ readonly code: number | null; readonly shown: string }> {
  const command = [process.execPath, entry, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn("script", ["-qec", `exec ${command}`, "/dev/null"], {
    env: { ...bare, TERM: "xterm", SHELL: "/bin/sh", ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const waiting = [...answers];
  let shown = "";
  let seen = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    shown += chunk;
    const [next] = waiting;
    if (next === undefined || !shown.slice(seen).includes(next[0])) return;
    waiting.shift();
    seen = shown.length;
    if (typeof next[1] === "string") child.stdin.write(next[1]);
    else next[1](Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")));
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, shown };
}

async function ended(child: ReturnType<typeof spawn>): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}
