import { type ColdStart, coldStart as start } from "../../support/cold-start.ts";
import type { Golden } from "../handler/golden.ts";

/** What a function answered over HTTP. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Loads the function in `file` under the framework, in a process of its own, and sends it one request. */
export function coldStart(
  file: string,
  target: "artifactRegistry" | "artifactRegistryEvents",
  golden: Golden,
  env: Readonly<Record<string, string>>,
): Promise<ColdStart<Answer>> {
  return start(new URL("child.cjs", import.meta.url), [file, target, JSON.stringify(golden)], env);
}
