import { ArtifactRegistryError } from "../../core/errors.ts";

/** A request as it is about to be sent. */
export interface Unsigned {
  readonly method: "POST";
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Adds what proves who calls. @returns all the headers of the request */
export type Authenticate = (request: Unsigned) => Promise<Record<string, string>>;

/** A proof of who calls as it stands at one moment: every request that it authenticates comes from the same caller. */
export interface Proof {
  readonly authenticate: Authenticate;
  /** The secret that the proof is made from. Whoever needs to tell callers apart looks at it; it is never stored. */
  readonly secret: { readonly token: string } | { readonly keys: AwsKeys };
}

/** Finds the caller's proof, or renews it. @throws ArtifactRegistryError where there is none */
export type Prove = (signal: AbortSignal) => Promise<Proof>;

/** What the AWS SDK resolves. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** The steps in which the SDK found them, each by the name of a feature. */
  readonly $source?: object;
}

/**
 * Explains the failure to load an optional package: `import("x").catch(notInstalled("x"))`, a form in which bundlers too let
 * it be absent.
 */
export function notInstalled(name: string): (cause: unknown) => never {
  return (cause) => {
    throw needed(name, cause);
  };
}

/** What says so, if that was what failed. @returns undefined for everything else */
export function missingPackage(cause: unknown): ArtifactRegistryError | undefined {
  const { code, message = "" } = (cause ?? {}) as { code?: unknown; message?: string };
  const name = code === "ERR_MODULE_NOT_FOUND" ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined;
  return name === undefined ? undefined : needed(name, cause);
}

function needed(name: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The package ${name} is needed here.`, {
    hint: `npm install ${name}`,
    cause,
  });
}

/** What an identity library threw. Its message may hold a token, so that only the cause has it. */
export function noIdentity(what: string, hint: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("AUTHENTICATION_ERROR", `${what} cannot be had here.`, { hint, cause });
}
