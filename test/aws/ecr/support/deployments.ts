import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import type { ErrorJson } from "../../../../core/errors.ts";
import { extractCommit } from "../../../support/commits.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../../../..");

/** The source of an earlier version in a folder of its own, with the packages of this one, and its bundle for Lambda. */
export async function bundleOfCommit(commit: string): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "earlier-version-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    extractCommit(commit, folder);
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await run(process.execPath, ["scripts/build.ts", "aws"], { cwd: folder });
  } catch (error) {
    await remove();
    throw error;
  }
  return { file: join(folder, "dist/aws/index.js"), remove };
}

/** What a function answered to an invocation. */
export interface Invoked {
  readonly answer?: unknown;
  readonly error?: ErrorJson;
}

/** A deployed function: the bundle in a process of its own. */
export interface Deployed {
  invoke(event: object): Promise<Invoked>;
  stop(): Promise<void>;
}

/** @param remainingMs milliseconds that Lambda leaves to each invocation */
export function deploy(file: string, env: Readonly<Record<string, string>>, remainingMs: number): Deployed {
  const child = spawn(process.execPath, [join(import.meta.dirname, "invoked.cjs"), file, String(remainingMs)], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["pipe", "ignore", "pipe", "pipe"],
  });
  const waiting = new Map<number, PromiseWithResolvers<Invoked>>();
  let errors = "";
  let count = 0;
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
    const { id, ...outcome } = JSON.parse(line) as Invoked & { readonly id: number };
    waiting.get(id)?.resolve(outcome);
    waiting.delete(id);
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  void ended.then(() => {
    for (const each of waiting.values()) each.reject(new Error(`The function has ended: ${errors}`));
  });
  return {
    invoke(event) {
      const id = ++count;
      const answer = Promise.withResolvers<Invoked>();
      waiting.set(id, answer);
      child.stdin?.write(`${JSON.stringify({ id, event })}\n`);
      return answer.promise;
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
