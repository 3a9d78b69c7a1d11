import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { isOurs } from "../ownership.ts";
import type { AcrContext } from "./context.ts";
import { findRegistry } from "./registry.ts";

/** Milliseconds for which it is believed what the registry's tags said. */
const believedMs = 60_000;

/**
 * The registry of a derived binding, which holds only where the container registry carries our tag: asked at the first call
 * that needs it. What deletes asks anew; a registry that is not there is asked for each time. Provisioning makes the tag, and
 * asks nothing.
 */
export function ifProvisioned(registry: ArtifactRegistry, context: AcrContext): ArtifactRegistry {
  let provenAt: number | undefined;
  const prove = async (call: Call, fresh?: "fresh") => {
    const now = call.now().getTime();
    if (!fresh && provenAt !== undefined && now - provenAt <= believedMs) return;
    provenAt = undefined;
    await refuseUnlessOurs(context, call);
    provenAt = now;
  };
  return {
    ...registry,
    async registryEndpoint(call) {
      await prove(call);
      return registry.registryEndpoint(call);
    },
    async createRepository(name, call) {
      await prove(call);
      return registry.createRepository(name, call);
    },
    async getRepository(name, call) {
      await prove(call);
      return registry.getRepository(name, call);
    },
    async deleteRepository(name, call) {
      await prove(call, "fresh");
      await registry.deleteRepository(name, call);
    },
    async generateCredentials(name, permissions, ttlSeconds, call) {
      await prove(call);
      return registry.generateCredentials(name, permissions, ttlSeconds, call);
    },
    async health(call) {
      await prove(call);
      return registry.health(call);
    },
  };
}

/** @throws BINDING_NOT_CONFIGURED where the registry was never provisioned, or is somebody else's */
async function refuseUnlessOurs(context: AcrContext, call: Call): Promise<void> {
  const own = await findRegistry(context, call);
  if (own === undefined || !isOurs(own.tags, context.names.prefix)) {
    throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", "The registry is not bound, and was not provisioned.", {
      hint: "Run provisionRegistry for it, or set its binding.",
      context: { field: "registry" },
    });
  }
  context.loginServer.learn(own.loginServer);
}
