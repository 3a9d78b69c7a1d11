import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Orders, Report } from "./worker.ts";

/** A process that runs operations. */
export interface Worker {
  readonly child: ChildProcess;
  readonly reports: Report[];
  /** Called at each line, when it has been read. */
  onReport: (report: Report) => void;
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>;
}

const script = join(import.meta.dirname, "worker.ts");

export function startWorker(variables: Readonly<Record<string, string | undefined>>, orders: Orders): Worker {
  const env = { PATH: process.env.PATH, ...variables };
  const child = spawn(process.execPath, [script, JSON.stringify(orders)], { env, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  const worker: Worker = {
    child,
    reports: [],
    onReport: () => undefined,
    ended: new Promise((resolve) => child.once("close", (code) => resolve({ code, errors }))),
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const report = JSON.parse(line) as Report;
    worker.reports.push(report);
    worker.onReport(report);
  });
  return worker;
}

/** Ends a process at once, whatever it is doing, and waits until it is gone. */
export async function kill({ child, ended }: Worker): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

/** Ends processes after so many of their calls. */
export class Watchers {
  readonly #watched = new Map<string, () => Promise<void>>();

  /** Told of each call that has had its effect, and whose answer is not sent yet. */
  async seen({ principal = "" }: { readonly principal?: string }): Promise<void> {
    await this.#watched.get(principal)?.();
  }

  /** Lets a process make so many calls, and kills it when the last of them has had its effect. */
  async killedAfter(worker: Worker & { readonly principal: string }, nth: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let count = 0;
    this.#watched.set(worker.principal, async () => {
      if (++count !== nth) return;
      await kill(worker);
      resolve();
    });
    const early = worker.ended.then(({ errors }) => {
      if (count < nth) throw new Error(`It ended after ${count} calls: ${errors}`);
    });
    await Promise.all([promise, early]);
    this.#watched.delete(worker.principal);
  }
}
