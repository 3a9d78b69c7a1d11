import { ArtifactRegistryError } from "../../core/errors.ts";

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
