import type { AccessToken, TokenCredential } from "@azure/identity";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { once } from "../../core/once.ts";
import type { Environment } from "../../core/platform.ts";
import { managedIdentity } from "./managed-identity.ts";

/** The identity that this process works as. Tokens are kept for as long as they are of use. */
export interface OwnIdentity extends TokenCredential {
  /**
   * @param scope as `https://containerregistry.azure.net/.default`
   * @throws BINDING_CONFIG_INVALID where there is no identity
   */
  getToken(scope: string | string[], options?: Parameters<TokenCredential["getToken"]>[1]): Promise<AccessToken>;
}

/**
 * The managed identity where the platform gives one, by one plain request. Anywhere else Microsoft's library finds an identity, and is loaded when
 * somebody first asks for a token.
 *
 * @param env `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, which the platform sets. `AZURE_CLIENT_ID` names a user-assigned identity, as it does
 *   for Azure's own libraries
 */
export function createOwnIdentity(env: Environment): OwnIdentity {
  const managed = managedIdentity(env);
  const other = once(async () => (await import("./other-identity.ts")).otherIdentity(env));
  return {
    async getToken(scope, options) {
      if (managed) {
        const [first = ""] = [scope].flat();
        return managed(first.replace(/\/\.default$/, ""), options?.abortSignal as AbortSignal | undefined);
      }
      try {
        const token = await (await other()).getToken(scope, options);
        if (token !== null) return token;
      } catch (error) {
        throw options?.abortSignal?.aborted ? error : noIdentity(error);
      }
      throw noIdentity();
    },
  };
}

function noIdentity(cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", "There is no Azure identity to work as.", {
    hint:
      "Sign in with az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret or a federated token. In a function app, assign a " +
      "managed identity, and name a user-assigned one by its client id in AZURE_CLIENT_ID.",
    cause,
  });
}
