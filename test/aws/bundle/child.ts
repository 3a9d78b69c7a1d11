import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("child.cjs", import.meta.url));

/** What one cold start did. */
export interface ColdStart {
  readonly answer?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
  /** From before the import: to its end, and to the answer of the first invocation. */
  readonly milliseconds: { readonly import: number; readonly total: number };
  /** Paths of the files that were loaded, as Node names them. */
  readonly loaded: readonly string[];
}

/** Starts a process that loads the function in `file` and invokes it once, with this environment and no other. */
export async function coldStart(
  file: string,
  event: object,
  env: Readonly<Record<string, string>>,
): Promise<ColdStart> {
  const child = spawn(process.execPath, [script, file, JSON.stringify(event)], {
    env: { ...env },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const [said] = await Promise.all([text(child.stdio[3] as Readable), once(child, "exit")]);
  return JSON.parse(said);
}
