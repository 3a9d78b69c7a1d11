import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Attempt } from "./history.ts";
import type { Orders, Report } from "./worker.ts";

/** A process that edits. */
export interface Worker {
  readonly child: ChildProcess;
  readonly orders: Orders;
  /** What it began, by repository, with what was acknowledged so far. */
  attempts(repository: string): Attempt[];
  readonly refusals: { readonly code: string; readonly retryable: boolean }[];
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>;
}

const script = join(import.meta.dirname, "worker.ts");

export function startWorker(orders: Orders): Worker {
  const child = spawn(process.execPath, [script, JSON.stringify(orders)], { stdio: ["ignore", "pipe", "pipe"] });
  const begun: { start: number; end?: number }[] = [];
  const refusals: Worker["refusals"] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const report = JSON.parse(line) as Report;
    const attempt = begun[report.index];
    if (report.event === "start") begun.push({ start: report.at });
    else if (report.event === "refused") refusals.push(report);
    else if (attempt) attempt.end = report.at;
  });
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, errors })),
  );
  return {
    child,
    orders,
    refusals,
    ended,
    attempts: (repository) =>
      orders.changes.flatMap((change, index) => {
        const times = begun[index];
        return times && change.repository === repository ? [{ ...change, ...times }] : [];
      }),
  };
}
