import { ManagedIdentityCredential, type TokenCredential } from "@azure/identity";

/**
 * The identity that the platform gives the function, and no other: what else a `DefaultAzureCredential` would try has
 * no place in production. Repeating is the core's.
 *
 * @param clientId of a user-assigned identity; absent for the function's system-assigned one
 */
export function managedIdentity(clientId: string | undefined): TokenCredential {
  const retryOptions = { maxRetries: 0 };
  return clientId === undefined
    ? new ManagedIdentityCredential({ retryOptions })
    : new ManagedIdentityCredential({ clientId, retryOptions });
}
