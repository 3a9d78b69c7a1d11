import { ifProvisioned, proofOf } from "../../../core/provisioned.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { isOurs } from "../ownership.ts";
import type { AcrContext } from "./context.ts";
import { findRegistry } from "./registry.ts";

/** The registry of a derived binding, which holds only where the container registry carries our tag. */
export function derivedRegistry(registry: ArtifactRegistry, context: AcrContext): ArtifactRegistry {
  const prove = proofOf(async (call) => {
    const own = await findRegistry(context, call);
    if (own === undefined || !isOurs(own.tags, context.names.prefix)) return false;
    context.loginServer.learn(own.loginServer);
    return true;
  });
  return {
    ...ifProvisioned(registry, prove),
    // The same look tells both.
    async registryEndpoint(call) {
      await prove(call);
      return registry.registryEndpoint(call);
    },
  };
}
