// Not from the package's index, which loads every kind of identity that there is.
import { Compute } from "google-auth-library/build/src/auth/computeclient.js";

/** The identity that the metadata server gives. */
export function metadataIdentity(scopes: string[]): Compute {
  return new Compute({ scopes });
}
