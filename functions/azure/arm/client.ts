import { ContainerRegistryManagementClient, restorePoller } from "@azure/arm-containerregistry";
import type { OwnIdentity } from "../identity.ts";
import type { ResourceManager } from "../place.ts";

/** Azure Resource Manager's client for container registries. Repeating is the core's, so the client's own is off. */
export function createClient(identity: OwnIdentity, subscriptionId: string, { url, scope }: ResourceManager) {
  return new ContainerRegistryManagementClient(identity, subscriptionId, {
    endpoint: url,
    // Else the endpoint would be the audience too, and an emulator's is none.
    credentials: { scopes: [scope] },
    retryOptions: { maxRetries: 0 },
  });
}

export { restorePoller };
