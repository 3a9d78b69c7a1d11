import { ArtifactRegistryError } from "../../core/errors.ts";
import { OciError } from "../../oci/client/index.ts";

/** Translates the local registry's errors into errors for a caller of the suite. Returns everything else as it is. */
export function translateRegistryError(thrown: unknown): unknown {
  if (!(thrown instanceof OciError)) return thrown;
  const { status, retryAfterSeconds } = thrown;
  const options = { cause: thrown, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  if (status === 0) {
    return new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The local registry does not answer.", {
      ...options,
      retryable: true,
      hint: "Check that it runs and that the binding's registryUrl is right.",
    });
  }
  if (status === 401 || status === 403) {
    return new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The local registry refused the adapter's own token.", {
      ...options,
      hint: "The binding's dataDir must be that of the registry at registryUrl.",
    });
  }
  if (status === 507) {
    return diskFull(thrown);
  }
  if (thrown.code === "READ_ONLY") {
    return new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The disk of the local registry is read-only.", {
      ...options,
      hint: "It serves pulls, and takes no changes. Look at the disk of DATA_DIR: systems make a broken one read-only.",
    });
  }
  if (status === 429 || status === 503) {
    return new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The local registry is busy.", {
      ...options,
      retryable: true,
    });
  }
  return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `The local registry answered with status ${status}.`, {
    ...options,
    retryable: status >= 500,
  });
}

export function diskFull(cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("QUOTA_EXCEEDED", "The disk of the local registry is full.", {
    cause,
    hint: "Delete repositories that are not needed, or give DATA_DIR more room.",
  });
}
