import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

/** What one cold start did. */
export interface ColdStart<Answer> {
  readonly answer?: Answer;
  readonly error?: { readonly name: string; readonly message: string };
  /** From before the import: to its end, and to the answer of the first invocation; and what all of it took of the processor. */
  readonly milliseconds: { readonly import: number; readonly total: number; readonly processor: number };
  /** Paths of the files that were loaded, as Node names them. */
  readonly loaded: readonly string[];
}

/**
 * Starts a process that loads a function and invokes it once, with this environment and no other.
 *
 * @param script does so, and tells on the third stream what came of it
 */
export async function coldStart<Answer>(
  script: URL,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ColdStart<Answer>> {
  const child = spawn(process.execPath, [script.pathname, ...args], {
    env: { ...env },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const [said] = await Promise.all([text(child.stdio[3] as Readable), once(child, "exit")]);
  return JSON.parse(said);
}
