import type { AuthClient } from "google-auth-library";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { once } from "../../core/once.ts";
import type { Environment } from "../../core/platform.ts";
import { translateGoogleError } from "./errors.ts";

/** The widest scope. Artifact Registry documents no narrower one that may push; IAM limits what a token opens. */
export const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform";

/** The function's own identity. */
export interface OwnIdentity {
  /**
   * A client that sends requests under this identity. It has fetched its token.
   *
   * @throws BINDING_CONFIG_INVALID where the function has no identity
   */
  client(): Promise<AuthClient>;
}

export function createOwnIdentity(env: Environment): OwnIdentity {
  const found = once(() => findClient(env));
  return {
    async client() {
      const search = found();
      try {
        const client = await search;
        // Fetched before the request that needs it, so that its failure is not mistaken for that of the request.
        await client.getAccessToken();
        return client;
      } catch (error) {
        // The next call searches again: by then the file that the identity comes from may have been mended.
        found.forget(search);
        throw translateIdentityError(error);
      }
    },
  };
}

/**
 * On Cloud Run the metadata server gives the identity. The client for that alone is a small part of the library, and does
 * not first look for files, for programs and for the name of a project, which takes longer than everything else.
 * Elsewhere the identity is found as Google's libraries find it.
 */
async function findClient(env: Environment): Promise<AuthClient> {
  // Of a CommonJS package that is loaded lazily, a bundle has the default export only.
  if (env.K_SERVICE && !env.GOOGLE_APPLICATION_CREDENTIALS) {
    // The package's index would load every kind of identity that there is.
    const { default: library } = await import("google-auth-library/build/src/auth/computeclient.js");
    return new library.Compute({ scopes: [cloudPlatform] });
  }
  const { default: library } = await import("google-auth-library");
  return new library.GoogleAuth({ scopes: [cloudPlatform] }).getClient();
}

function translateIdentityError(error: unknown): unknown {
  const translated = translateGoogleError(error, "The function's own token", "an identity");
  if (!(translated instanceof ArtifactRegistryError) || translated.retryable) return translated;
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The function has no Google Cloud identity.", {
    hint: "Run it under a service account, or set GOOGLE_APPLICATION_CREDENTIALS.",
    cause: error,
  });
}
