import { ArtifactRegistryError, type ErrorCode } from "../../../core/errors.ts";
import { OciError } from "../../../oci/client/index.ts";
import { LayoutError } from "../../../oci/client/layout/index.ts";

/**
 * Translates what a transfer threw into an error of the command line. What it does not know, it returns as it is.
 *
 * @param image the image at the registry, as the person named it
 * @param layout the path on this machine
 */
export function explainTransfer(error: unknown, image: string, layout: string): unknown {
  if (error instanceof LayoutError) {
    const hint = error.hint;
    return new ArtifactRegistryError("INVALID_INPUT", `${layout}: ${error.message}`, { hint, cause: error });
  }
  if (error instanceof OciError) return explainRegistry(error, image);
  return explainFile(error, layout) ?? error;
}

function explainRegistry(error: OciError, image: string): ArtifactRegistryError {
  const { status, code, retryAfterSeconds } = error;
  const told = (what: ErrorCode, message: string, hint?: string, retryable = false) =>
    new ArtifactRegistryError(what, message, { hint, retryable, retryAfterSeconds, cause: error });
  if (code === "DIGEST_MISMATCH") {
    return told("UNEXPECTED_RESPONSE_FORMAT", `The registry sent damaged content: ${error.message}`, undefined, true);
  }
  if (status === 0) {
    const hint = "Check the network, and HTTPS_PROXY if there is a proxy. What was sent is not sent again.";
    const message = code === "NETWORK" ? "The registry cannot be reached, or broke off." : error.message;
    return told("SERVICE_UNAVAILABLE", message, hint, code === "NETWORK");
  }
  if (status === 401 || status === 403) {
    return told(
      "ACCESS_DENIED",
      `The registry refused: ${error.message}`,
      "The credentials may have expired. Try again.",
    );
  }
  if (status === 404) {
    return told(
      "RESOURCE_NOT_FOUND",
      `There is no image "${image}".`,
      "`alien-registry images` lists those that are there.",
    );
  }
  if (status === 413) return told("PAYLOAD_TOO_LARGE", `The registry takes nothing so large: ${error.message}`);
  if (status === 507) return told("QUOTA_EXCEEDED", `The registry has no room: ${error.message}`);
  if (status === 429 || status === 503) {
    return told("SERVICE_UNAVAILABLE", `The registry is busy: ${error.message}`, "Try again later.", true);
  }
  return told("CLOUD_PLATFORM_ERROR", `The registry answered: ${error.message}`, undefined, status >= 500);
}

const fileFaults: Readonly<Record<string, string>> = {
  ENOENT: "There is no such file or folder.",
  EACCES: "This user may not use it.",
  EPERM: "This user may not use it.",
  EROFS: "The disk is read-only.",
  EISDIR: "It is a folder.",
  ENOTDIR: "A part of the path is no folder.",
};

function explainFile(error: unknown, layout: string): ArtifactRegistryError | undefined {
  const code = error instanceof Error && "syscall" in error && "code" in error ? String(error.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ArtifactRegistryError("QUOTA_EXCEEDED", `${layout}: The disk is full.`, { cause: error });
  }
  const what = Object.hasOwn(fileFaults, code) ? fileFaults[code] : undefined;
  return what === undefined
    ? undefined
    : new ArtifactRegistryError("INVALID_INPUT", `${layout}: ${what}`, { cause: error });
}
