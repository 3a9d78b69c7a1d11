import type { FunctionBinding, PlatformName } from "../../../client/index.ts";
import type { ArtifactRegistryError } from "../../../core/errors.ts";
import type { OidcIssuer } from "../../../core/oidc-issuers.ts";
import { createClient, type OciClient } from "../../../oci/client/index.ts";
import type { Form } from "./bundles.ts";
import type { Credentials } from "./run.ts";

/** Workers that prove who they are in one way: one that may do everything, and some that may not. */
export interface Callers {
  readonly form: Form;
  readonly worker: Calling;
  /** Whom the handler has seen when that worker is done, in their order. */
  readonly seenAs: readonly string[];
  readonly refused: Readonly<Record<string, Refused>>;
  /** What the platform does to a worker while it runs. */
  meanwhile?(): Promise<void>;
}

/** A platform with a handler's real bundle, and workers on that platform. */
export interface Place extends Callers {
  readonly platform: PlatformName;
  /** The handler behind the door for this platform's own workers. */
  open(): Promise<Opened>;
  /** The registry that holds an image. */
  reach(uri: string): string;
  stop(): Promise<void>;
}

/** One whose handler has a door for workers from elsewhere, too. */
export interface Cloud extends Place {
  openTo(guests: readonly Guests[]): Promise<Opened>;
}

/** Workers whose tokens are verified by the handler itself, wherever that is. */
export interface Guests extends Callers {
  readonly trusted: Trusted;
}

/** A handler behind a door, in a process of its own. */
export interface Opened {
  readonly url: string;
  readonly log: () => string;
  stop(): Promise<void>;
}

/** What a worker has of its platform. */
export interface Calling {
  readonly auth?: FunctionBinding["auth"];
  readonly env: Readonly<Record<string, string>>;
}

export interface Refused extends Calling {
  readonly code: ArtifactRegistryError["code"];
  readonly hint: RegExp;
  /** Whether the handler itself refused: then it has a line in its log. */
  readonly byHandler?: boolean;
}

/** How a handler refuses whom no rule names, and a token that does not count. */
export const unnamed = { code: "ACCESS_DENIED", hint: /ALIEN_ACCESS_RULES/, byHandler: true } as const;
export const unverified = {
  code: "AUTHENTICATION_ERROR",
  hint: /for the configured audience/,
  byHandler: true,
} as const;

/** Somebody whom an issuer vouches for. */
export interface Trusted extends OidcIssuer {
  readonly subject: string;
}

/** The variables of the `oidc` door. */
export function oidcEnv(trusted: readonly Trusted[]): Record<string, string> {
  const any = ["*"];
  const callers = trusted.map(({ issuer, subject }) => ({ issuer, subject }));
  const issuers = new Map(trusted.map(({ subject: _, ...issuer }) => [issuer.issuer, issuer]));
  return {
    ALIEN_OIDC_ISSUERS: JSON.stringify([...issuers.values()]),
    ALIEN_ACCESS_RULES: JSON.stringify([
      { callers, operations: any, registries: ["images"], repositories: any, permissions: ["pull", "push-pull"] },
    ]),
  };
}

/** A client that knows nothing but what the worker was given. */
export function clientWith({ authMethod, username, password }: Credentials, url: string): OciClient {
  const credentials = authMethod === "bearer" ? { bearer: password } : { username, password };
  return createClient({ url, credentials });
}

/** The audit log's lines. */
export function auditOf(log: string): { caller: { issuer: string; subject: string }; outcome: string }[] {
  const lines = log.split("\n").filter((line) => line.startsWith("{"));
  // The local registry logs its requests beside it, in the same form.
  return lines.map((line) => JSON.parse(line)).filter((line) => "outcome" in line && line.door !== "registry");
}
