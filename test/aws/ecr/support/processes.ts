import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AwsStack } from "../../support/stack.ts";
import type { Orders, Report } from "./worker.ts";

/** A process that runs operations under a session of its own. */
export interface Worker {
  readonly child: ChildProcess;
  /** What the calls of this process are made by. */
  readonly principal: string;
  readonly reports: Report[];
  /** Called at each line, when it has been read. */
  onReport: (report: Report) => void;
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>;
}

const script = join(import.meta.dirname, "worker.ts");

export function startWorker(stack: AwsStack, binding: object, orders: Orders): Worker {
  const { emulator, functionRole, account } = stack;
  const env = {
    PATH: process.env.PATH,
    ...stack.env(emulator.credentialsFor(functionRole, { name: orders.caller })),
    AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
    ALIEN_IMAGES_BINDING: stack.binding("images", binding),
  };
  const child = spawn(process.execPath, [script, JSON.stringify(orders)], { env, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  const worker: Worker = {
    child,
    principal: `arn:${emulator.partition}:sts::${account}:assumed-role/function/${orders.caller}`,
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
