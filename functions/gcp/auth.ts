import { type AuthClient, GoogleAuth } from "google-auth-library";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { translateGoogleError } from "./errors.ts";

/** The widest scope: Artifact Registry documents no narrower one that pushes. IAM bounds what it opens. */
export const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform";

/** The function's own identity, found as Google's libraries find it. */
export interface OwnIdentity {
  readonly auth: GoogleAuth;
  /**
   * A client that sends requests under this identity; its token has been fetched.
   *
   * @throws BINDING_CONFIG_INVALID where there is no identity
   */
  client(): Promise<AuthClient>;
  /** The address of the service account that this is; undefined for identities that are none. */
  email(): Promise<string | undefined>;
}

export function createOwnIdentity(): OwnIdentity {
  const auth = new GoogleAuth({ scopes: [cloudPlatform] });
  return {
    auth,
    async client() {
      try {
        const client = await auth.getClient();
        // Fetched apart from the request that it is for, so that its failure is not taken for the request's.
        await client.getAccessToken();
        return client;
      } catch (error) {
        throw translateOwn(error);
      }
    },
    async email() {
      try {
        return (await auth.getCredentials()).client_email;
      } catch (error) {
        throw translateOwn(error);
      }
    },
  };
}

function translateOwn(error: unknown): unknown {
  const translated = translateGoogleError(error, "The function's own token", "an identity");
  if (!(translated instanceof ArtifactRegistryError) || translated.retryable) return translated;
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The function has no Google Cloud identity.", {
    hint: "Run it under a service account, or set GOOGLE_APPLICATION_CREDENTIALS.",
    cause: error,
  });
}
