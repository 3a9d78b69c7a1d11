/**
 * Runs a command while the machine is too busy, to see that it still holds: `npm run busy -- FACTOR COMMAND …`, as in
 * `npm run busy -- 10 npm test`. For every core FACTOR processes compute for nothing until the command ends. The command
 * finds their process ids in `BUSY_PIDS`; its exit code is the script's.
 */
import { spawn } from "node:child_process";
import { availableParallelism, constants } from "node:os";

const [factor = "", command, ...args] = process.argv.slice(2);
if (!/^[1-9]\d?$/.test(factor) || command === undefined) {
  console.error(
    "usage: npm run busy -- FACTOR COMMAND …, where FACTOR is the number of busy processes for each core, 1 to 99",
  );
  process.exit(2);
}

// Each ends with this process, however that ends, since it asks for it again and again; and after two hours of computing.
const loop =
  'ulimit -t 7200; while kill -0 "$0" 2>/dev/null; do i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; done';
const count = Number(factor) * availableParallelism();
const busy = Array.from({ length: count }, () => spawn("sh", ["-c", loop, String(process.pid)], { stdio: "ignore" }));
console.error(`busy: ${count} processes on ${availableParallelism()} cores`);

const env = { ...process.env, BUSY_PIDS: busy.map(({ pid }) => pid).join(" ") };
const running = spawn(command, args, { stdio: "inherit", env });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => running.kill(signal));
running.on("error", (error) => finish(127, error.message));
running.on("exit", (code, signal) => finish(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));

function finish(code: number, problem?: string): void {
  for (const child of busy) child.kill("SIGKILL");
  if (problem !== undefined) console.error(`busy: ${problem}`);
  process.exitCode = code;
}
