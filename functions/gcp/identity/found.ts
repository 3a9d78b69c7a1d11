import { GoogleAuth } from "google-auth-library";

/** The identity that Google's libraries find: a file's, the metadata server's, another cloud's. */
export function foundIdentity(scopes: string[]): GoogleAuth {
  return new GoogleAuth({ scopes });
}
