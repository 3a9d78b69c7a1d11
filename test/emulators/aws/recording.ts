import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { CallRecord } from "./call.ts";

/** The folder that every emulator writes its requests into; unset, nothing is written. */
export const recordingFolder = "AWS_EMULATOR_REQUESTS";

const written = new Set<string>();

/** Writes a request down where somebody wants to look at all of them; the same request once for each process. */
export function record({ service, action, input, principal, outcome }: CallRecord): void {
  const folder = process.env[recordingFolder];
  if (folder === undefined) return;
  const line = JSON.stringify({ service, action, input, principal, outcome });
  if (written.has(line)) return;
  written.add(line);
  appendFileSync(join(folder, `${process.pid}.jsonl`), `${line}\n`);
}
