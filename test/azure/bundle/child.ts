import { type ColdStart, coldStart as start } from "../../support/cold-start.ts";

/** What a function answered over HTTP. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A request over HTTP, or an event of Event Grid's. */
export type Asked =
  | {
      readonly method?: string;
      readonly path: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  | { readonly event: unknown };

/** Loads the function app whose main file is `file` in a process of its own, and sends the function one request. */
export function coldStart(
  file: string,
  name: "artifactRegistry" | "artifactRegistryEvents",
  asked: Asked,
  env: Readonly<Record<string, string>>,
): Promise<ColdStart<Answer>> {
  return start(new URL("child.cjs", import.meta.url), [file, name, JSON.stringify(asked)], env);
}
