import { ContainerRegistryManagementClient, restorePoller } from "@azure/arm-containerregistry";
import type { OwnIdentity } from "../identity.ts";
import type { ResourceManager } from "../place.ts";

/** Azure Resource Manager's client for container registries. The core repeats requests, so the client does not. */
export function createClient(identity: OwnIdentity, subscriptionId: string, { url, scope }: ResourceManager) {
  return new ContainerRegistryManagementClient(identity, subscriptionId, {
    endpoint: url,
    // By default the client would take the endpoint for the audience of its tokens, too. An emulator's endpoint is none.
    credentials: { scopes: [scope] },
    retryOptions: { maxRetries: 0 },
  });
}

export { restorePoller };
