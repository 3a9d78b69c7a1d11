import { ManagedIdentityCredential, type TokenCredential } from "@azure/identity";

/**
 * The identity that the platform gives the function. A `DefaultAzureCredential` would also try others, which have no place
 * in production. The core repeats requests, so the library does not.
 *
 * @param clientId the client id of a user-assigned identity; undefined for the function's system-assigned one
 */
export function managedIdentity(clientId: string | undefined): TokenCredential {
  const retryOptions = { maxRetries: 0 };
  return clientId === undefined
    ? new ManagedIdentityCredential({ retryOptions })
    : new ManagedIdentityCredential({ clientId, retryOptions });
}
