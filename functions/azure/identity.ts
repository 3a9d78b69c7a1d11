import type { AccessToken, TokenCredential } from "@azure/identity";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { once } from "../../core/once.ts";
import type { Environment } from "../../core/platform.ts";

/** The function's own identity. Its library is loaded when somebody first asks for a token. The library keeps the tokens. */
export interface OwnIdentity extends TokenCredential {
  /**
   * @param scope as `https://containerregistry.azure.net/.default`
   * @throws BINDING_CONFIG_INVALID where the function has no identity
   */
  getToken(scope: string | string[], options?: Parameters<TokenCredential["getToken"]>[1]): Promise<AccessToken>;
}

const what = "The function's own token";

/** @param env `AZURE_CLIENT_ID` names a user-assigned identity, as it does for Azure's own libraries */
export function createOwnIdentity(env: Environment): OwnIdentity {
  const load = once(async () =>
    (await import("./managed-identity.ts")).managedIdentity(env.AZURE_CLIENT_ID || undefined),
  );
  return {
    async getToken(scope, options) {
      try {
        const token = await (await load()).getToken(scope, options);
        if (token !== null) return token;
      } catch (error) {
        throw options?.abortSignal?.aborted ? error : translateIdentityError(error);
      }
      throw noIdentity();
    },
  };
}

function translateIdentityError(error: unknown): ArtifactRegistryError {
  if (error instanceof ArtifactRegistryError) return error;
  const { status, code } = sourceOf(error);
  if (status === 429) {
    return new ArtifactRegistryError("RATE_LIMIT_EXCEEDED", `${what}: the request was throttled.`, {
      retryable: true,
      cause: error,
    });
  }
  if (code === "network_error" || (status !== undefined && status >= 500)) {
    return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `${what}: the identity endpoint does not answer.`, {
      retryable: true,
      hint: "Check that the function has a managed identity, because without one there is no such endpoint.",
      cause: error,
    });
  }
  return noIdentity(error);
}

function noIdentity(cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The function gets no token for its managed identity.", {
    hint: "Assign the identity to the function. Name a user-assigned one by its client id in AZURE_CLIENT_ID.",
    cause,
  });
}

/** The status and code of the original failure, which the identity library wraps in an error of its own. */
function sourceOf(error: unknown): { readonly status?: number; readonly code?: string } {
  const source = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (typeof source !== "object" || source === null) return {};
  const { status, errorCode } = source as { status?: unknown; errorCode?: unknown };
  return {
    ...(typeof status === "number" && { status }),
    ...(typeof errorCode === "string" && { code: errorCode }),
  };
}
