import { ContainerRegistryManagementClient, restorePoller } from "@azure/arm-containerregistry";
import type { OwnIdentity } from "../identity.ts";
import type { ResourceManager } from "../place.ts";

/** Azure Resource Manager's client for container registries. The core repeats requests, so the client does not. */
export function createClient(identity: OwnIdentity, subscriptionId: string, { url, scope }: ResourceManager) {
  return new ContainerRegistryManagementClient(identity, subscriptionId, {
    endpoint: url,
    // By default the endpoint would be the audience, too; an emulator's is not one.
    credentials: { scopes: [scope] },
    retryOptions: { maxRetries: 0 },
  });
}

export { restorePoller };
