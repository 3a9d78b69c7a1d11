import { AuthorizationManagementClient, getContinuationToken, type RoleAssignments } from "@azure/arm-authorization";
import type { OwnIdentity } from "../identity.ts";
import type { ResourceManager } from "../place.ts";

/** Azure's client for role assignments. The core repeats requests, so the client does not. */
export function createRoleAssignments(
  identity: OwnIdentity,
  subscriptionId: string,
  { url, scope }: ResourceManager,
): RoleAssignments {
  const options = { endpoint: url, credentialScopes: scope, retryOptions: { maxRetries: 0 } };
  return new AuthorizationManagementClient(identity, subscriptionId, options).roleAssignments;
}

export { getContinuationToken };
