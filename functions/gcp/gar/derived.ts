import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { isOurs } from "../ownership.ts";
import type { GarContext } from "./context.ts";
import { findRepository } from "./repository.ts";

/** Milliseconds for which it is believed what the repository's labels said. */
const believedMs = 60_000;

/**
 * The registry of a derived binding, which holds only where the repository carries our label: asked at the first call that
 * needs it. What changes grants, or deletes, asks anew; a registry that is not there is asked for each time. Provisioning
 * makes the label, and asks nothing.
 */
export function ifProvisioned(registry: ArtifactRegistry, context: GarContext): ArtifactRegistry {
  let provenAt: number | undefined;
  const prove = async (call: Call, fresh?: "fresh") => {
    const now = call.now().getTime();
    if (!fresh && provenAt !== undefined && now - provenAt <= believedMs) return;
    provenAt = undefined;
    await refuseUnlessOurs(context, call);
    provenAt = now;
  };
  const { crossAccount } = registry;
  return {
    ...registry,
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
    ...(crossAccount && {
      crossAccount: {
        async add(name, access, call) {
          await prove(call, "fresh");
          await crossAccount.add(name, access, call);
        },
        async remove(name, access, call) {
          await prove(call, "fresh");
          await crossAccount.remove(name, access, call);
        },
        async get(name, call) {
          await prove(call);
          return crossAccount.get(name, call);
        },
      },
    }),
    async health(call) {
      // Behind the provision door it is said what is missing.
      if (context.env.ALIEN_DOOR !== "provision") await prove(call);
      return registry.health(call);
    },
  };
}

/** @throws BINDING_NOT_CONFIGURED where the registry was never provisioned, or is somebody else's */
async function refuseUnlessOurs(context: GarContext, call: Call): Promise<void> {
  const own = await findRepository(context, call);
  if (own && isOurs(own.labels ?? {}, context.place)) return;
  throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", "The registry is not bound, and was not provisioned.", {
    hint: "Run provisionRegistry for it, or set its binding.",
    context: { field: "registry" },
  });
}
