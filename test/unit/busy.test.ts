import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";

/** `npm run busy`, by which CONTRIBUTING.md has the tests run on a machine that is too busy. */
const script = new URL("../../scripts/busy.ts", import.meta.url).pathname;

function busy(...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].on("data", (chunk) => (output[name] += chunk));
  return { child, output, ended: codeOf(child) };
}

async function codeOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, "close");
  return code as number | null;
}

const node = (program: string) => [process.execPath, "-e", program];
const pidsIn = (text: string) => text.trim().split(" ").map(Number);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Tells the busy processes, and stays until it is ended. */
const tell = "console.log(process.env.BUSY_PIDS); setInterval(() => {}, 60_000)";

test("as many processes compute as were asked for, while the command runs and no longer", async () => {
  const alive = "const pids = process.env.BUSY_PIDS.split(' '); for (const pid of pids) process.kill(Number(pid), 0);";
  const { output, ended } = busy("2", ...node(`${alive} console.log(pids.join(' '))`));
  expect(await ended).toBe(0);
  const pids = pidsIn(output.stdout);
  expect(pids).toHaveLength(2 * availableParallelism());
  await expect.poll(() => pids.filter(isRunning)).toEqual([]);
});

test("the command's exit code is the script's", async () => {
  expect(await busy("1", ...node("process.exit(7)")).ended).toBe(7);
  expect(await busy("1", "/no/such/command").ended).toBe(127);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s ends the command, and with it the others", async (signal) => {
  const { child, output, ended } = busy("1", ...node(tell));
  await expect.poll(() => output.stdout).toMatch(/\n$/);
  child.kill(signal);
  expect(await ended).toBeGreaterThan(128);
  const pids = pidsIn(output.stdout);
  await expect.poll(() => pids.filter(isRunning)).toEqual([]);
});

test("nothing goes on computing where the script itself is killed", async () => {
  const { child, output, ended } = busy("1", ...node(`${tell}; console.log(process.pid)`));
  await expect.poll(() => output.stdout).toMatch(/\n\d+\n$/);
  const [pids = "", own = ""] = output.stdout.split("\n");
  child.kill("SIGKILL");
  await once(child, "exit");
  // The command has not been told; it is ours to end.
  process.kill(Number(own), "SIGKILL");
  await ended;
  await expect.poll(() => pidsIn(pids).filter(isRunning)).toEqual([]);
});

test.each([[], ["10"], ["0", "true"], ["many", "true"], ["100", "true"]])("%j is not taken", async (...args) => {
  const { output, ended } = busy(...args);
  expect(await ended).toBe(2);
  expect(output.stderr).toMatch(/^usage: /);
});
