import { join } from "node:path";
import { build } from "esbuild";
import { common } from "../../../scripts/bundle/function.ts";
import { type Bundle, bundleOf } from "../../support/bundle.ts";
import type { ColdStart } from "../../support/cold-start.ts";
import type { StubOptions } from "./stub.ts";

/** A platform's function, and how it is started cold. */
export interface Subject {
  readonly name: "aws" | "azure" | "gcp";
  /** The sources of functions beside ours: of one that does nothing, and of those that make the same requests in other ways. */
  readonly others: { readonly empty: string } & Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Starts the function in `file`, asks it for a credential, and tells whether it gave one. */
  run(file: string, env: Subject["env"]): Promise<ColdStart<unknown> & { readonly minted: boolean }>;
  stop(): void;
}

/** Opens a subject before stubs of its cloud. */
export type OpenSubject = (stubs: StubOptions) => Promise<Subject>;

export const credentials = { registry: "images", repoId: "my-app", permissions: "pull" };

export function rulesFor(issuer: string, subject: string): string {
  const minting = { operations: ["generateCredentials"], registries: ["images"], repositories: ["*"] };
  return JSON.stringify([{ callers: [{ issuer, subject }], ...minting, permissions: ["pull"] }]);
}

/** Bundles a source as our functions are bundled. */
export async function bundleSource(contents: string, outfile: string): Promise<string> {
  const resolveDir = join(import.meta.dirname, "../../..");
  const external = ["@google-cloud/functions-framework", "@azure/functions-core"];
  await build({ ...common, stdin: { contents, resolveDir }, external, format: "cjs", outfile, legalComments: "none" });
  return outfile;
}

export function bundleFor({ name }: Subject): Bundle {
  return bundleOf(name);
}
