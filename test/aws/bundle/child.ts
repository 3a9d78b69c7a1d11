import { type ColdStart, coldStart as start } from "../../support/cold-start.ts";

/** Loads the function in `file` in a process of its own, and invokes it once. */
export function coldStart(
  file: string,
  event: object,
  env: Readonly<Record<string, string>>,
): Promise<ColdStart<unknown>> {
  return start(new URL("child.cjs", import.meta.url), [file, JSON.stringify(event)], env);
}
