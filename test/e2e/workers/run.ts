import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { FunctionBinding } from "../../../client/index.ts";
import type { WorkerBundle } from "./bundles.ts";

/** What the worker printed once it had its repository. */
export interface Prepared {
  readonly endpoint: string;
  readonly name: string;
  readonly uri: string;
  readonly push: Credentials;
  readonly pull: Credentials;
  readonly found: { readonly name: string };
}

export interface Credentials {
  readonly authMethod: "basic" | "bearer";
  readonly username: string;
  readonly password: string;
  readonly expiresAt: string;
  readonly scope: string;
}

/** The error that it met, as the author of the worker sees it. */
export interface Refusal {
  readonly exitCode: number | null;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
  readonly retryable?: boolean;
  readonly requestId?: string;
}

/** A bundle, where its registry is, and what its platform has put into its environment. */
export interface Worker {
  readonly bundle: WorkerBundle;
  readonly binding: Omit<FunctionBinding, "service">;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs a worker in a process of its own, with nothing in its environment but its own.
 *
 * @param use what is done with the credentials before the worker deletes its repository
 * @throws Error with what it printed, where it does not end well
 */
export async function work(worker: Worker, use: (prepared: Prepared) => Promise<void>): Promise<void> {
  const { child, lines, ended } = start(worker);
  const first = await lines.next();
  if (!first.done) {
    const prepared = JSON.parse(first.value) as Prepared;
    await use(prepared).finally(() => child.stdin.end());
    const second = await lines.next();
    const last = await ended;
    if (last.exitCode === 0 && second.value === JSON.stringify({ deleted: prepared.name })) return;
  }
  throw new Error(`The worker ended: ${JSON.stringify(await ended)}`);
}

/** Runs a worker that is refused. @returns what it said on its error output, and how it ended */
export async function refusalOf(worker: Worker): Promise<Refusal> {
  const { child, ended } = start(worker);
  child.stdin.end();
  const { exitCode, errors } = await ended;
  return { exitCode, ...(errors.startsWith("{") ? JSON.parse(errors) : { message: errors }) };
}

function start({ bundle, binding, env }: Worker) {
  const ALIEN_IMAGES_BINDING = JSON.stringify({ service: "function", ...binding });
  const child = spawn(process.execPath, [bundle.file], { env: { ...env, ALIEN_IMAGES_BINDING } });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  // Who has ended reads no more.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<{ exitCode: number | null; errors: string }>((resolve) => {
    child.once("close", (exitCode) => resolve({ exitCode, errors }));
  });
  return { child, lines, ended };
}
