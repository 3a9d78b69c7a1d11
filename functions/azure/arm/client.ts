import { ContainerRegistryManagementClient, restorePoller } from "@azure/arm-containerregistry";
import type { OwnIdentity } from "../identity.ts";
import type { ResourceManager } from "../place.ts";

/**
 * Azure Resource Manager's client for container registries. The core repeats requests, so the client does not.
 *
 * @param apiVersion of the interface; the client's own if it is undefined
 */
export function createClient(
  identity: OwnIdentity,
  subscriptionId: string,
  { url, scope }: ResourceManager,
  apiVersion?: string,
) {
  return new ContainerRegistryManagementClient(identity, subscriptionId, {
    ...(apiVersion !== undefined && { apiVersion }),
    endpoint: url,
    // By default the client would take the endpoint for the audience of its tokens, too. An emulator's endpoint is none.
    credentials: { scopes: [scope] },
    retryOptions: { maxRetries: 0 },
  });
}

export { restorePoller };
