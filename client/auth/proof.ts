/** What proves to a function who calls it, and the errors for when there is no such proof. */
import { ArtifactRegistryError } from "../../core/errors.ts";

/** A request that is about to be sent. */
export interface Unsigned {
  readonly method: "POST";
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Adds the headers that prove who calls. @returns all headers of the request */
export type Authenticate = (request: Unsigned) => Promise<Record<string, string>>;

/** A proof at one moment in time: every request that it authenticates comes from the same caller. */
export interface Proof {
  readonly authenticate: Authenticate;
  /** The secret behind the proof, by which callers can be told apart. It is never stored. */
  readonly secret: { readonly token: string } | { readonly keys: AwsKeys };
}

/** Finds the caller's proof, or renews it. @throws ArtifactRegistryError when there is none */
export type Prove = (signal: AbortSignal) => Promise<Proof>;

/** Credentials as the AWS SDK resolves them. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** The steps by which the SDK found them. Each key is the name of an SDK feature. */
  readonly $source?: object;
}

/** Finds the package whose absence caused an error. @returns undefined for every other error */
export function missingPackage(cause: unknown): ArtifactRegistryError | undefined {
  const { code, message = "" } = (cause ?? {}) as { code?: unknown; message?: string };
  const name = code === "ERR_MODULE_NOT_FOUND" ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined;
  return name === undefined ? undefined : notInstalled(name, cause);
}

/**
 * Makes the error for optional packages that could not be loaded. Write `await import()` inside of `try`: every bundler
 * accepts an absent package there, and webpack accepts it nowhere else.
 *
 * @param packages all that are needed, with spaces between them, so that one command installs them
 */
export function notInstalled(packages: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `Not installed: ${packages.replaceAll(" ", ", ")}.`, {
    hint: `npm install ${packages}`,
    context: { packages },
    cause,
  });
}

/** Wraps what an identity library threw. Its message may hold a token, so it is kept as the cause only. */
export function noIdentity(what: string, hint: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("AUTHENTICATION_ERROR", `${what} could not be obtained.`, { hint, cause });
}
