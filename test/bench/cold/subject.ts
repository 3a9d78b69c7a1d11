import type { Bundle } from "../../support/bundle.ts";
import type { ColdStart } from "../../support/cold-start.ts";

/** A platform's function, and how it is started cold. */
export interface Subject {
  readonly name: string;
  readonly bundle: Bundle;
  /** The source of a function that does nothing. */
  readonly empty: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts the function in `file`, asks it for a credential, and tells whether it gave one. */
  run(file: string, env: Subject["env"]): Promise<ColdStart<unknown> & { readonly minted: boolean }>;
  stop(): void;
}

export const credentials = { registry: "images", repoId: "my-app", permissions: "pull" };

export function rulesFor(issuer: string, subject: string): string {
  const minting = { operations: ["generateCredentials"], registries: ["images"], repositories: ["*"] };
  return JSON.stringify([{ callers: [{ issuer, subject }], ...minting, permissions: ["pull"] }]);
}
